//! Forged notices: what a stranger who can mail the user, or who saw one of the user's messages, may try with a
//! notice. Each attack runs the real program from outside, with the refusal or the doubt that it must get, and
//! counts what the submission server received.
//!
//! Then what else may go wrong around the program: a disk that takes nothing, a clock that jumps, somebody
//! who looks for the password. `promises` holds `docs/security.md` to the tests that it names.

mod clock;
mod disk;
#[path = "../resend/home.rs"]
mod home;
mod kind;
mod message;
mod origin;
mod promises;
mod recipients;
mod record;
mod secrets;
mod standing;
mod trial;
mod words;
