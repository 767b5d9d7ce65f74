//! The reader of notices: any bytes give a reading or none, and what it says is consistent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tls_optout::notice::provenance::{self, Known};
use tls_optout::notice::{self, Extent, reading::Reading};

fuzz_target!(|message: &[u8]| {
    let Some(notice) = notice::read(message) else {
        return;
    };
    assert!(notice::may_be(message), "the quick look dismissed a notice");
    assert!(!notice.recipients.is_empty());
    for recipient in &notice.recipients {
        assert!(!recipient.final_recipient.is_empty());
        assert!(!recipient.opt_out_helps || recipient.cause.is_tls());
        assert!(!recipient.opt_out_helps || recipient.evidence.is_some());
    }
    let original = &notice.original;
    assert!(!notice.opt_out_helps() || !(original.opted_out || original.requires_tls));
    assert_eq!(original.header.is_empty(), original.extent == Extent::None);
    let known = Known {
        is_our_envelope_id: &|_| false,
        servers: &["mail.example.org".to_owned()],
        authserv_ids: &["mx.example.org".to_owned()],
    };
    let judgement = provenance::judge(&notice, &known);
    let reading = Reading::new("x", Some((&notice, judgement.provenance)));
    serde_json::to_string(&reading).expect("a reading is JSON");
});
