//! Whom a message was sent to and by whom, as its header says, and when two addresses are one.
//!
//! Of a message that was resent (RFC 5322 section 3.6.6) only the topmost block of `Resent-` fields
//! counts: `To`, `Cc` and `Bcc` below it belong to an earlier sending.

use super::header::{self, Field};
use super::text;

/// An address and the field that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// `local@domain`, as it is written.
    pub address: String,
    /// Name of the field, such as `Bcc`.
    pub field: &'static str,
}

const RESENT: &[&str] = &["Resent-To", "Resent-Cc", "Resent-Bcc"];
const DIRECT: &[&str] = &["To", "Cc", "Bcc"];

/// The recipients of the last sending, in the order of the header. `header` may be a whole message.
pub fn recipients(header: &[u8]) -> Vec<Mailbox> {
    let block = resent_block(header);
    if block.is_empty() {
        named(header::fields(header), DIRECT)
    } else {
        named(block.into_iter(), RESENT)
    }
}

/// The entries of the fields that [`recipients`] reads which are no address. Nothing can be sent to them.
pub fn unusable(header: &[u8]) -> Vec<String> {
    let block = resent_block(header);
    let (fields, names): (Vec<Field>, _) = match block.is_empty() {
        true => (header::fields(header).collect(), DIRECT),
        false => (block, RESENT),
    };
    fields
        .iter()
        .filter(|field| names.iter().any(|name| field.is(name)))
        .flat_map(|field| text::unusable(field.value()))
        .collect()
}

/// Was the message resent, as mutt's bounce does? Its recipients are others then than those of `To`.
pub fn was_resent(header: &[u8]) -> bool {
    header::fields(header).any(|field| is_resent(&field))
}

/// The addresses that may have sent the message, the likeliest envelope sender first: `Return-Path`
/// where a server wrote one, the person who sent, the author. Where the message was resent: who did
/// that.
pub fn senders(header: &[u8]) -> Vec<Mailbox> {
    let block = resent_block(header);
    let order: &[&[&'static str]] = if block.is_empty() {
        &[&["Return-Path"], &["Sender"], &["From"]]
    } else {
        &[&["Resent-Sender"], &["Resent-From"]]
    };
    let fields: Vec<Field> = if block.is_empty() {
        header::fields(header).collect()
    } else {
        block
    };
    order
        .iter()
        .flat_map(|names| named(fields.iter().copied(), names))
        .collect()
}

/// The recipient that is the address `wanted`, if there is one. Never a near match. What is sent goes
/// to the address as the returned [`Mailbox`] has it.
pub fn matching<'a>(recipients: &'a [Mailbox], wanted: &str) -> Option<&'a Mailbox> {
    recipients
        .iter()
        .find(|mailbox| same_address(&mailbox.address, wanted))
}

/// Are these one mailbox (RFC 5321 sections 2.3.11 and 2.4)?
///
/// Domains: case does not count, and an internationalised one equals its A-label form (RFC 5890).
/// Local parts: every byte counts, so plus-addresses differ and so does case, except that
/// `postmaster` has none (section 4.5.1); quotes that need not be there do not count (section 4.1.2).
pub fn same_address(one: &str, other: &str) -> bool {
    let (Some((local, domain)), Some((other_local, other_domain))) =
        (one.rsplit_once('@'), other.rsplit_once('@'))
    else {
        return false;
    };
    let (local, other_local) = (unquoted(local), unquoted(other_local));
    let postmaster = local.eq_ignore_ascii_case("postmaster");
    (local == other_local || postmaster && local.eq_ignore_ascii_case(&other_local))
        && same_domain(domain, other_domain)
}

/// What [`same_address`] compares, to find one address among many: two are one mailbox where these are equal.
/// `None` for what is no address.
pub fn mailbox_key(address: &str) -> Option<(String, String)> {
    let (local, domain) = address
        .rsplit_once('@')
        .filter(|parts| !parts.1.is_empty())?;
    let mut local = unquoted(local);
    if local.eq_ignore_ascii_case("postmaster") {
        local.make_ascii_lowercase();
    }
    let domain = a_labels(domain).unwrap_or_else(|| domain.to_ascii_lowercase());
    Some((local, domain))
}

/// The address with its domain in A-labels (RFC 5890). `None` where the local part is not ASCII, or the domain has none.
pub fn in_ascii(address: &str) -> Option<String> {
    let (local, domain) = address
        .rsplit_once('@')
        .filter(|parts| parts.0.is_ascii())?;
    Some(format!("{local}@{}", a_labels(domain)?))
}

/// Are these one domain? See [`same_address`].
pub fn same_domain(one: &str, other: &str) -> bool {
    !one.is_empty()
        && (one.eq_ignore_ascii_case(other)
            || a_labels(one).is_some_and(|labels| a_labels(other) == Some(labels)))
}

/// The domain in A-labels, in lower case.
fn a_labels(domain: &str) -> Option<String> {
    idna::domain_to_ascii(domain).ok()
}

/// What a quoted local part stands for.
fn unquoted(local: &str) -> String {
    let Some(inner) = local
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    else {
        return local.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

/// The topmost block of `Resent-` fields: it ends where a name comes a second time or a server has
/// left its trace.
fn resent_block(header: &[u8]) -> Vec<Field<'_>> {
    let mut block: Vec<Field> = Vec::new();
    for field in header::fields(header) {
        let repeated = || {
            block
                .iter()
                .any(|seen| seen.name().eq_ignore_ascii_case(field.name()))
        };
        if is_resent(&field) {
            if repeated() {
                break;
            }
            block.push(field);
        } else if !block.is_empty() && (field.is("Received") || field.is("Return-Path")) {
            break;
        }
    }
    block
}

pub(super) fn is_resent(field: &Field) -> bool {
    [
        "Resent-Date",
        "Resent-From",
        "Resent-Sender",
        "Resent-Message-ID",
    ]
    .iter()
    .chain(RESENT)
    .any(|name| field.is(name))
}

fn named<'a>(
    fields: impl Iterator<Item = Field<'a>>,
    names: &'static [&'static str],
) -> Vec<Mailbox> {
    fields
        .filter_map(|field| Some((field, *names.iter().find(|name| field.is(name))?)))
        .flat_map(|(field, name)| {
            let addresses = text::addresses(field.value()).into_iter();
            addresses
                .filter(|address| !address.starts_with('@'))
                .map(move |address| Mailbox {
                    address,
                    field: name,
                })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(mailboxes: &[Mailbox]) -> Vec<String> {
        mailboxes
            .iter()
            .map(|m| format!("{} {}", m.field, m.address))
            .collect()
    }

    #[test]
    fn recipients_with_their_fields() {
        let header = b"to: Bob <bob@example.net>, team: eve@example.com;\nFrom: a@example.org\n\
                       CC :\n carol@example.com\nBcc: \"d, e\" <dave@example.net>\n\nTo: x@example.net\n";
        assert_eq!(
            list(&recipients(header)),
            [
                "To bob@example.net",
                "To eve@example.com",
                "Cc carol@example.com",
                "Bcc dave@example.net"
            ]
        );
        assert!(recipients(b"To: undisclosed-recipients:;\n\n").is_empty());
    }

    #[test]
    fn the_last_resending_counts() {
        let header = b"Resent-From: a@example.org\nResent-To: new@example.net\n\
                       Resent-From: b@example.org\nResent-To: old@example.net\n\
                       From: c@example.com\nTo: first@example.net\n\n";
        assert_eq!(list(&recipients(header)), ["Resent-To new@example.net"]);
        assert_eq!(list(&senders(header)), ["Resent-From a@example.org"]);
    }

    #[test]
    fn what_cannot_be_sent_to() {
        let header = b"To: bob@example.net, root\nCc: \"A B\"\nFrom: alice\n\n";
        assert_eq!(unusable(header), ["root", "A B"]);
        let resent = [b"Resent-To: carol@example.com\n", &header[..]].concat();
        assert!(unusable(&resent).is_empty());
    }

    #[test]
    fn senders_in_their_order() {
        let header =
            b"From: boss@example.org\nSender: me@example.org\nReturn-Path: <me@example.org>\n\n";
        assert_eq!(
            list(&senders(header)),
            [
                "Return-Path me@example.org",
                "Sender me@example.org",
                "From boss@example.org"
            ]
        );
        assert_eq!(
            list(&senders(b"Return-Path: <>\nFrom: a@example.org\n\n")),
            ["From a@example.org"]
        );
    }

    #[test]
    fn one_mailbox() {
        for (one, other) in [
            ("bob@example.net", "bob@EXAMPLE.net"),
            ("\"bob\"@example.net", "bob@example.net"),
            ("\"b\\ob\"@example.net", "bob@example.net"),
            ("bob@b\u{fc}cher.example", "bob@xn--bcher-kva.example"),
            ("bob@B\u{dc}CHER.example", "bob@b\u{fc}cher.example"),
            ("Postmaster@example.net", "postmaster@example.net"),
            ("bob@[192.0.2.1]", "bob@[192.0.2.1]"),
            ("\"a@b\"@example.net", "\"a@b\"@example.net"),
        ] {
            assert!(
                same_address(one, other) && same_address(other, one),
                "{one} {other}"
            );
            let keys = [one, other].map(mailbox_key);
            assert!(keys[0].is_some() && keys[0] == keys[1], "{one} {other}");
        }
    }

    #[test]
    fn never_a_near_match() {
        for (one, other) in [
            ("bob+list@example.net", "bob@example.net"),
            ("Bob@example.net", "bob@example.net"),
            ("b.ob@example.net", "bob@example.net"),
            ("bob@mail.example.net", "bob@example.net"),
            ("bob@example.net.", "bob@example.net"),
            ("bob@", "bob@"),
            ("bob", "bob"),
            ("bob@[192.0.2.1]", "bob@[192.0.2.2]"),
            (" bob@example.net", "bob@example.net"),
        ] {
            assert!(!same_address(one, other), "{one} {other}");
            let keys = [one, other].map(mailbox_key);
            assert!(keys[0].is_none() || keys[0] != keys[1], "{one} {other}");
        }
    }

    #[test]
    fn an_address_without_local_part_is_none() {
        assert!(recipients(b"To: @example.net, <@example.net>\n\n").is_empty());
    }

    #[test]
    fn quoted_local_parts_come_through_the_reader() {
        let found = recipients(b"To: <\"bob smith\"@example.net>, P <\"plain\"@example.net>\n\n");
        assert!(
            matching(&found, "\"bob smith\"@example.net").is_some(),
            "{found:?}"
        );
        assert!(matching(&found, "plain@example.net").is_some(), "{found:?}");
    }
}
