//! Listens and serves connections, so many at once and none for ever.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::time::sleep;
use tracing::{debug, warn};

use crate::base::limits::{HTTP_ACCEPT_PAUSE, HTTP_CONNECTIONS_MAX, HTTP_HEADER_WAIT};
use crate::shard::Fault;

/// Opens the address to listen at, or says what to do when that cannot be done.
pub fn bind(address: SocketAddr) -> Result<TcpListener, Fault> {
    let opened = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    opened.map_err(|fault| {
        let advice = match fault.kind() {
            std::io::ErrorKind::AddrInUse => {
                "another program listens there; choose another port, or \"\" for none"
            }
            std::io::ErrorKind::PermissionDenied => {
                "this user may not listen there; choose a port above 1023"
            }
            std::io::ErrorKind::AddrNotAvailable => "this machine has no such address",
            _ => "choose another address, or \"\" for none",
        };
        Fault { what: format!("http.listen: cannot listen at {address}: {fault}; {advice}") }
    })
}

/// Serves for as long as the runtime lives.
pub async fn serve(listener: TcpListener, api: Router) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(fault) => return warn!(event = "http_failed", reason = %fault),
    };
    let room = Arc::new(Semaphore::new(HTTP_CONNECTIONS_MAX));
    loop {
        // One more than there is room for waits in the backlog.
        let Ok(place) = Arc::clone(&room).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(fault) => {
                warn!(event = "accept_failed", reason = %fault);
                sleep(HTTP_ACCEPT_PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(api.clone());
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HTTP_HEADER_WAIT)
                .serve_connection(TokioIo::new(stream), service);
            if let Err(fault) = connection.await {
                debug!(event = "http_connection_ended", reason = %fault);
            }
            drop(place);
        });
    }
}
