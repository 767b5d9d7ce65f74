//! The bytes of a message: its header block, and what leaves the machine.

pub mod header;
pub mod text;
