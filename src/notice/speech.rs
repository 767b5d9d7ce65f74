//! Who speaks: the server that writes the notice, or the remote one that it quotes.
//!
//! The same words mean an opt-out helps when the reporting server says them (it refused to go on),
//! and that it cannot help when the remote one does (it refused us).

use crate::notice::Mta;
use crate::notice::human::is_reply;

/// Words of a notice about one recipient. The reporting server speaks up to `cut`; what follows is
/// the remote's reply.
#[derive(Debug)]
pub(super) struct Speech<'a> {
    /// `text`, `diagnostic` or `status`.
    pub(super) part: &'static str,
    words: &'a str,
    /// The words in lower case, names of hosts, addresses and links made unreadable: a link with
    /// "tls" in it is no evidence. Same length as `words`.
    plain: String,
    pairs: Pairs,
    cut: usize,
    /// The notice does not tell who speaks: this server writes its own findings like replies.
    either: bool,
}

impl<'a> Speech<'a> {
    /// The words of the text part, with what they quote.
    pub(super) fn text(words: &'a str, mta: Mta) -> Self {
        Self::quoting("text", words, mta)
    }

    /// A comment behind the status code, with what it quotes.
    pub(super) fn comment(words: &'a str, mta: Mta) -> Self {
        Self::quoting("status", words, mta)
    }

    /// The words of an extension field in which the server speaks itself, with what they quote.
    pub(super) fn own_field(words: &'a str, mta: Mta) -> Self {
        Self::quoting("diagnostic", words, mta)
    }

    /// A remote reply and nothing else.
    pub(super) fn reply(part: &'static str, words: &'a str) -> Self {
        Self {
            cut: 0,
            ..Self::own(part, words)
        }
    }

    /// The `Diagnostic-Code`. Its type is `smtp` for a reply (RFC 3464 section 2.3.6), but some
    /// servers give it to their own findings too. Of an unknown server what looks like a reply, or
    /// has a `Remote-MTA` beside it, is one.
    pub(super) fn diagnostic(field: &'a str, mta: Mta, has_remote: bool) -> Self {
        let (kind, words) = field.split_once(';').unwrap_or(("", field));
        let (kind, words) = (kind.trim().to_ascii_lowercase(), words.trim());
        match kind.as_str() {
            "x-unix" => Self::reply("diagnostic", words),
            // Gmail names the remote server where one has answered.
            "smtp" if mta == Mta::Gmail && has_remote && is_reply(words) => {
                Self::reply("diagnostic", words)
            }
            "smtp" if writes_replies(mta) => Self {
                either: true,
                ..Self::own("diagnostic", words)
            },
            "smtp" if mta == Mta::Unknown && !has_remote => Self::quoting("diagnostic", words, mta),
            "smtp" => Self::reply("diagnostic", words),
            _ => Self::quoting("diagnostic", words, mta),
        }
    }

    fn own(part: &'static str, words: &'a str) -> Self {
        Self::with(part, words, &words.to_ascii_lowercase())
    }

    /// `lower`: the words in lower case.
    fn with(part: &'static str, words: &'a str, lower: &str) -> Self {
        let plain = plain(lower);
        Self {
            part,
            words,
            pairs: Pairs::of(&plain),
            plain,
            cut: words.len(),
            either: false,
        }
    }

    fn quoting(part: &'static str, words: &'a str, mta: Mta) -> Self {
        let lower = words.to_ascii_lowercase();
        let either = writes_replies(mta);
        let cut = match is_reply(&lower) && !either {
            true => 0,
            false => quote(&lower).unwrap_or(lower.len()),
        };
        Self {
            cut,
            either: either && cut == lower.len(),
            ..Self::with(part, words, &lower)
        }
    }

    /// What the reporting server says itself.
    pub(super) fn sender(&self) -> &str {
        &self.plain[..self.cut]
    }

    /// What the remote server says.
    pub(super) fn receiver(&self) -> &str {
        if self.either {
            &self.plain
        } else {
            &self.plain[self.cut..]
        }
    }

    /// Everything.
    pub(super) fn whole(&self) -> &str {
        &self.plain
    }

    /// May the pattern stand in the words? Never `false` for one that does.
    pub(super) fn may_say(&self, pattern: &str) -> bool {
        let piece = pattern.split('*').next().unwrap_or_default().trim();
        self.pairs.may_hold(piece)
    }

    /// The words as they stand in the notice, for a part of [`Speech::whole`] or one that starts
    /// there.
    pub(super) fn as_written(&self, range: std::ops::Range<usize>) -> String {
        self.words.get(range).unwrap_or_default().to_owned()
    }

    /// Where the words of [`Speech::receiver`] start.
    pub(super) fn receiver_start(&self) -> usize {
        if self.either { 0 } else { self.cut }
    }
}

/// Which pairs of neighbouring bytes there are in a text, as a set of a kilobit: most wordings are told
/// to be absent by it, without a search for each.
#[derive(Debug)]
struct Pairs([u64; 16]);

impl Pairs {
    fn of(text: &str) -> Self {
        let mut pairs = Pairs([0; 16]);
        for pair in text.as_bytes().windows(2) {
            let (word, bit) = Self::place(pair);
            pairs.0[word] |= bit;
        }
        pairs
    }

    fn may_hold(&self, text: &str) -> bool {
        text.as_bytes().windows(2).all(|pair| {
            let (word, bit) = Self::place(pair);
            self.0[word] & bit != 0
        })
    }

    fn place(pair: &[u8]) -> (usize, u64) {
        let (one, two) = (usize::from(pair[0]) & 31, usize::from(pair[1]) & 31);
        let at = one << 5 | two;
        (at >> 6, 1 << (at & 63))
    }
}

/// These servers write what they found themselves like a reply, with a code and type `smtp`.
fn writes_replies(mta: Mta) -> bool {
    matches!(
        mta,
        Mta::Sendmail | Mta::Exchange | Mta::Gmail | Mta::Zonemta | Mta::Haraka | Mta::Maddy
    )
}

/// Where a quoted reply starts, in words in lower case.
fn quote(lower: &str) -> Option<usize> {
    // Postfix smtp_proto.c and smtp_trouble.c, qmail-remote.c, OpenSMTPD mta_session.c,
    // mox smtpclient/client.go, Haraka hmail.js; output of a program that Postfix ran.
    const BEFORE_REPLY: [&str; 16] = [
        "refused to start tls:",
        "refused to talk to me:",
        " said:",
        "starttls rejected:",
        ", transient:",
        ", permanent:",
        "upstream error:",
        "command output:",
        // Words of servers that nobody knows, around what the remote one said.
        " responded:",
        " responded with:",
        " response:",
        " response was:",
        " replied:",
        " answered:",
        " reports:",
        " returned:",
    ];
    let after_colon = memchr::memchr_iter(b':', lower.as_bytes())
        .map(|colon| colon + 1)
        .find(|&at| BEFORE_REPLY.iter().any(|m| lower[..at].ends_with(m)));
    // Stalwart queue/dsn.rs: `with code 454 (4.7.0) '...'`.
    let code = "with code ";
    let after_code = lower.find(code).map(|at| at + code.len());
    // Courier and everybody else who shows the session: `<<< 550 ...`.
    let answer = lower.find("<<< ");
    [after_colon, after_code, answer, exim_reply(lower)]
        .into_iter()
        .flatten()
        .min()
}

/// Exim smtp.c: `SMTP error from remote mail server after RCPT TO:<bob@example.net>: 550 ...`, before
/// 4.80 `remote mailer`, over LMTP `LMTP error`; GMX: `remote server for RCPT TO command`.
fn exim_reply(lower: &str) -> Option<usize> {
    let start = "mtp error from remote ";
    let at = lower.find(start)? + start.len();
    let command = [
        "mailer after ",
        "mail server after ",
        "server after ",
        "server for ",
    ]
    .iter()
    .find(|end| lower[at..].starts_with(**end))?
    .len()
        + at;
    let reply = lower[command..]
        .match_indices(": ")
        .map(|(colon, _)| command + colon + 2)
        .find(|&at| is_reply(&lower[at..]));
    Some(reply.unwrap_or(lower.len()))
}

/// Words in lower case, each that names a host, an address or a link replaced by `~`.
pub(super) fn plain(lower: &str) -> String {
    let mut plain = String::with_capacity(lower.len());
    for word in lower.split_inclusive(char::is_whitespace) {
        if memchr::memchr3(b'@', b'.', b':', word.as_bytes()).is_none() {
            plain.push_str(word);
            continue;
        }
        if word.contains('@') || word.contains("://") {
            hide(&mut plain, word);
            continue;
        }
        // Exchange writes `{LED=... failed.};{FQDN=mx.example.net}`.
        for piece in word.split_inclusive(['{', '}', ';']) {
            if is_name(piece) {
                hide(&mut plain, piece);
            } else {
                plain.push_str(piece);
            }
        }
    }
    plain
}

fn hide(plain: &mut String, word: &str) {
    plain.extend(word.chars().flat_map(|c| {
        let filler = if c.is_whitespace() { ' ' } else { '~' };
        std::iter::repeat_n(filler, c.len_utf8())
    }));
}

fn is_name(word: &str) -> bool {
    let bytes = word.as_bytes();
    let dotted = bytes
        .windows(3)
        .any(|w| w[1] == b'.' && w[0].is_ascii_alphanumeric() && w[2].is_ascii_alphanumeric());
    let letters = bytes.iter().any(u8::is_ascii_alphabetic);
    dotted && letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_addresses_and_links_are_no_words() {
        let text =
            "host mx.tls.example.net[192.0.2.1] 4.7.1 see https://x/starttls <tls@b> TLS\u{2029}ok";
        let plain = plain(&text.to_ascii_lowercase());
        assert_eq!(plain.len(), text.len());
        assert!(
            plain.starts_with("host ~~") && plain.contains(" 4.7.1 see ~~"),
            "{plain}"
        );
        assert_eq!(plain.matches("tls").count(), 1);
    }

    #[test]
    fn the_reply_starts_after_the_quoting_words() {
        let spoken = |text, mta| {
            let speech = Speech::text(text, mta);
            (speech.sender().len(), speech.receiver().to_owned())
        };
        let text = "host mx said: 550 no (in reply to RCPT TO command)";
        assert_eq!(
            spoken(text, Mta::Postfix).1,
            " 550 no (in reply to rcpt to command)"
        );
        let text =
            "host mx [192.0.2.1] SMTP error from remote mail server after RCPT TO:<a@b>: 550 no";
        assert_eq!(spoken(text, Mta::Exim).1, "550 no");
        assert_eq!(
            spoken("454 4.7.0 no", Mta::Opensmtpd),
            (0, "454 4.7.0 no".to_owned())
        );
        assert_eq!(
            spoken("454 4.7.0 no", Mta::Sendmail),
            (12, "454 4.7.0 no".to_owned())
        );
        assert_eq!(spoken("Network error", Mta::Opensmtpd), (13, String::new()));
    }
}
