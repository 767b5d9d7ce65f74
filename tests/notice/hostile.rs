//! Broken and malicious input.

use std::time::Instant;

use tls_optout::notice;

use crate::{data, dsn, json, layouts, shapes};

const VARIED: [&str; 4] = [
    "postfix-3.10.13-delay-40-0",
    "sendmail-8.18.1-delay-15-0",
    "exim-4.94.2-delay-46-0",
    "opensmtpd-6.8.0p2-delay-39-0",
];

#[test]
fn a_notice_cut_anywhere_is_read_as_far_as_it_goes() {
    for name in VARIED {
        let bytes = dsn(name);
        let whole = notice::read(&bytes).unwrap();
        for end in 0..bytes.len() {
            if let Some(notice) = notice::read(&bytes[..end]) {
                assert!(notice.recipients.len() <= whole.recipients.len());
            }
        }
    }
}

#[test]
fn changed_bytes_do_no_harm() {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        usize::try_from(seed >> 33).unwrap()
    };
    const BYTES: [u8; 12] = *b"\0\n\r :;<>\"(=\xff";
    for name in VARIED {
        let original = dsn(name);
        for _ in 0..400 {
            let mut bytes = original.clone();
            for _ in 0..1 + random() % 8 {
                let at = random() % bytes.len();
                match random() % 3 {
                    0 => bytes[at] = BYTES[random() % BYTES.len()],
                    1 => bytes.insert(at, BYTES[random() % BYTES.len()]),
                    _ => bytes.truncate(at.max(1)),
                }
            }
            let _ = notice::read(&bytes).map(|notice| json(&notice));
        }
    }
}

/// Nested messages and multiparts must not overflow a stack of 2 MB, Rust's default for threads.
#[test]
fn nesting_is_not_followed_down() {
    let levels = 60_000;
    let mut messages = String::from("Content-Type: multipart/report; boundary=outer\n\n--outer\n");
    let mut multiparts = String::from("Return-Path: <>\n");
    for at in 0..levels {
        messages += "Content-Type: message/rfc822\n\n";
        multiparts += &format!("Content-Type: multipart/mixed; boundary=b{at}\n\n--b{at}\n");
    }
    let deep = layouts::notice("postfix", true, "4.7.5", "Server certificate not verified")
        .replace("text/rfc822-headers", "message/rfc822")
        .replace(
            "\nFrom: Alice",
            &format!(
                "\n{}From: Alice",
                "Content-Type: message/rfc822\n\n".repeat(levels)
            ),
        );
    let reader = std::thread::Builder::new()
        .stack_size(2 << 20)
        .spawn(move || {
            assert_eq!(notice::read(messages.as_bytes()), None);
            assert_eq!(notice::read(multiparts.as_bytes()), None);
            assert!(notice::read(deep.as_bytes()).unwrap().opt_out_helps());
        });
    reader.unwrap().join().unwrap();
}

/// Shapes that invite quadratic code, so large that it would take hours.
#[test]
fn large_inputs_take_linear_time() {
    for (name, message) in shapes::all(8 << 20) {
        let start = Instant::now();
        let _ = notice::read(&message).map(|notice| json(&notice));
        let seconds = start.elapsed().as_secs();
        assert!(seconds < 20, "{name}: {seconds} s");
    }
}

/// What the fuzz targets found once.
#[test]
fn inputs_that_were_found_by_fuzzing() {
    for entry in std::fs::read_dir(data("found")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let notice = notice::read(&bytes);
        assert!(notice.is_none() || notice::may_be(&bytes));
        let _ = notice.map(|notice| json(&notice));
        let _ = tls_optout::message::resubmission::rewrite(&bytes);
        let _ = tls_optout::message::recipients::recipients(&bytes);
        let _ = tls_optout::message::text::addresses(&bytes);
        let _ = tls_optout::message::text::decode(&bytes);
    }
}

/// In the charsets of the world, and in one that nobody knows.
#[test]
fn every_charset_is_read_somehow() {
    let notice = layouts::notice("postfix", true, "4.7.5", "Server certificate not verified");
    for charset in [
        "us-ascii",
        "utf-8",
        "utf-7",
        "utf-16le",
        "utf-16be",
        "iso-8859-1",
        "iso-8859-15",
        "windows-1252",
        "koi8-r",
        "iso-2022-jp",
        "shift_jis",
        "euc-jp",
        "euc-kr",
        "gb18030",
        "big5",
        "macintosh",
        "x-none",
        "",
    ] {
        let kind = format!("Content-Type: text/plain; charset=\"{charset}\"");
        let message = notice
            .replacen("Content-Type: text/plain", &kind, 1)
            .into_bytes();
        let mut odd = message.clone();
        let at = message.windows(4).position(|w| w == b"mail").unwrap();
        odd.splice(at..at, [0x1b, b'$', b'B', 0xe9, 0xff, 0x80, 0]);
        for message in [message, odd] {
            let read = notice::read(&message).unwrap();
            assert_eq!(read.recipients.len(), 1, "{charset}");
            assert!(read.recipients[0].opt_out_helps, "{charset}");
        }
    }
}
