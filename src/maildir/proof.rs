//! The copy proof: is this copy what was sent?
//!
//! A copy in the user's Maildir need not be: mutt's `fcc_clear` keeps the plain text of a message
//! that went out encrypted, `fcc_attach` leaves attachments out, a draft may have been edited
//! after the Message-ID was given. What was sent is known from the header that the notice returned.
//! Servers add fields to it, fold it anew, encode words, and cut it short; none of that counts.

use std::collections::HashSet;

use thiserror::Error;

use crate::message::media::Media;
use crate::message::recipients::same_address;
use crate::message::{header, text};
use crate::notice::{Extent, Returned};

/// How far apart, in seconds, `Date` in the copy and in what was sent may be. mutt and NeoMutt write the
/// header anew for the Fcc copy, with the time of that moment (mutt: sendlib.c,
/// mutt_rfc822_write_header), and that is after the submission, whose final reply alone may take ten
/// minutes (RFC 5321 section 4.5.3.2.6).
const DATE_TOLERANCE: u64 = 15 * 60;

/// The fields that are compared.
pub const COMPARED: [&str; 5] = ["Message-ID", "Date", "From", "Subject", "Content-Type"];

/// What the proof rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proof {
    /// Fields that agree. `Message-ID` is always the first of them.
    pub agreed: Vec<&'static str>,
    /// Fields that could not be judged: the returned header is cut off before their end, or the
    /// server gave the message a `Date` that the copy does not have.
    pub unseen: Vec<&'static str>,
}

impl Proof {
    /// Has every field been compared?
    pub fn is_whole(&self) -> bool {
        self.unseen.is_empty()
    }
}

/// Why a copy is not proven. Values are cut to 200 characters, where they differ.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Mismatch {
    /// There is nothing to compare with.
    #[error(
        "the notice returned nothing of the message, so nothing proves that the copy is what was \
         sent; compare the two yourself"
    )]
    NothingReturned,
    /// Without a Message-ID there is no proof.
    #[error(
        "the header that the notice returned has no Message-ID, so nothing proves that the copy is \
         what was sent; compare the two yourself"
    )]
    NoMessageId,
    /// The returned header is cut off before it shows what kind of message went out.
    #[error(
        "the notice returned only the start of the header, without Content-Type, so nothing shows that \
         the message did not go out encrypted; this copy stays here"
    )]
    CutOff,
    /// The copy is not what was sent.
    #[error(
        "{field} differs: the copy has {}, the message that was sent had {}; this copy is not what \
         was sent and stays here",
        shown(in_copy.as_deref()),
        shown(in_notice.as_deref())
    )]
    Differs {
        /// Name of the field.
        field: &'static str,
        /// What the copy says; `None`: the field is missing.
        in_copy: Option<String>,
        /// What the notice returned; `None`: the field is missing.
        in_notice: Option<String>,
    },
}

fn shown(value: Option<&str>) -> String {
    value.map_or_else(|| "none".to_owned(), |value| format!("{value:?}"))
}

/// Compares a copy with what the notice returned. `copy_header` may be the whole message.
///
/// `Message-ID` must agree to the letter; `Date` as a moment, give or take a quarter of an hour;
/// `From` in its addresses; `Subject` decoded, whatever its blanks; `Content-Type` in its type and
/// boundary, where a missing one is plain text (RFC 2045 section 5.2). The last must be there to be
/// compared: mutt's `fcc_clear` shows in nothing else.
///
/// # Errors
///
/// [`Mismatch`] names the first field that differs, or says that there is no proof either way.
pub fn prove(copy_header: &[u8], returned: &Returned) -> Result<Proof, Mismatch> {
    if header::length(&returned.header) == 0 {
        return Err(Mismatch::NothingReturned);
    }
    if header::first(&returned.header, "Message-ID").is_none() {
        return Err(Mismatch::NoMessageId);
    }
    let mut proof = Proof::default();
    for field in COMPARED {
        let ours = Value::of(copy_header, field);
        let theirs = Value::of(&returned.header, field);
        if field != "Message-ID" && is_unseen(copy_header, returned, field, &ours, &theirs) {
            proof.unseen.push(field);
        } else if ours.meaning == theirs.meaning {
            proof.agreed.push(field);
        } else {
            let (in_copy, in_notice) = cut(ours.raw, theirs.raw);
            return Err(Mismatch::Differs {
                field,
                in_copy,
                in_notice,
            });
        }
    }
    if proof.unseen.contains(&"Content-Type") {
        return Err(Mismatch::CutOff);
    }
    Ok(proof)
}

/// At most 200 characters of each, and among them the first that differ: what long values share at their start
/// is left out.
fn cut(ours: Option<String>, theirs: Option<String>) -> (Option<String>, Option<String>) {
    let shared = match (&ours, &theirs) {
        (Some(ours), Some(theirs)) => ours
            .chars()
            .zip(theirs.chars())
            .take_while(|(one, other)| one == other)
            .count(),
        _ => 0,
    };
    let start = if shared < 150 { 0 } else { shared - 50 };
    let part = |raw: String| {
        let part: String = raw.chars().skip(start).take(200).collect();
        if start > 0 {
            format!("...{part}")
        } else {
            part
        }
    };
    (ours.map(part), theirs.map(part))
}

/// The value of one field, for people and for comparison.
struct Value {
    raw: Option<String>,
    meaning: Meaning,
}

enum Meaning {
    Missing,
    Moment(i64),
    Addresses(Vec<String>),
    Media(Media),
    Text(String),
}

impl PartialEq for Meaning {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing, Self::Missing) => true,
            (Self::Moment(one), Self::Moment(other)) => one.abs_diff(*other) <= DATE_TOLERANCE,
            (Self::Addresses(one), Self::Addresses(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(a, b)| same_address(a, b))
            }
            (Self::Media(one), Self::Media(other)) => one == other,
            (Self::Text(one), Self::Text(other)) => one == other,
            _ => false,
        }
    }
}

impl Value {
    fn of(message: &[u8], name: &str) -> Self {
        let found = header::first(message, name);
        let raw = found.map(|field| one_line(&text::decode(field.value())));
        let plain = found.map(|field| field.text()).unwrap_or_default();
        let as_text = || Meaning::Text(raw.clone().unwrap_or_default());
        let meaning = match name {
            "Content-Type" => Meaning::Media(Media::of(message)),
            "Subject" => as_text(),
            _ if raw.is_none() => Meaning::Missing,
            "Message-ID" => text::message_id(&plain).map_or_else(as_text, Meaning::Text),
            "Date" => text::date(&plain).map_or_else(as_text, Meaning::Moment),
            _ => match text::addresses(found.map_or(&[][..], |field| field.value())) {
                addresses if addresses.is_empty() => as_text(),
                addresses => Meaning::Addresses(addresses),
            },
        };
        Self { raw, meaning }
    }
}

/// Every run of blanks and line ends as one blank.
fn one_line(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Can two values not be judged, because the end of the returned header is missing, or because the
/// server has completed the message (RFC 6409 section 8)?
fn is_unseen(copy: &[u8], returned: &Returned, name: &str, ours: &Value, theirs: &Value) -> bool {
    match (&ours.raw, &theirs.raw) {
        (_, None) => is_cut_before(copy, returned, name),
        (None, Some(_)) => name == "Date",
        (Some(raw), Some(start)) => {
            ours.meaning != theirs.meaning
                && is_cut_within(returned, name)
                && raw.starts_with(start.as_str())
        }
    }
}

/// Was the returned header cut off before it could show this field? Not where anything came back
/// that stands behind the field in the copy.
fn is_cut_before(copy: &[u8], returned: &Returned, name: &str) -> bool {
    if returned.extent == Extent::Full {
        return false;
    }
    let back: HashSet<Vec<u8>> = header::fields(&returned.header)
        .map(|field| field.name().to_ascii_lowercase())
        .collect();
    let fields: Vec<_> = header::fields(copy)
        .filter(|field| !field.name().is_empty())
        .collect();
    let at = fields.iter().position(|field| field.is(name));
    let behind = at.map_or(fields.len().saturating_sub(1), |at| at + 1);
    !fields[behind..]
        .iter()
        .any(|field| back.contains(&field.name().to_ascii_lowercase()))
}

/// Is this the last field of a header that may have been cut off?
fn is_cut_within(returned: &Returned, name: &str) -> bool {
    returned.extent != Extent::Full
        && header::fields(&returned.header)
            .last()
            .is_some_and(|field| field.is(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPY: &str = "Date: Tue, 24 Nov 2026 06:21:11 +0000\n\
        From: Theo Example <theo@example.org>\nTo: bob@example.net\nBcc: carol@example.com\n\
        Subject: =?iso-8859-1?Q?Gr=FC=DFe_und_K=FCsse?= an alle, die dies hier lesen\n\
        Message-ID: <t13@laptop.example.org>\nMIME-Version: 1.0\n\
        Content-Type: multipart/mixed; boundary=\"abc\"\nUser-Agent: Mutt/2.2.13\n\n";

    fn proven(copy: &str, header: &str, extent: Extent) -> Result<Proof, Mismatch> {
        let header = header.as_bytes().to_vec();
        prove(
            copy.as_bytes(),
            &Returned {
                extent,
                header,
                ..Returned::default()
            },
        )
    }

    fn differs(copy: &str, header: &str) -> Option<&'static str> {
        match proven(copy, header, Extent::Headers) {
            Err(Mismatch::Differs { field, .. }) => Some(field),
            _ => None,
        }
    }

    #[test]
    fn what_servers_do_to_a_header_does_not_count() {
        let back = "Return-Path: <theo@example.org>\r\nReceived: from laptop.example.org\r\n\
            \tby mail.example.org; Tue, 24 Nov 2026 06:21:12 +0000\r\n\
            Date: Tue, 24 Nov 2026 07:21:11 +0100 (CET)\r\nFrom: \"Theo Example\" <theo@EXAMPLE.org>\r\n\
            To: bob@example.net\r\nSubject: =?utf-8?B?R3LDvMOfZSB1bmQgS8O8c3Nl?=\r\n an alle,\r\n\
            \tdie dies hier lesen\r\nMessage-Id:\r\n <t13@laptop.example.org>\r\nMIME-Version: 1.0\r\n\
            Content-Type: Multipart/Mixed;\r\n\tcharset=utf-8; boundary=abc\r\nUser-Agent: Mutt/2.2.13\r\n\r\n";
        let proof = proven(COPY, back, Extent::Headers).unwrap();
        assert_eq!(proof.agreed, COMPARED);
        assert!(proof.is_whole());
    }

    #[test]
    fn each_field_counts() {
        for (field, from, to) in [
            ("Message-ID", "t13@", "T13@"),
            ("Date", "06:21:11", "06:36:12"),
            ("From", "theo@", "thea@"),
            ("Subject", "alle,", "alle"),
            ("Subject", ", die dies hier lesen", ""),
            ("Content-Type", "\"abc\"", "\"ABC\""),
            ("Content-Type", "multipart/mixed", "multipart/encrypted"),
            (
                "Content-Type",
                "multipart/mixed; boundary=\"abc\"",
                "application/pkcs7-mime",
            ),
        ] {
            assert_eq!(
                differs(COPY, &COPY.replace(from, to)),
                Some(field),
                "{from}"
            );
            assert_eq!(differs(&COPY.replace(from, to), COPY), Some(field), "{to}");
        }
    }

    #[test]
    fn a_field_missing_on_one_side_counts() {
        let without = |name: &str| -> String {
            COPY.lines()
                .filter(|l| !l.starts_with(name))
                .map(|l| format!("{l}\n"))
                .collect()
        };
        for field in ["From", "Subject", "Content-Type"] {
            assert_eq!(differs(COPY, &without(field)), Some(field));
            assert_eq!(differs(&without(field), COPY), Some(field));
        }
        assert_eq!(differs(COPY, &without("Date")), Some("Date"));
        assert_eq!(
            proven(&without("Date"), COPY, Extent::Headers)
                .unwrap()
                .unseen,
            ["Date"]
        );
        let neither = without("Content-Type");
        assert!(
            proven(&neither, &neither, Extent::Headers)
                .unwrap()
                .is_whole()
        );
        let plain = COPY.replace(
            "multipart/mixed; boundary=\"abc\"",
            "text/plain; charset=utf-8",
        );
        assert!(
            proven(&plain, &neither, Extent::Headers)
                .unwrap()
                .is_whole()
        );
    }

    #[test]
    fn a_header_cut_off_before_content_type_proves_nothing() {
        let plain = COPY.replace("multipart/mixed; boundary=\"abc\"", "text/plain");
        for copy in [COPY, &plain] {
            let cut = &copy[..copy.find("MIME-Version").unwrap()];
            assert_eq!(proven(copy, cut, Extent::Headers), Err(Mismatch::CutOff));
        }
        let cut = &COPY[..COPY.find("MIME-Version").unwrap()];
        assert!(
            proven(COPY, cut, Extent::Full).is_err(),
            "nothing is cut from a full return"
        );
        let cut = &COPY[..COPY.find("\"abc\"").unwrap() + 2];
        assert_eq!(proven(COPY, cut, Extent::Headers), Err(Mismatch::CutOff));
        assert_eq!(
            differs(COPY, &COPY[..COPY.find("laptop").unwrap()]),
            Some("Message-ID")
        );
        let other = cut.replace("multipart/mixed; boundary=\"a", "multipart/encr");
        assert_eq!(differs(COPY, &other), Some("Content-Type"));
    }

    #[test]
    fn no_proof_without_a_header_or_without_its_message_id() {
        assert_eq!(
            proven(COPY, "", Extent::None),
            Err(Mismatch::NothingReturned)
        );
        assert_eq!(
            proven(COPY, "\n", Extent::Full),
            Err(Mismatch::NothingReturned)
        );
        let no_id = COPY.replace("Message-ID", "X-ID");
        assert_eq!(
            proven(&no_id, &no_id, Extent::Headers),
            Err(Mismatch::NoMessageId)
        );
        assert_eq!(differs(&no_id, COPY), Some("Message-ID"));
    }

    #[test]
    fn what_differs_is_seen_however_long_the_values_are() {
        let long = format!("Subject: {}", "very ".repeat(1_000));
        let copy = COPY.replace("Subject: ", &format!("{long} nice and "));
        let back = COPY.replace("Subject: ", &format!("{long} odd and "));
        let said = proven(&copy, &back, Extent::Headers)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("very nice and Gr") && said.contains("very odd and Gr"),
            "{said}"
        );
        assert!(said.len() < 700, "{said}");
    }

    #[test]
    fn a_mismatch_shows_both_values_on_one_line() {
        let back = COPY.replace(
            "multipart/mixed; boundary=\"abc\"",
            "multipart/encrypted;\n boundary=\"\u{1b}x\"",
        );
        let said = proven(COPY, &back, Extent::Headers)
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("multipart/mixed") && said.contains("multipart/encrypted"),
            "{said}"
        );
        assert!(!said.contains(char::is_control), "{said:?}");
    }
}
