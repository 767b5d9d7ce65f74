//! Why a recipient was delayed, and whether an opt-out would help.
//!
//! The rule, in this order: a message that asked for REQUIRETLS is never opted out; words of the
//! reporting server itself decide ([`SENDER`]); then the reply of the remote one, which is never a
//! yes ([`RECEIVER`]); then end states that hide the cause ([`HIDDEN`]). Status codes only tell
//! whether a notice without words hides anything: both sides use x.7.0 to x.7.10 for everything.

use serde::Serialize;

use crate::notice::human::Passage;
use crate::notice::lookup::{Hit, find, of_anybody, of_the_server};
use crate::notice::speech::Speech;
use crate::notice::wording::{HIDDEN, Helps, LIBRARY, RECEIVER, REQUIRETLS, SENDER};
use crate::notice::{Action, Evidence, Mta};

/// Why a recipient was delayed or refused: one kind of TLS failure, or not TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// TLS needed by the sender, the EHLO reply lacked STARTTLS.
    StarttlsNotOffered,
    /// STARTTLS offered and then answered with an error.
    StarttlsRejected,
    /// Protocol, cipher, alert or timeout while TLS was set up.
    HandshakeFailed,
    /// The certificate's chain is not trusted.
    CertificateUntrusted,
    /// The certificate is out of date.
    CertificateExpired,
    /// The certificate is for another name.
    CertificateNameMismatch,
    /// The certificate was not accepted; the reason is not given.
    CertificateUnspecified,
    /// The TLSA look-up failed or was bogus.
    DaneTlsaLookupFailed,
    /// The sender insists on DANE and there is no TLSA record.
    DaneTlsaMissing,
    /// TLSA records are there, none usable.
    DaneTlsaUnusable,
    /// The certificate does not match the TLSA records.
    DaneMismatch,
    /// The MTA-STS policy could not be had, or the MX is not in it.
    MtaStsPolicy,
    /// The MX look-up was not secured by DNSSEC or MTA-STS.
    MxNotAuthenticated,
    /// The sender's policy wants TLS; no detail.
    TlsRequiredUnspecified,
    /// The sending server's own TLS set-up is broken.
    LocalTlsConfig,
    /// The message carried REQUIRETLS: the opposite wish.
    RequiretlsUnsupported,
    /// The receiver refuses plaintext.
    ReceiverDemandsTls,
    /// The receiver wants the sender's certificate.
    ReceiverDemandsClientCert,
    /// A fixed smarthost or send-as server.
    LocalRelayTls,
    /// Login at a submission server needs TLS, or failed.
    SubmissionAuth,
    /// The notice names no cause.
    Hidden,
    /// Not TLS.
    NotTls,
}

impl Cause {
    /// TLS is what went wrong (whether or not an opt-out helps).
    pub fn is_tls(self) -> bool {
        !matches!(self, Cause::NotTls | Cause::Hidden | Cause::SubmissionAuth)
    }

    /// A clause that fits after "delayed because ...".
    pub fn words(self) -> &'static str {
        match self {
            Cause::StarttlsNotOffered => {
                "the server of the recipient offers no encryption (STARTTLS)"
            }
            Cause::StarttlsRejected => {
                "the server of the recipient refused to start encryption (STARTTLS)"
            }
            Cause::HandshakeFailed => {
                "encryption with the server of the recipient could not be set up"
            }
            Cause::CertificateUntrusted => {
                "the certificate of the recipient's server is not from a trusted authority"
            }
            Cause::CertificateExpired => "the certificate of the recipient's server is out of date",
            Cause::CertificateNameMismatch => {
                "the certificate of the recipient's server is for another name"
            }
            Cause::CertificateUnspecified => {
                "the certificate of the recipient's server could not be verified"
            }
            Cause::DaneTlsaLookupFailed => "the recipient's TLSA records could not be looked up",
            Cause::DaneTlsaMissing => "the recipient's domain has no TLSA records",
            Cause::DaneTlsaUnusable => "the recipient's TLSA records are unusable",
            Cause::DaneMismatch => {
                "the certificate of the recipient's server does not match its TLSA records"
            }
            Cause::MtaStsPolicy => "the MTA-STS policy of the recipient's domain could not be met",
            Cause::MxNotAuthenticated => {
                "the mail servers of the recipient's domain could not be looked up securely"
            }
            Cause::TlsRequiredUnspecified => {
                "your server demands encryption and could not have it with the recipient's server"
            }
            Cause::LocalTlsConfig => "the TLS set-up of your own mail server is broken",
            Cause::RequiretlsUnsupported => {
                "the message demands encryption all the way (REQUIRETLS) and this way has none"
            }
            Cause::ReceiverDemandsTls => {
                "the server of the recipient accepts mail only over an encrypted connection"
            }
            Cause::ReceiverDemandsClientCert => {
                "the server of the recipient wants a certificate from your mail server"
            }
            Cause::LocalRelayTls => "a relay on the way has trouble with TLS",
            Cause::SubmissionAuth => "a server on the way did not accept the login",
            Cause::Hidden => "your server does not say why",
            Cause::NotTls => "of something other than TLS",
        }
    }
}

/// What a notice gives to judge a recipient by.
pub(super) struct Facts<'a> {
    pub(super) mta: Mta,
    pub(super) action: Action,
    pub(super) status: Option<&'a str>,
    pub(super) status_comment: Option<&'a str>,
    pub(super) has_remote: bool,
    pub(super) diagnostic: Option<&'a str>,
    pub(super) own_words: Option<&'a str>,
    pub(super) passage: &'a Passage,
}

/// Why, and would an opt-out help.
pub(super) struct Verdict {
    pub(super) cause: Cause,
    pub(super) helps: Helps,
    pub(super) evidence: Option<Evidence>,
}

/// The verdict about one recipient.
pub(super) fn judge(facts: &Facts<'_>) -> Verdict {
    if !matches!(facts.action, Action::Failed | Action::Delayed) {
        return Verdict {
            cause: Cause::NotTls,
            helps: Helps::No,
            evidence: None,
        };
    }
    let speeches = speeches(facts);
    requiretls(&speeches, facts.mta)
        .or_else(|| sender(&speeches, facts))
        .or_else(|| receiver(&speeches, facts))
        .or_else(|| hidden(&speeches, facts))
        .unwrap_or_else(|| other(&speeches, facts))
}

/// The text first: Postfix names a refused STARTTLS there only, OpenSMTPD every reason.
fn speeches<'a>(facts: &Facts<'a>) -> Vec<Speech<'a>> {
    let (mta, passage) = (facts.mta, facts.passage);
    let mut speeches = vec![Speech::text(&passage.reason, mta)];
    if mta == Mta::Sendmail {
        // A remark is about the recipient whose line comes next, unless that line has another reason.
        let reason = speeches[0].whole();
        if !says_something(reason) || reason.contains("tls") {
            speeches.push(Speech::text(&passage.session.remarks, mta));
        }
        speeches.push(Speech::reply("text", &passage.session.replies));
    }
    // Of other servers the comment is what the code means.
    let comment = facts
        .status_comment
        .filter(|_| matches!(mta, Mta::Mox | Mta::Haraka));
    speeches.extend(comment.map(|words| Speech::comment(words, mta)));
    speeches.extend(facts.own_words.map(|words| Speech::own_field(words, mta)));
    speeches.extend(
        facts
            .diagnostic
            .filter(|field| !repeats(field, &passage.reason))
            .map(|field| Speech::diagnostic(field, mta, facts.has_remote)),
    );
    speeches
}

/// Does the field say what the text says, as with Postfix (`bounce_notify_util.c`)? Then once is enough.
fn repeats(field: &str, reason: &str) -> bool {
    field
        .split_once(';')
        .is_some_and(|(kind, words)| kind == "X-Postfix" && words.trim() == reason)
}

fn requiretls(speeches: &[Speech<'_>], mta: Mta) -> Option<Verdict> {
    speeches.iter().find_map(|speech| {
        let hit = find(REQUIRETLS, of_anybody, mta, speech, speech.whole())?;
        Some(hit.verdict(speech, 0))
    })
}

fn sender(speeches: &[Speech<'_>], facts: &Facts<'_>) -> Option<Verdict> {
    speeches.iter().find_map(|speech| {
        let hit = find(SENDER, of_the_server, facts.mta, speech, speech.sender())?;
        let words = &speech.sender()[hit.range.clone()];
        let is_sure = match facts.mta {
            Mta::Unknown => {
                leads(&speech.sender()[..hit.range.start]) && !answered(words, speeches)
            }
            Mta::Postfix => !answered(words, speeches),
            // Sendmail only repeats a reply that its transcript shows.
            Mta::Sendmail => !facts.passage.heard.may_have(words),
            _ => true,
        };
        if !is_sure && (hit.row.helps == Helps::Yes || facts.mta == Mta::Sendmail) {
            return None;
        }
        let mut verdict = hit.verdict(speech, 0);
        if facts.mta == Mta::Sendmail {
            if refused_starttls(facts) {
                verdict.cause = Cause::StarttlsRejected;
            }
        } else if let Some(inner) = find(LIBRARY, of_anybody, Mta::Unknown, speech, speech.whole())
            && is_general(verdict.cause)
        {
            verdict.cause = inner.row.cause;
        }
        Some(verdict)
    })
}

/// Nobody knows how an unknown server quotes another one: its own words are those at the very start.
fn leads(before: &str) -> bool {
    before
        .trim()
        .trim_start_matches("delivery temporarily suspended:")
        .chars()
        .all(|c| c.is_whitespace() || c == '(')
}

/// Does a reply, which is all that one field holds, say this? Then the text repeats it.
fn answered(words: &str, speeches: &[Speech<'_>]) -> bool {
    speeches
        .iter()
        .any(|speech| speech.sender().is_empty() && speech.receiver().contains(words))
}

/// Causes that a library's text inside the sender's words names more closely.
fn is_general(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::HandshakeFailed
            | Cause::CertificateUntrusted
            | Cause::CertificateUnspecified
            | Cause::TlsRequiredUnspecified
    )
}

fn receiver(speeches: &[Speech<'_>], facts: &Facts<'_>) -> Option<Verdict> {
    let by_words = speeches.iter().find_map(|speech| {
        let hit = find(RECEIVER, of_anybody, facts.mta, speech, speech.receiver())?;
        Some(hit.verdict(speech, speech.receiver_start()))
    });
    by_words.or_else(|| {
        refused_starttls(facts).then(|| Verdict {
            cause: Cause::StarttlsRejected,
            helps: Helps::Unknown,
            evidence: Some(Evidence {
                phrase: facts.passage.session.replies.clone(),
                part: "text",
                rule: "reply to STARTTLS",
            }),
        })
    })
}

/// Sendmail's transcript shows a reply to STARTTLS.
fn refused_starttls(facts: &Facts<'_>) -> bool {
    let command = facts.passage.session.command.as_deref().unwrap_or_default();
    command.starts_with("STARTTLS") && !facts.passage.session.replies.is_empty()
}

fn hidden(speeches: &[Speech<'_>], facts: &Facts<'_>) -> Option<Verdict> {
    let quoted = speeches
        .iter()
        .any(|s| !s.receiver().trim().is_empty() && s.receiver_start() > 0);
    speeches.iter().filter(|_| !quoted).find_map(|speech| {
        // Services write their own words like replies; a remote server would be named.
        let words = match facts.has_remote {
            true => speech.sender(),
            false => speech.whole(),
        };
        let hit = find(HIDDEN, of_anybody, facts.mta, speech, words)?;
        Some(hit.verdict(speech, 0))
    })
}

/// Other words, or none: then the status code tells whether something may hide behind it.
fn other(speeches: &[Speech<'_>], facts: &Facts<'_>) -> Verdict {
    let spoken = speeches
        .iter()
        .find(|speech| says_something(speech.whole()));
    let (cause, evidence) = match (spoken, facts.status) {
        (Some(speech), _) => {
            let words = speech.as_written(0..speech.whole().len());
            let phrase = words.chars().take(200).collect();
            (
                Cause::NotTls,
                Some(Evidence {
                    phrase,
                    part: speech.part,
                    rule: "no TLS wording",
                }),
            )
        }
        (None, Some(status)) if !is_vague(status) => {
            let phrase = status.to_owned();
            (
                Cause::NotTls,
                Some(Evidence {
                    phrase,
                    part: "status",
                    rule: "status code",
                }),
            )
        }
        (None, _) => (Cause::Hidden, None),
    };
    Verdict {
        cause,
        helps: Helps::No,
        evidence,
    }
}

/// Is there a reason in the words, beside the host that was tried (Exim) and that the message
/// waits (Sendmail)?
fn says_something(words: &str) -> bool {
    let mut rest = words.trim();
    for empty in ["(reason: )", "deferred", "delay reason:"] {
        rest = rest.strip_prefix(empty).unwrap_or(rest).trim_start();
    }
    for origin in [
        "(generated from",
        "(ultimately generated from",
        "(expanded from",
    ] {
        if rest.starts_with(origin) {
            rest = rest
                .split_once(')')
                .map_or("", |(_, after)| after.trim_start());
        }
    }
    if let Some((_, after)) = rest.strip_prefix("host ").and_then(|r| r.split_once(']')) {
        rest = after;
    }
    rest.contains(|c: char| c.is_alphanumeric())
}

/// Codes that name no cause: x.0.0, "other" of a class, "delivery time expired" (x.4.7), and the
/// security codes without a word of what was insecure (RFC 3463 section 3).
fn is_vague(status: &str) -> bool {
    let mut numbers = status.split('.').skip(1);
    let (subject, detail) = (numbers.next().unwrap_or("0"), numbers.next().unwrap_or("0"));
    detail == "0" || subject == "7" || (subject == "4" && detail == "7")
}

impl Hit {
    fn verdict(&self, speech: &Speech<'_>, start: usize) -> Verdict {
        let phrase = speech.as_written(start + self.range.start..start + self.range.end);
        let evidence = Evidence {
            phrase,
            part: speech.part,
            rule: self.row.words,
        };
        Verdict {
            cause: self.row.cause,
            helps: self.row.helps,
            evidence: Some(evidence),
        }
    }
}
