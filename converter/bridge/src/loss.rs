//! What a conversion could not carry over.

use std::fmt;

/// One value that has no home in the target format. Losses are shown to the user, never swallowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Stable name of the kind of loss, such as `criu.posix-timer`; `--allow` takes it.
    pub code: &'static str,
    /// Record or message that held the value, in the words of its format.
    pub record: String,
    /// Field inside the record; empty when all of the record is lost.
    pub field: String,
    /// The value, as text.
    pub value: String,
    /// Why there is no home for it.
    pub why: &'static str,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            code,
            record,
            field,
            value,
            why,
        } = self;
        let dot = if field.is_empty() { "" } else { "." };
        write!(f, "{code}: {record}{dot}{field} = {value}: {why}")
    }
}
