//! Notices without a machine part.

use super::ORIGINAL;

/// qmail-send: QSBMF, no MIME at all.
pub(super) fn qmail(own: bool, words: &str) -> String {
    let words = if own {
        words.to_owned()
    } else {
        format!("Connected to 192.0.2.1 but sender was rejected.\nRemote host said: {words}")
    };
    message(
        "MAILER-DAEMON@mail.example.org",
        "failure notice",
        &format!(
            "Hi. This is the qmail-send program at mail.example.org.\n\
             I'm afraid I wasn't able to deliver your message to the following addresses.\n\
             This is a permanent error; I've given up. Sorry it didn't work out.\n\n\
             <bob@example.net>:\n{words}\n\
             I'm not going to try again; this message has been in the queue too long.\n\n\
             --- Below this line is a copy of the message.\n\n\
             Return-Path: <alice@example.org>\n{ORIGINAL}\nHello,\nTLS is required, but was not offered by host x\n"
        ),
    )
}

/// Gmail until 2016.
pub(super) fn gmail(words: &str) -> String {
    message(
        "Mail Delivery Subsystem <mailer-daemon@googlemail.com>",
        "Delivery Status Notification (Delay)",
        &format!(
            "This is an automatically generated Delivery Status Notification\n\n\
             THIS IS A WARNING MESSAGE ONLY.\n\nYOU DO NOT NEED TO RESEND YOUR MESSAGE.\n\n\
             Delivery to the following recipient has been delayed:\n\n     bob@example.net\n\n\
             Message will be retried for 2 more day(s)\n\n\
             Technical details of temporary failure:\n\
             Google tried to deliver your message, but it was rejected by the recipient domain. The error\n\
             that the other server returned was:\n{words} (state 9).\n\n\
             ----- Original message -----\n\nMIME-Version: 1.0\n{ORIGINAL}\nHello,\nno TLSA records found\n"
        ),
    )
}

/// A plain message of a server.
pub(crate) fn message(from: &str, subject: &str, text: &str) -> String {
    format!("Return-Path: <>\nFrom: {from}\nTo: alice@example.org\nSubject: {subject}\n\n{text}")
}
