//! The generated Kaitai Struct specification, read by Kaitai's own compiler and runtime, against
//! our tables and our JSON: every field of every record, its name, offset, size and value.
//!
//! Images: every sample, and for each dialect and byte order a made-up one that holds every record
//! in every variant. Needs Node.js; the packages come from `tests/kaitai/package-lock.json`.

mod driver;
mod images;
mod lines;
mod tables;

#[test]
fn kaitai_reads_the_same_as_our_tables_and_our_json() {
    if !driver::is_ready() {
        return;
    }
    let mut cases = images::samples();
    let samples = cases.len();
    assert!(samples >= 18, "samples are missing");
    cases.extend(images::made_up_images());
    let answers = driver::parse(&cases);
    assert_eq!(answers.len(), cases.len());
    let both = || cases.iter().zip(&answers);
    let records: usize = both()
        .map(|(case, answer)| tables::compare(case, answer))
        .sum();
    let values: usize = both()
        .take(samples)
        .map(|(case, answer)| lines::compare(case, answer))
        .sum();
    println!(
        "{} images, {records} records agree with the tables",
        cases.len()
    );
    assert!(records > 20_000, "only {records} records were compared");
    println!("{samples} samples, {values} values agree with the JSON lines");
    assert!(values > 20_000, "only {values} values were compared");
}
