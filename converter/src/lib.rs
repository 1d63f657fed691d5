//! Converts checkpoint images between the revisions of the stream and foreign formats, and edits
//! them on the way.
//!
//! [`native`] goes from revision to revision as the records pass, in constant memory. What has no
//! home in the target is a [`loss::Loss`], named and refused unless allowed. Nothing here prints.

pub mod check;
pub mod error;
pub mod input;
pub mod json;
pub mod loss;
pub mod native;
pub mod output;
pub mod survey;

pub use error::Error;
pub use loss::{Allow, Loss, Losses};
pub use native::{Request, Summary};
