//! The copy proof with real notices.

use std::fs;
use std::path::Path;

use tls_optout::maildir::proof::{COMPARED, Mismatch, prove};
use tls_optout::message::header;
use tls_optout::notice::{Extent, Returned};

/// What a captured notice returned. The reader of notices has its own tests.
fn returned(notice: &[u8]) -> Option<Returned> {
    let mut at = 0;
    for line in notice.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        let extent = match line.strip_prefix("content-type:").map(str::trim) {
            Some("message/rfc822" | "message/global") => Extent::Full,
            Some("text/rfc822-headers" | "message/global-headers") => Extent::Headers,
            _ => continue,
        };
        let part = header::body(&notice[at..]);
        let header = part[..header::length(part)].to_vec();
        return Some(Returned {
            extent,
            header,
            ..Returned::default()
        });
    }
    None
}

#[test]
fn every_original_proves_against_its_own_notice_and_no_other() {
    let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dsn"));
    let mut pairs = Vec::new();
    for entry in fs::read_dir(data.join("originals")).unwrap() {
        let original = entry.unwrap().path();
        let name = original.file_stem().unwrap().to_str().unwrap();
        let notice = data.join(format!("{name}.eml"));
        let returned = returned(&fs::read(&notice).unwrap());
        pairs.push((notice, fs::read(&original).unwrap(), returned));
    }
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    let mut proven = 0;
    for (index, (name, original, returned)) in pairs.iter().enumerate() {
        let returned = returned
            .as_ref()
            .unwrap_or_else(|| panic!("{name:?} returned nothing"));
        let has_id = header::first(original, "Message-ID").is_some();
        match prove(original, returned) {
            Ok(proof) => {
                assert!(has_id && proof.is_whole(), "{name:?} {proof:?}");
                assert_eq!(proof.agreed, COMPARED);
                proven += 1;
            }
            Err(Mismatch::NoMessageId) => assert!(!has_id, "{name:?}"),
            Err(mismatch) => assert!(!has_id, "{name:?} {mismatch}"),
        }
        for other in [1, 2, 17, 250] {
            let (_, other, _) = &pairs[(index + other) % pairs.len()];
            // Some messages have two notices.
            let same = header::text(other, "Message-ID") == header::text(original, "Message-ID");
            assert_eq!(prove(other, returned).is_ok(), same && has_id, "{name:?}");
        }
    }
    assert_eq!(pairs.len(), 563);
    assert_eq!(proven, 560);
}
