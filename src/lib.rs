//! tls-optout resends a message that broken TLS delays, with `TLS-Required: No` (RFC 8689).
//!
//! A mail server that enforces DANE, MTA-STS or a site's TLS policy holds a message back when the
//! other side's TLS is broken, and tells the sender with a delay warning. The way of the data:
//!
//! ```text
//! bytes -> Notice -> Cause -> Original -> Copy proof -> Offer -> (policy, consent) -> Resubmission -> Receipt
//! ```
//!
//! Each arrow is one function with plain values on both sides. The rooms, in reading order:
//!
//! * [`notice`] understands what a server says: which recipients, which cause, would an opt-out help;
//! * [`maildir`] finds the original, and proves that the copy found is what was sent;
//! * [`message`] reads and changes a header block without touching another byte;
//! * [`policy`] says where opting out is allowed;
//! * [`offer`] joins these into what the user is asked, and keeps the journal;
//! * [`kept`] holds what the user has sent, as it was sent;
//! * [`submission`] sends, over TLS and with authentication, always;
//! * [`watch`] tells of new messages in the inbox folders;
//! * [`postmaster`] tells the failing side;
//! * [`config`] is the file, its defaults, and what mutt already knows.
//!
//! `notice`, `message` and `policy` are pure: no clock, no disk, no network.
//!
//! The whole way but for the sending, on a delay warning that a real Postfix wrote:
//!
//! ```
//! use tls_optout::{maildir::proof, message::resubmission, notice, offer};
//!
//! let warning = std::fs::read("tests/data/dsn/postfix-3.10.13-delay-00-0.eml")?;
//! let notice = notice::read(&warning).expect("a notice");
//! let waiting = offer::consider(&notice)?;
//! assert_eq!(waiting[0].final_recipient, "bob@alder.example.net");
//! assert_eq!(waiting[0].cause, notice::Cause::StarttlsNotOffered);
//!
//! // In real life `maildir::search::find` looks for the Message-ID of the notice.
//! let copy = std::fs::read("tests/data/dsn/originals/postfix-3.10.13-delay-00-0.msg")?;
//! proof::prove(&copy, &notice.original)?;
//! let message = resubmission::rewrite(&copy)?;
//! assert!(message.bytes.starts_with(b"TLS-Required: No\r\n"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cli;
pub mod commands;
pub mod config;
pub mod kept;
pub mod log;
pub mod maildir;
pub mod message;
pub mod notice;
pub mod offer;
pub mod policy;
pub mod postmaster;
pub mod submission;
pub mod terminal;
pub mod watch;
