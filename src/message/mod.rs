//! The bytes of a message: its header block, and what leaves the machine.

pub mod cookie;
pub mod header;
pub mod optout;
pub mod recipients;
pub mod refusal;
pub mod resubmission;
mod subject;
pub mod text;
