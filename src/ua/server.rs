//! Which server to ask, and by which transport.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::failure::Failure;
use crate::base::flow::Transport;
use crate::base::uri::{Host, Scheme, Uri};

/// The port of a server that names none (RFC 3261 §19.1.2).
const DEFAULT_PORT: u16 = 5060;

/// A server as a person names it: `udp:127.0.0.1:5060`, `tcp:[::1]`, `pbx.example.com`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server {
    /// The transport, if it was named; else datagrams, and a stream for what is too large.
    pub transport: Option<Transport>,
    /// A name or an address, the latter without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl Server {
    /// From `[udp:|tcp:]host[:port]`.
    pub fn parse(text: &str) -> Result<Server, String> {
        let fault = || {
            format!(
                "\"{}\" is no server; write [udp:|tcp:]HOST[:PORT], such as udp:127.0.0.1:5060 \
                 or tcp:[::1]:5060",
                text.escape_debug()
            )
        };
        let (transport, rest) = match text.split_once(':') {
            Some((word, rest)) => match Transport::from_text(word) {
                Some(transport) => (Some(transport), rest),
                None => (None, text),
            },
            None => (None, text),
        };
        // A bare IPv6 address is clear enough without brackets when no port follows.
        if let Ok(address) = rest.parse::<IpAddr>() {
            return Ok(Server { transport, host: address.to_string(), port: DEFAULT_PORT });
        }
        let uri = Uri::parse(&format!("sip:{rest}")).map_err(|_| fault())?;
        let is_bare = uri.user().is_none() && uri.parameters().next().is_none();
        if !is_bare || uri.headers_text().is_some() {
            return Err(fault());
        }
        Ok(Server { transport, ..Server::of(&uri) })
    }

    /// The server a URI itself leads to.
    pub fn of(uri: &Uri) -> Server {
        let transport = uri.transport().and_then(Transport::from_text);
        let host = match uri.host() {
            Host::Ip(address) => address.to_string(),
            Host::Name(name) => name.to_owned(),
        };
        Server { transport, host, port: uri.port().unwrap_or(DEFAULT_PORT) }
    }

    /// Whether a URI asks for what this user agent has not.
    pub fn is_beyond(uri: &Uri) -> bool {
        uri.scheme() == Scheme::Sips
    }

    /// The host as URIs have it.
    pub fn host_text(&self) -> String {
        match self.host.parse::<IpAddr>() {
            Ok(IpAddr::V6(address)) => format!("[{address}]"),
            _ => self.host.clone(),
        }
    }

    /// Its addresses, the first to try first.
    pub async fn addresses(&self) -> Result<Vec<SocketAddr>, Failure> {
        let unknown = |error| Failure::Unknown { host: self.host.clone(), error };
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let addresses: Vec<SocketAddr> = found.map_err(unknown)?.collect();
        match addresses.is_empty() {
            true => Err(unknown(std::io::ErrorKind::NotFound.into())),
            false => Ok(addresses),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let transport = self.transport.unwrap_or(Transport::Udp);
        write!(f, "{transport}:{}:{}", self.host_text(), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_as_people_name_it() {
        for (text, written) in [
            ("udp:127.0.0.1:5070", "udp:127.0.0.1:5070"),
            ("TCP:[::1]:5070", "tcp:[::1]:5070"),
            ("tcp:[::1]", "tcp:[::1]:5060"),
            ("::1", "udp:[::1]:5060"),
            ("udp:fe80::1", "udp:[fe80::1]:5060"),
            ("192.0.2.7", "udp:192.0.2.7:5060"),
            ("pbx.example.com:5080", "udp:pbx.example.com:5080"),
            ("udp", "udp:udp:5060"),
        ] {
            let server = Server::parse(text).expect(text);
            assert_eq!(server.to_string(), written, "{text}");
        }
        for text in ["", "udp:", "sip:a@b", "a@b", "a;transport=tcp", "a:b", "a:70000", "tls:a:1"] {
            let error = Server::parse(text).expect_err(text);
            assert!(error.contains("udp:127.0.0.1:5060"), "{error}");
        }
    }

    #[test]
    fn a_uri_leads_to_its_host() {
        let server = |text| Server::of(&Uri::parse(text).expect(text));
        assert_eq!(server("sip:101@[::1]:5070;transport=tcp").to_string(), "tcp:[::1]:5070");
        assert_eq!(server("sip:101@example.com").transport, None);
    }
}
