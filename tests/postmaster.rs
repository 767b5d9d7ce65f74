//! The letter to a failing domain: what it says, and what it never says.

use std::fs;
use std::path::Path;

use tls_optout::notice::{self, Notice};
use tls_optout::postmaster::{Error, Letter, failing, letter};

/// 2026-11-24 09:00:00 UTC.
const NOW: i64 = 1_795_510_800;
const FROM: &str = "alice@example.org";

/// A notice about recipients, each with action, status, diagnostic code, and a further field.
fn notice(recipients: &[(&str, &str, &str, &str, &str)]) -> Notice {
    let groups: String = recipients
        .iter()
        .map(|(address, action, status, diagnostic, field)| {
            format!(
                "\nFinal-Recipient: rfc822; {address}\nAction: {action}\nStatus: {status}\n\
                 Diagnostic-Code: {diagnostic}\n{field}"
            )
        })
        .collect();
    let message = format!(
        "Return-Path: <>\nDate: Tue, 24 Nov 2026 08:00:12 +0100\nFrom: MAILER-DAEMON@example.org\n\
         To: {FROM}\nMIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; \
         boundary=\"b\"\nMessage-ID: <warning-1@mail.example.org>\n\n--b\n\nThis is the mail system at host \
         mail.example.org.\n\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; \
         mail.example.org\nX-Postfix-Queue-ID: 4794A13EC12\nArrival-Date: Tue, 24 Nov 2026 06:00:12 \
         +0000\n{groups}\n--b\nContent-Type: text/rfc822-headers\n\nFrom: {FROM}\nTo: \
         bob@example.net\nSubject: Lunch on Thursday\nMessage-ID: <lunch-1@example.org>\n\n--b--\n"
    );
    notice::read(message.as_bytes()).expect("a notice")
}

const NO_TLS: &str =
    "X-Postfix; TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
const UNTRUSTED: &str = "X-Postfix; Server certificate not trusted";
const REFUSED: &str = "X-Postfix; connect to mx.example.net[192.0.2.1]:25: Connection refused";

fn letters(notice: &Notice) -> Vec<Letter> {
    failing(notice)
        .iter()
        .map(|domain| letter(notice, domain, FROM, "6f1d", NOW).expect("a letter"))
        .collect()
}

fn only(notice: &Notice) -> Letter {
    let [letter] = &letters(notice)[..] else {
        panic!("not one letter")
    };
    letter.clone()
}

const LETTER: &str = "\
TLS-Required: No
From: <alice@example.org>
To: <postmaster@example.net>
Subject: TLS failure delivering mail to example.net
Date: Tue, 24 Nov 2026 09:00:00 +0000
Message-ID: <6f1d@example.org>
MIME-Version: 1.0
Content-Type: text/plain; charset=\"utf-8\"
Content-Transfer-Encoding: 7bit

Hello,

TLS failed when mail for example.net was to be delivered to its mail
server, and the sending server does not deliver that mail without TLS.

Sending server:   mail.example.org
Mail accepted:    2026-11-24 06:00:12 UTC
Reported:         2026-11-24 07:00:12 UTC

What failed:      the receiving server did not offer STARTTLS
Receiving server: mx.example.net[192.0.2.1]
Status:           4.7.4
State:            delayed, tried until 2026-11-29 06:00:12 UTC

In the words of the notice:

> X-Postfix; TLS is required, but was not offered by host
> mx.example.net[192.0.2.1]

What to check:

Does the answer to EHLO contain STARTTLS, for every client? A firewall
or proxy that inspects SMTP can take it out. From outside it shows with
openssl s_client -starttls smtp -connect HOST:25

This letter carries the field TLS-Required: No (RFC 8689), which asks
the servers on its way not to insist on TLS, so that it can arrive in
spite of the failure. Other mail may still be waiting.
";

#[test]
fn the_whole_letter() {
    let until = "Will-Retry-Until: Sun, 29 Nov 2026 06:00:12 +0000\n";
    let letter = only(&notice(&[(
        "bob@example.net",
        "delayed",
        "4.7.4",
        NO_TLS,
        until,
    )]));
    assert_eq!(text(&letter), LETTER);
    assert_eq!(letter.to, "postmaster@example.net");
    assert!(LETTER.ends_with(&letter.text));
    assert!(LETTER.contains(&format!("Subject: {}\n", letter.subject)));
}

/// The message with LF line ends; there are no others than CRLF.
fn text(letter: &Letter) -> String {
    let text = String::from_utf8(letter.bytes.clone()).expect("UTF-8");
    let plain = text.replace("\r\n", "\n");
    assert!(!plain.contains('\r'));
    assert_eq!(plain.matches('\n').count(), text.matches("\r\n").count());
    plain
}

/// Two recipients of one domain with one failure: one letter that tells it once. Another failure of
/// the same domain is told in the same letter.
#[test]
fn one_letter_a_domain() {
    let remote = "Remote-MTA: dns; mx2.example.com\n";
    let notice = notice(&[
        ("bob@Example.net", "delayed", "4.7.4", NO_TLS, ""),
        ("carol@example.com", "failed", "5.7.4", NO_TLS, ""),
        ("dave@example.net", "delayed", "4.7.4", NO_TLS, ""),
        ("erin@example.com", "delayed", "4.7.5", UNTRUSTED, remote),
        ("frank@example.org", "delayed", "4.4.1", REFUSED, ""),
        ("grace@example.test", "delivered", "2.0.0", NO_TLS, ""),
    ]);
    let [net, com] = &letters(&notice)[..] else {
        panic!("not two letters")
    };
    assert_eq!(net.to, "postmaster@example.net");
    assert_eq!(net.text.matches("What failed:").count(), 1);
    assert_eq!(com.to, "postmaster@example.com");
    let failed: Vec<&str> = com
        .text
        .lines()
        .filter(|line| line.starts_with(['W', 'R', 'S', '>']) && !line.ends_with(':'))
        .collect();
    let expected = [
        "Sending server:   mail.example.org",
        "Reported:         2026-11-24 07:00:12 UTC",
        "What failed:      the receiving server did not offer STARTTLS",
        "Receiving server: mx.example.net[192.0.2.1]",
        "Status:           5.7.4",
        "State:            given up",
        "> X-Postfix; TLS is required, but was not offered by host",
        "> mx.example.net[192.0.2.1]",
        "What failed:      the certificate of the receiving server is not trusted",
        "Receiving server: mx2.example.com",
        "Status:           4.7.5",
        "State:            delayed",
        "> X-Postfix; Server certificate not trusted",
    ];
    assert_eq!(failed, expected);
}

#[test]
fn nothing_to_tell() {
    for (address, diagnostic) in [
        ("bob@example.net", REFUSED),
        (
            "bob@example.net",
            "X-Postfix; TLS is required, but our TLS engine is unavailable",
        ),
        ("bob", NO_TLS),
        ("bob@", NO_TLS),
        ("bob@[192.0.2.1]", NO_TLS),
        ("bob@192.0.2.1", NO_TLS),
        ("bob@example.net>,eve", NO_TLS),
        ("bob@example..net", NO_TLS),
        ("bob@example_net", NO_TLS),
    ] {
        let notice = notice(&[(address, "delayed", "4.7.5", diagnostic, "")]);
        assert_eq!(failing(&notice), [], "{address} {diagnostic}");
    }
}

/// The server spoke to the domain behind the alias, and to that alone goes the letter.
#[test]
fn the_domain_behind_an_alias() {
    let alias = "Original-Recipient: rfc822;team@example.com\n";
    let letter = only(&notice(&[(
        "bob@example.net",
        "delayed",
        "4.7.4",
        NO_TLS,
        alias,
    )]));
    assert_eq!(letter.to, "postmaster@example.net");
    assert!(!text(&letter).contains("example.com"));
}

#[test]
fn a_hostile_server_name() {
    let mut notice = notice(&[("bob@example.net", "delayed", "4.7.4", NO_TLS, "")]);
    notice.reporting_mta = Some("x\r\n\r\n.\r\n\x1b[2J bob@example.net".into());
    let text = text(&only(&notice));
    let line = "\nSending server:   x . \\u{1b}[2J ...@example.net\n";
    assert!(text.contains(line), "{text}");
}

#[test]
fn an_internationalised_domain_is_written_in_ascii() {
    let address = "bob@B\u{fc}cher.example.net.";
    let letter = only(&notice(&[(address, "delayed", "4.7.4", NO_TLS, "")]));
    assert_eq!(letter.to, "postmaster@xn--bcher-kva.example.net");
    let text = text(&letter);
    assert!(text.is_ascii());
    assert!(
        text.contains("\nTo: <postmaster@xn--bcher-kva.example.net>\n"),
        "{text}"
    );
}

#[test]
fn hostile_words_stay_words() {
    let words = "X-Postfix; TLS is required, but was not offered by host \
                 mx.example.net[192.0.2.1]\r\n .\r\n QUIT \x1b[2J \u{202e}\x00 bob@example.net \
                 carol@example.com \"d x\"@example.org user BOB";
    let remote = "Remote-MTA: dns; mx\r\n Bcc: mallory@example.com\r\n \x1b]0;x\x07\r\n";
    let letter = only(&notice(&[(
        "bob@example.net",
        "delayed",
        "4.7.4",
        words,
        remote,
    )]));
    let body = &letter.text;
    assert!(
        !body.contains(|c: char| c.is_control() && c != '\n'),
        "{body}"
    );
    assert!(!body.contains('\u{202e}'), "{body}");
    for line in body.lines() {
        assert!(
            line != "." && line != "QUIT" && !line.starts_with("Bcc:"),
            "{body}"
        );
    }
    for private in ["bob", "BOB", "carol", "mallory", "d x"] {
        assert!(!body.contains(private), "{private}: {body}");
    }
    let names = |message: &str| -> Vec<String> {
        let header = message.lines().take_while(|line| !line.is_empty());
        let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
        header.map(name).collect()
    };
    assert_eq!(names(&text(&letter)), names(LETTER));
}

#[test]
fn endless_words_are_cut() {
    let words = format!("{NO_TLS} {}", "bob@example.net ".repeat(100_000));
    let letter = only(&notice(&[(
        "bob@example.net",
        "delayed",
        "4.7.4",
        &words,
        "",
    )]));
    assert!(letter.bytes.len() < 4000, "{}", letter.bytes.len());
    assert!(letter.text.contains(" [...]\n"));
    assert!(!letter.text.contains("bob"));
}

#[test]
fn a_sender_that_is_no_plain_address() {
    let notice = notice(&[("bob@example.net", "delayed", "4.7.4", NO_TLS, "")]);
    let domain = &failing(&notice)[0];
    for from in [
        "alice",
        "@example.org",
        "a,eve@example.org",
        "a>\r\nBcc: eve@example.org",
        "\"a b\"@example.org",
        "alice@[192.0.2.1]",
    ] {
        let result = letter(&notice, domain, from, "6f1d", NOW);
        assert!(
            matches!(&result, Err(Error::From(bad)) if bad == from),
            "{result:?}"
        );
        let text = result.expect_err("an error").to_string();
        assert!(!text.contains(char::is_control), "{text:?}");
    }
    for from in ["a.b+c=d@example.org", "j\u{f6}rg@example.org"] {
        let letter = letter(&notice, domain, from, "6f1d", NOW).expect("a letter");
        assert!(
            text(&letter).contains(&format!("\nFrom: <{from}>\n")),
            "{:?}",
            text(&letter)
        );
    }
}

/// What real servers write: there is a letter, it is a plain message, and it names nobody.
#[test]
fn real_notices() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/dsn");
    let mut count = 0;
    for entry in fs::read_dir(folder).expect("the captured notices") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "eml") {
            continue;
        }
        let message = fs::read(&path).expect("a file");
        let Some(notice) = notice::read(&message) else {
            continue;
        };
        for letter in letters(&notice) {
            count += 1;
            check(&letter, &notice, &path);
        }
    }
    assert!(count > 100, "{count}");
}

fn check(letter: &Letter, notice: &Notice, path: &Path) {
    let message = text(letter);
    assert!(message.starts_with("TLS-Required: No\n"), "{path:?}");
    assert_eq!(
        message
            .to_ascii_lowercase()
            .matches("\ntls-required")
            .count(),
        0,
        "{path:?}"
    );
    assert!(message.lines().all(|line| line.len() <= 998), "{path:?}");
    let text = &letter.text;
    let subject = notice.original.subject.iter().cloned();
    let id = notice.original.message_id.iter().cloned();
    let people = notice.recipients.iter().flat_map(|report| {
        [
            Some(&report.final_recipient),
            report.original_recipient.as_ref(),
        ]
    });
    let addresses = people.flatten().cloned();
    for private in subject.chain(id).chain(addresses) {
        let is_told = !private.is_empty() && text.contains(&private);
        assert!(!is_told, "{private} in {path:?}: {text}");
    }
    let words = text.split(|c: char| c.is_whitespace() || "<>@:;,()\"".contains(c));
    let words: Vec<&str> = words.collect();
    for report in &notice.recipients {
        let (local, _) = report.final_recipient.split_once('@').unwrap_or_default();
        assert!(
            local.is_empty() || !words.contains(&local),
            "{local} in {path:?}: {text}"
        );
    }
}
