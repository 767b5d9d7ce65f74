//! Sendmail's transcript of a session (`usersmtp.c`, `err.c`): `>>>` what it sent, `<<<` what came
//! back, and its own remarks, which start with a reply code (`454 4.7.0 DANE check failed.`).
//!
//! A line about a recipient (`<bob@example.net>... User unknown`) ends what is said about it. After a
//! refused DATA there is none: such replies are about everybody whom no line names.

use std::rc::Rc;

use crate::notice::human::is_reply;
use crate::notice::speech::plain;

/// A reason is read up to this many bytes: one line may be the reason of ten thousand recipients.
pub(super) const MAX_REASON: usize = 2048;

/// Replies of a whole transcript are kept up to so many bytes.
const MAX_HEARD: usize = 64 << 10;

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

/// Everything that remote servers answered, whatever it was about.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    /// As [`plain`] gives it.
    words: String,
    /// The same without codes: Sendmail joins the lines of a reply without them.
    bare: String,
    /// There was more.
    is_cut: bool,
}

impl Heard {
    /// May a remote server have said this? The words are such as [`plain`] gives.
    pub(super) fn may_have(&self, words: &str) -> bool {
        self.is_cut || self.words.contains(words) || self.bare.contains(words)
    }
}

/// The transcript up to the line that is looked at.
#[derive(Debug, Default)]
pub(super) struct Transcript {
    session: Session,
    unclaimed: String,
    heard: Heard,
}

impl Transcript {
    /// Takes the line if it is one of a transcript and names no recipient.
    pub(super) fn take(&mut self, content: &str) -> bool {
        if let Some(command) = content.strip_prefix(">>> ") {
            self.end();
            self.session.command = Some(start(command, MAX_REASON).to_owned());
        } else if let Some(reply) = content.strip_prefix("<<< ") {
            push(&mut self.session.replies, reply);
            self.hear(reply);
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
    pub(super) fn claim(&mut self) -> Rc<Session> {
        Rc::new(std::mem::take(&mut self.session))
    }

    /// The replies that no line about a recipient follows, and all replies.
    pub(super) fn finish(mut self) -> (Rc<Session>, Rc<Heard>) {
        self.end();
        let session = Session {
            replies: self.unclaimed,
            ..Session::default()
        };
        (Rc::new(session), Rc::new(self.heard))
    }

    fn end(&mut self) {
        let session = std::mem::take(&mut self.session);
        push(&mut self.unclaimed, &session.replies);
    }

    fn hear(&mut self, reply: &str) {
        let heard = &mut self.heard;
        heard.is_cut |= heard.words.len() + reply.len() > MAX_HEARD;
        if !heard.is_cut {
            let words = plain(&reply.to_ascii_lowercase());
            let code = |c: char| c.is_ascii_digit() || " .-".contains(c);
            heard
                .bare
                .push_str(words.trim_start_matches(code).trim_end());
            heard.bare.push(' ');
            heard.words.push_str(&words);
            heard.words.push(' ');
        }
    }
}

impl Session {
    /// Adds what a later line about the same recipient follows. Many recipients may share what they follow.
    pub(super) fn follow(this: &mut Rc<Session>, session: &Rc<Session>) {
        if **this == Session::default() {
            *this = Rc::clone(session);
            return;
        }
        let this = Rc::make_mut(this);
        if this.command.is_none() {
            this.command.clone_from(&session.command);
        }
        push(&mut this.replies, &session.replies);
        push(&mut this.remarks, &session.remarks);
    }
}

/// Adds words to a reason, as long as there is room.
pub(super) fn push(reason: &mut String, words: &str) {
    if words.is_empty() || reason.len() >= MAX_REASON {
        return;
    }
    if !reason.is_empty() {
        reason.push(' ');
    }
    let room = MAX_REASON.saturating_sub(reason.len());
    reason.push_str(start(words, room));
}

/// The first `length` bytes, or as many as end with a character.
fn start(words: &str, length: usize) -> &str {
    let mut end = words.len().min(length);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    &words[..end]
}
