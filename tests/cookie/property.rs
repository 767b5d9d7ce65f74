//! For any Subject: what is read afterwards is what was read before without the cookie, and nothing else of
//! the message changes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use tls_optout::message::header;

use super::COOKIE;
use super::decoder::{self, FOLD};

/// What a Subject must read as, with a cookie taken out and one blank; and whether there was one.
fn without(text: &str) -> (String, bool) {
    let is_blank = |c: char| [' ', '\t', FOLD].contains(&c);
    let mut left = String::new();
    let mut rest = text;
    let mut found = false;
    while let Some(first) = rest.chars().next() {
        let Some(behind) = behind_cookie(rest) else {
            left.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        };
        found = true;
        rest = behind;
        if left.is_empty() {
            rest = rest.trim_start_matches(is_blank);
        } else if rest.is_empty() {
            left.truncate(left.trim_end_matches(is_blank).len());
        } else if left.ends_with(is_blank) && rest.starts_with(is_blank) {
            // Which of two unlike blanks goes is not said: see `same`.
            rest = &rest[rest.chars().next().map_or(0, char::len_utf8)..];
        }
    }
    (left, found)
}

/// What follows the cookie, if the text begins with it. A fold within it does not count.
fn behind_cookie(text: &str) -> Option<&str> {
    let mut rest = text;
    for (number, wanted) in COOKIE.text.chars().enumerate() {
        if number > 0 && rest.starts_with(FOLD) {
            rest = rest.trim_start_matches([FOLD, ' ', '\t']);
        }
        rest = rest.strip_prefix([wanted, wanted.to_ascii_uppercase()])?;
    }
    Some(rest)
}

/// The same text, whatever its blanks are made of.
fn same(one: &str, other: &str) -> bool {
    let blanks = |text: &str| text.replace(['\t', FOLD], " ");
    blanks(one) == blanks(other)
}

/// May the cookie stay? Only where something could not be read, and what is left would need to be written
/// anew: a blank at an end, or text that looks like the beginning of an encoded word.
fn may_stay(read: &str) -> bool {
    let is_blank = |c: char| [' ', '\t', FOLD].contains(&c);
    let is_opaque = |c: char| c >= '\u{f1000}';
    // Bytes on both sides of the cookie may be a character together.
    let would_join = read.split('[').any(|before| before.ends_with(is_opaque))
        && read.split(']').any(|behind| behind.starts_with(is_opaque));
    read.contains(is_opaque)
        && (would_join
            || read.starts_with(is_blank)
            || read.ends_with(is_blank)
            || read.contains("=?"))
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let charset =
        proptest::sample::select(&["utf-8", "UTF-8", "iso-8859-1", "us-ascii", "cp437"][..]);
    let text = prop_oneof![
        Just(b"[tls-optout]".to_vec()),
        Just(b"[TLS-".to_vec()),
        Just(b"optout]".to_vec()),
        Just(b" ".to_vec()),
        "[a-z ?=]{0,6}".prop_map(String::into_bytes),
        "[\u{e4}\u{1f40c}\u{65e5}\u{130} ]{0,4}".prop_map(String::into_bytes),
        // Half a character, or bytes of another charset.
        proptest::collection::vec(0x80..=0xffu8, 1..4),
    ];
    let encoded = (charset, text.clone(), any::<bool>()).prop_map(|(charset, text, is_q)| {
        let data = match is_q {
            true => text.iter().map(|byte| format!("={byte:02X}")).collect(),
            false => STANDARD.encode(text),
        };
        let encoding = if is_q { 'q' } else { 'B' };
        format!("=?{charset}?{encoding}?{data}?=").into_bytes()
    });
    let one_after_another = (encoded.clone(), encoded.clone());
    prop_oneof![
        4 => text,
        3 => encoded,
        2 => one_after_another.prop_map(|(one, two)| [&one, &b" "[..], &two].concat()),
        3 => Just(b" ".to_vec()),
        1 => Just(b"\r\n ".to_vec()),
        1 => Just(b"\n\t".to_vec()),
        1 => Just(b" =?iso-8859-1?B?W3Rscy1vcHRvdXRdIOQ=?=".to_vec()),
        1 => Just(b"=?utf-8?Q?a?[tls-optout]=20b?=".to_vec()),
        1 => "[=?_\\[\\] a-z\u{fc}-]{0,8}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_rest_reads_as_before(pieces in proptest::collection::vec(piece(), 0..10)) {
        let value = [b" ", pieces.concat().as_slice(), b"\n"].concat();
        prop_assume!(header::fields(&[b"Subject:", value.as_slice()].concat()).count() == 1);
        let read = decoder::read(&value);
        let (wanted, is_there) = without(&read);
        let left = COOKIE.cut(&value);
        prop_assert_eq!(left.is_some(), is_there, "{:?}", read);
        if let Some(left) = left {
            if left == value && may_stay(&read) {
                return Ok(());
            }
            let left = decoder::read(&left);
            prop_assert!(same(&left, &wanted), "{read:?} -> {left:?}");
        }
    }

    #[test]
    fn no_other_byte_changes(
        before in "(X-[A-Z]{1,5}: [ -~\u{e4}]{0,20}(\n [ -~]{0,9})?\n){0,3}",
        subject in proptest::collection::vec(piece(), 0..6),
        after in "(Y-[A-Z]{1,5}:[ -~]{0,20}\r?\n){0,3}",
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let subject = [b"Subject: ", subject.concat().as_slice(), b"\n"].concat();
        prop_assume!(header::fields(&subject).count() == 1);
        let message = [before.as_bytes(), &subject, after.as_bytes(), b"\n", &body].concat();
        let Some(turned) = COOKIE.turn(&message) else {
            return Ok(());
        };
        let line_end = if memchr_lf(&message) { &b"\r\n"[..] } else { b"\n" };
        let top = [b"TLS-Required: No", line_end, before.as_bytes(), b"Subject:"].concat();
        prop_assert!(turned.starts_with(&top), "{:?}", String::from_utf8_lossy(&turned));
        let bottom = [after.as_bytes(), b"\n", &body].concat();
        prop_assert!(turned.ends_with(&bottom), "{:?}", String::from_utf8_lossy(&turned));
        let left = &turned[top.len()..turned.len() - bottom.len()];
        prop_assert_eq!(Some(left.to_vec()), COOKIE.cut(&subject[8..]));
    }

    #[test]
    fn any_bytes(value in proptest::collection::vec(prop_oneof![
        3 => proptest::sample::select(&b"[tls-optout] =?utf-8?Q?_?=\r\n\t"[..]), 1 => any::<u8>()
    ], 0..80)) {
        if let Some(left) = COOKIE.cut(&value) {
            prop_assert!(left.len() <= 4 * value.len() + 80);
        }
    }
}

/// Does the first line end with CRLF?
fn memchr_lf(message: &[u8]) -> bool {
    message
        .split(|&byte| byte == b'\n')
        .next()
        .is_some_and(|line| line.ends_with(b"\r"))
}
