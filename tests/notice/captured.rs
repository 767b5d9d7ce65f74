//! Every captured notice against its sidecar.

use std::fs;

use serde_json::Value;
use tls_optout::notice;
use tls_optout::notice::reading::Reading;

use crate::{data, dsn, json};

/// Fields of sidecars that are wrong: the bytes of the notice say otherwise.
///
/// These sidecars were made by a program that reads each byte of a UTF-8 address as one unreadable
/// character; the notices hold the address whole.
const WRONG_SIDECARS: [(&str, &str, &str); 6] = [
    (
        "exim-4.100.1-delay-47-0",
        "recipients/0/final",
        "\u{3b4}\u{3bf}\u{3ba}\u{3b9}\u{3bc}\u{3ae}@alder.example.net",
    ),
    (
        "exim-4.96-delay-47-0",
        "recipients/0/final",
        "\u{3b4}\u{3bf}\u{3ba}\u{3b9}\u{3bc}\u{3ae}@alder.example.net",
    ),
    (
        "exim-4.94.2-delay-46-0",
        "recipients/0/final",
        "j\u{fc}rgen@hazel.example.net",
    ),
    (
        "exim-4.98.2-delay-46-0",
        "recipients/0/final",
        "j\u{fc}rgen@hazel.example.net",
    ),
    (
        "exim-4.94.2-delay-48-0",
        "recipients/0/final",
        "j\u{fc}rgen@zinc.example.net",
    ),
    (
        "exim-4.98.2-delay-48-0",
        "recipients/0/final",
        "j\u{fc}rgen@zinc.example.net",
    ),
];

/// One judged field of a sidecar beside what was read.
struct Check {
    field: String,
    expected: Value,
    read: Value,
}

fn checks(sidecar: &Value, reading: &Value) -> Vec<Check> {
    let mut checks = Vec::new();
    let mut check = |field: String, expected: &Value, read: &Value| {
        checks.push(Check {
            field,
            expected: expected.clone(),
            read: read.clone(),
        });
    };
    let (expected, read) = (&sidecar["recipients"], &reading["recipients"]);
    let (expected, read) = (expected.as_array().unwrap(), read.as_array().unwrap());
    check(
        "number of recipients".into(),
        &expected.len().into(),
        &read.len().into(),
    );
    for (at, (expected, read)) in expected.iter().zip(read).enumerate() {
        for field in ["final", "original", "action", "status", "diagnostic"] {
            check(
                format!("recipients/{at}/{field}"),
                &expected[field],
                &read[field],
            );
        }
        if !expected["tls"].is_null() {
            let tls = !["not-tls", "hidden", "submission-auth"]
                .contains(&read["cause"].as_str().unwrap());
            check(
                format!("recipients/{at}/tls"),
                &expected["tls"],
                &tls.into(),
            );
        }
    }
    let causes: Vec<&Value> = read.iter().map(|recipient| &recipient["cause"]).collect();
    if !sidecar["kind"].is_null() {
        let read = causes
            .iter()
            .find(|cause| ***cause == sidecar["kind"])
            .unwrap_or(&causes[0]);
        check("kind".into(), &sidecar["kind"], read);
    }
    for field in ["tls_caused", "opt_out_helps"] {
        if !sidecar[field].is_null() {
            check(field.into(), &sidecar[field], &reading[field]);
        }
    }
    let actions: Vec<&Value> = read.iter().map(|recipient| &recipient["action"]).collect();
    let mixed = Value::from("mixed");
    let action = if actions.iter().all(|action| *action == actions[0]) {
        actions[0]
    } else {
        &mixed
    };
    check("action".into(), &sidecar["action"], action);
    let original = &reading["original"];
    let id = sidecar["original_message_id"]
        .as_str()
        .map(|id| id.trim_matches(['<', '>']));
    check(
        "original_message_id".into(),
        &id.into(),
        &original["message_id"],
    );
    check(
        "returned".into(),
        &sidecar["returned"],
        &original["returned"],
    );
    check(
        "opted out".into(),
        &sidecar["original_already_opted_out"],
        &original["opted_out"],
    );
    check(
        "envelope_id".into(),
        &sidecar["envelope_id"],
        &reading["envelope_id"],
    );
    check("mta".into(), &sidecar["mta"], &reading["mta"]);
    checks
}

#[test]
fn every_captured_notice_is_read_without_a_wrong_field() {
    let mut wrong = Vec::new();
    let (mut notices, mut exceptions) = (0, 0);
    for entry in fs::read_dir(data("dsn")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        notices += 1;
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let sidecar = fs::read(path.with_extension("json")).unwrap();
        let sidecar: Value = serde_json::from_slice(&sidecar).unwrap();
        let Some(notice) = notice::read(&fs::read(&path).unwrap()) else {
            wrong.push(format!("{name}: not read as a notice"));
            continue;
        };
        for mut check in checks(&sidecar, &json(&notice)["notice"]) {
            let exception = WRONG_SIDECARS
                .iter()
                .find(|(n, f, _)| *n == name && *f == check.field);
            if let Some((_, _, right)) = exception {
                assert_ne!(check.expected, **right, "{name} is no exception");
                check.expected = (*right).into();
                exceptions += 1;
            }
            if check.expected != check.read {
                wrong.push(format!(
                    "{name}: {} {} read as {}",
                    check.field, check.expected, check.read
                ));
            }
        }
    }
    assert_eq!((notices, exceptions), (590, WRONG_SIDECARS.len()));
    wrong.sort();
    assert!(
        wrong.is_empty(),
        "{} wrong fields:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn line_ends_and_a_from_line_change_nothing() {
    for name in [
        "postfix-3.10.13-delay-40-0",
        "sendmail-8.18.1-delay-15-0",
        "exim-4.100.1-delay-36-0",
    ] {
        let bytes = dsn(name);
        let expected = json(&notice::read(&bytes).unwrap());
        let text = String::from_utf8(bytes).unwrap();
        let mixed: String = text
            .lines()
            .enumerate()
            .map(|(at, line)| format!("{line}{}", if at % 3 == 0 { "\n" } else { "\r\n" }))
            .collect();
        let mbox = format!("From MAILER-DAEMON Tue Nov 24 06:48:46 2026\n{text}");
        for variant in [text.replace('\n', "\r\n"), mixed, mbox] {
            assert_eq!(
                json(&notice::read(variant.as_bytes()).unwrap()),
                expected,
                "{name}"
            );
        }
    }
}

/// The contract: keys as documented, and no others.
#[test]
fn the_json_has_the_documented_keys() {
    let notice = notice::read(&dsn("postfix-3.10.13-delay-40-0")).unwrap();
    let reading = json(&notice);
    let keys = |value: &Value| {
        let mut keys: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(keys(&reading), "file notice");
    let reading = &reading["notice"];
    assert_eq!(
        keys(reading),
        "arrival_date envelope_id mta opt_out_helps original provenance recipients reporting_mta tls_caused"
    );
    assert_eq!(
        keys(&reading["recipients"][0]),
        "action cause diagnostic evidence final opt_out_helps original remote_mta status will_retry_until"
    );
    assert_eq!(
        keys(&reading["original"]),
        "date from message_id opted_out requires_tls returned subject"
    );
    assert_eq!(reading["arrival_date"], "2026-11-24T06:48:46Z");
    assert_eq!(reading["original"]["date"], "2026-11-24T06:40:11Z");
    assert_eq!(reading["recipients"][0]["evidence"]["part"], "text");
    let phrase = "TLS is required, but host mx.hazel.example.net[192.0.2.16] refused to start TLS";
    assert_eq!(reading["recipients"][0]["evidence"]["phrase"], phrase);
    let none = serde_json::to_string(&Reading::new("a", None)).unwrap();
    assert_eq!(none, r#"{"file":"a","notice":null}"#);
}
