//! Standing consent: may a message be sent again because the policy says `auto`?
//!
//! The user is not there to see what the question would show, so whatever is less than certain waits for
//! the user. Some demands are not asked here, because nothing gets this far without them, whoever
//! consents: the copy proof, recipients of the original only, no `never`, no message whose sender asked for
//! security, nothing that was sent before.

use super::plan::Chosen;
use crate::notice::Cause;
use crate::notice::provenance::Provenance;
use crate::policy::{Decision, Policy};

/// How long after a notice that names no `Will-Retry-Until` standing consent may be used, in seconds. RFC
/// 5321 section 4.5.4.1 has servers try for 4 to 5 days: after that the sender knows that the message is
/// lost, and may have acted on it.
pub const PATIENCE: i64 = 5 * 24 * 3600;

/// How far ahead of our clock the clock of the server may be, in seconds.
const CLOCK_TOLERANCE: i64 = 24 * 3600;

/// What the decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who would get it.
    pub send: &'a [Chosen],
    /// Where opting out is allowed: as the daemon has read it, and as it is written now. Both have to say `auto`.
    pub policies: [&'a Policy; 2],
    /// Did the user's own server write the notice?
    pub provenance: Provenance,
    /// Does the envelope id alone say so? Whoever the message was passed on to may have learned it.
    pub is_by_id_alone: bool,
    /// Something speaks against the copy, though the user may send it.
    pub is_flawed: bool,
    /// Does the submission server act on the opt-out? `None`: not known.
    pub honours: Option<bool>,
    /// How many accounts have the same right to the sender.
    pub accounts: usize,
    /// `Date` of the notice, in seconds since 1970.
    pub written: Option<i64>,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// How many messages went out on standing consent within a day.
    pub sent: u32,
    /// How many may.
    pub most: u32,
}

/// Why the offer waits for the user. Names nobody, so that it may stand in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Waits {
    /// The policy says so of everybody who waits.
    #[error("the policy gives no consent in advance")]
    NotAuto,
    /// The notice may be forged.
    #[error("nothing proves that your own server wrote the notice")]
    NotVerified,
    /// A server that the message went to may have written the notice.
    #[error("the notice returns our envelope id, but it did not come the way your own server's do")]
    ByIdAlone,
    /// The cause is what an attack would look like.
    #[error("what failed could be an attack")]
    MayBeAttack,
    /// The server has given up, or it is long ago.
    #[error("it is too old")]
    TooOld,
    /// Neither a date nor an end.
    #[error("the notice does not say when it was written")]
    NoDate,
    /// The notice is from the future.
    #[error("the notice is dated in the future; look at the clock")]
    Clock,
    /// The copy was found in an odd place or state.
    #[error("the copy of the message is in doubt")]
    Flawed,
    /// A notice showed that the server ignores the request.
    #[error("the submission server does not honour the request")]
    NotHonoured,
    /// None, or several that nothing decides between.
    #[error("not exactly one account is the sender's")]
    Accounts,
    /// Enough for a day.
    #[error("as many as auto_per_day allows were sent within 24 hours")]
    Spent,
}

/// Who gets the message on standing consent; the others wait for the user.
///
/// # Errors
/// Says why nobody does.
pub fn consents(facts: &Facts<'_>) -> Result<Vec<Chosen>, Waits> {
    let says_auto = |policy: &Policy, one: &Chosen| policy.decide(&one.address).0 == Decision::Auto;
    let is_auto = |one: &&Chosen| facts.policies.iter().all(|policy| says_auto(policy, one));
    let auto: Vec<&Chosen> = facts.send.iter().filter(is_auto).collect();
    if auto.is_empty() {
        return Err(Waits::NotAuto);
    }
    if facts.provenance != Provenance::Verified {
        return Err(Waits::NotVerified);
    }
    if facts.is_by_id_alone {
        return Err(Waits::ByIdAlone);
    }
    if facts.is_flawed {
        return Err(Waits::Flawed);
    }
    if facts.honours == Some(false) {
        return Err(Waits::NotHonoured);
    }
    if facts.accounts != 1 {
        return Err(Waits::Accounts);
    }
    let checked = auto.iter().map(|one| check(one, facts));
    let (good, bad): (Vec<_>, Vec<_>) = checked.partition(Result::is_ok);
    if let (true, Some(Err(waits))) = (good.is_empty(), bad.into_iter().next()) {
        return Err(waits);
    }
    if facts.sent >= facts.most {
        return Err(Waits::Spent);
    }
    Ok(good.into_iter().flatten().collect())
}

fn check(one: &Chosen, facts: &Facts<'_>) -> Result<Chosen, Waits> {
    if !one.cause.is_some_and(is_no_attack) {
        return Err(Waits::MayBeAttack);
    }
    let patience = facts.written.map(|written| written + PATIENCE);
    let until = one.retry_until.or(patience).ok_or(Waits::NoDate)?;
    if facts.now >= until {
        return Err(Waits::TooOld);
    }
    if facts
        .written
        .is_some_and(|written| written > facts.now + CLOCK_TOLERANCE)
    {
        return Err(Waits::Clock);
    }
    Ok(one.clone())
}

/// Causes that standing consent may be used for. Of the others somebody on the way, or in the DNS, could
/// be the author, at little cost:
///
/// * STARTTLS that is missing or refused, and a handshake that breaks, are what an attacker makes who only
///   has to change or cut a plaintext conversation (RFC 3207 section 6). Whether it worked before the
///   journal does not know. `TlsRequiredUnspecified` may be any of these.
/// * A TLSA look-up that fails is what an attack on DANE looks like (RFC 7672 section 2.1.2), and
///   an MX that is not in the policy is what MTA-STS protects from (RFC 8461 section 10).
///
/// What is left: the other side was reached over TLS and showed a certificate or records that are wrong. For
/// that an attacker must take part in the conversation all the time; whoever writes `auto` for a
/// domain accepts that. Missing and unusable TLSA records and an unsigned domain were proven by DNSSEC to be so.
fn is_no_attack(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::CertificateUntrusted
            | Cause::CertificateExpired
            | Cause::CertificateNameMismatch
            | Cause::CertificateUnspecified
            | Cause::DaneMismatch
            | Cause::DaneTlsaMissing
            | Cause::DaneTlsaUnusable
            | Cause::MxNotAuthenticated
            | Cause::LocalTlsConfig
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_500_000;

    fn chosen(address: &str, cause: Cause, retry_until: Option<i64>) -> Chosen {
        Chosen {
            address: address.to_owned(),
            cause: Some(cause),
            is_queued: true,
            is_given_up: false,
            retry_until,
        }
    }

    fn bob(cause: Cause) -> Chosen {
        chosen("bob@example.net", cause, Some(NOW + 1))
    }

    fn policy() -> Policy {
        let mut policy = Policy::default();
        for (pattern, decision) in [
            ("example.net", Decision::Auto),
            ("never@example.net", Decision::Never),
        ] {
            policy.add(pattern, decision, String::new()).unwrap();
        }
        policy
    }

    /// Everything is as it should be.
    fn facts<'a>(send: &'a [Chosen], policy: &'a Policy) -> Facts<'a> {
        Facts {
            send,
            policies: [policy; 2],
            provenance: Provenance::Verified,
            is_by_id_alone: false,
            is_flawed: false,
            honours: None,
            accounts: 1,
            written: Some(NOW - 3600),
            now: NOW,
            sent: 9,
            most: 10,
        }
    }

    #[test]
    fn each_demand_broken_once() {
        let (send, policy) = ([bob(Cause::CertificateExpired)], policy());
        let good = facts(&send, &policy);
        assert_eq!(consents(&good).unwrap(), send);
        let honoured = Facts {
            honours: Some(true),
            ..good
        };
        assert_eq!(consents(&honoured).unwrap(), send);
        let ask = Policy::default();
        let no_end = [chosen("bob@example.net", Cause::DaneMismatch, None)];
        let over = [chosen("bob@example.net", Cause::DaneMismatch, Some(NOW))];
        let named = [Chosen {
            cause: None,
            ..bob(Cause::DaneMismatch)
        }];
        let never = [chosen(
            "never@example.net",
            Cause::DaneMismatch,
            Some(NOW + 1),
        )];
        for (broken, waits) in [
            (
                Facts {
                    policies: [&ask, &policy],
                    ..good
                },
                Waits::NotAuto,
            ),
            (
                Facts {
                    policies: [&policy, &ask],
                    ..good
                },
                Waits::NotAuto,
            ),
            (Facts { send: &[], ..good }, Waits::NotAuto),
            (
                Facts {
                    send: &never,
                    ..good
                },
                Waits::NotAuto,
            ),
            (
                Facts {
                    provenance: Provenance::Plausible,
                    ..good
                },
                Waits::NotVerified,
            ),
            (
                Facts {
                    provenance: Provenance::Unverified,
                    ..good
                },
                Waits::NotVerified,
            ),
            (
                Facts {
                    is_by_id_alone: true,
                    ..good
                },
                Waits::ByIdAlone,
            ),
            (
                Facts {
                    is_flawed: true,
                    ..good
                },
                Waits::Flawed,
            ),
            (
                Facts {
                    honours: Some(false),
                    ..good
                },
                Waits::NotHonoured,
            ),
            (
                Facts {
                    accounts: 0,
                    ..good
                },
                Waits::Accounts,
            ),
            (
                Facts {
                    accounts: 2,
                    ..good
                },
                Waits::Accounts,
            ),
            (
                Facts {
                    send: &named,
                    ..good
                },
                Waits::MayBeAttack,
            ),
            (
                Facts {
                    send: &over,
                    ..good
                },
                Waits::TooOld,
            ),
            (
                Facts {
                    send: &no_end,
                    written: Some(NOW - PATIENCE),
                    ..good
                },
                Waits::TooOld,
            ),
            (
                Facts {
                    send: &no_end,
                    written: None,
                    ..good
                },
                Waits::NoDate,
            ),
            (
                Facts {
                    written: Some(NOW + CLOCK_TOLERANCE + 1),
                    ..good
                },
                Waits::Clock,
            ),
            (Facts { sent: 10, ..good }, Waits::Spent),
            (
                Facts {
                    sent: 0,
                    most: 0,
                    ..good
                },
                Waits::Spent,
            ),
        ] {
            assert_eq!(consents(&broken), Err(waits), "{broken:?}");
        }
        let young = Facts {
            send: &no_end,
            written: Some(NOW - PATIENCE + 1),
            ..good
        };
        assert_eq!(consents(&young).unwrap(), no_end);
    }

    #[test]
    fn causes_that_an_attacker_makes_at_little_cost_wait() {
        let policy = policy();
        for (cause, is_sent) in [
            (Cause::StarttlsNotOffered, false),
            (Cause::StarttlsRejected, false),
            (Cause::HandshakeFailed, false),
            (Cause::TlsRequiredUnspecified, false),
            (Cause::DaneTlsaLookupFailed, false),
            (Cause::MtaStsPolicy, false),
            (Cause::LocalRelayTls, false),
            (Cause::Hidden, false),
            (Cause::NotTls, false),
            (Cause::RequiretlsUnsupported, false),
            (Cause::ReceiverDemandsTls, false),
            (Cause::ReceiverDemandsClientCert, false),
            (Cause::SubmissionAuth, false),
            (Cause::CertificateUntrusted, true),
            (Cause::CertificateExpired, true),
            (Cause::CertificateNameMismatch, true),
            (Cause::CertificateUnspecified, true),
            (Cause::DaneMismatch, true),
            (Cause::DaneTlsaMissing, true),
            (Cause::DaneTlsaUnusable, true),
            (Cause::MxNotAuthenticated, true),
            (Cause::LocalTlsConfig, true),
        ] {
            let send = [bob(cause)];
            let decision = consents(&facts(&send, &policy));
            assert_eq!(decision.is_ok(), is_sent, "{cause:?}");
        }
    }

    #[test]
    fn each_recipient_is_judged_alone() {
        let policy = policy();
        let send = [
            chosen("ask@example.com", Cause::CertificateExpired, None),
            bob(Cause::StarttlsNotOffered),
            chosen("dave@example.net", Cause::CertificateExpired, Some(NOW - 1)),
            chosen("erin@example.net", Cause::CertificateExpired, Some(NOW + 1)),
            chosen(
                "never@example.net",
                Cause::CertificateExpired,
                Some(NOW + 1),
            ),
        ];
        let consent = consents(&facts(&send, &policy)).unwrap();
        assert_eq!(consent, send[3..4]);
        assert_eq!(
            consents(&facts(&send[..3], &policy)),
            Err(Waits::MayBeAttack)
        );
    }
}
