//! What each server says when TLS fails: a table, no logic.
//!
//! One row a wording: the server that writes it, the words in lower case (`*` stands for anything),
//! the cause, whether an opt-out gets past it, and where the wording comes from. The first row that
//! matches decides, so the longer of two similar wordings stands first. Rows of a server are tried on
//! its own notices and on those of unknown servers (not Sendmail's, which look like replies);
//! rows of [`Mta::Unknown`] are tried on all, those of [`SENDER`] on unknown servers only.

use super::{Cause, Mta};

/// Does a resubmission with `TLS-Required: No` get past this?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Helps {
    /// The sending side refused because of TLS.
    Yes,
    /// It cannot, or makes it worse.
    No,
    /// The words do not tell who refused, or why.
    Unknown,
}

/// One wording.
#[derive(Debug, Clone, Copy)]
pub struct Wording {
    /// Who writes it.
    pub mta: Mta,
    /// The words in lower case; `*` stands for anything, `~` for a character of a name.
    pub words: &'static str,
    /// What they mean.
    pub cause: Cause,
    /// Whether an opt-out gets past it.
    pub helps: Helps,
    /// Where the wording comes from.
    pub source: &'static str,
}

const fn row(
    mta: Mta,
    words: &'static str,
    cause: Cause,
    helps: Helps,
    source: &'static str,
) -> Wording {
    Wording {
        mta,
        words,
        cause,
        helps,
        source,
    }
}

/// The message asked for REQUIRETLS, the opposite wish: tried first, whoever speaks.
#[rustfmt::skip]
pub const REQUIRETLS: &[Wording] = &[
    row(Mta::Unknown, "requiretls", Cause::RequiretlsUnsupported, Helps::No, "RFC 8689; Postfix 3.11, mox, maddy"),
    row(Mta::Unknown, "missing required tls verification mechanism", Cause::RequiretlsUnsupported, Helps::No, "mox/queue/direct.go"),
    row(Mta::Unknown, "requires verified tls but transport does not verify", Cause::RequiretlsUnsupported, Helps::No, "mox/queue/submit.go"),
    row(Mta::James, "the receiving server does not support starttls", Cause::RequiretlsUnsupported, Helps::No, "james-project, RemoteDelivery: only for REQUIRETLS mail"),
];

/// The reporting server's own words: it refused to go on.
#[rustfmt::skip]
pub const SENDER: &[Wording] = &[
    // Postfix 2.6 and later.
    row(Mta::Postfix, "tls is required, but was not offered by host", Cause::StarttlsNotOffered, Helps::Yes, "postfix/src/smtp/smtp_proto.c"),
    row(Mta::Postfix, "tls is required, but host * refused to start tls", Cause::StarttlsRejected, Helps::Yes, "postfix/src/smtp/smtp_proto.c"),
    row(Mta::Postfix, "tls is required, but our tls engine is unavailable", Cause::LocalTlsConfig, Helps::Yes, "postfix/src/smtp/smtp_proto.c"),
    row(Mta::Postfix, "tls is required, but unavailable", Cause::LocalTlsConfig, Helps::Yes, "postfix/src/smtp/smtp_proto.c"),
    row(Mta::Postfix, "cannot start tls: handshake failure", Cause::HandshakeFailed, Helps::Yes, "postfix/src/smtp/smtp_proto.c"),
    row(Mta::Postfix, "server certificate not trusted", Cause::CertificateUntrusted, Helps::Yes, "postfix/src/smtp/smtp_proto.c, before 3.6"),
    row(Mta::Postfix, "server certificate not verified", Cause::CertificateUnspecified, Helps::Yes, "postfix/src/smtp/smtp_proto.c"),
    row(Mta::Postfix, "tlsa lookup error for", Cause::DaneTlsaLookupFailed, Helps::Yes, "postfix/src/smtp/smtp_tls_policy.c"),
    row(Mta::Postfix, "no tlsa records found", Cause::DaneTlsaMissing, Helps::Yes, "postfix/src/smtp/smtp_tls_policy.c"),
    row(Mta::Postfix, "tlsa records unusable", Cause::DaneTlsaUnusable, Helps::Yes, "postfix/src/smtp/smtp_tls_policy.c"),
    row(Mta::Postfix, "non dnssec destination", Cause::MxNotAuthenticated, Helps::Yes, "postfix/src/smtp/smtp_tls_policy.c"),
    row(Mta::Postfix, "verification not possible, mx rrset is insecure", Cause::MxNotAuthenticated, Helps::Yes, "postfix/src/smtp/smtp_tls_policy.c"),
    row(Mta::Postfix, "client tls configuration problem", Cause::LocalTlsConfig, Helps::Yes, "postfix/src/smtp/smtp_tls_policy.c"),
    row(Mta::Postfix, "while receiving the starttls response", Cause::HandshakeFailed, Helps::Unknown, "postfix/src/smtp/smtp_trouble.c"),
    row(Mta::Postfix, "sasl authentication failed", Cause::SubmissionAuth, Helps::No, "postfix/src/smtp/smtp_sasl_glue.c"),
    // Exim: what it passes on is a remote reply, and the command that got it.
    row(Mta::Exim, "smtp error from remote mail server after starttls", Cause::StarttlsRejected, Helps::Yes, "exim/src/src/transports/smtp.c"),
    row(Mta::Exim, "smtp error from remote mailer after starttls", Cause::StarttlsRejected, Helps::Yes, "exim/src/src/transports/smtp.c, before 4.80"),
    row(Mta::Exim, "a tls session is required * did not offer tls support", Cause::StarttlsNotOffered, Helps::Yes, "exim/src/src/transports/smtp.c"),
    row(Mta::Exim, "a tls session is required * attempt to start tls failed", Cause::HandshakeFailed, Helps::Yes, "exim/src/src/transports/smtp.c"),
    row(Mta::Exim, "dane error: tlsa lookup", Cause::DaneTlsaLookupFailed, Helps::Yes, "exim/src/src/transports/smtp.c"),
    row(Mta::Exim, "dane error: * lookup not dnssec", Cause::MxNotAuthenticated, Helps::Yes, "exim/src/src/transports/smtp.c"),
    row(Mta::Exim, "dane error: no usable tlsa records", Cause::DaneTlsaUnusable, Helps::Yes, "exim/src/src/tls-openssl.c"),
    row(Mta::Exim, "tlsa record problem", Cause::DaneTlsaUnusable, Helps::Yes, "exim/src/src/tls-gnu.c"),
    row(Mta::Exim, "dane attempt failed; tls connection to", Cause::DaneMismatch, Helps::Yes, "exim/src/src/transports/smtp.c"),
    row(Mta::Exim, "(certificate verification failed)", Cause::CertificateUntrusted, Helps::Yes, "exim/src/src/tls-gnu.c"),
    row(Mta::Exim, "(ssl_connect): * certificate verify failed", Cause::CertificateUnspecified, Helps::Yes, "exim/src/src/tls-openssl.c"),
    row(Mta::Exim, "(gnutls_handshake)", Cause::HandshakeFailed, Helps::Yes, "exim/src/src/tls-gnu.c"),
    row(Mta::Exim, "failure while setting up tls session", Cause::HandshakeFailed, Helps::Unknown, "exim/src/src/transports/smtp.c, before 4.90"),
    row(Mta::Exim, "tls session: (", Cause::HandshakeFailed, Helps::Unknown, "exim/src/src/transports/smtp.c"),
    // Sendmail: rulesets of the sending side, written like replies.
    row(Mta::Sendmail, "dane: missing starttls", Cause::StarttlsNotOffered, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "dane check failed temporarily", Cause::DaneTlsaLookupFailed, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "dane check failed", Cause::DaneMismatch, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "tls handshake failed", Cause::HandshakeFailed, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "starttls failed", Cause::StarttlsRejected, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "starttls temporarily not possible", Cause::LocalTlsConfig, Helps::Unknown, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "starttls disabled locally", Cause::LocalTlsConfig, Helps::Unknown, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "other side does not support starttls", Cause::StarttlsNotOffered, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "encryption too weak 0 less than", Cause::StarttlsNotOffered, Helps::Yes, "sendmail/cf/m4/proto.m4: 0 bits is no TLS at all"),
    row(Mta::Sendmail, "encryption too weak * less than", Cause::TlsRequiredUnspecified, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "454 4.7.0 authentication failed", Cause::CertificateUnspecified, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "403 4.7.0 authentication failed", Cause::CertificateUnspecified, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "503 5.7.0 authentication failed", Cause::CertificateUnspecified, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "4.7.0 authentication failure", Cause::CertificateUnspecified, Helps::Unknown, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "4.7.0 authentication required", Cause::CertificateUnspecified, Helps::Unknown, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "4.7.0 no authentication requested", Cause::CertificateUnspecified, Helps::Unknown, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "server not authenticated", Cause::CertificateUnspecified, Helps::Yes, "sendmail/sendmail/usersmtp.c"),
    row(Mta::Sendmail, "4.7.0 not authenticated", Cause::CertificateUntrusted, Helps::Unknown, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "4.7.0 cn * does not match", Cause::CertificateNameMismatch, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "cert subject * does not match", Cause::CertificateNameMismatch, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "cert issuer * does not match", Cause::CertificateUntrusted, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "cert issuer * not acceptable", Cause::CertificateUntrusted, Helps::Yes, "sendmail/cf/m4/proto.m4"),
    row(Mta::Sendmail, "not listed in sans", Cause::CertificateNameMismatch, Helps::Yes, "sendmail/cf/feature/sts.m4"),
    row(Mta::Sendmail, "sts lookup temp fail", Cause::MtaStsPolicy, Helps::Yes, "sendmail/cf/feature/sts.m4"),
    row(Mta::Sendmail, "450 4.7.0 ~*~ not found in", Cause::MtaStsPolicy, Helps::Yes, "sendmail/cf/feature/sts.m4"),
    // OpenSMTPD.
    row(Mta::Opensmtpd, "tls required but not supported by remote host", Cause::StarttlsNotOffered, Helps::Yes, "usr.sbin/smtpd/mta_session.c"),
    row(Mta::Opensmtpd, "starttls rejected", Cause::StarttlsRejected, Helps::Yes, "usr.sbin/smtpd/mta_session.c"),
    row(Mta::Opensmtpd, "io error: certificate verification failed", Cause::CertificateUntrusted, Helps::Yes, "usr.sbin/smtpd/mta_session.c, libtls"),
    row(Mta::Opensmtpd, "io error: name * not present in server certificate", Cause::CertificateNameMismatch, Helps::Yes, "usr.sbin/smtpd/mta_session.c, libtls"),
    row(Mta::Opensmtpd, "io error: * handshake", Cause::HandshakeFailed, Helps::Unknown, "usr.sbin/smtpd/mta_session.c, libtls"),
    row(Mta::Opensmtpd, "io error: * certificate", Cause::CertificateUnspecified, Helps::Unknown, "usr.sbin/smtpd/mta_session.c, libtls"),
    row(Mta::Opensmtpd, "tls required for relaying", Cause::LocalTlsConfig, Helps::No, "usr.sbin/smtpd/mta_session.c"),
    row(Mta::Opensmtpd, "refuse to auth over insecure channel", Cause::SubmissionAuth, Helps::No, "usr.sbin/smtpd/mta_session.c"),
    // mox.
    row(Mta::Mox, "tls error: starttls tls handshake", Cause::HandshakeFailed, Helps::Yes, "mox/smtpclient/client.go"),
    row(Mta::Mox, "tls error: starttls: got", Cause::StarttlsRejected, Helps::Yes, "mox/smtpclient/client.go"),
    row(Mta::Mox, "does not match enforced mta-sts policy", Cause::MtaStsPolicy, Helps::Yes, "mox/queue/direct.go"),
    row(Mta::Mox, "mtasts: dns lookup", Cause::MtaStsPolicy, Helps::Yes, "mox/mtasts/mtasts.go"),
    row(Mta::Mox, "mtasts: cannot fetch policy", Cause::MtaStsPolicy, Helps::Yes, "mox/mtasts/mtasts.go"),
    row(Mta::Mox, "mtasts: policy syntax error", Cause::MtaStsPolicy, Helps::Yes, "mox/mtasts/mtasts.go"),
    row(Mta::Mox, "mtasts: record syntax error", Cause::MtaStsPolicy, Helps::Yes, "mox/mtasts/mtasts.go"),
    row(Mta::Mox, "lookup up mta-sts policy", Cause::MtaStsPolicy, Helps::Yes, "mox/queue/direct.go"),
    row(Mta::Mox, "looking up tlsa records for tlsa candidate base domain", Cause::DaneTlsaLookupFailed, Helps::Yes, "mox/smtpclient/dane.go"),
    // maddy.
    row(Mta::Maddy, "tls is required but unsupported or failed (enforced by dane)", Cause::HandshakeFailed, Helps::Yes, "maddy/internal/target/remote/security.go"),
    row(Mta::Maddy, "no matching tlsa records", Cause::DaneMismatch, Helps::Yes, "maddy/internal/target/remote/dane.go"),
    row(Mta::Maddy, "failed to establish the mx record authenticity (mta-sts)", Cause::MtaStsPolicy, Helps::Yes, "maddy/internal/target/remote/security.go"),
    row(Mta::Maddy, "tls is required but unavailable or failed (mta-sts)", Cause::StarttlsNotOffered, Helps::Yes, "maddy/internal/target/remote/security.go"),
    row(Mta::Maddy, "recipient server tls certificate is not trusted but authentication is required by mta-sts", Cause::CertificateUntrusted, Helps::Yes, "maddy/internal/target/remote/security.go"),
    row(Mta::Maddy, "failed to establish the mx record authenticity", Cause::MxNotAuthenticated, Helps::Yes, "maddy/internal/target/remote/connect.go"),
    row(Mta::Maddy, "tls it not available or unauthenticated but required", Cause::TlsRequiredUnspecified, Helps::Yes, "maddy/internal/target/remote/connect.go"),
    row(Mta::Maddy, "tls required but unsupported by downstream", Cause::LocalRelayTls, Helps::Unknown, "maddy/internal/target/smtp/smtp_downstream.go"),
    // Stalwart.
    row(Mta::Stalwart, "tls error from * starttls not advertised by host", Cause::StarttlsNotOffered, Helps::Yes, "stalwart/crates/smtp/src/outbound"),
    row(Mta::Stalwart, "tls error from * invalid hostname", Cause::CertificateNameMismatch, Helps::Yes, "stalwart/crates/smtp/src/outbound"),
    row(Mta::Stalwart, "tls error from", Cause::HandshakeFailed, Helps::Yes, "stalwart/crates/smtp/src/queue/dsn.rs"),
    row(Mta::Stalwart, "dane failed to authenticate * no valid tlsa records", Cause::DaneTlsaUnusable, Helps::Yes, "stalwart/crates/smtp/src/outbound/dane"),
    row(Mta::Stalwart, "dane failed to authenticate * bogus tlsa records", Cause::DaneTlsaLookupFailed, Helps::Yes, "stalwart/crates/smtp/src/outbound/dane"),
    row(Mta::Stalwart, "dane failed to authenticate * bogus mx records", Cause::MxNotAuthenticated, Helps::Yes, "stalwart/crates/smtp/src/outbound/dane"),
    row(Mta::Stalwart, "dane failed to authenticate * no tlsa dnssec records", Cause::DaneTlsaMissing, Helps::Yes, "stalwart/crates/smtp/src/outbound/dane"),
    row(Mta::Stalwart, "dane failed to authenticate * no tlsa records", Cause::DaneTlsaMissing, Helps::Yes, "stalwart/crates/smtp/src/outbound/dane"),
    row(Mta::Stalwart, "dane failed to authenticate", Cause::DaneMismatch, Helps::Yes, "stalwart/crates/smtp/src/queue/dsn.rs"),
    row(Mta::Stalwart, "mta-sts failed to authenticate", Cause::MtaStsPolicy, Helps::Yes, "stalwart/crates/smtp/src/queue/dsn.rs"),
    row(Mta::Stalwart, "rejected command 'starttls", Cause::StarttlsRejected, Helps::Yes, "stalwart/crates/smtp/src/queue/dsn.rs"),
    // Haraka, ZoneMTA.
    row(Mta::Haraka, "no tls available but required by configuration", Cause::StarttlsNotOffered, Helps::Yes, "Haraka/outbound/hmail.js"),
    row(Mta::Haraka, "host failed tls verification required by configuration", Cause::CertificateUnspecified, Helps::Yes, "Haraka/outbound/hmail.js"),
    row(Mta::Zonemta, "policy error: failed to establish a tls connection to the mx server as requested by policy", Cause::TlsRequiredUnspecified, Helps::Yes, "zone-mta/lib/sender.js"),
    row(Mta::Zonemta, "policy error: mta-sts policy check failed", Cause::MtaStsPolicy, Helps::Yes, "zone-mta/lib/sender.js"),
    row(Mta::Zonemta, "dane error: dane tlsa lookup failed", Cause::DaneTlsaLookupFailed, Helps::Yes, "zone-mta/lib/dane.js"),
    row(Mta::Zonemta, "dane verification failed for", Cause::DaneMismatch, Helps::Yes, "zone-mta/lib/dane.js"),
    row(Mta::Zonemta, "dane verification error for", Cause::DaneMismatch, Helps::Yes, "zone-mta/lib/dane.js"),
    // Exchange and Exchange Online, which write their own findings like replies.
    row(Mta::Exchange, "starttls-not-supported: destination mail server must support tls", Cause::StarttlsNotOffered, Helps::Yes, "Microsoft Learn, SMTP DANE"),
    row(Mta::Exchange, "certificate-expired: destination mail server", Cause::CertificateExpired, Helps::Yes, "Microsoft Learn, SMTP DANE"),
    row(Mta::Exchange, "tlsa-invalid: the domain failed dane validation", Cause::DaneMismatch, Helps::Yes, "Microsoft Learn, SMTP DANE"),
    row(Mta::Exchange, "dnssec-invalid: destination domain returned invalid dnssec", Cause::DaneTlsaLookupFailed, Helps::Yes, "Microsoft Learn, SMTP DANE"),
    row(Mta::Exchange, "certificate-host-mismatch: remote certificate must", Cause::CertificateNameMismatch, Helps::Yes, "Microsoft Learn, SMTP DANE"),
    row(Mta::Exchange, "failed mta-sts validation. reason", Cause::CertificateUntrusted, Helps::Yes, "Microsoft Learn, MTA-STS"),
    row(Mta::Exchange, "failed mta-sts validation", Cause::MtaStsPolicy, Helps::Yes, "Microsoft Learn, MTA-STS"),
    row(Mta::Exchange, "require starttls to", Cause::SubmissionAuth, Helps::No, "Microsoft Learn, NDR list"),
    row(Mta::Exchange, "cannot achieve exchange server authentication", Cause::SubmissionAuth, Helps::No, "Microsoft Learn, NDR list"),
    row(Mta::Exchange, "starttls is required to send mail", Cause::StarttlsNotOffered, Helps::Unknown, "Microsoft Learn, RequireTLS of a send connector"),
    row(Mta::Exchange, "certificate validation fail", Cause::CertificateUnspecified, Helps::Unknown, "Microsoft Learn, TlsDomain of a send connector"),
    row(Mta::Exchange, "temporarily disallowed this secure domain", Cause::TlsRequiredUnspecified, Helps::Unknown, "Microsoft Learn, Domain Security"),
    // Gmail.
    row(Mta::Gmail, "remote server does not support tls", Cause::StarttlsNotOffered, Helps::Yes, "posted notice, 2010s"),
    row(Mta::Gmail, "tls negotiation failed, the certificate doesn't match the host", Cause::LocalRelayTls, Helps::No, "posted notice, send-as server"),
    row(Mta::Gmail, "starttls not supported and the user requires enforcement", Cause::LocalRelayTls, Helps::No, "posted notice, send-as server"),
    // qmail with the TLS patch, s/qmail, Qsmtp.
    row(Mta::Qmail, "no tls achieved while * exists", Cause::StarttlsNotOffered, Helps::Yes, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "starttls rejected while * exists", Cause::StarttlsRejected, Helps::Yes, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "tls connect failed", Cause::HandshakeFailed, Helps::Yes, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "tls not available: connect", Cause::HandshakeFailed, Helps::Yes, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "tls unable to verify server * received certificate for", Cause::CertificateNameMismatch, Helps::Yes, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "tls unable to verify server * no valid commonname", Cause::CertificateNameMismatch, Helps::Yes, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "tls unable to verify server", Cause::CertificateUntrusted, Helps::Yes, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "tls unable to load", Cause::LocalTlsConfig, Helps::Unknown, "netqmail-1.06-tls.patch, qmail-remote.c"),
    row(Mta::Qmail, "tls error initializing", Cause::LocalTlsConfig, Helps::Unknown, "netqmail-1.06-tls.patch, qmail-remote.c"),
    // KumoMTA, SendGrid.
    row(Mta::Unknown, "tls policy is required* but starttls is not advertised", Cause::StarttlsNotOffered, Helps::Yes, "kumomta/crates/kumod/src/smtp_dispatcher.rs"),
    row(Mta::Unknown, "tls handshake with * failed", Cause::HandshakeFailed, Helps::Yes, "kumomta/crates/kumod/src/smtp_dispatcher.rs"),
    row(Mta::Unknown, "dane tlsa lookup for * could not be securely resolved", Cause::DaneTlsaLookupFailed, Helps::Yes, "kumomta/crates/kumod/src/smtp_dispatcher.rs"),
    row(Mta::Unknown, "dane cname lookup for * could not be securely resolved", Cause::MxNotAuthenticated, Helps::Yes, "kumomta/crates/kumod/src/smtp_dispatcher.rs"),
    row(Mta::Unknown, "no usable dane tlsa records for", Cause::DaneTlsaUnusable, Helps::Yes, "kumomta/crates/kumod/src/smtp_dispatcher.rs"),
    row(Mta::Unknown, "and auth plain require", Cause::SubmissionAuth, Helps::No, "kumomta/crates/kumod/src/smtp_dispatcher.rs"),
    row(Mta::Unknown, "and auth plain is required", Cause::SubmissionAuth, Helps::No, "kumomta/crates/kumod/src/smtp_dispatcher.rs"),
    row(Mta::Unknown, "tls required but not supported", Cause::TlsRequiredUnspecified, Helps::Yes, "Twilio SendGrid, enforced TLS"),
];

/// What TLS libraries say, within the words of a [`SENDER`] row: they name the cause more closely,
/// the row around them decides whether an opt-out helps.
#[rustfmt::skip]
pub const LIBRARY: &[Wording] = &[
    row(Mta::Unknown, "certificate signed by unknown authority", Cause::CertificateUntrusted, Helps::Unknown, "go crypto/x509"),
    row(Mta::Unknown, "not authorized to sign other certificates", Cause::CertificateUntrusted, Helps::Unknown, "go crypto/x509"),
    row(Mta::Unknown, "certificate has expired or is not yet valid", Cause::CertificateExpired, Helps::Unknown, "go crypto/x509"),
    row(Mta::Unknown, "certificate is valid for * not", Cause::CertificateNameMismatch, Helps::Unknown, "go crypto/x509"),
    row(Mta::Unknown, "certificate is not valid for any names", Cause::CertificateNameMismatch, Helps::Unknown, "go crypto/x509"),
    row(Mta::Unknown, "certificate relies on legacy common name", Cause::CertificateNameMismatch, Helps::Unknown, "go crypto/x509"),
    row(Mta::Unknown, "doesn't contain any ip sans", Cause::CertificateNameMismatch, Helps::Unknown, "go crypto/x509"),
    row(Mta::Unknown, "no match between certificate and tlsa records", Cause::DaneMismatch, Helps::Unknown, "mox/dane/dane.go"),
    row(Mta::Unknown, "unknownissuer", Cause::CertificateUntrusted, Helps::Unknown, "rustls"),
    row(Mta::Unknown, "invalid peer certificate: expired", Cause::CertificateExpired, Helps::Unknown, "rustls"),
    row(Mta::Unknown, "notvalidforname", Cause::CertificateNameMismatch, Helps::Unknown, "rustls"),
    row(Mta::Unknown, "certificate not valid for name", Cause::CertificateNameMismatch, Helps::Unknown, "rustls"),
    row(Mta::Unknown, "peer sent no certificates", Cause::CertificateUntrusted, Helps::Unknown, "rustls"),
    row(Mta::Unknown, "certificate has expired", Cause::CertificateExpired, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "certificate expired", Cause::CertificateExpired, Helps::Unknown, "rustls"),
    row(Mta::Unknown, "certificate is not yet valid", Cause::CertificateExpired, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "self-signed certificate", Cause::CertificateUntrusted, Helps::Unknown, "openssl 3"),
    row(Mta::Unknown, "self signed certificate", Cause::CertificateUntrusted, Helps::Unknown, "openssl 1"),
    row(Mta::Unknown, "unable to get local issuer certificate", Cause::CertificateUntrusted, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "unable to get issuer certificate", Cause::CertificateUntrusted, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "unable to verify the first certificate", Cause::CertificateUntrusted, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "certificate not trusted", Cause::CertificateUntrusted, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "certificate revoked", Cause::CertificateUntrusted, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "hostname mismatch", Cause::CertificateNameMismatch, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "ip address mismatch", Cause::CertificateNameMismatch, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "no matching dane tlsa records", Cause::DaneMismatch, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "key too weak", Cause::CertificateUntrusted, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "digest algorithm too weak", Cause::CertificateUntrusted, Helps::Unknown, "openssl x509_txt.c"),
    row(Mta::Unknown, "subjectmismatch", Cause::CertificateNameMismatch, Helps::Unknown, "Exchange, validityStatus"),
    row(Mta::Unknown, "untrustedroot", Cause::CertificateUntrusted, Helps::Unknown, "Exchange, validityStatus"),
];

/// Replies of the remote server: never the sender's refusal.
#[rustfmt::skip]
pub const RECEIVER: &[Wording] = &[
    row(Mta::Unknown, "encryption required for requested authentication", Cause::SubmissionAuth, Helps::No, "RFC 4954; postfix/src/smtpd/smtpd_sasl_proto.c"),
    row(Mta::Unknown, "authentication requires tls", Cause::SubmissionAuth, Helps::No, "mox/smtpserver/server.go"),
    row(Mta::Unknown, "requires an encrypted channel", Cause::SubmissionAuth, Helps::No, "kumomta/crates/kumod/src/smtp_server.rs"),
    row(Mta::Unknown, "tls 1.0 and 1.1 are not supported", Cause::SubmissionAuth, Helps::No, "Outlook submission"),
    row(Mta::Unknown, "too many new tls sessions", Cause::NotTls, Helps::No, "postfix/src/smtpd/smtpd.c: a rate limit"),
    row(Mta::Unknown, "no commands allowed to pipeline after starttls", Cause::NotTls, Helps::No, "Gmail: a protocol error"),
    row(Mta::Unknown, "starttls may not be repeated", Cause::NotTls, Helps::No, "Gmail: a protocol error"),
    row(Mta::Unknown, "appropriate tls channel", Cause::ReceiverDemandsClientCert, Helps::No, "Exchange Online, certificate-bound connector"),
    row(Mta::Unknown, "restrictdomainstocertificate", Cause::ReceiverDemandsClientCert, Helps::No, "Exchange Online, certificate-bound connector"),
    row(Mta::Unknown, "configuration is invalid for this certificate", Cause::ReceiverDemandsClientCert, Helps::No, "Mimecast"),
    row(Mta::Unknown, "client certificate", Cause::ReceiverDemandsClientCert, Helps::No, "many servers"),
    row(Mta::Unknown, "next hop * certificate", Cause::LocalRelayTls, Helps::No, "relays that deliver while they answer"),
    row(Mta::Unknown, "must issue a starttls command", Cause::ReceiverDemandsTls, Helps::No, "RFC 3207 section 4"),
    row(Mta::Unknown, "must issue starttls", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "issue * starttls * first", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "must use tls", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "must use starttls", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "session encryption is required", Cause::ReceiverDemandsTls, Helps::No, "postfix/src/smtpd/smtpd_check.c"),
    row(Mta::Unknown, "encryption needed", Cause::ReceiverDemandsTls, Helps::No, "RFC 5248, x.7.10"),
    row(Mta::Unknown, "encryption required", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "encryption is required", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "requires encryption", Cause::ReceiverDemandsTls, Helps::No, "Mimecast"),
    row(Mta::Unknown, "requires tls", Cause::ReceiverDemandsTls, Helps::No, "Mimecast"),
    row(Mta::Unknown, "requires starttls", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "route requires high-strength ciphers", Cause::ReceiverDemandsTls, Helps::No, "Mimecast"),
    row(Mta::Unknown, "tls required", Cause::ReceiverDemandsTls, Helps::No, "Gmail, Workspace domain; mox and James as STARTTLS required"),
    row(Mta::Unknown, "tls is required", Cause::ReceiverDemandsTls, Helps::No, "go-smtp; Postini as STARTTLS is required"),
    row(Mta::Unknown, "tls connection is required", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "tls conversation required", Cause::ReceiverDemandsTls, Helps::No, "maddy, check.require_tls"),
    row(Mta::Unknown, "tls is mandatory", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "not using a tls connection", Cause::ReceiverDemandsTls, Helps::No, "Gmail, x.7.29"),
    row(Mta::Unknown, "not sent * over a tls connection", Cause::ReceiverDemandsTls, Helps::No, "Gmail, x.7.29"),
    row(Mta::Unknown, "tls minimum version not met", Cause::ReceiverDemandsTls, Helps::No, "measured"),
    row(Mta::Unknown, "configured tls version * is not available", Cause::ReceiverDemandsTls, Helps::No, "Sophos Email"),
    row(Mta::Unknown, "tls not available", Cause::StarttlsRejected, Helps::Unknown, "RFC 3207 section 4; Postfix, Sendmail, Stalwart"),
    row(Mta::Unknown, "tls currently not available", Cause::StarttlsRejected, Helps::Unknown, "sendmail/sendmail/srvrsmtp.c"),
    row(Mta::Unknown, "tls missing certificate", Cause::StarttlsRejected, Helps::Unknown, "netqmail TLS patch"),
    row(Mta::Unknown, "cannot accept tls as maximum tls rate", Cause::StarttlsRejected, Helps::Unknown, "Exchange"),
    row(Mta::Unknown, "unable to initialize security subsystem", Cause::StarttlsRejected, Helps::Unknown, "Exchange"),
];

/// Words of the reporting server behind which any cause may hide.
#[rustfmt::skip]
pub const HIDDEN: &[Wording] = &[
    row(Mta::Postfix, "temporary lookup error", Cause::Hidden, Helps::Unknown, "postfix/src/smtp/smtp_tls_policy.c: other tables too"),
    row(Mta::Postfix, "server unavailable or unable to receive mail", Cause::Hidden, Helps::Unknown, "postfix/src/smtp/smtp_connect.c: no MX was left, MTA-STS may be why"),
    row(Mta::Exim, "have been failing for a long time", Cause::Hidden, Helps::Unknown, "exim/src/src/transports/smtp.c"),
    row(Mta::Exim, "retry timeout exceeded", Cause::Hidden, Helps::Unknown, "exim/src/src/retry.c"),
    row(Mta::Opensmtpd, "network error on destination mxs", Cause::Hidden, Helps::Unknown, "usr.sbin/smtpd/mta.c: TLS errors too"),
    row(Mta::Opensmtpd, "envelope expired", Cause::Hidden, Helps::Unknown, "usr.sbin/smtpd/queue.c"),
    row(Mta::Haraka, "tried all mxs", Cause::Hidden, Helps::Unknown, "Haraka/outbound/hmail.js"),
    row(Mta::Exchange, "message delayed", Cause::Hidden, Helps::Unknown, "Microsoft Learn, 4.4.7"),
    row(Mta::Exchange, "message expired", Cause::Hidden, Helps::Unknown, "Microsoft Learn, 4.4.7 and 5.4.300"),
    row(Mta::Unknown, "delivery expired (message too old)", Cause::Hidden, Helps::Unknown, "Cisco AsyncOS"),
    row(Mta::Unknown, "message expired: unable to deliver in", Cause::Hidden, Helps::Unknown, "Amazon SES"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_complete_and_reachable() {
        for table in [REQUIRETLS, SENDER, LIBRARY, RECEIVER, HIDDEN] {
            for (at, row) in table.iter().enumerate() {
                assert_eq!(row.words, row.words.to_lowercase(), "{row:?}");
                assert!(row.words.len() >= 8 && !row.source.is_empty(), "{row:?}");
                let shadow = table[..at]
                    .iter()
                    .find(|earlier| earlier.mta == row.mta && row.words.contains(earlier.words));
                assert!(
                    shadow.is_none(),
                    "{row:?} is never reached because of {shadow:?}"
                );
            }
        }
    }
}
