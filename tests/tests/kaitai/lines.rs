//! Kaitai against the JSON Lines of the parser, which finds out the dialect by itself.

use crate::images::Case;
use ckpt_parser::decoder::{Decoder, Options};
use ckpt_parser::report::lines::write_lines;
use ckpt_parser::source::SliceSource;
use ckpt_parser::text::escape;
use serde_json::Value;

/// Compares a sample with what Kaitai saw; returns the number of values.
///
/// Of a damaged image the records up to the damage: the parser salvages what follows, Kaitai
/// does not.
pub(crate) fn compare(case: &Case, answer: &[Value]) -> usize {
    let (_, records) = answer.split_last().unwrap();
    let lines = json_lines(case);
    let ours: Vec<&Value> = lines
        .iter()
        .filter(|line| line["kind"] == "record")
        .collect();
    if !case.damaged {
        assert_eq!(ours.len(), records.len(), "{}", case.name);
        assert_eq!(
            lines.last().unwrap()["complete"],
            ends_with_tail(records),
            "{}",
            case.name
        );
    }
    let same_frame = |(theirs, ours): &(&Value, &&Value)| {
        let pairs = [("offset", "offset"), ("type", "number"), ("len", "len")];
        pairs
            .iter()
            .all(|(theirs_key, ours_key)| theirs[*theirs_key] == ours[*ours_key])
    };
    let pairs: Vec<_> = records.iter().zip(&ours).take_while(same_frame).collect();
    assert!(
        case.damaged || pairs.len() == records.len(),
        "{}: frame {} differs",
        case.name,
        pairs.len()
    );
    assert!(
        pairs.len() > 10,
        "{}: only {} records agree",
        case.name,
        pairs.len()
    );
    pairs
        .iter()
        .map(|(theirs, ours)| Pair { case, theirs, ours }.compare())
        .sum()
}

fn ends_with_tail(records: &[Value]) -> bool {
    records.last().is_some_and(|record| record["tag"] == "TAIL")
}

fn json_lines(case: &Case) -> Vec<Value> {
    let mut decoder = Decoder::new(SliceSource(&case.bytes[..]), Options::default()).unwrap();
    let mut out = Vec::new();
    write_lines(&mut decoder, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// One record in both words.
struct Pair<'a> {
    case: &'a Case,
    theirs: &'a Value,
    ours: &'a Value,
}

impl Pair<'_> {
    fn compare(&self) -> usize {
        let (theirs, ours) = (self.theirs, self.ours);
        let raw = ours.get("raw_len").and_then(Value::as_u64).unwrap_or(0);
        self.check("raw_len", theirs["raw_page"] == raw);
        if ours["type"] != "(unknown)" {
            self.check("type", theirs["tag"] == ours["type"]);
        }
        if let Some(fields) = ours.get("fields") {
            return self.fields("", &theirs["fields"], fields);
        }
        let payload = self.payload();
        if let Some(text) = ours.get("text") {
            self.check("text", text.as_str() == Some(&*escape(trim(&payload))));
        } else if let Some(hex) = ours.get("hex") {
            let hex = bytes(hex.as_str().unwrap());
            let whole = hex.len() == payload.len() || hex.len() >= 4096;
            self.check("hex", whole && payload.starts_with(&hex));
        } else {
            self.pages(&payload);
        }
        1
    }
    fn check(&self, what: &str, holds: bool) {
        assert!(
            holds,
            "{}: {what}\nKaitai: {}\nours: {}",
            self.case.name, self.theirs, self.ours
        );
    }
    /// The bytes behind the header, as Kaitai gives them where it gives bytes.
    fn payload(&self) -> Vec<u8> {
        let fields = &self.theirs["fields"];
        let given = fields.get("hex").or_else(|| fields[0][3].get("hex"));
        given.map_or_else(
            || {
                let number =
                    |key: &str| usize::try_from(self.theirs[key].as_u64().unwrap()).unwrap();
                let start = number("offset");
                self.case.bytes[start + 8..start + number("len")].to_vec()
            },
            |hex| bytes(hex.as_str().unwrap()),
        )
    }
    /// Every field of ours is one of Kaitai's and the other way round.
    fn fields(&self, path: &str, theirs: &Value, ours: &Value) -> usize {
        let named = theirs.as_array().unwrap().iter();
        let named = named.filter(|field| field[0] != "" && field[0] != "trailing");
        let mut values = 0;
        for field in named.clone() {
            let name = field[0].as_str().unwrap();
            let path = format!("{path}.{name}");
            self.check(&path, ours.get(name).is_some());
            values += self.value(&path, &field[3], &ours[name]);
        }
        self.check("fields", ours.as_object().unwrap().len() == named.count());
        values
    }
    fn value(&self, path: &str, theirs: &Value, ours: &Value) -> usize {
        match (theirs, ours) {
            (Value::Array(theirs_list), Value::Array(ours_list)) => {
                self.check(path, theirs_list.len() == ours_list.len());
                let pairs = theirs_list.iter().zip(ours_list);
                return pairs
                    .map(|(theirs, ours)| self.value(path, theirs, ours))
                    .sum();
            }
            (Value::Array(_), Value::Object(_)) => return self.fields(path, theirs, ours),
            (Value::Object(_), _) => {
                let raw = bytes(theirs["hex"].as_str().unwrap());
                self.check(path, same_bytes(&raw, ours));
            }
            (Value::String(number), _) => {
                self.check(path, Some(integer(number)) == ours_integer(ours));
            }
            _ => self.check(path, false),
        }
        1
    }
    /// Runs of page addresses, and where the contents begin.
    fn pages(&self, payload: &[u8]) {
        let abi = self.case.dialect.abi;
        let word = usize::from(abi.arch.word_size());
        let count = usize::try_from(self.ours["pages"].as_u64().unwrap()).unwrap();
        let address = |bytes: &[u8]| ckpt_parser::view::read_uint(bytes, abi.order);
        let theirs: Vec<u64> = payload.chunks(word).take(count).map(address).collect();
        // Pages of a segment are counted, those of a mapping addressed.
        let ours = |step: u64| -> Vec<u64> {
            let runs = self.ours["runs"].as_array().unwrap().iter();
            runs.flat_map(|run| {
                let (first, pages) = (ours_integer(&run[0]).unwrap(), run[1].as_u64().unwrap());
                (0..pages).map(move |page| first + page * step)
            })
            .collect()
        };
        let steps = [1, self.case.page_size as u64];
        self.check("runs", steps.into_iter().any(|step| ours(step) == theirs));
        let offset = self.theirs["offset"].as_u64().unwrap() + 8 + (count * word) as u64;
        self.check("contents_offset", self.ours["contents_offset"] == offset);
        self.check(
            "pages",
            payload.len() == count * (word + self.case.page_size),
        );
    }
}

/// Hexadecimal digits as bytes.
fn bytes(hex: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(pair).collect()
}

/// Without NULs at the end, and without the one at the start of an error text.
fn trim(bytes: &[u8]) -> &[u8] {
    let end = bytes
        .iter()
        .rposition(|byte| *byte != 0)
        .map_or(0, |last| last + 1);
    let text = &bytes[..end];
    text.strip_prefix(&[0]).unwrap_or(text)
}

/// Bytes as we show them: hexadecimal if opaque, a list of numbers, or text.
fn same_bytes(raw: &[u8], ours: &Value) -> bool {
    match ours {
        Value::Array(list) => list
            .iter()
            .map(Value::as_u64)
            .eq(raw.iter().map(|byte| Some(u64::from(*byte)))),
        Value::String(text) => {
            let opaque = text.len() == 2 * raw.len() && text.bytes().all(|b| b.is_ascii_hexdigit());
            (opaque && bytes(text) == raw) || *text == *escape(trim(raw))
        }
        _ => false,
    }
}

/// A decimal number, negative ones in two's complement.
fn integer(text: &str) -> u64 {
    let signed = text.parse::<i64>().map(i64::cast_unsigned);
    signed.unwrap_or_else(|_| text.parse().unwrap())
}

/// The number in our JSON: plain, in hexadecimal, or with its name.
fn ours_integer(ours: &Value) -> Option<u64> {
    match ours {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_i64().map(i64::cast_unsigned)),
        Value::String(text) => u64::from_str_radix(text.strip_prefix("0x")?, 16).ok(),
        Value::Object(named) => ours_integer(named.get("value")?),
        _ => None,
    }
}
