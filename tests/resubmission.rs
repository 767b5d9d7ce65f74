//! What is sent is the original minus the listed fields plus one field, whatever the original is.

use proptest::prelude::*;
use tls_optout::message::header;
use tls_optout::message::refusal::Refusal;
use tls_optout::message::resubmission::{OPT_OUT, rewrite};

/// Names of fields that must not leave, in the forms that header blocks really have.
const REMOVED: &[&str] = &[
    "Bcc",
    "BCC ",
    "bcc\t",
    "Resent-Bcc",
    "Received",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "DKIM-Signature",
    "ARC-Seal",
    "Authentication-Results",
    "Status",
    "X-Status",
    "X-Keywords",
    "X-UID",
    "Content-Length",
    "Lines",
    "X-Mutt-Fcc",
    "X-TUID",
];
const KEPT: &[&str] = &[
    "From",
    "To",
    "Subject",
    "Message-ID",
    "Date",
    "Content-Type",
    "Mail-Followup-To",
    "Resent-To",
    "X-Bcc",
    "Bccx",
    "Received-By-Us",
    "List-Id",
    "X-Mut",
];

/// A field or a line of the header block, and whether it is kept.
fn piece() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let end = || prop_oneof![Just("\n"), Just("\r\n")];
    let fold = prop_oneof![
        Just(""),
        Just("\n x: y"),
        Just("\r\n\tBcc: z"),
        Just("\n "),
        Just("\r\n\t\r\n b")
    ];
    let value = proptest::collection::vec(
        any::<u8>().prop_filter("no line end", |byte| !matches!(byte, b'\n' | b'\r')),
        0..40,
    );
    // In a `Return-Path` this would be a message of a machine, which is refused.
    let value = value.prop_filter("no null sender", |value| {
        !value.windows(2).any(|pair| pair == b"<>")
    });
    let named = |names: &'static [&'static str], kept: bool| {
        (
            proptest::sample::select(names),
            value.clone(),
            fold.clone(),
            end(),
        )
            .prop_map(move |(name, value, fold, end)| {
                let value = [
                    b":",
                    value.as_slice(),
                    b"v",
                    fold.as_bytes(),
                    end.as_bytes(),
                ]
                .concat();
                ([name.as_bytes(), &value].concat(), kept)
            })
    };
    let line = prop_oneof![
        Just((b"no field at all\n".to_vec(), true)),
        Just((b"\x00\xff: \n".to_vec(), true)),
        Just((b": no name\r\n".to_vec(), true)),
        Just((b"X: bare\rcarriage return\n".to_vec(), true)),
        Just((b"From bob Tue Nov 24 06:48:46 2026\n".to_vec(), false)),
        Just((b">From bob Tue Nov 24 06:48:46 2026\r\n".to_vec(), false)),
    ];
    prop_oneof![4 => named(KEPT, true), 4 => named(REMOVED, false), 1 => line]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        Just(b"\n".to_vec()),
        (
            prop_oneof![Just("\n"), Just("\r\n")],
            proptest::collection::vec(any::<u8>(), 0..200)
        )
            .prop_map(|(empty, body)| [empty.as_bytes(), &body].concat()),
        Just(b"\n\nBcc: quoted\nTLS-Required: No\n\nFrom x\n.\n..\r\rend".to_vec()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn minus_the_listed_fields_plus_one(
        pieces in proptest::collection::vec(piece(), 0..12),
        body in body(),
    ) {
        let first = b"Date: today\r\n".to_vec();
        let original: Vec<u8> =
            first.iter().chain(pieces.iter().flat_map(|(raw, _)| raw)).chain(&body).copied().collect();
        let expected: Vec<u8> = [OPT_OUT.as_bytes(), b"\r\n", &first]
            .concat()
            .into_iter()
            .chain(pieces.iter().filter(|(_, kept)| *kept).flat_map(|(raw, _)| raw.clone()))
            .chain(body.clone())
            .collect();
        let rewritten = rewrite(&original).unwrap();
        prop_assert_eq!(
            String::from_utf8_lossy(&rewritten.bytes),
            String::from_utf8_lossy(&expected)
        );
        prop_assert_eq!(&rewritten.bytes, &expected);
        prop_assert_eq!(rewritten.removed.len(), pieces.iter().filter(|(_, kept)| !kept).count());
        prop_assert!(header::first(&rewritten.bytes, "Bcc").is_none());
        prop_assert_eq!(header::fields(&rewritten.bytes).next().unwrap().text(), "No");
        let again = rewrite(&rewritten.bytes);
        prop_assert!(matches!(again, Err(Refusal::AlreadyOptedOut { .. })), "sent twice: {:?}", again);
    }

    #[test]
    fn no_bytes_panic_and_no_body_changes(bytes in proptest::collection::vec(
        prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), Just(b'B'), any::<u8>()], 0..200,
    )) {
        if let Ok(rewritten) = rewrite(&bytes) {
            prop_assert_eq!(header::body(&rewritten.bytes), header::body(&bytes));
            prop_assert_eq!(header::text(&rewritten.bytes, "TLS-Required"), Some("No".to_owned()));
        }
    }
}

#[test]
fn a_header_of_many_fields_takes_linear_time() {
    let original = "Bcc: a@example.net\nX: y\n".repeat(100_000);
    let started = std::time::Instant::now();
    let rewritten = rewrite(original.as_bytes()).unwrap();
    assert_eq!(rewritten.removed.len(), 100_000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn real_originals_lose_nothing() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dsn/originals");
    let mut rewritten = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let original = std::fs::read(entry.unwrap().path()).unwrap();
        match rewrite(&original) {
            Ok(sent) => {
                let expected = [OPT_OUT.as_bytes(), b"\r\n", &original].concat();
                assert_eq!(sent.bytes, expected);
                rewritten += 1;
            }
            Err(refusal) => assert!(
                matches!(refusal, Refusal::AlreadyOptedOut { .. }),
                "{refusal}"
            ),
        }
    }
    assert!(rewritten > 500, "{rewritten}");
}
