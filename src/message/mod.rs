//! The bytes of a message: its header block, and what leaves the machine.

pub mod cookie;
mod encoded;
pub mod header;
pub mod mbox;
pub(crate) mod media;
pub mod optout;
pub mod recipients;
pub mod refusal;
pub mod resubmission;
mod subject;
pub mod text;
