//! What `RUST_LOG` asks of the log.

use crate::watch::{deliver, home};

#[test]
fn rust_log_says_how_much_is_logged() {
    let program = env!("CARGO_BIN_EXE_tls-optout");
    for (asked, has_offer, has_complaint) in [
        ("", true, false),
        ("info", true, false),
        ("warn", false, false),
        ("warn, tls_optout=info,", true, false),
        ("tls_optout=info,tls_optout::commands=warn", false, false),
        ("tls_optout=loud", true, true),
    ] {
        let home = home();
        deliver(&home, "1.notice", &home.notice());
        let asked = format!("RUST_LOG={asked}");
        let run = home.run_program("env", &[&asked, program, "watch", "--once"], "");
        assert_eq!(run.status, 0, "{asked}: {}", run.stderr);
        let offer = run.stderr.contains("offer 1: an opt-out would help");
        assert_eq!(offer, has_offer, "{asked}: {}", run.stderr);
        let complaint = run.stderr.contains("RUST_LOG is left aside");
        assert_eq!(complaint, has_complaint, "{asked}: {}", run.stderr);
    }
}
