//! The rewriting of an original, and of a first send with the cookie: one field on top, nothing else added,
//! the body byte for byte.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tls_optout::message::{
    cookie::Cookie,
    header,
    resubmission::{OPT_OUT, rewrite},
};

const COOKIE: Cookie<'_> = Cookie { text: "[tls-optout]", in_replies: true };

fuzz_target!(|original: &[u8]| {
    if let Some(turned) = COOKIE.turn(original) {
        assert_eq!(header::body(&turned), header::body(original));
        let opt_outs = header::fields(&turned).filter(|field| field.is("TLS-Required"));
        assert_eq!(opt_outs.count(), 1);
    }
    let Ok(rewritten) = rewrite(original) else {
        return;
    };
    let bytes = &rewritten.bytes;
    let opt_outs = header::fields(bytes).filter(|field| field.is("TLS-Required"));
    assert_eq!(opt_outs.count(), 1);
    let first = header::fields(bytes).next().expect("a field");
    assert_eq!(first.raw().trim_ascii_end(), OPT_OUT.as_bytes());
    assert_eq!(header::body(bytes), header::body(original));
    assert!(header::first(bytes, "Bcc").is_none());
    let mut before = header::fields(original);
    for kept in header::fields(bytes).skip(1) {
        assert!(before.any(|field| field.raw() == kept.raw()), "a field that was not there");
    }
    let count = header::fields(original).count() + 1 - rewritten.removed.len();
    assert_eq!(header::fields(bytes).count(), count);
    assert!(rewrite(bytes).is_err(), "an opted-out message is not sent again");
});
