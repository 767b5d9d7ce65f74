//! The scanner of header fields: the fields tile the block, and nothing else decides where it ends.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tls_optout::message::{header, recipients};

fuzz_target!(|message: &[u8]| {
    let mut at = 0;
    for field in header::fields(message) {
        assert_eq!(field.raw(), &message[at..at + field.raw().len()]);
        assert!(!field.raw().is_empty());
        assert!(!field.text().contains('\n'));
        at += field.raw().len();
    }
    assert_eq!(at, header::length(message));
    let rest = &message[at..];
    assert!(rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n"));
    assert!(rest.ends_with(header::body(message)));
    for mailbox in recipients::recipients(message) {
        assert!(mailbox.address.contains('@'));
        let _ = recipients::same_address(&mailbox.address, &mailbox.address);
    }
    let _ = recipients::senders(message);
});
