//! The bytes of a message: its header block, and what leaves the machine.

pub mod header;
pub mod recipients;
pub mod refusal;
pub mod resubmission;
pub mod text;
