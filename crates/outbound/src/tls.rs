//! Whom TLS trusts.
//!
//! The system's certificates, or, where there are none (a container made of
//! nothing but the binary), Mozilla's list as compiled in; and in both cases the
//! operator's own bundle on top. The cryptography is *ring*, named here rather
//! than installed for the process, so that no start-up order matters.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::SetupError;

/// The configuration of every TLS connection. `ca_bundle` is PEM.
pub(crate) fn config(ca_bundle: Option<&[u8]>) -> Result<ClientConfig, SetupError> {
    let roots = roots(ca_bundle)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(SetupError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

fn roots(ca_bundle: Option<&[u8]>) -> Result<RootCertStore, SetupError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    let (added, ignored) = roots.add_parsable_certificates(system.certs);
    tracing::debug!(added, ignored, "loaded the system's certificates");
    if roots.is_empty() {
        tracing::info!("the system has no certificates: using the built-in list");
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    if let Some(pem) = ca_bundle {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|_| SetupError::CaBundle)?;
            roots.add(certificate).map_err(|_| SetupError::CaBundle)?;
        }
        if roots.len() == before {
            return Err(SetupError::CaBundle);
        }
    }
    Ok(roots)
}
