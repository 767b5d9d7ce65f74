//! Reading notices, beside Python's `email` package (compat32) on the same messages in the same run.
//!
//! `cargo bench --bench notice` prints messages per second on one core: the whole reading of a notice of
//! 3 KB and one of 60 KB, and the quick look at ordinary mail. Rust and Python take turns, so that a busy
//! machine troubles both; the best of the rounds counts.

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use tls_optout::notice;

const ROUNDS: usize = 7;
const PER_ROUND: Duration = Duration::from_millis(400);

/// A message, and what is done with it.
type Case = (&'static str, Vec<u8>, fn(&[u8]));

fn main() {
    // `cargo test --all-targets` runs this file too, which is no moment to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let cases: [Case; 4] = [
        ("notice of 3 KB", bounce(3_000), whole),
        ("notice of 60 KB", bounce(60_000), whole),
        ("ordinary mail, quick look", ordinary(), look),
        ("vacation reply, quick look and reading", vacation(), whole),
    ];
    println!(
        "{:<40} {:>12} {:>12} {:>8}",
        "messages per second", "tls-optout", "Python", "ratio"
    );
    for (name, message, read) in cases {
        let file = folder.path().join("message.eml");
        fs::write(&file, &message).expect("a file");
        let (mut rust, mut python) = (0.0_f64, 0.0_f64);
        for _ in 0..ROUNDS {
            rust = rust.max(rate(&message, read));
            python = python.max(python_rate(&file));
        }
        let ratio = rust / python;
        println!("{name:<40} {rust:>12.0} {python:>12.0} {ratio:>8.1}");
    }
}

fn whole(message: &[u8]) {
    black_box(notice::read(black_box(message)));
}

fn look(message: &[u8]) {
    black_box(notice::may_be(black_box(message)));
}

fn rate(message: &[u8], read: fn(&[u8])) -> f64 {
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < PER_ROUND {
        for _ in 0..16 {
            read(message);
        }
        count += 16;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// What `benches/parse.py` measures, in messages per second.
fn python_rate(file: &Path) -> f64 {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/parse.py");
    let output = Command::new("python3")
        .arg(script)
        .arg(file)
        .arg(PER_ROUND.as_secs_f64().to_string())
        .output()
        .expect("python3");
    assert!(output.status.success(), "{output:?}");
    let rate = String::from_utf8_lossy(&output.stdout);
    rate.trim().parse().expect("a number")
}

const HOPS: &str = "Received: from mx.example.net (mx.example.net [192.0.2.1])\n\
    \tby mail.example.org (Postfix) with ESMTPS id 4Xyz1234abc\n\
    \tfor <alice@example.org>; Tue, 24 Nov 2026 06:48:46 +0000 (UTC)\n";

/// A bounce as Postfix writes it, with the whole message returned.
fn bounce(size: usize) -> Vec<u8> {
    let words = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
    let mut bounce = format!(
        "Return-Path: <>\nDelivered-To: alice@example.org\nReceived: by mail.example.org (Postfix)\n\
         \tid 5DC123; Tue, 24 Nov 2026 06:48:46 +0000 (UTC)\nDate: Tue, 24 Nov 2026 06:48:46 +0000 (UTC)\n\
         From: MAILER-DAEMON@example.org (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender\n\
         To: alice@example.org\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status;\n\tboundary=\"4794A13EC12.1795502926/mail.example.org\"\n\
         Message-Id: <20261124064846.5DC123@mail.example.org>\n\nThis is a MIME-encapsulated message.\n\n\
         --4794A13EC12.1795502926/mail.example.org\nContent-Description: Notification\n\
         Content-Type: text/plain; charset=us-ascii\n\nThis is the mail system at host mail.example.org.\n\n\
         I'm sorry to have to inform you that your message could not\nbe delivered to one or more recipients. It's attached below.\n\n\
         For further assistance, please send mail to postmaster.\n\n                   The mail system\n\n\
         <bob@example.net>: {words}\n\n--4794A13EC12.1795502926/mail.example.org\n\
         Content-Description: Delivery report\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mail.example.org\nX-Postfix-Queue-ID: 4794A13EC12\n\
         X-Postfix-Sender: rfc822; alice@example.org\nArrival-Date: Tue, 24 Nov 2026 06:40:12 +0000 (UTC)\n\n\
         Final-Recipient: rfc822; bob@example.net\nOriginal-Recipient: rfc822;bob@example.net\n\
         Action: failed\nStatus: 4.7.4\nDiagnostic-Code: X-Postfix; {words}\n\n\
         --4794A13EC12.1795502926/mail.example.org\nContent-Description: Undelivered Message\n\
         Content-Type: message/rfc822\n\nReturn-Path: <alice@example.org>\n{HOPS}\
         Message-ID: <lunch@example.org>\nFrom: Alice <alice@example.org>\nTo: bob@example.net\nSubject: lunch\n\
         Date: Tue, 24 Nov 2026 06:40:11 +0000\nMIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n"
    );
    while bounce.len() + 50 < size {
        bounce.push_str("A line of the message that came back, of usual length.\n");
    }
    bounce.push_str("\n--4794A13EC12.1795502926/mail.example.org--\n");
    bounce.into_bytes()
}

/// A mail as it lies in an inbox: signed, with a few hops, a list of references and a body.
fn ordinary() -> Vec<u8> {
    let signature = "b=".to_owned() + &"Qm9iIHNpZ25lZCB0aGlz".repeat(17);
    let mut mail = format!(
        "Return-Path: <bob@example.net>\nDelivered-To: alice@example.org\n{HOPS}{HOPS}{HOPS}\
         Authentication-Results: mail.example.org; dkim=pass header.d=example.net; spf=pass\n\
         DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=mail; t=1795502411;\n\
         \th=from:to:subject:date:message-id; {signature}\n\
         From: Bob Example <bob@example.net>\nTo: Alice <alice@example.org>, Carol <carol@example.com>\n\
         Subject: Re: lunch on Thursday\nDate: Tue, 24 Nov 2026 06:40:11 +0000\n\
         Message-ID: <answer@example.net>\nIn-Reply-To: <lunch@example.org>\n\
         References: <first@example.org> <second@example.net>\n <lunch@example.org>\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\nUser-Agent: Mutt/2.2.13\n\n"
    );
    mail.push_str(&"Thursday is fine with me, at the usual place.\n".repeat(80));
    mail.into_bytes()
}

/// It has the null return path of a notice, so the quick look cannot dismiss it.
fn vacation() -> Vec<u8> {
    let mail = String::from_utf8(ordinary()).expect("UTF-8");
    mail.replace("Return-Path: <bob@example.net>", "Return-Path: <>")
        .into_bytes()
}
