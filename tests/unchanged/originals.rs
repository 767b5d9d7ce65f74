//! Originals of all sorts: each is made of pieces that are known to stay or to go.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Stands in every address of a Bcc, and nowhere else in a header block.
pub(crate) const SECRET: &str = "hidden";

/// Bytes of the header block, and whether they are sent.
type Piece = (Vec<u8>, bool);

#[derive(Debug, Clone)]
pub(crate) struct Original {
    header: Vec<Piece>,
    /// The empty line and all after it; nothing in a message that is all header.
    rest: Vec<u8>,
}

impl Original {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.joined(|_| true)
    }

    /// What is left of it, with its own line ends.
    pub(crate) fn kept(&self) -> Vec<u8> {
        self.joined(|is_kept| is_kept)
    }

    fn joined(&self, wanted: impl Fn(bool) -> bool) -> Vec<u8> {
        let pieces = self.header.iter().filter(|(_, is_kept)| wanted(*is_kept));
        let header = pieces.flat_map(|(bytes, _)| bytes.iter().copied());
        header.chain(self.rest.iter().copied()).collect()
    }
}

pub(crate) fn original() -> impl Strategy<Value = Original> {
    let first = prop_oneof![
        3 => Just((b"From: Alice <alice@example.org>\n".to_vec(), true)),
        1 => Just((b"Date: Tue, 24 Nov 2026 06:00:11 +0000\r\n".to_vec(), true)),
        1 => Just((b"From alice@example.org Tue Nov 24 06:00:11 2026\n".to_vec(), false)),
        1 => bcc(),
    ];
    (first, vec(piece(), 0..14), content()).prop_map(|(first, mut header, (field, rest))| {
        header.insert(0, first);
        header.push((field, true));
        Original { header, rest }
    })
}

fn end() -> impl Strategy<Value = &'static str> {
    select(vec!["\n", "\r\n"])
}

fn piece() -> impl Strategy<Value = Piece> {
    let odd: &[&[u8]] = &[
        b"no field at all\n",
        b"\x00\xff: no name\r\n",
        b": nothing before the colon\n",
        b"Bcc, but without its colon\n",
        b"\r\r\n",
    ];
    prop_oneof![
        4 => field(KEPT, value(), true),
        3 => field(REMOVED, value(), false),
        3 => bcc(),
        1 => select(odd.to_vec()).prop_map(|line| (line.to_vec(), true)),
    ]
}

/// `Bcc` as mail readers write it, and as they do not.
fn bcc() -> impl Strategy<Value = Piece> {
    let address = (
        0..1000u32,
        select(vec![
            "hidden#@example.net",
            "\"Smith, J.\" <hidden#@example.net>",
            "=?utf-8?q?J=C3=B6rg?= <hidden#@example.com>",
            "friends: hidden#@example.net, hidden#+x@example.org;",
            "(a comment) hidden#@example.test",
        ]),
    );
    let address = address.prop_map(|(number, form)| form.replace('#', &number.to_string()));
    let fold = select(vec![
        ", ",
        ",\n ",
        ",\r\n\t",
        ",\n \n ",
        ",\r\n bcc: ",
        ",\n\tbcc: ",
    ]);
    let value = (vec(address, 0..4), fold).prop_map(|(all, fold)| all.join(fold).into_bytes());
    field(PRIVATE, value, false)
}

/// A field with one of the names, in any case, with blanks before its colon.
fn field(
    names: &'static [&'static str],
    value: impl Strategy<Value = Vec<u8>>,
    is_kept: bool,
) -> impl Strategy<Value = Piece> {
    let blank = select(vec!["", "", "", " ", "\t", " \t "]);
    let space = select(vec!["", " ", "\t", "\n ", "\r\n\t"]);
    (select(names), any::<u32>(), blank, space, value, end()).prop_map(
        move |(name, cases, blank, space, value, end)| {
            let letters =
                name.chars()
                    .enumerate()
                    .map(|(at, letter)| match cases >> (at % 32) & 1 {
                        0 => letter.to_ascii_lowercase(),
                        _ => letter.to_ascii_uppercase(),
                    });
            let start = format!("{}{blank}:{space}", letters.collect::<String>());
            ([start.as_bytes(), &value, end.as_bytes()].concat(), is_kept)
        },
    )
}

/// Any bytes on lines that may be folded, with bare CR and NUL.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![8 => 32..127u8, 1 => Just(b'\r'), 1 => Just(0), 2 => 128..=255u8];
    let line = prop_oneof![
        9 => vec(byte, 0..40),
        1 => (900..3000usize).prop_map(|length| vec![b'x'; length]),
    ];
    // The letter keeps a CR from standing before the line end, and a value from being a sign of its own.
    let line = line.prop_map(|line| [b"v", line.as_slice(), b"v"].concat());
    let fold = select(vec![
        "\n ",
        "\r\n\t",
        "\n \r\n ",
        "\n\tBcc: ",
        "\r\n Received: ",
    ]);
    (vec(line, 1..4), fold).prop_map(|(lines, fold)| lines.join(fold.as_bytes()))
}

/// The Content-Type, and the empty line with the body that goes with it.
fn content() -> impl Strategy<Value = (Vec<u8>, Vec<u8>)> {
    let body = prop_oneof![
        2 => text().prop_map(|body| ("text/plain; charset=utf-8".to_owned(), body)),
        1 => text().prop_map(|part| signed(&part, "application/pgp-signature")),
        1 => text().prop_map(|part| signed(&part, "application/pkcs7-signature")),
        1 => text().prop_map(|body| ("message/rfc822".to_owned(), [NESTED, &body].concat())),
        1 => vec(any::<u8>(), 0..300).prop_map(|body| ("application/octet-stream".to_owned(), body)),
    ];
    (body, end(), end(), 0..20u8).prop_map(|((media, body), end, empty, whole)| {
        let field = format!("Content-Type: {media}{end}").into_bytes();
        match whole {
            0 => (field[..field.len() - end.len()].to_vec(), Vec::new()),
            1 => (field, Vec::new()),
            _ => (field, [empty.as_bytes(), &body].concat()),
        }
    })
}

/// Lines of all sorts and line ends of all sorts, at the end of the message none perhaps.
fn text() -> impl Strategy<Value = Vec<u8>> {
    let lines: &[&[u8]] = &[
        b"",
        b".",
        b"..",
        b".hidden@example.net",
        b"trailing blanks \t ",
        b"-- ",
        b"From the first",
        b">From the mbox",
        b"Bcc: hidden@example.net",
        b"TLS-Required: No",
        b"--boundary",
        b"--boundary--",
        b"caf\xc3\xa9, caf\xe9",
        b"\x00\x1a\x7f",
        b"\rleft",
        b"bare\rreturn",
    ];
    let line = prop_oneof![
        9 => select(lines.to_vec()).prop_map(<[u8]>::to_vec),
        1 => (990..5000usize).prop_map(|length| vec![b'.'; length]),
        2 => vec(any::<u8>(), 0..80),
    ];
    let ends = select(vec!["\n", "\r\n", "\n", "\r\n", "\r", "\r\r\n", "\n\r", ""]);
    vec((line, ends), 0..12).prop_map(|lines| {
        let one = |(line, end): (Vec<u8>, &str)| [&line, end.as_bytes()].concat();
        lines.into_iter().flat_map(one).collect()
    })
}

/// A clear-signed message (RFC 1847); the signature is none.
fn signed(part: &[u8], signature: &str) -> (String, Vec<u8>) {
    let media = format!("multipart/signed; protocol=\"{signature}\";\n\tboundary=boundary");
    let rest = format!("\n--boundary\nContent-Type: {signature}\n\nAbC=\n--boundary--\n");
    let start: &[u8] = b"--boundary\nContent-Type: text/plain\n\n";
    (media, [start, part, rest.as_bytes()].concat())
}

/// The header of a message within the message, which is the sender's words.
const NESTED: &[u8] =
    b"Received: by mail.example.com\nBcc : hidden@example.net\nDKIM-Signature: v=1\n\
    TLS-Required: No\nStatus: RO\nSubject: forwarded\n\n";

const PRIVATE: &[&str] = &["Bcc", "Resent-Bcc", "Apparently-To"];

/// Names of fields that must not leave.
const REMOVED: &[&str] = &[
    "Fcc",
    "Received",
    "Received-SPF",
    "Return-Path",
    "Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "Delivery-Date",
    "Authentication-Results",
    "DKIM-Signature",
    "DomainKey-Signature",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
    "Status",
    "X-Status",
    "X-Keywords",
    "X-UID",
    "X-TUID",
    "Content-Length",
    "Lines",
    "X-Mutt-Fcc",
    "X-Mozilla-Status",
];

/// Names of fields that are the sender's words, and names that are nearly those of others.
const KEPT: &[&str] = &[
    "To",
    "Cc",
    "Subject",
    "Message-ID",
    "In-Reply-To",
    "References",
    "User-Agent",
    "Mail-Followup-To",
    "Content-Transfer-Encoding",
    "Resent-To",
    "Resent-Date",
    "List-Id",
    "X-Bcc",
    "Bccx",
    "Bcc-To",
    "Received-By-Us",
    "X-Mut",
    "Line",
];
