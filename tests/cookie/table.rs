//! Subjects as mail programs write them, with the bytes that must come out.

use tls_optout::message::cookie::Cookie;

use super::COOKIE;

/// The value of a Subject, and what is left of it.
const CUT: &[(&str, &str)] = &[
    // Plain.
    (" [tls-optout] Lunch\n", " Lunch\n"),
    (" Lunch [tls-optout]\n", " Lunch\n"),
    (" Lunch [tls-optout] on Thursday\n", " Lunch on Thursday\n"),
    (" Lunch [tls-optout]\r\n", " Lunch\r\n"),
    (" Lunch [TLS-OptOut]\n", " Lunch\n"),
    ("[tls-optout]Lunch\n", "Lunch\n"),
    (" Lun[tls-optout]ch\n", " Lunch\n"),
    (" Lunch[tls-optout] on Thursday\n", " Lunch on Thursday\n"),
    (" Lunch [tls-optout]on Thursday\n", " Lunch on Thursday\n"),
    (" [tls-optout]\n", " \n"),
    ("[tls-optout]\n", "\n"),
    (" [tls-optout]", " "),
    (" [tls-optout][tls-optout] Lunch\n", " Lunch\n"),
    (
        " [tls-optout] Lunch [tls-optout] on [tls-optout]\n",
        " Lunch on\n",
    ),
    (" [[tls-optout]] Lunch\n", " [] Lunch\n"),
    (" [tls-[tls-optout]optout] Lunch\n", " [tls-optout] Lunch\n"),
    (
        " Lunch  [tls-optout]  on   Thursday\n",
        " Lunch   on   Thursday\n",
    ),
    (
        " Lunch\t[tls-optout]\ton\tThursday\n",
        " Lunch\ton\tThursday\n",
    ),
    // Folded.
    (
        " Lunch\n [tls-optout]\n on Thursday\n",
        " Lunch\n on Thursday\n",
    ),
    (
        " Lunch\r\n [tls-optout]\r\n\ton Thursday\r\n",
        " Lunch\r\n on Thursday\r\n",
    ),
    (" [tls-optout]\n Lunch\n", " Lunch\n"),
    ("\n [tls-optout] Lunch\n", "\n Lunch\n"),
    (" Lunch\n [tls-optout]\n", " Lunch\n"),
    (
        " Lunch [tls-\n optout] on Thursday\n",
        " Lunch on Thursday\n",
    ),
    (" Lunch [tls-\r\n\toptout]\r\n", " Lunch\r\n"),
    (" Lun[tls-\n optout]ch\n", " Lunch\n"),
    // Q words.
    (
        " =?utf-8?Q?Gr=C3=BC=C3=9Fe_[tls-optout]?=\n",
        " =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n",
    ),
    (
        " =?utf-8?q?=5Btls-optout=5D_Gr=C3=BC=C3=9Fe?=\n",
        " =?utf-8?q?Gr=C3=BC=C3=9Fe?=\n",
    ),
    (
        " =?iso-8859-1?Q?Gr=FC=DFe_=5Btls=2Doptout=5D_K=F6ln?=\n",
        " =?iso-8859-1?Q?Gr=FC=DFe_K=F6ln?=\n",
    ),
    (
        " [tls-optout] =?iso-8859-1?Q?Gr=FC=DFe?=\n",
        " =?iso-8859-1?Q?Gr=FC=DFe?=\n",
    ),
    (
        " =?iso-8859-1?Q?Gr=FC=DFe?= [tls-optout]\n",
        " =?iso-8859-1?Q?Gr=FC=DFe?=\n",
    ),
    (
        " =?iso-8859-1?Q?Gr=FC=DFe?= [tls-optout] =?iso-8859-1?Q?K=F6ln?=\n",
        " =?iso-8859-1?Q?Gr=FC=DFe?= =?utf-8?Q?_?= =?iso-8859-1?Q?K=F6ln?=\n",
    ),
    (
        " =?iso-8859-1?Q?Gr=FC=DFe_?= =?us-ascii?Q?[tls-optout]?= =?iso-8859-1?Q?_K=F6ln?=\n",
        " =?iso-8859-1?Q?Gr=FC=DFe_?= =?iso-8859-1?Q?K=F6ln?=\n",
    ),
    (
        " Lunch =?utf-8?Q?[tls-optout]_=C3=BCber?= all\n",
        " Lunch =?utf-8?Q?=C3=BCber?= all\n",
    ),
    (
        " Lunch =?utf-8?Q?=C3=BCber_[tls-optout]?= all\n",
        " Lunch =?utf-8?Q?=C3=BCber?= all\n",
    ),
    (" Lunch =?utf-8?Q?[tls-optout]?= all\n", " Lunch all\n"),
    // B words.
    (
        " =?utf-8?B?R3LDvMOfZSBbdGxzLW9wdG91dF0=?=\n",
        " =?utf-8?B?R3LDvMOfZQ==?=\n",
    ),
    (
        " =?UTF-8?b?W3Rscy1vcHRvdXRd?= =?UTF-8?b?IEdyw7zDn2U=?=\n",
        " =?UTF-8?b?R3LDvMOfZQ==?=\n",
    ),
    (
        " =?utf-16be?B?AFsAdABsAHMALQBvAHAAdABvAHUAdABdACAAWg==?=\n",
        " =?utf-16be?B?AFo=?=\n",
    ),
    (
        " =?iso-2022-jp?B?GyRCRnxLXBsoQiBbdGxzLW9wdG91dF0=?=\n",
        " =?iso-2022-jp?B?GyRCRnxLXBsoQg==?=\n",
    ),
    (
        " =?koi8-r?B?8NLJ18XUIFt0bHMtb3B0b3V0XQ==?=\n",
        " =?koi8-r?B?8NLJ18XU?=\n",
    ),
    (
        " =?gb2312?B?xOO6wyBbdGxzLW9wdG91dF0=?=\n",
        " =?gb2312?B?xOO6ww==?=\n",
    ),
    // Charsets that are not known here.
    (
        " =?cp437?Q?Gr=81=E1e_[tls-optout]_x?=\n",
        " =?cp437?Q?Gr=81=E1e_x?=\n",
    ),
    (
        " =?cp437?Q?Gr=81=E1e?=\t[tls-optout]  x\n",
        " =?cp437?Q?Gr=81=E1e?=\t x\n",
    ),
    (
        " =?iso-2022-jp-1?B?GyRCRnxLXBsoQiBbdGxzLW9wdG91dF0geA==?=\n",
        " =?iso-2022-jp-1?B?GyRCRnxLXBsoQiB4?=\n",
    ),
    (
        " =?hz?Q?~{Dc:C~}_[tls-optout]_x?=\n",
        " =?hz?Q?~{Dc:C~}_x?=\n",
    ),
    // A character in two words.
    (
        " =?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe_[tls-optout]_x?=\n",
        " =?utf-8?Q?Gr=C3?= =?utf-8?Q?=BC=C3=9Fe_x?=\n",
    ),
    // A mark at the beginning that says what is what.
    (
        " =?utf-16?B?//5bAHQAbABzAC0AbwBwAHQAbwB1AHQAXQAgAPwA?=\n",
        " =?utf-16?B?//78AA==?=\n",
    ),
    // The bytes are not to be told apart. All of it was read, so UTF-8 can have it.
    (
        " =?utf-7?Q?+AFsAdABsAHMALQBvAHAAdABvAHUAdABdACAA/A-?=\n",
        " =?utf-8?Q?=C3=BC?=\n",
    ),
    (
        " =?utf-8?Q?a?[tls-optout]=20b?=\n",
        " =?utf-8?Q?a=3F=20b?=\n",
    ),
    // Split.
    (
        " =?utf-8?Q?Gr=C3=BC=C3=9Fe_[tls-?=\n =?utf-8?Q?optout]_aus_K=C3=B6ln?=\n",
        " =?utf-8?Q?Gr=C3=BC=C3=9Fe_?=\n =?utf-8?Q?aus_K=C3=B6ln?=\n",
    ),
    (
        " =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?IFt0bHM=?=\r\n =?iso-8859-1?Q?-optout]_K=F6ln?=\r\n",
        " =?utf-8?Q?Gr=C3=BC=C3=9Fe?= =?utf-8?B?IA==?=\r\n =?iso-8859-1?Q?K=F6ln?=\r\n",
    ),
    (
        " =?utf-8?Q?[?= =?utf-8?Q?tls?= =?utf-8?Q?-opt?= =?utf-8?Q?out]?= =?utf-8?Q?_=C3=A4?=\n",
        " =?utf-8?Q?=C3=A4?=\n",
    ),
    (
        " Lunch [tls-\n =?utf-8?Q?optout]_=C3=BCber?=\n",
        " Lunch =?utf-8?Q?=C3=BCber?=\n",
    ),
    // Blanks, each of which is seen but those between two encoded words.
    (
        " Lunch   =?utf-8?Q?=C3=BC?=   [tls-optout]   x\n",
        " Lunch   =?utf-8?Q?=C3=BC?=     x\n",
    ),
    (
        " =?utf-8?Q?=C3=BC?= [tls-optout]  Mittagessen am Donnerstag\n",
        " =?utf-8?Q?=C3=BC?=  Mittagessen am Donnerstag\n",
    ),
    (
        " =?utf-8?Q?a?=  [tls-optout]  =?utf-8?Q?c?=\n",
        " =?utf-8?Q?a?= =?utf-8?Q?___?=   =?utf-8?Q?c?=\n",
    ),
    (
        " =?iso-8859-1?Q?=FC?=[tls-optout]=?iso-8859-1?Q?=FC?=\n",
        " =?iso-8859-1?Q?=FC?= =?iso-8859-1?Q?=FC?=\n",
    ),
    // No line of blanks alone.
    (" a\n [tls-optout]  \n b\n", " a  \n b\n"),
    (" a\n  [tls-optout]\n b\n", " a \n b\n"),
    // What reads oddly.
    (
        " Lunch \u{fc}ber [tls-optout] K\u{f6}ln\n",
        " Lunch über Köln\n",
    ),
    (
        " =?x-unknown?Q?=FC_[tls-optout]?=\n",
        " =?x-unknown?Q?=FC?=\n",
    ),
    (" =?utf-8?Q?broken [tls-optout]\n", " =?utf-8?Q?broken\n"),
    (
        " a=?utf-8?Q?b?=[tls-optout]=?utf-8?Q?c?=d\n",
        " a=?utf-8?Q?b?= =?utf-8?Q?c?=d\n",
    ),
];

#[test]
fn exact_bytes() {
    for &(value, expected) in CUT {
        let left = COOKIE.cut(value.as_bytes());
        let left = left.map(|left| String::from_utf8(left).expect("UTF-8"));
        assert_eq!(left.as_deref(), Some(expected), "{value:?}");
    }
}

/// What is left reads like an encoded word and has bytes that no charset explains.
#[test]
fn what_cannot_be_written_without_a_loss_stays() {
    let value = &b" =?utf-8?Q[tls-optout]?x?= \xfc\n"[..];
    assert_eq!(COOKIE.cut(value).as_deref(), Some(value));
    let header = [b"Subject:", value].concat();
    let turned = [b"TLS-Required: No\n", header.as_slice()].concat();
    assert_eq!(COOKIE.turn(&header), Some(turned));
    assert_eq!(
        COOKIE
            .cut(b" Gr\xfc\xdfe  [tls-optout] =?utf-8?Q?=C3=BC?=\n")
            .as_deref(),
        Some(&b" Gr\xfc\xdfe  =?utf-8?Q?=C3=BC?=\n"[..])
    );
    assert_eq!(
        COOKIE.cut(b" =?utf-8?Q[tls-optout]?x?= a\n").as_deref(),
        Some(&b" =?utf-8?B?PT91dGYtOD9RP3g/PSBh?=\n"[..])
    );
}

#[test]
fn without_cookie() {
    for value in [
        " Lunch\n",
        "\n",
        "",
        " tls-optout\n",
        " [tls optout]\n",
        " [tls- optout]\n",
        " [tls\u{2010}optout]\n",
        " [tls-optout\n",
        " (tls-optout)\n",
        " \u{ff3b}tls-optout\u{ff3d}\n",
        " =?utf-8?Q?=5Btls-optout?=\n",
        " =?utf-8?Q?[tls-?= optout]\n",
        " [tls- =?utf-8?Q?optout]?=\n",
        " =?utf[tls-optout]-8?Q?x?=\n",
        " =?utf-8?B?not base64 [tls-opt?=\n",
    ] {
        assert_eq!(COOKIE.cut(value.as_bytes()), None, "{value:?}");
    }
}

#[test]
fn another_cookie_and_none() {
    let cookie = |text| Cookie { text, ..COOKIE };
    let cut = |text, value: &str| {
        cookie(text)
            .cut(value.as_bytes())
            .map(|v| String::from_utf8(v).expect("UTF-8"))
    };
    assert_eq!(
        cut("!plain", " Lunch !PLAIN\n").as_deref(),
        Some(" Lunch\n")
    );
    assert_eq!(
        cut("\u{dc}ber alles", " =?iso-8859-1?Q?=FCber_ALLES_x?=\n").as_deref(),
        Some(" =?iso-8859-1?Q?x?=\n")
    );
    assert_eq!(
        cut("no tls", " Lunch no\n tls\n").as_deref(),
        Some(" Lunch\n")
    );
    assert_eq!(cut("", " Lunch [tls-optout]\n"), None);
}

fn turned(cookie: Cookie, header: &str) -> Option<String> {
    cookie
        .turn(header.as_bytes())
        .map(|turned| String::from_utf8(turned).expect("UTF-8"))
}

#[test]
fn the_field_comes_first_and_once() {
    assert_eq!(
        turned(
            COOKIE,
            "From: a@example.org\r\nSubject: x [tls-optout]\r\nX: y\r\n\r\n[tls-optout]"
        )
        .as_deref(),
        Some("TLS-Required: No\r\nFrom: a@example.org\r\nSubject: x\r\nX: y\r\n\r\n[tls-optout]")
    );
    assert_eq!(
        turned(COOKIE, "Subject: [tls-optout] x\nTLS-Required: No\n\n").as_deref(),
        Some("Subject: x\nTLS-Required: No\n\n")
    );
    assert_eq!(
        turned(
            COOKIE,
            "subject : [tls-optout] x\nSubject: y [tls-optout]\n"
        )
        .as_deref(),
        Some("TLS-Required: No\nsubject : x\nSubject: y\n")
    );
    assert_eq!(
        turned(COOKIE, "X: [tls-optout]\n\nSubject: [tls-optout]\n"),
        None
    );
}

#[test]
fn somebody_elses_subject() {
    let all = Cookie {
        in_replies: true,
        ..COOKIE
    };
    for header in [
        "Subject: Re: [tls-optout] Lunch\n",
        "Subject: re[2]: Lunch [tls-optout]\n",
        "Subject: RE (3): Lunch [tls-optout]\n",
        "Subject: Fwd: [tls-optout] Lunch\n",
        "Subject: FW: [tls-optout] Lunch\n",
        "Subject: Aw: [tls-optout] Lunch\n",
        "Subject: WG: [tls-optout] Lunch\n",
        "Subject: Antw : [tls-optout] Lunch\n",
        "Subject: =?utf-8?Q?Re=3A_Gr=C3=BC=C3=9Fe_[tls-optout]?=\n",
        "Subject: \u{56de}\u{590d}\u{ff1a}[tls-optout]\n",
        "Subject: [bob@example.net: Lunch [tls-optout]]\n",
        "Subject: Lunch [tls-optout] (fwd)\n",
        "Subject: Lunch (FWD) [tls-optout]\n",
        "Subject: (Fwd) Lunch [tls-optout]\n",
        "Subject: [Fwd: Lunch [tls-optout]]\n",
        "Subject: [list] Re: Lunch [tls-optout]\n",
        "Subject: [list] [bugs] Fwd: Lunch [tls-optout]\n",
        "Subject: [list] [bob@example.net: Lunch [tls-optout]]\n",
        "Subject: \u{7b54}\u{590d}: Lunch [tls-optout]\n",
        "Subject: V\u{e1}: Lunch [tls-optout]\n",
        "Subject: \u{41e}\u{442}\u{432}: Lunch [tls-optout]\n",
        "Subject: Antwort: Lunch [tls-optout]\n",
        "Subject: Betr: Lunch [tls-optout]\n",
        "Subject: Doorst: Lunch [tls-optout]\n",
        "Subject: [tls-optout] Lunch\nIn-Reply-To: <a@example.net>\n",
        "References: <a@example.net>\nSubject: [tls-optout] Lunch\n",
    ] {
        assert_eq!(turned(COOKIE, header), None, "{header}");
        let turned = turned(all, header);
        assert!(
            turned.is_some_and(|t| !t.contains("tls-optout")),
            "{header}"
        );
    }
    for header in [
        "Resent-From: a@example.org\nSubject: [tls-optout] Lunch\n",
        "Received: from b\nSubject: [tls-optout] Lunch\n",
        "Return-Path: <b@example.net>\nSubject: [tls-optout] Lunch\n",
    ] {
        assert_eq!(turned(all, header), None, "{header}");
    }
    for header in [
        "Subject: Report: x [tls-optout]\n",
        "Subject: [alice: x] [tls-optout]\n",
        "Subject: [list] Lunch: today [tls-optout]\n",
        "Subject: [tls-optout] Re: Lunch\n",
        "Subject: Lunch (fwd) today [tls-optout]\n",
        "Subject: [list Re: Lunch [tls-optout]\n",
        "Subject: Re x [tls-optout]\n",
    ] {
        assert!(turned(COOKIE, header).is_some(), "{header}");
    }
}
