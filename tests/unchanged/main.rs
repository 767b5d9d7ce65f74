//! No byte changes: what leaves is the CRLF form of the original minus the listed fields plus one field,
//! whatever the original is, and a signature that was good is still good.
//!
//! `PROPTEST_CASES=10000` in the environment tries that many originals.

mod originals;
mod signed;
#[path = "../support/wait.rs"]
mod wait;

use std::env;

use originals::{SECRET, original};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use tls_optout::message::resubmission::rewrite;
use tls_optout::submission::wire;

fn cases() -> u32 {
    env::var("PROPTEST_CASES").map_or(1000, |cases| {
        cases.parse().expect("PROPTEST_CASES: a number")
    })
}

/// The CRLF form, by the shortest rule that says it: a CR before each LF that has none, and a line end
/// at the end.
fn crlf(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for &byte in message {
        if byte == b'\n' && out.last() != Some(&b'\r') {
            out.push(b'\r');
        }
        out.push(byte);
    }
    if !out.ends_with(b"\n") {
        out.extend(b"\r\n");
    }
    out
}

/// Up to the empty line.
fn header_block(sent: &[u8]) -> &[u8] {
    let end = sent.windows(4).position(|four| four == b"\r\n\r\n");
    &sent[..end.unwrap_or(sent.len())]
}

fn contains(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|window| window == text.as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn minus_the_listed_fields_plus_one(original in original()) {
        let sent = wire(&rewrite(&original.bytes()).expect("nothing to refuse").bytes);
        let expected = crlf(&[b"TLS-Required: No\n", original.kept().as_slice()].concat());
        prop_assert!(
            sent == expected,
            "sent     {:?}\nexpected {:?}", sent.escape_ascii().to_string(), expected.escape_ascii().to_string()
        );
        prop_assert!(!contains(header_block(&sent), SECRET), "{:?}", sent.escape_ascii().to_string());
    }
}

/// The strategy does make what it is there for.
#[test]
fn the_originals_are_as_bad_as_they_should_be() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let all: Vec<Vec<u8>> = (0..500)
        .map(|_| {
            original()
                .new_tree(&mut runner)
                .expect("an original")
                .current()
                .bytes()
        })
        .collect();
    let has = |what: &dyn Fn(&[u8]) -> bool| all.iter().any(|bytes| what(bytes));
    let bare_lf = |bytes: &[u8]| {
        bytes
            .windows(2)
            .any(|two| two[1] == b'\n' && two[0] != b'\r')
    };
    let bare_cr = |bytes: &[u8]| {
        bytes
            .windows(2)
            .any(|two| two[0] == b'\r' && two[1] != b'\n')
    };
    assert!(has(&bare_lf) && has(&bare_cr));
    assert!(has(&|bytes| contains(bytes, "\r\n") && bare_lf(bytes)));
    assert!(has(&|bytes| bytes
        .split(|&byte| byte == b'\n')
        .any(|line| line.len() > 1000)));
    assert!(has(&|bytes| bytes.contains(&0)) && has(&|bytes| bytes.contains(&0xff)));
    assert!(has(&|bytes| !bytes.ends_with(b"\n")));
    for text in [
        "application/pgp-signature",
        "application/pkcs7-signature",
        "message/rfc822",
    ] {
        assert!(has(&|bytes| contains(bytes, text)), "{text}");
    }
    for text in ["bCC :", "BCC\t:", "\n\tbcc: hidden"] {
        assert!(has(&|bytes| contains(bytes, text)), "{text:?}");
    }
    let both = |bytes: &[u8]| contains(header_block(&crlf(bytes)), SECRET);
    assert!(all.iter().filter(|bytes| both(bytes)).count() > 250);
}
