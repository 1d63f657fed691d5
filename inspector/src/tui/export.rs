//! Writing a piece of the image, or of a process, to a file.

use super::hex;
use ckpt_cli::output::Atomic;
use ckpt_parser::memory::Memory;
use ckpt_parser::model::{Image, ObjRef};
use ckpt_parser::source::{Source, Window};
use std::io::{self, Write};
use std::path::PathBuf;

/// What to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Bytes of the image.
    Image {
        /// Where.
        offset: u64,
        /// How many.
        len: u64,
    },
    /// Memory; what is not in the image is written as zeros, and told.
    Memory {
        /// Address space.
        mm: ObjRef,
        /// First address.
        addr: u64,
        /// How many bytes.
        len: u64,
    },
    /// Text that the interface has put together: lists, and records as JSON.
    Text(String),
}

/// How to write bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As they are.
    Raw,
    /// As hexyl lays them out.
    Hex,
    /// As a JSON object: start, and bytes in hexadecimal.
    Json,
}

impl Form {
    /// Names, as the command line takes them.
    pub const NAMES: [(&'static str, Form); 3] =
        [("raw", Form::Raw), ("hex", Form::Hex), ("json", Form::Json)];
}

/// A piece, a form and a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// What to write.
    pub what: What,
    /// How.
    pub form: Form,
    /// Where; the file must not exist yet.
    pub to: PathBuf,
}

/// Bytes written at once: a multiple of every line length.
const PIECE: u64 = 1 << 20;

impl Export {
    /// Writes; returns what to say about it.
    ///
    /// # Errors
    /// Those of the operating system; `AlreadyExists` rather than writing over a file.
    pub fn write(&self, source: Box<dyn Source>, image: Option<&Image>) -> io::Result<String> {
        let whole = Atomic::create(&self.to, false)?;
        let mut file = io::BufWriter::new(whole.file()?);
        let mut unknown = 0;
        let len = match &self.what {
            What::Text(text) => {
                file.write_all(text.as_bytes())?;
                text.len() as u64
            }
            What::Image { offset, len } => {
                let mut window = Window::new(source);
                self.pieces(*offset, *len, &mut file, |at, n| {
                    Ok(window.bytes(at, n)?.to_vec())
                })?
            }
            What::Memory { mm, addr, len } => {
                let missing = || {
                    io::Error::new(
                        io::ErrorKind::NotFound,
                        "the address space is not known yet",
                    )
                };
                let image = image.ok_or_else(missing)?;
                let mm = image.mms.get(mm).ok_or_else(missing)?;
                let mut memory = Memory::new(image, source);
                self.pieces(*addr, *len, &mut file, |at, n| {
                    let mut bytes = vec![0; n];
                    let spans = memory.read(mm, at, &mut bytes)?;
                    let lacking = spans.iter().filter(|span| !span.is_known());
                    unknown += lacking.map(|span| span.len).sum::<u64>();
                    Ok(bytes)
                })?
            }
        };
        file.flush()?;
        whole.commit()?;
        let to = self.to.display();
        Ok(match unknown {
            0 => format!("{len} bytes written to {to}"),
            _ => format!(
                "{} of {len} bytes are in the image; the rest are zeros in {to}",
                len.saturating_sub(unknown)
            ),
        })
    }

    fn pieces(
        &self,
        start: u64,
        len: u64,
        out: &mut impl Write,
        mut read: impl FnMut(u64, usize) -> io::Result<Vec<u8>>,
    ) -> io::Result<u64> {
        let mut done = 0;
        if self.form == Form::Json {
            write!(out, "{{\"start\":\"{start:#x}\",\"bytes\":\"")?;
        }
        while done < len {
            let bytes = read(start + done, PIECE.min(len - done) as usize)?;
            if bytes.is_empty() {
                break;
            }
            match self.form {
                Form::Raw => out.write_all(&bytes)?,
                Form::Hex => {
                    for line in hex::lines(&bytes, start + done, 2, true) {
                        writeln!(out, "{}", line.text.trim_end())?;
                    }
                }
                Form::Json => {
                    for byte in &bytes {
                        write!(out, "{byte:02x}")?;
                    }
                }
            }
            done += bytes.len() as u64;
        }
        if self.form == Form::Json {
            writeln!(out, "\"}}")?;
        }
        Ok(done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ckpt_parser::source::SliceSource;

    fn export(form: Form) -> String {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("piece");
        let what = What::Image { offset: 1, len: 3 };
        let export = Export {
            what,
            form,
            to: to.clone(),
        };
        export
            .write(Box::new(SliceSource(b"abcdef".to_vec())), None)
            .unwrap();
        let again = export
            .write(Box::new(SliceSource(Vec::new())), None)
            .unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        std::fs::read_to_string(to).unwrap()
    }

    #[test]
    fn every_form_and_never_over_a_file() {
        assert_eq!(export(Form::Raw), "bcd");
        assert_eq!(
            export(Form::Json),
            "{\"start\":\"0x1\",\"bytes\":\"626364\"}\n"
        );
        let hex = export(Form::Hex);
        assert!(
            hex.contains("00000001") && hex.contains("62 63 64") && hex.contains("bcd"),
            "{hex}"
        );
    }
}
