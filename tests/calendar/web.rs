//! A web server that keeps one calendar, as small as it can be.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What it serves from now on.
#[derive(Clone)]
pub struct Page {
    pub tag: String,
    pub text: String,
}

/// A request and how it was answered.
#[derive(Debug)]
pub struct Seen {
    pub head: String,
    pub status: u16,
}

pub struct Web {
    pub address: SocketAddr,
    page: Arc<Mutex<Option<Page>>>,
    seen: Receiver<Seen>,
}

impl Web {
    /// `/moved` leads to the page, anything else is the page; without one it is broken.
    pub fn serve(page: Option<Page>) -> Web {
        Web::behind(page, None)
    }

    /// The same over TLS, as `localhost`.
    pub fn serve_tls(page: Option<Page>) -> Web {
        let chain = CertificateDer::pem_slice_iter(include_bytes!("tls/server.pem"));
        let chain = chain.collect::<Result<Vec<_>, _>>().expect("certificates");
        let key = PrivateKeyDer::from_pem_slice(include_bytes!("tls/server-key.pem"));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key.expect("a key"))
            .expect("a certificate and its key");
        Web::behind(page, Some(Arc::new(config)))
    }

    fn behind(page: Option<Page>, tls: Option<Arc<ServerConfig>>) -> Web {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("its address");
        let page = Arc::new(Mutex::new(page));
        let (told, seen) = channel();
        let shared = Arc::clone(&page);
        std::thread::spawn(move || answer_all(&listener, tls.as_ref(), &shared, &told));
        Web { address, page, seen }
    }

    pub fn turn_to(&self, page: Option<Page>) {
        *self.page.lock().expect("a page") = page;
    }

    /// The next request.
    pub fn seen(&self) -> Seen {
        self.seen.recv_timeout(Duration::from_secs(20)).expect("a request in time")
    }
}

fn answer_all(
    listener: &TcpListener,
    tls: Option<&Arc<ServerConfig>>,
    page: &Mutex<Option<Page>>,
    told: &Sender<Seen>,
) {
    for stream in listener.incoming() {
        let stream = stream.expect("a connection");
        stream.set_read_timeout(Some(Duration::from_secs(5))).expect("a timeout");
        let seen = match tls {
            None => exchange(stream, page),
            Some(config) => {
                let connection = ServerConnection::new(Arc::clone(config)).expect("a connection");
                exchange(StreamOwned::new(connection, stream), page)
            }
        };
        if seen.is_some_and(|seen| told.send(seen).is_err()) {
            return;
        }
    }
}

/// One request and its answer; `None` if the other side goes before it asks.
fn exchange(mut stream: impl Read + Write, page: &Mutex<Option<Page>>) -> Option<Seen> {
    let (mut head, mut octets) = (String::new(), [0; 1024]);
    while !head.contains("\r\n\r\n") {
        match stream.read(&mut octets) {
            Ok(count) if count > 0 => head.push_str(&String::from_utf8_lossy(&octets[..count])),
            _ => return None,
        }
    }
    let (status, answer) = answer(&head, page.lock().expect("a page").as_ref());
    stream.write_all(answer.as_bytes()).ok()?;
    stream.flush().ok()?;
    Some(Seen { head, status })
}

fn answer(head: &str, page: Option<&Page>) -> (u16, String) {
    let end = "Connection: close\r\n";
    if head.starts_with("GET /moved") {
        let location = "Location: /secret-5ecret.ics?key=5ecret\r\n";
        return (302, format!("HTTP/1.1 302 Found\r\n{location}{end}Content-Length: 0\r\n\r\n"));
    }
    let Some(Page { tag, text }) = page else {
        return (500, format!("HTTP/1.1 500 Broken\r\n{end}Content-Length: 0\r\n\r\n"));
    };
    if head.to_ascii_lowercase().contains(&format!("if-none-match: \"{tag}\"\r\n")) {
        return (304, format!("HTTP/1.1 304 Not Modified\r\nETag: \"{tag}\"\r\n{end}\r\n"));
    }
    let octets = text.len();
    let head = format!("ETag: \"{tag}\"\r\nContent-Type: text/calendar\r\n{end}");
    (200, format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {octets}\r\n\r\n{text}"))
}
