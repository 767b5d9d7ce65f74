//! Several messages in one stream, told apart where that is safe.
//!
//! In an mbox (RFC 4155) a line `From sender date` behind an empty line begins a message, and the same line within
//! a message is quoted. What a mail reader writes for several messages of a Maildir has no such lines: a text
//! in one of them could pass for the next, so that nobody can tell them apart.

use std::collections::HashSet;

use mail_parser::MessageParser;
use memchr::{memchr, memchr_iter, memmem};

use super::header;
use super::media::Media;

/// The stream holds more than one message, and where one ends is not sure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "several messages run together, and where one ends cannot be told for certain; pipe them one at a time \
     (mutt: set pipe_split)"
)]
pub struct RunTogether;

/// The messages of a stream, each with its `From ` line if it has one.
///
/// # Errors
/// [`RunTogether`], where taking them apart could make two of one, or one of two.
pub fn split(stream: &[u8]) -> Result<Vec<&[u8]>, RunTogether> {
    if !is_separator(stream) {
        return match has_another_behind_it(stream) {
            true => Err(RunTogether),
            false => Ok(vec![stream]),
        };
    }
    let begins = |at: &usize| is_behind_empty_line(stream, *at) && begins_message(&stream[*at..]);
    let mut starts = vec![0];
    starts.extend(memchr_iter(b'\n', stream).map(|end| end + 1).filter(begins));
    let ends = starts.iter().skip(1).copied().chain([stream.len()]);
    let parts: Vec<&[u8]> = starts
        .iter()
        .zip(ends)
        .map(|(&start, end)| &stream[start..end])
        .collect();
    let is_sure = match &parts[..] {
        [one] => !has_another_behind_it(one),
        several => several.iter().all(|part| is_whole(part)),
    };
    if is_sure { Ok(parts) } else { Err(RunTogether) }
}

/// The header blocks with an author that stand within the body, behind an empty line: of forwarded messages,
/// and of such as run together with this one.
pub fn blocks(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let body = header::body(message);
    let behind_empty = |at: &usize| *at == 0 || is_behind_empty_line(body, *at);
    let ends = memchr_iter(b'\n', body).map(|end| end + 1);
    let starts = std::iter::once(0).chain(ends).filter(behind_empty);
    starts
        .map(|at| &body[at..])
        .filter(|block| is_header(block))
}

/// Does another message stand behind this one, of which `copy` is the true copy? A header block within the body
/// is of another if its `Message-ID` or `Date` is no line of the copy, also where its text was decoded.
pub fn runs_into_another(message: &[u8], copy: &[u8]) -> bool {
    let foreign: Vec<&[u8]> = blocks(message).flat_map(marks).collect();
    if foreign.is_empty() {
        return false;
    }
    let parsed = MessageParser::new().parse(copy);
    let decoded: Vec<_> = parsed
        .iter()
        .flat_map(|parsed| &parsed.parts)
        .filter_map(|part| part.text_contents())
        .collect();
    let texts = decoded.iter().map(|text| text.as_bytes()).chain([copy]);
    let lines: HashSet<&[u8]> = texts
        .flat_map(|text| text.split(|byte| *byte == b'\n'))
        .map(<[u8]>::trim_ascii)
        .collect();
    foreign.iter().any(|line| !lines.contains(line))
}

/// The first lines of the fields that no two messages share.
fn marks(block: &[u8]) -> impl Iterator<Item = &[u8]> {
    let fields = header::fields(block).filter(|field| field.is("Message-ID") || field.is("Date"));
    fields.map(|field| {
        let raw = field.raw();
        raw[..memchr(b'\n', raw).unwrap_or(raw.len())].trim_ascii()
    })
}

/// Is the line before this place empty?
fn is_behind_empty_line(stream: &[u8], at: usize) -> bool {
    let before = &stream[..at];
    before.ends_with(b"\n\n") || before.ends_with(b"\n\r\n")
}

/// A `From ` line and below it a header block with an author.
fn begins_message(rest: &[u8]) -> bool {
    let below = memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
    is_separator(rest) && is_header(&rest[below..])
}

fn is_header(text: &[u8]) -> bool {
    let mut fields = header::fields(text);
    fields.all(|field| !field.name().is_empty()) && header::first(text, "From").is_some()
}

/// `From `, a sender, and a date as asctime(3) writes it, perhaps with a time zone.
fn is_separator(text: &[u8]) -> bool {
    const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const LONGEST: usize = 1000;
    let Some(rest) = text.strip_prefix(b"From ") else {
        return false;
    };
    let line = &rest[..memchr(b'\n', rest).unwrap_or(rest.len()).min(LONGEST)];
    let line = String::from_utf8_lossy(line);
    let words: Vec<&str> = line.split_whitespace().collect();
    words.windows(4).any(|words| {
        let is_day = words[2]
            .parse()
            .is_ok_and(|day: u8| (1..=31).contains(&day));
        DAYS.contains(&words[0]) && words[1].len() == 3 && is_day && words[3].contains(':')
    })
}

/// Does the message have what its header promises: its last boundary, and its length?
fn is_whole(part: &[u8]) -> bool {
    let body = header::body(part);
    let length = header::text(part, "Content-Length").and_then(|text| text.parse().ok());
    let shortest = body.trim_ascii_end().len();
    let fits = length.is_none_or(|length: usize| (shortest..=body.len()).contains(&length));
    let media = Media::of(part);
    let is_closed = || {
        media
            .boundary
            .as_ref()
            .is_some_and(|b| behind_last(body, b).is_some())
    };
    fits && (!media.is_multipart() || is_closed())
}

/// Does the header of another message stand behind the last boundary?
fn has_another_behind_it(message: &[u8]) -> bool {
    let media = Media::of(message);
    let boundary = media.boundary.as_ref().filter(|_| media.is_multipart());
    let behind = boundary.and_then(|boundary| behind_last(header::body(message), boundary));
    behind.is_some_and(|behind| is_header(behind.trim_ascii_start()))
}

/// What follows the line that ends the last part (RFC 2046 section 5.1.1).
fn behind_last<'a>(body: &'a [u8], boundary: &str) -> Option<&'a [u8]> {
    let line = format!("--{boundary}--");
    let is_at_start = |&at: &usize| at == 0 || body[at - 1] == b'\n';
    let at = memmem::find_iter(body, &line).find(is_at_start)?;
    Some(&body[at + line.len()..])
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "From alice@example.org Tue Nov 24 06:48:46 2026\n";
    const REPORT: &str = "From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; \
                          boundary=\"q\"\n\n--q\n\nwords\n--q--\n";

    fn parts(stream: &str) -> Option<Vec<String>> {
        let parts = split(stream.as_bytes()).ok()?;
        let text = |part: &&[u8]| String::from_utf8_lossy(part).into_owned();
        Some(parts.iter().map(text).collect())
    }

    #[test]
    fn the_messages_of_an_mbox() {
        let one = format!("{LINE}From: a@example.org\n\nFrom here\n\nFrom there\n\n");
        let two = format!("{LINE}{REPORT}\n");
        let zone = "From a@example.org  Tue Nov  3 06:48:46 2026 +0100\nFrom: a@example.org\n\nx\n";
        let stream = format!("{one}{two}{zone}");
        assert_eq!(parts(&stream), Some(vec![one, two, zone.to_owned()]));
    }

    #[test]
    fn one_message_is_one() {
        for message in [
            "",
            "Subject: x\n\nFrom: y\n\nz\n",
            "From nobody\n\n\n",
            "From: a@example.org\n\nOn the way:\n\nReceived: x\nFrom: b@example.net\n\ny\n",
            REPORT,
            // Not an mbox, so what looks like a message within is text.
            &format!("From: a@example.org\n\nx\n\n{LINE}From: b@example.net\n\ny\n"),
            // No empty line before it, no header below it, no date.
            &format!("{LINE}From: a@example.org\n\nx\n{LINE}From: b@example.net\n\ny\n"),
            &format!("{LINE}From: a@example.org\n\nx\n\n{LINE}no header\n"),
            &format!("{LINE}From: a@example.org\n\nx\n\nFrom b\nFrom: b@example.net\n\ny\n"),
        ] {
            assert_eq!(parts(message), Some(vec![message.to_owned()]), "{message}");
        }
    }

    #[test]
    fn another_message_behind_a_known_one() {
        let one = "From: a@example.org\nMessage-ID: <1@example.org>\n\nx\n";
        let other = "From: a@example.org\nDate: Tue, 24 Nov 2026 06:48:46 +0000\n\ny\n";
        assert!(!runs_into_another(one.as_bytes(), one.as_bytes()));
        let both = format!("{one}\n{other}");
        for stream in [both.clone(), both.replace('\n', "\r\n")] {
            assert!(
                runs_into_another(stream.as_bytes(), one.as_bytes()),
                "{stream}"
            );
            // The copy forwards the other.
            assert!(
                !runs_into_another(stream.as_bytes(), both.as_bytes()),
                "{stream}"
            );
        }
        let encoded = "From: a@example.org\nContent-Type: text/plain\n\
                       Content-Transfer-Encoding: quoted-printable\n\nx\n\nFrom: a@example.org\n\
                       Date: Tue, 24 Nov 2026 06:48:46 =2B0000\n\ny\n";
        assert!(!runs_into_another(both.as_bytes(), encoded.as_bytes()));
    }

    #[test]
    fn what_is_not_sure_is_refused() {
        let second = format!("{LINE}From: b@example.net\n\ny\n");
        for stream in [
            // As mutt writes tagged messages of a Maildir.
            format!("{REPORT}\n{REPORT}\n"),
            format!("{LINE}{REPORT}\n{REPORT}\n"),
            // The second stands within the first.
            format!("{LINE}{}\n{second}", REPORT.replace("--q--", "")),
            format!("{LINE}From: a@example.org\nContent-Length: 999\n\nx\n\n{second}"),
            format!("{LINE}From: a@example.org\nContent-Length: 1\n\nxyz\n\n{second}"),
        ] {
            assert_eq!(parts(&stream), None, "{stream}");
        }
        let whole = format!("{LINE}From: a@example.org\nContent-Length: 2\n\nx\n\n{second}");
        assert_eq!(parts(&whole).map(|parts| parts.len()), Some(2));
    }
}
