//! Writes a large image for measurements.
//!
//! `big pages TOTAL_BYTES PAGES_PER_GROUP FILE [filled]`, `big records|vmas|runs|tasks COUNT FILE`.
//! Page contents are holes unless `filled` is given. All images are R17 ARM.

use std::env::args;
use std::fs::File;
use std::io::{self, BufWriter, Write};

use ckpt_samples::big::{Filled, Sparse, page_groups, records, runs, tasks, vmas};

fn main() -> io::Result<()> {
    let args: Vec<String> = args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let number = |text: &str| text.parse::<u64>().map_err(io::Error::other);
    let create =
        |path: &str| File::create(path).map(|file| BufWriter::with_capacity(1 << 20, file));
    match args[..] {
        ["pages", total, group, path] => {
            let group = u32::try_from(number(group)?).map_err(io::Error::other)?;
            let mut to = Sparse(create(path)?);
            page_groups(&mut to, 17, number(total)?, group)?;
            to.0.flush()
        }
        ["pages", total, group, path, "filled"] => {
            let group = u32::try_from(number(group)?).map_err(io::Error::other)?;
            page_groups(&mut Filled::new(create(path)?), 17, number(total)?, group)
        }
        ["records", count, path] => records(&mut Filled::new(create(path)?), 17, number(count)?),
        ["vmas", count, path] => vmas(&mut Filled::new(create(path)?), 17, number(count)?),
        ["runs", count, path] => runs(&mut Filled::new(create(path)?), 17, number(count)?),
        ["tasks", count, path] => tasks(&mut Filled::new(create(path)?), 17, number(count)?),
        _ => Err(io::Error::other(
            "see the head of this example for its arguments",
        )),
    }
}
