//! What field values mean: any bytes are text, addresses, a date, a Message-ID, or nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tls_optout::message::{recipients, text};

fuzz_target!(|value: &[u8]| {
    let _ = text::decode(value);
    for address in text::addresses(value) {
        assert!(address.contains('@'));
        let _ = recipients::same_address(&address, &address);
    }
    let value = String::from_utf8_lossy(value);
    if let Some(seconds) = text::date(&value) {
        let _ = text::rfc3339(seconds);
    }
    if let Some(id) = text::message_id(&value) {
        assert!(!id.is_empty() && !id.contains(char::is_whitespace));
    }
    assert!(text::without_xtext(&value).len() <= 3 * value.len());
});
