//! Sendmail's transcript of a session (`usersmtp.c`, `err.c`): `>>>` what it sent, `<<<` what came
//! back, and its own remarks, which start with a reply code (`454 4.7.0 DANE check failed.`).
//!
//! A line about a recipient (`<bob@example.net>... User unknown`) ends what is said about it. After a
//! refused DATA there is none: such replies are about everybody whom no line names.

use crate::notice::human::{MAX_REASON, is_reply, push, start};

/// What a transcript shows before the line of a recipient.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Session {
    /// The last command (`STARTTLS`).
    pub(super) command: Option<String>,
    /// What the remote server answered (`454 ...`), on one line.
    pub(super) replies: String,
    /// What the reporting server itself put in.
    pub(super) remarks: String,
}

/// The transcript up to the line that is looked at.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    session: Session,
    unclaimed: String,
}

impl Transcript {
    /// Takes the line if it is one of a transcript and names no recipient.
    pub(super) fn take(&mut self, content: &str) -> bool {
        if let Some(command) = content.strip_prefix(">>> ") {
            self.end();
            self.session.command = Some(start(command, MAX_REASON).to_owned());
        } else if let Some(reply) = content.strip_prefix("<<< ") {
            push(&mut self.session.replies, reply);
        } else if content.starts_with("... while talking to ") {
            self.end();
        } else if is_reply(content) && !content.contains("... ") {
            push(&mut self.session.remarks, content);
        } else {
            return false;
        }
        true
    }

    /// What a line about a recipient follows.
    pub(super) fn claim(&mut self) -> Session {
        std::mem::take(&mut self.session)
    }

    /// The replies that no line about a recipient follows.
    pub(super) fn unclaimed(mut self) -> String {
        self.end();
        self.unclaimed
    }

    fn end(&mut self) {
        let session = self.claim();
        push(&mut self.unclaimed, &session.replies);
    }
}

impl Session {
    /// Adds what a later line about the same recipient follows.
    pub(super) fn follow(&mut self, session: &Session) {
        if self.command.is_none() {
            self.command.clone_from(&session.command);
        }
        push(&mut self.replies, &session.replies);
        push(&mut self.remarks, &session.remarks);
    }
}
