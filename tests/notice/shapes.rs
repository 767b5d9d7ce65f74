//! Large messages that invite quadratic time and unbounded memory, of about `size` bytes each.

const REPORT: &str = "Return-Path: <>\nFrom: MAILER-DAEMON@example.org\nSubject: Undelivered Mail\n\
    Content-Type: multipart/report; report-type=delivery-status; boundary=x\n\n";
const PLAIN: &str = "Return-Path: <>\nFrom: MAILER-DAEMON@example.org\nTo: alice@example.org\n\
    Subject: failure notice\n";
const STATUS: &str = "--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a\n\n";
const RECIPIENT: &str = "Final-Recipient: rfc822; b@example.net\nAction: failed\n\n";
const TEXT: &str = "--x\nContent-Type: text/plain\n\n";

/// Each with its name.
pub(crate) fn all(size: usize) -> Vec<(&'static str, Vec<u8>)> {
    let fill = |piece: &str| piece.repeat(size / piece.len());
    let numbered = |before: &str, after: &str| {
        (0..size / (before.len() + after.len() + 6))
            .map(|i| format!("{before}{i}{after}"))
            .collect::<String>()
    };
    let list = |before: &str, after: &str| {
        let all = (0..10_000).map(|i| format!("{before}b{i}@example.net{after}"));
        all.collect::<String>()
    };
    let groups = list("Final-Recipient: rfc822; ", "\nAction: delayed\n\n");
    let prose = |body: &str| format!("{PLAIN}\nCould not be delivered\n\n{body}");
    let typed = |header: &str, body: &str| format!("{PLAIN}{header}\n\n{body}");
    let shapes = [
        ("multiparts in multiparts", nested(size)),
        (
            "recipients",
            format!(
                "{REPORT}{STATUS}{}",
                numbered(
                    "Final-Recipient: rfc822; b",
                    "@example.net\nAction: failed\n\n"
                )
            ),
        ),
        (
            "one recipient, many times",
            format!(
                "{REPORT}{TEXT}<b@example.net>: {}\n{STATUS}{}",
                "x".repeat(900_000),
                fill(RECIPIENT)
            ),
        ),
        (
            "one reason for ten thousand",
            format!(
                "{REPORT}{TEXT}{}: no\n{}\n{STATUS}{groups}",
                list("<", ">,"),
                fill("  x\n")
            ),
        ),
        (
            "one session for ten thousand",
            format!(
                "{REPORT}{TEXT}>>> {}\n<<< 450 {}\n450 {}\n{}... Deferred\n{}\n{STATUS}{groups}",
                "x".repeat(4_000),
                "y".repeat(4_000),
                "z".repeat(4_000),
                list("<", ">,"),
                fill("<<< 450 no\n")
            ),
        ),
        (
            "a long diagnostic",
            format!(
                "{REPORT}{STATUS}{}Diagnostic-Code: x; {}",
                RECIPIENT.trim_end(),
                fill("host said: ")
            ),
        ),
        (
            "a folded diagnostic",
            format!(
                "{REPORT}{STATUS}{}\nDiagnostic-Code: x; {}",
                RECIPIENT.trim_end(),
                fill("a\n ")
            ),
        ),
        ("machine parts", format!("{REPORT}{}", fill(STATUS))),
        ("parts", format!("{REPORT}{}", fill("--x\n"))),
        ("near-delimiters", format!("{REPORT}{}", fill("--x--x"))),
        (
            "text parts",
            format!(
                "{REPORT}{}{STATUS}{RECIPIENT}",
                fill(&format!("{TEXT}words\n"))
            ),
        ),
        (
            "header fields",
            format!("{}{REPORT}", fill("Received: by x\n")),
        ),
        (
            "one header field",
            format!("Received: {}{REPORT}", fill("x\n ")),
        ),
        (
            "a long subject",
            format!("Subject: {}\n{REPORT}", fill("=?utf-8?Q?x?= ")),
        ),
        ("NULs", format!("{REPORT}{STATUS}{}", fill("\0"))),
        (
            "a returned header",
            format!(
                "{REPORT}{STATUS}{RECIPIENT}--x\nContent-Type: text/rfc822-headers\n\n{}",
                fill("To: b@c,\n ")
            ),
        ),
        (
            "base64",
            typed("Content-Transfer-Encoding: base64", &fill("Zm9vQGI+\n")),
        ),
        (
            "quoted-printable",
            typed(
                "Content-Transfer-Encoding: quoted-printable",
                &fill("=3D=\n"),
            ),
        ),
        (
            "failed recipients",
            format!("X-Failed-Recipients: {}\n{}", fill("b@c, "), prose("")),
        ),
        (
            "prose with recipients",
            prose(&numbered("<b", "@example.net>: no\n")),
        ),
        ("prose in one line", prose(&numbered("b", "@c, "))),
        ("one word", prose(&fill("a@"))),
        ("headings", prose(&fill("--- Original message ---\n"))),
        (
            "headings before fields",
            prose(&fill("Original message\nTo: b\n c\n")),
        ),
        (
            "folds below headings",
            prose(&format!(
                "Original message\nTo: {}",
                fill("Original message\n ")
            )),
        ),
        ("labels", prose(&fill("To: to: rcpt to: "))),
        (
            "HTML",
            typed("Content-Type: text/html", &fill("<p><pre>\n&lt;b@c&gt;")),
        ),
        ("open tags", typed("Content-Type: text/html", &fill("<"))),
        ("slashes", typed("Content-Type: text/html", &fill("</////"))),
        (
            "UTF-7",
            typed("Content-Type: text/plain; charset=utf-7", &fill("+AEA")),
        ),
    ];
    shapes
        .into_iter()
        .map(|(name, message)| (name, message.into_bytes()))
        .collect()
}

fn nested(size: usize) -> String {
    let mut message = String::from("Return-Path: <>\n");
    let mut level = 0;
    while message.len() < size {
        message += &format!("Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n");
        level += 1;
    }
    message
}
