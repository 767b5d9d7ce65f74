//! A mail tree of 100,000 messages from a fixed seed: sent mail with names as mutt gives them, an inbox
//! with replies that cite sent messages, and list mail with mbsync's names, whose time says nothing
//! about the Date.

use std::fs;
use std::path::Path;

use mail_parser::DateTime;

/// Messages in the folder `Sent`.
pub(crate) const SENT: u64 = 20_000;
const INBOX: u64 = 30_000;
const LISTS: u64 = 50_000;
/// All messages.
pub(crate) const MESSAGES: u64 = SENT + INBOX + LISTS;
const FIRST: i64 = 1_500_000_000;
const STEP: i64 = 3_600;

/// Message-ID of a sent message.
pub(crate) fn sent_id(number: u64) -> String {
    format!("{:016x}.{number}@laptop.example.org", mixed(number))
}

/// When it was sent, in seconds since 1970.
pub(crate) fn sent_at(number: u64) -> i64 {
    FIRST + STEP * number.cast_signed()
}

/// Makes the tree below `root`.
pub(crate) fn plant(root: &Path) {
    let body = "Lorem ipsum dolor sit amet, consectetur adipisici elit.\n".repeat(40);
    let trace = "Received: from mx.example.net (mx.example.net [192.0.2.7])\n\tby mail.example.org \
                 (Postfix) with ESMTPS id 0123456789AB\n\tfor <me@example.org>; Fri, 14 Jul 2017 02:40:00 +0000\n"
        .repeat(3);
    for (folder, count) in [("Sent", SENT), ("INBOX", INBOX), ("Lists", LISTS)] {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(root.join(folder).join(part)).expect("a folder");
        }
        for number in 0..count {
            let random = mixed(number);
            let time = sent_at(number);
            let (name, header) = match folder {
                "Sent" => (
                    format!("{time}.R{random}.laptop:2,S"),
                    format!("Message-ID: <{}>\nTo: b@example.net\n", sent_id(number)),
                ),
                "INBOX" => (
                    format!("{}.M{random}P1.mail,S=3000:2,RS", time + 60),
                    format!(
                        "{trace}In-Reply-To: <{}>\nMessage-Id:\n <{random:x}@example.net>\n",
                        sent_id(number)
                    ),
                ),
                _ => (
                    format!("1700000000.{number}_1.laptop,U={number}:2,S"),
                    format!(
                        "{trace}List-Id: <l.example.com>\nMessage-ID: <{random:x}@example.com>\n"
                    ),
                ),
            };
            let message = format!(
                "{header}From: me@example.org\nDate: {}\nSubject: {random}\n\n{body}",
                DateTime::from_timestamp(time).to_rfc822()
            );
            fs::write(root.join(folder).join("cur").join(name), message).expect("a file");
        }
    }
}

/// `SplitMix64`: numbers that look random and are the same in every run.
fn mixed(number: u64) -> u64 {
    let mut z = number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
