//! For any Subject: what is read afterwards is what was read before without the cookie, and nothing else of
//! the message changes.

use proptest::prelude::*;
use tls_optout::message::{header, text::decode};

use super::COOKIE;

/// What a Subject must read as, by its decoded text alone. A fold within the cookie reads as a blank.
fn without(text: &str) -> String {
    let cookie = COOKIE.text;
    let mut left = String::new();
    let mut rest = text;
    loop {
        let lower = rest.to_ascii_lowercase();
        let Some(at) = lower.find(cookie) else {
            left.push_str(rest);
            return left;
        };
        left.push_str(&rest[..at]);
        rest = &rest[at + cookie.len()..];
        let blank = [' ', '\t'];
        if left.is_empty() {
            rest = rest.trim_start_matches(blank);
        } else if rest.is_empty() {
            left.truncate(left.trim_end_matches(blank).len());
        } else if left.ends_with(blank) && rest.starts_with(blank) {
            // Which of two unlike blanks goes is not said: see `same`.
            rest = &rest[1..];
        }
    }
}

/// The same text, be a blank a tab or not.
fn same(one: &str, other: &str) -> bool {
    one.replace('\t', " ") == other.replace('\t', " ")
}

fn piece() -> impl Strategy<Value = String> {
    let encoded = |text: &str| {
        let hex: String = text.bytes().map(|byte| format!("={byte:02X}")).collect();
        format!("=?utf-8?q?{hex}?=")
    };
    let text = prop_oneof![
        Just("[tls-optout]".to_owned()),
        Just("[TLS-".to_owned()),
        Just("optout]".to_owned()),
        Just(" ".to_owned()),
        "[a-z ]{0,6}",
        "[\u{e4}\u{1f40c}\u{65e5}\u{130} ]{0,4}",
    ];
    prop_oneof![
        4 => text.clone(),
        2 => text.clone().prop_map(move |text| encoded(&text)),
        1 => (text.clone(), text).prop_map(move |(one, two)| format!("{} {}", encoded(&one), encoded(&two))),
        2 => Just(" ".to_owned()),
        1 => Just("\r\n ".to_owned()),
        1 => Just("\n\t".to_owned()),
        1 => Just(" =?iso-8859-1?B?W3Rscy1vcHRvdXRdIOQ=?=".to_owned()),
        1 => "[=?_\\[\\] a-z\u{fc}-]{0,8}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_rest_reads_as_before(pieces in proptest::collection::vec(piece(), 0..10)) {
        let value = format!(" {}\n", pieces.concat());
        prop_assume!(header::fields(format!("Subject:{value}").as_bytes()).count() == 1);
        let read = decode(value.as_bytes());
        match COOKIE.cut(value.as_bytes()) {
            // The fold within a cookie: the table has it.
            Some(_) if !read.to_lowercase().contains(COOKIE.text) || read.to_lowercase().contains("[tls- optout]") => (),
            Some(left) => {
                let left = decode(&left);
                prop_assert!(same(&left, &without(&read)), "{read:?} -> {left:?}");
            }
            None => prop_assert!(!read.to_lowercase().contains(COOKIE.text), "{read:?}"),
        }
    }

    #[test]
    fn no_other_byte_changes(
        before in "(X-[A-Z]{1,5}: [ -~\u{e4}]{0,20}(\n [ -~]{0,9})?\n){0,3}",
        subject in proptest::collection::vec(piece(), 0..6),
        after in "(Y-[A-Z]{1,5}:[ -~]{0,20}\r?\n){0,3}",
        body in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let subject = format!("Subject: {}\n", subject.concat());
        prop_assume!(header::fields(subject.as_bytes()).count() == 1);
        let message = [before.as_bytes(), subject.as_bytes(), after.as_bytes(), b"\n", &body].concat();
        let Some(turned) = COOKIE.turn(&message) else {
            return Ok(());
        };
        let line_end = if memchr_lf(&message) { &b"\r\n"[..] } else { b"\n" };
        let top = [b"TLS-Required: No", line_end, before.as_bytes(), b"Subject:"].concat();
        prop_assert!(turned.starts_with(&top), "{:?}", String::from_utf8_lossy(&turned));
        let bottom = [after.as_bytes(), b"\n", &body].concat();
        prop_assert!(turned.ends_with(&bottom), "{:?}", String::from_utf8_lossy(&turned));
        let left = &turned[top.len()..turned.len() - bottom.len()];
        prop_assert_eq!(Some(left.to_vec()), COOKIE.cut(&subject.as_bytes()[8..]));
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
