//! The server's own signature, as the user's `Authentication-Results` tell of it.

use super::Notice;
use super::authentication::Results;
use super::provenance::{Known, is_known};

/// Did the account's server sign the notice, as a server says that the user trusts? `Err`: what is wrong
/// with that.
///
/// A field that stands above the border of the user's own servers (see [`super::authentication`]) was
/// written by them. A second one of the same name below shows that they let pass what a sender writes in
/// their name, or that the notice went a way that we do not understand: then neither counts.
///
/// The signature proves that the message left a server which signs for the domain, and so may a message
/// of any other user there. What a user cannot have, where the server looks after its senders, is the
/// server's name: so the notice must be from `mailer-daemon` or `postmaster` of the domain, with the null
/// return path, and report for the account's server. For this the domain must be that of the server or
/// one above it, and never a neighbour: hosts of a provider of dynamic names are strangers to each other.
///
/// `auth=pass` (RFC 8601 section 2.7.4) and the `local=pass` of Exim say that a user logged in or called
/// `sendmail`. That is no mark of the server itself, and counts for nothing. `dkim=fail` counts wherever it
/// stands: nobody forges one to be believed.
pub(super) fn signed(notice: &Notice, known: &Known<'_>) -> Result<Option<String>, String> {
    let all = &notice.envelope.authentication;
    let ids = known.authserv_ids;
    let ours = all
        .iter()
        .filter(|results| ids.iter().any(|id| results.server.eq_ignore_ascii_case(id)));
    let (above, below): (Vec<&Results>, Vec<&Results>) =
        ours.clone().partition(|results| results.is_above);
    let pass = above.iter().find_map(|results| {
        let mut signers = results.signers.iter();
        let signer = signers.find(|signer| is_of_server(notice, signer, known.servers))?;
        Some((&results.server, signer))
    });
    match pass {
        Some((server, _)) if below.iter().any(|results| results.server == *server) => Err(format!(
            "it has a second Authentication-Results field of {server}, which may be forged"
        )),
        Some((server, signer)) => Ok(Some(format!("{server} found it signed by {signer}"))),
        None => match ours.clone().find(|results| results.is_broken) {
            Some(broken) => Err(format!("{} found its DKIM signature broken", broken.server)),
            None => Ok(None),
        },
    }
}

/// Does a signature of this domain make the notice one of the account's server?
fn is_of_server(notice: &Notice, signer: &str, servers: &[String]) -> bool {
    let header = &notice.envelope;
    let from = header
        .from
        .as_deref()
        .and_then(|from| from.rsplit_once('@'));
    let is_from_server = from.is_some_and(|(name, domain)| {
        let name = name.to_ascii_lowercase();
        matches!(&*name, "mailer-daemon" | "postmaster") && is_within(domain, signer)
    });
    let reporter = notice.reporting_mta.as_deref();
    is_from_server
        && header.return_path.as_deref() == Some("")
        && reporter.is_some_and(|reporter| is_known(reporter, servers))
        && servers.iter().any(|server| is_within(server, signer))
}

/// Is it this domain, which is no top-level one, or one below it?
fn is_within(host: &str, domain: &str) -> bool {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let above = host.strip_suffix(domain);
    domain.contains('.') && above.is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use crate::notice::provenance::Provenance;
    use crate::notice::provenance::tests::{NOTICE, judged};

    /// NOTICE with results above the border, and below.
    fn with_results(above: &str, below: &str) -> String {
        NOTICE
            .replacen(
                "Received: by",
                &format!(
                    "{above}Received: from mail.example.org (x [203.0.113.5]) by mx.example.org with ESMTP\n\
                     {below}Received: by"
                ),
                1,
            )
            .replace("Content-Type: multipart", "From: <MAILER-DAEMON@Mail.example.org>\nContent-Type: multipart")
    }

    const SIGNED: &str = "Authentication-Results: mx.example.org; dkim=pass header.d=example.org\n";

    #[test]
    fn a_signature_of_the_server_is_proof() {
        let proven = with_results(SIGNED, "");
        assert_eq!(
            judged(&proven, "", "mail.example.org").0,
            Provenance::Verified
        );
        let sub = SIGNED.replace("header.d=", "header.d=mail.");
        let proven = with_results(&sub, "");
        assert_eq!(
            judged(&proven, "", "mail.example.org").0,
            Provenance::Verified
        );
    }

    #[test]
    fn a_signature_that_proves_nothing() {
        let other = |from: &str, to: &str| with_results(&SIGNED.replace(from, to), "");
        let changed = |from: &str, to: &str| with_results(SIGNED, "").replacen(from, to, 1);
        for notice in [
            // Where a sender could have written it.
            with_results("", SIGNED),
            NOTICE.replacen(
                "Received: by",
                &format!("Received: by x\n{SIGNED}Received: by"),
                1,
            ),
            // Another server says so; a stranger, a neighbour or a top-level domain signed.
            other("mx.example.org", "mx.example.net"),
            other("=example.org", "=example.net"),
            other("=example.org", "=other.example.org"),
            other("=example.org", "=org"),
            other("=example.org", "=ple.org"),
            other("dkim=pass", "dkim=none"),
            other("dkim=pass", "auth=pass"),
            other("dkim=pass", "local=pass"),
            // A user of the server wrote it.
            changed("MAILER-DAEMON@", "mallory@"),
            changed("@Mail.example.org", "@example.net"),
            changed("Return-Path: <>", "Return-Path: <mallory@example.org>"),
            changed("dns; mail.example.org", "dns; mail.example.net"),
        ] {
            let judged = judged(&notice, "", "mail.example.org");
            assert_eq!(judged.0, Provenance::Unverified, "{judged:?} {notice}");
        }
    }

    #[test]
    fn a_doubtful_signature_is_told() {
        let twice = with_results(SIGNED, &SIGNED.replace("MX", "mx"));
        let broken = SIGNED.replace("pass", "fail");
        for (notice, doubt) in [
            (
                &twice,
                "it has a second Authentication-Results field of mx.example.org, which may be forged",
            ),
            (
                &with_results(&broken, ""),
                "mx.example.org found its DKIM signature broken",
            ),
            // What else would be plausible.
            (
                &NOTICE.replacen("Content-Type", &format!("{broken}Content-Type"), 1),
                "mx.example.org found its DKIM signature broken",
            ),
        ] {
            let expected = (Provenance::Unverified, doubt.to_owned());
            assert_eq!(judged(notice, "", "mail.example.org"), expected, "{notice}");
        }
    }
}
