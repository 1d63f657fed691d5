//! Manual pages from the definition of the command line.

use clap::Command;
use clap_mangen::{
    Man,
    roff::{Roff, roman},
};

/// The page of a program. Paragraphs behind the options, such as `Examples:` and `Exit status:`, become sections.
pub fn man(command: &Command) -> Vec<u8> {
    let sections = command
        .get_after_long_help()
        .or(command.get_after_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let man = Man::new(command.clone().after_help("").after_long_help(""));
    let mut page = Vec::new();
    // Nothing fails: the page is written to memory.
    let _ = man.render(&mut page);
    let mut roff = Roff::new();
    for section in sections.split("\n\n") {
        add(&mut roff, section);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(
        "ckpt-inspect(1), ckpt-check(1), ckpt-convert(1), criu(8), core(5), file(1)",
    )]);
    page.extend_from_slice(roff.render().as_bytes());
    page
}

/// A title, a colon, and text: lines that are indented stay as they are.
fn add(roff: &mut Roff, section: &str) {
    let (title, text) = section.split_once(':').unwrap_or((section, ""));
    roff.control("SH", [title.to_uppercase().as_str()]);
    let mut lines = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .peekable();
    let is_verbatim = |line: &str| line.starts_with("  ");
    while let Some(first) = lines.next() {
        let verbatim = is_verbatim(first);
        let mut block = vec![roman(first.trim_start())];
        while let Some(line) = lines.next_if(|line| is_verbatim(line) == verbatim) {
            block.push(roman(format!("\n{}", line.trim_start())));
        }
        if verbatim {
            roff.control("nf", []);
        }
        roff.text(block);
        if verbatim {
            roff.control("fi", []);
        }
    }
}
