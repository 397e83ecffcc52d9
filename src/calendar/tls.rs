//! TLS to whoever keeps calendars: its certificate has to be one that this machine believes.

use std::sync::{Arc, OnceLock};

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// Speaks TLS over a connection to a host.
pub(super) async fn over(stream: TcpStream, host: &str) -> Result<TlsStream<TcpStream>, String> {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| "no host name".to_owned())?;
    let connector = TlsConnector::from(believed()?);
    connector.connect(name, stream).await.map_err(|fault| format!("TLS: {fault}"))
}

/// Read once: the certificates of a machine change with its packages.
fn believed() -> Result<Arc<ClientConfig>, String> {
    static BELIEVED: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();
    BELIEVED.get_or_init(|| config().map(Arc::new)).clone()
}

fn config() -> Result<ClientConfig, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let why = found.errors.first().map(|fault| format!(" ({fault})")).unwrap_or_default();
        return Err(format!(
            "this machine believes no certificate{why}; install the package ca-certificates"
        ));
    }
    let provider = Arc::new(ring::default_provider());
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|fault| format!("TLS: {fault}"))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
