//! Did the user's own server write this?
//!
//! Anyone can send a message that looks like a notice. Acting on a forged one lowers the security
//! of one resubmission, to recipients of the real message only; still, the user hears of any doubt.

use std::net::IpAddr;

use serde::Serialize;

use crate::message::text;
use crate::notice::signature::signed;
use crate::notice::{Hop, Notice};

/// How sure we are that a notice came from the user's own server: less sure is less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Anything less than what follows.
    Unverified = 0,
    /// Return path, `Reporting-MTA` and `Received` agree with the account's server.
    Plausible = 1,
    /// It returns an envelope id that only we and the server knew, or a server that the user trusts found
    /// it signed by the account's server.
    Verified = 2,
}

impl Provenance {
    /// The word that it has in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Provenance::Verified => "verified",
            Provenance::Plausible => "plausible",
            Provenance::Unverified => "unverified",
        }
    }
}

/// What is known beside the notice.
pub struct Known<'a> {
    /// Did we submit with this envelope id (RFC 3461 section 4.4), and tell nobody else?
    pub is_our_envelope_id: &'a dyn Fn(&str) -> bool,
    /// Host names of the submission servers of the user's accounts.
    pub servers: &'a [String],
    /// The authserv-ids whose `Authentication-Results` the user trusts (RFC 8601 section 2.5).
    pub authserv_ids: &'a [String],
}

/// The provenance, and what to tell the user where it is not [`Provenance::Verified`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// How sure we are.
    pub provenance: Provenance,
    /// Why not surer, as a clause for the user.
    pub doubt: Option<String>,
    /// What makes it [`Provenance::Verified`], as a clause for the user.
    pub proof: Option<String>,
    /// The envelope id is all that speaks for it: by its way and its writer it would be unverified. The
    /// servers that the message was passed on to were told the id, too (RFC 3461 section 5.2.1).
    pub is_by_id_alone: bool,
}

impl Judgement {
    /// Where there is no notice nothing proves anything.
    pub fn of_no_notice() -> Judgement {
        Judgement {
            provenance: Provenance::Unverified,
            doubt: None,
            proof: None,
            is_by_id_alone: false,
        }
    }

    fn verified(proof: String) -> Judgement {
        Judgement {
            provenance: Provenance::Verified,
            doubt: None,
            proof: Some(proof),
            is_by_id_alone: false,
        }
    }

    fn doubted(provenance: Provenance, doubt: String) -> Judgement {
        Judgement {
            provenance,
            doubt: Some(doubt),
            proof: None,
            is_by_id_alone: false,
        }
    }
}

/// Judges by the notice's own header and fields.
///
/// * `verified`: the envelope id is one of ours, which was secret, and TLS kept it so; or the user's own
///   `Authentication-Results` say that the account's server signed it.
/// * `plausible`: the return path is null, `Reporting-MTA` is the account's server or a host of its
///   domain, and so is every host in the `Received` fields. mox delivers its notices without
///   `Received` and with its postmaster as return path (`queue/dsn.go`), which also counts: what
///   comes from outside has at least one `Received`.
/// * `unverified`: the rest, and everything while no account is known.
///
/// Without a list of public suffixes two hosts count as of one domain if their last two labels
/// agree, or the last three where the second last is as short as in `co.uk`.
pub fn judge(notice: &Notice, known: &Known<'_>) -> Judgement {
    let id = notice.envelope_id.as_deref();
    if id.is_some_and(|id| is_ours(id, known)) {
        let proof = "it returns what only a server that handled the message knew";
        return Judgement {
            is_by_id_alone: !matches!(signed(notice, known), Ok(Some(_)))
                && doubt(notice, known.servers).is_some(),
            ..Judgement::verified(proof.to_owned())
        };
    }
    let doubt = match signed(notice, known) {
        Ok(Some(proof)) => return Judgement::verified(proof),
        Ok(None) => doubt(notice, known.servers),
        Err(doubt) => Some(doubt),
    };
    match doubt {
        Some(doubt) => Judgement::doubted(Provenance::Unverified, doubt),
        None => Judgement::doubted(
            Provenance::Plausible,
            "it looks like a notice of your mail server, without proof".to_owned(),
        ),
    }
}

/// Exim prints the id in xtext (`+2B` for a plus sign).
fn is_ours(id: &str, known: &Known<'_>) -> bool {
    (known.is_our_envelope_id)(id)
        || (id.contains('+') && (known.is_our_envelope_id)(&text::without_xtext(id)))
}

/// What speaks against the user's own server as author.
fn doubt(notice: &Notice, servers: &[String]) -> Option<String> {
    if servers.is_empty() {
        return Some("no account is known that it could come from".to_owned());
    }
    let Some(reporter) = notice.reporting_mta.as_deref() else {
        return Some("it does not say which server wrote it".to_owned());
    };
    if !is_known(reporter, servers) {
        return Some(format!(
            "it comes from {reporter}, which is not your mail server"
        ));
    }
    let hops = &notice.envelope.received;
    match notice.envelope.return_path.as_deref() {
        Some("") => {}
        Some(path) if hops.is_empty() && is_postmaster(path, reporter) => return None,
        Some(path) => return Some(format!("its return path is {path}, a notice has none")),
        None => return Some("it has no Return-Path field".to_owned()),
    }
    let stranger = hops
        .iter()
        .flat_map(Hop::hosts)
        .find(|host| !is_near(host, servers));
    if hops.is_empty() {
        Some("it has no Received field".to_owned())
    } else {
        stranger.map(|host| format!("it passed through {host}, which is not your mail server"))
    }
}

fn is_postmaster(path: &str, host: &str) -> bool {
    path.rsplit_once('@').is_some_and(|(name, domain)| {
        name.eq_ignore_ascii_case("postmaster") && domain.eq_ignore_ascii_case(host)
    })
}

impl Hop {
    /// Every host and address that the field names: `from laptop (mx.example.net [192.0.2.1])`.
    fn hosts(&self) -> Vec<&str> {
        let marks = |c: char| c.is_whitespace() || "()[]<>=,;".contains(c);
        let from = self.from.as_deref().unwrap_or_default();
        let named = from
            .split(marks)
            .map(|word| word.strip_prefix("IPv6:").unwrap_or(word));
        let hosts = named.filter(|word| word.contains('.') || word.contains(':'));
        hosts.chain(self.by.as_deref()).collect()
    }
}

pub(super) fn is_known(host: &str, servers: &[String]) -> bool {
    servers.iter().any(|server| domain(host) == domain(server))
}

/// The account's server, or an address inside its own network.
fn is_near(host: &str, servers: &[String]) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        return is_inside(address);
    }
    host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().starts_with("localhost.")
        || host.contains('@')
        || is_known(host, servers)
}

fn is_inside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_private(),
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local(),
    }
}

/// What two hosts must share to count as of one domain: of an address all of it.
fn domain(host: &str) -> String {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.parse::<IpAddr>().is_ok() {
        return host;
    }
    let labels: Vec<&str> = host.split('.').collect();
    let keep = match labels[..] {
        [.., second, last] if last.len() == 2 && second.len() <= 3 => 3,
        _ => 2,
    };
    labels[labels.len().saturating_sub(keep)..].join(".")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::notice) const NOTICE: &str = "Return-Path: <>\n\
        Received: from mx.example.org (mx.example.org [192.168.1.2])\n by imap.example.org (x) with LMTP; Tue\n\
        Received: by mail.example.org (Postfix)\n\tid 1; Tue\n\
        Content-Type: multipart/report; boundary=x\n\n\
        --x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\
        Original-Envelope-Id: ours+2B1\n\nFinal-Recipient: rfc822; b@example.net\nAction: failed\n";

    pub(in crate::notice) fn judged(
        notice: &str,
        ours: &str,
        server: &str,
    ) -> (Provenance, String) {
        let notice = crate::notice::read(notice.as_bytes()).unwrap();
        let servers: Vec<_> = [server]
            .iter()
            .filter(|s| !s.is_empty())
            .map(|server| (*server).to_owned())
            .collect();
        let known = Known {
            is_our_envelope_id: &|id| id == ours,
            servers: &servers,
            authserv_ids: &["mx.example.org".to_owned()],
        };
        let judgement = judge(&notice, &known);
        (judgement.provenance, judgement.doubt.unwrap_or_default())
    }

    #[test]
    fn our_envelope_id_is_proof() {
        for ours in ["ours+2B1", "ours+1"] {
            assert_eq!(
                judged(NOTICE, ours, ""),
                (Provenance::Verified, String::new())
            );
        }
        assert_eq!(judged(NOTICE, "other", "").0, Provenance::Unverified);
    }

    #[test]
    fn the_envelope_id_may_be_all_that_speaks_for_it() {
        for (server, is_alone) in [("example.org", false), ("example.net", true)] {
            let notice = crate::notice::read(NOTICE.as_bytes()).expect("a notice");
            let known = Known {
                is_our_envelope_id: &|id| id == "ours+1",
                servers: &[server.to_owned()],
                authserv_ids: &[],
            };
            assert_eq!(judge(&notice, &known).is_by_id_alone, is_alone, "{server}");
        }
    }

    #[test]
    fn everything_agrees() {
        for server in ["mail.example.org", "SMTP.example.org.", "example.org"] {
            assert_eq!(
                judged(NOTICE, "", server).0,
                Provenance::Plausible,
                "{server}"
            );
        }
    }

    #[test]
    fn each_doubt_is_told() {
        let cases = [
            (
                "",
                "",
                "example.net",
                "it comes from mail.example.org, which is not your mail server",
            ),
            (
                "<>",
                "<a@example.com>",
                "example.org",
                "its return path is a@example.com, a notice has none",
            ),
            (
                "Return-Path: <>\n",
                "",
                "example.org",
                "it has no Return-Path field",
            ),
            (
                "192.168.1.2",
                "203.0.113.9",
                "example.org",
                "it passed through 203.0.113.9, which is not your mail server",
            ),
            (
                "by mail.example.org",
                "from a.test by b",
                "example.org",
                "it passed through a.test, which is not your mail server",
            ),
            (
                "Reporting-MTA",
                "X-MTA",
                "example.org",
                "it does not say which server wrote it",
            ),
        ];
        for (from, to, server, doubt) in cases {
            let notice = NOTICE.replacen(from, to, 1);
            let expected = (Provenance::Unverified, doubt.to_owned());
            assert_eq!(judged(&notice, "", server), expected, "{from}");
        }
        let doubt = judged(NOTICE, "", "").1;
        assert_eq!(doubt, "no account is known that it could come from");
    }

    #[test]
    fn mox_delivers_without_received() {
        let at = NOTICE.find("Received").unwrap()..NOTICE.find("Content-Type").unwrap();
        let mut local = NOTICE.replace("<>", "<postmaster@mail.example.org>");
        let plain = NOTICE.replace(&NOTICE[at.clone()], "");
        local = local.replace(&NOTICE[at], "");
        assert_eq!(
            judged(&local, "", "mail.example.org").0,
            Provenance::Plausible
        );
        assert_eq!(
            judged(&plain, "", "mail.example.org").1,
            "it has no Received field"
        );
    }

    #[test]
    fn hosts_of_one_domain() {
        assert_eq!(domain("a.b.example.org"), "example.org");
        assert_eq!(domain("mx.example.co.uk"), "example.co.uk");
        assert_ne!(domain("example.co.uk"), domain("other.co.uk"));
        assert_eq!(domain("localhost"), "localhost");
        assert_ne!(domain("192.0.2.1"), domain("198.51.2.1"));
        assert_ne!(domain("192.0.2.1"), domain("evil.2.1"));
    }
}
