//! The message as it crosses the wire: CRLF line ends, dots stuffed (RFC 5321 sections 2.3.8, 4.5.2).

use memchr::memchr;

/// The message as a server will store it: every bare LF becomes CRLF, all else stays, a bare CR
/// included. A message that does not end with a line end gains one, because the dot that ends it
/// needs a line of its own; one that does gains nothing.
pub fn wire(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(length(message) as usize);
    let mut encoder = Encoder::new(false);
    encoder.push(message, &mut out);
    encoder.finish(&mut out);
    out
}

/// Length of [`wire`], which is what SIZE counts (RFC 1870 section 5: stuffed dots and the final
/// dot do not count).
pub(super) fn length(message: &[u8]) -> u64 {
    let line_ends = memchr::memchr_iter(b'\n', message);
    let bare = line_ends
        .filter(|&lf| lf == 0 || message[lf - 1] != b'\r')
        .count();
    let closing = if message.is_empty() || message.ends_with(b"\n") {
        0
    } else {
        2
    };
    (message.len() + bare + closing) as u64
}

/// Encodes a message piece by piece; it does not matter where the pieces are cut.
pub(super) struct Encoder {
    stuff: bool,
    previous: u8,
    stuffed: u64,
}

impl Encoder {
    /// `stuff`: double a dot at the start of a line.
    pub(super) fn new(stuff: bool) -> Encoder {
        Encoder {
            stuff,
            previous: b'\n',
            stuffed: 0,
        }
    }

    /// Appends the encoded `piece` to `out`.
    pub(super) fn push(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while let Some(&first) = piece.first() {
            if self.stuff && first == b'.' && self.previous == b'\n' {
                out.push(b'.');
                self.stuffed += 1;
            }
            let text = memchr(b'\n', piece).unwrap_or(piece.len());
            out.extend_from_slice(&piece[..text]);
            self.previous = if text > 0 {
                piece[text - 1]
            } else {
                self.previous
            };
            if text < piece.len() {
                out.extend_from_slice(if self.previous == b'\r' {
                    b"\n"
                } else {
                    b"\r\n"
                });
                self.previous = b'\n';
            }
            piece = &piece[piece.len().min(text + 1)..];
        }
    }

    /// Ends the last line, where the message did not.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        if self.previous != b'\n' {
            out.extend_from_slice(b"\r\n");
            self.previous = b'\n';
        }
    }

    /// How many dots were added so far.
    pub(super) fn stuffed(&self) -> u64 {
        self.stuffed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stuffed(pieces: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = Encoder::new(true);
        pieces
            .iter()
            .for_each(|piece| encoder.push(piece, &mut out));
        encoder.finish(&mut out);
        out
    }

    #[test]
    fn line_ends() {
        assert_eq!(
            wire(b"a\nb\r\nc\rd\r\r\n\n\ne\n"),
            b"a\r\nb\r\nc\rd\r\r\n\r\n\r\ne\r\n"
        );
        assert_eq!(wire(b"no end"), b"no end\r\n");
        assert_eq!(wire(b"ends with CR\r"), b"ends with CR\r\r\n");
        assert_eq!(wire(b""), b"");
        assert_eq!(wire(b"\n"), b"\r\n");
    }

    #[test]
    fn dots() {
        assert_eq!(
            stuffed(&[b".\n..\na.b\n.c"]),
            b"..\r\n...\r\na.b\r\n..c\r\n"
        );
        assert_eq!(wire(b".\n"), b".\r\n");
        // The smuggling forms: whatever stands before the dot, a line that starts with it is stuffed.
        assert_eq!(
            stuffed(&[b"a\n.\nb\r\n.\nc\n.\r\n"]),
            b"a\r\n..\r\nb\r\n..\r\nc\r\n..\r\n"
        );
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'.'), any::<u8>()];
        proptest::collection::vec(byte, 0..60)
    }

    proptest! {
        #[test]
        fn cuts_do_not_matter(message in bytes(), cut in 0usize..60) {
            let (left, right) = message.split_at(cut.min(message.len()));
            prop_assert_eq!(stuffed(&[left, right]), stuffed(&[&message]));
        }

        #[test]
        fn what_arrives_is_the_message(message in bytes()) {
            let sent = wire(&message);
            prop_assert_eq!(sent.len() as u64, length(&message));
            prop_assert_eq!(&wire(&sent), &sent);
            // Undo the line ends by hand: nothing but LF to CRLF and the last line end changed.
            let mut back: Vec<u8> = Vec::new();
            for (at, &byte) in message.iter().enumerate() {
                if byte == b'\n' && (at == 0 || message[at - 1] != b'\r') { back.push(b'\r'); }
                back.push(byte);
            }
            if !message.is_empty() && !message.ends_with(b"\n") { back.extend(b"\r\n"); }
            prop_assert_eq!(back, sent);
        }

        #[test]
        fn no_line_of_stuffed_text_is_a_dot(message in bytes()) {
            let sent = stuffed(&[&message]);
            prop_assert!(!sent.starts_with(b".\r\n"));
            prop_assert!(!sent.windows(5).any(|five| five == b"\r\n.\r\n"));
        }
    }
}
