//! What a letter says about each cause: a table.

use crate::notice::Cause;

/// A failure as the postmaster at the other side is told of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fault {
    /// What failed.
    pub(super) what: &'static str,
    /// Where to look. A command stands in a line of its own.
    pub(super) check: &'static str,
}

/// `None` where nothing failed at the other side, or nothing that TLS there could mend.
pub(super) fn of(cause: Cause) -> Option<Fault> {
    let (what, check) = match cause {
        Cause::StarttlsNotOffered => (
            "the receiving server did not offer STARTTLS",
            "Does the answer to EHLO contain STARTTLS, for every client? A firewall or proxy that inspects SMTP \
             can take it out. From outside it shows with\n\
             openssl s_client -starttls smtp -connect HOST:25",
        ),
        Cause::StarttlsRejected => (
            "the receiving server offered STARTTLS and refused to start it",
            "Can the server read its certificate and private key, and do the two belong together? Its log has \
             the reason.",
        ),
        Cause::HandshakeFailed => (
            "the TLS handshake with the receiving server failed",
            "Does the server speak TLS 1.2 or 1.3, with ciphers in common use, and can it read its certificate \
             and key? Where it ends shows with\n\
             openssl s_client -starttls smtp -connect HOST:25",
        ),
        Cause::CertificateUntrusted => (
            "the certificate of the receiving server is not trusted by the sending server",
            "Is the certificate from a public authority, and does the server send the intermediate certificates \
             with it? They show with\n\
             openssl s_client -starttls smtp -showcerts -connect HOST:25",
        ),
        Cause::CertificateExpired => (
            "the certificate of the receiving server is out of date",
            "Was the certificate renewed, and was the server restarted or reloaded since?",
        ),
        Cause::CertificateNameMismatch => (
            "the certificate of the receiving server is not for the name that was expected",
            "Does the certificate name the host of the MX record? If the server has moved, do the MX records say so?",
        ),
        Cause::CertificateUnspecified => (
            "the certificate of the receiving server could not be verified",
            "Is the certificate in date, for the host of the MX record, from a public authority, and sent with \
             its intermediate certificates?",
        ),
        Cause::DaneTlsaLookupFailed => (
            "the TLSA records of the receiving server could not be looked up securely",
            "Do all name servers of the zone answer for _25._tcp.HOST, type TLSA, with valid DNSSEC signatures? \
             An answer that the record does not exist has to be signed, too.",
        ),
        Cause::DaneTlsaMissing => (
            "the sending server expects TLSA records (DANE) of the receiving server and found none",
            "Were TLSA records for _25._tcp.HOST taken away, or is the zone no longer signed? If that is \
             meant to be, the sending side has to change its policy for the domain.",
        ),
        Cause::DaneTlsaUnusable => (
            "none of the TLSA records of the receiving server can be used",
            "Is there a record that RFC 7672 allows for mail, such as `3 1 1` or `2 1 1`, with a digest of full \
             length?",
        ),
        Cause::DaneMismatch => (
            "the certificate of the receiving server does not match its TLSA records",
            "Was the certificate or its key changed without the TLSA records? While one replaces the other, \
             records for both have to be published.",
        ),
        Cause::MtaStsPolicy => (
            "the MTA-STS policy of the domain could not be met",
            "Does https://mta-sts.DOMAIN/.well-known/mta-sts.txt list every MX, and does each MX have a valid \
             certificate for its name? A changed policy needs a new id in the record _mta-sts.DOMAIN.",
        ),
        Cause::MxNotAuthenticated => (
            "the sending server wants MX records that DNSSEC or MTA-STS secures, and found none",
            "Is the zone still signed, and does it validate? If it is not meant to be, the sending side has to \
             change its policy for the domain.",
        ),
        Cause::TlsRequiredUnspecified => (
            "the sending server could not set up the TLS that its policy demands",
            "Does the server offer STARTTLS, with a certificate that is in date, for the host of the MX record \
             and from a public authority?",
        ),
        _ => return None,
    };
    Some(Fault { what, check })
}
