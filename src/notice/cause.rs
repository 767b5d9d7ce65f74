//! Why a recipient was delayed, and whether an opt-out would help.

use serde::Serialize;

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
}
