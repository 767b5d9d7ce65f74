//! Certificates made on the spot.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// Which certificate the server shows. The authority that signed it is always in `ca.pem`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Certificate {
    /// For `localhost` and 127.0.0.1.
    Good,
    /// It ended in 2001.
    Expired,
    /// For `other.example.net` alone.
    WrongName,
}

/// A new authority, written to `ca_file`, and a server certificate signed by it.
pub(crate) fn tls_config(certificate: Certificate, ca_file: &Path) -> ServerConfig {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority
        .distinguished_name
        .push(DnType::CommonName, "tls-optout test authority");
    let key = KeyPair::generate().expect("a key");
    std::fs::write(
        ca_file,
        authority.self_signed(&key).expect("a certificate").pem(),
    )
    .expect("ca.pem can be written");
    let issuer = Issuer::new(authority, key);

    let names = match certificate {
        Certificate::WrongName => vec!["other.example.net".to_owned()],
        _ => vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
    };
    let mut leaf = CertificateParams::new(names).expect("names");
    leaf.distinguished_name
        .push(DnType::CommonName, "tls-optout test server");
    if certificate == Certificate::Expired {
        leaf.not_before = date_time_ymd(2000, 1, 1);
        leaf.not_after = date_time_ymd(2001, 1, 1);
    }
    let key = KeyPair::generate().expect("a key");
    let chain = vec![
        leaf.signed_by(&key, &issuer)
            .expect("a certificate")
            .der()
            .clone(),
    ];
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("certificate and key")
}
