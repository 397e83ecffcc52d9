//! Settings of the listening addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::auth::TrustedPeers;
use crate::base::flow::Transport;
use crate::base::limits::{
    CONNECTION_QUEUE_OCTETS_MAX, CONNECTIONS_MAX, CONNECTIONS_OF_HOST_MAX, LISTENERS_MAX,
    MESSAGE_OCTETS_MAX,
};
use crate::base::uri::Uri;
use crate::dialog::target::PORT_DEFAULT;

/// Where to listen, and how to be known there.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The listening addresses, in the order peers are preferably reached from.
    pub listen: Vec<Listen>,
    /// The host (and port, if it differs) named in Via and Contact by every listener that has
    /// none of its own; empty: the address listened on.
    pub advertise: String,
    /// Peers that need no digest and may assert identities, at every listener that has no list
    /// of its own. Not said: this very machine while listening is left at its default, else
    /// nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trusted: Option<TrustedPeers>,
    /// Most stream connections; the next is closed at once.
    pub connections_max: usize,
    /// Most stream connections of one host; the next is closed at once.
    pub connections_of_host_max: usize,
    /// Octets waiting to be written to one connection; a peer that lets more pile up is cut off.
    pub connection_octets_max: usize,
}

/// What connections may take.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ConnectionLimits {
    /// How many there may be.
    pub all: usize,
    /// How many of them of one host.
    pub of_host: usize,
    /// Octets that wait to be written to one.
    pub octets: usize,
}

impl Default for ConnectionLimits {
    fn default() -> ConnectionLimits {
        ConnectionLimits {
            all: CONNECTIONS_MAX,
            of_host: CONNECTIONS_OF_HOST_MAX,
            octets: CONNECTION_QUEUE_OCTETS_MAX,
        }
    }
}

impl Default for Config {
    fn default() -> Config {
        let limits = ConnectionLimits::default();
        Config {
            listen: default_listen(),
            advertise: String::new(),
            trusted: None,
            connections_max: limits.all,
            connections_of_host_max: limits.of_host,
            connection_octets_max: limits.octets,
        }
    }
}

impl Config {
    /// What is wrong with these settings, naming the key.
    pub fn check(&self) -> Result<(), String> {
        if self.listen.is_empty() {
            return Err("transport.listen is empty: name at least one address, such as \
                        \"udp:0.0.0.0:5060\""
                .to_owned());
        }
        if self.listen.len() > LISTENERS_MAX {
            return Err(format!("transport.listen has more than {LISTENERS_MAX} addresses"));
        }
        if self.connection_octets_max < MESSAGE_OCTETS_MAX {
            return Err(format!(
                "transport.connection_octets_max: no message fits; write {MESSAGE_OCTETS_MAX} or more"
            ));
        }
        for (place, listen) in self.listen.iter().enumerate() {
            let again = self.listen.iter().take(place).any(|earlier| {
                earlier.transport == listen.transport
                    && earlier.address == listen.address
                    && listen.address.port() != 0
            });
            if again {
                return Err(format!("transport.listen names {listen} twice"));
            }
            if let Some(advertise) = self.advertised(listen).filter(|text| !is_hostport(text)) {
                return Err(format!(
                    "transport: advertise = \"{advertise}\" is no host; write a name or an address, \
                     with a port if it differs, such as \"pbx.example.com\", \"192.0.2.1:5070\" or \
                     \"[2001:db8::1]\""
                ));
            }
        }
        Ok(())
    }

    /// What connections may take.
    pub fn limits(&self) -> ConnectionLimits {
        ConnectionLimits {
            all: self.connections_max,
            of_host: self.connections_of_host_max,
            octets: self.connection_octets_max,
        }
    }

    /// Whether the listening addresses are those nobody asked for: then one that this machine
    /// cannot have is left out.
    pub fn is_default_listen(&self) -> bool {
        self.listen == default_listen()
    }

    /// The host a listener names in Via and Contact; `None` for its own address.
    pub fn advertised(&self, listen: &Listen) -> Option<String> {
        let own = listen.advertise.as_ref().unwrap_or(&self.advertise);
        (!own.is_empty()).then(|| own.clone())
    }

    /// Who is trusted at a listener.
    pub fn trusted(&self, listen: &Listen) -> TrustedPeers {
        match (&listen.trusted, &self.trusted) {
            (Some(own), _) => own.clone(),
            (None, Some(general)) => general.clone(),
            (None, None) if self.is_default_listen() => this_machine(),
            (None, None) => TrustedPeers::default(),
        }
    }
}

/// Whether this can stand in Via and behind `sip:` (RFC 3261 §25.1, hostport).
fn is_hostport(text: &str) -> bool {
    let is_more = text.contains(['@', ';', '?']) || text.ends_with(':');
    !is_more && Uri::parse(&format!("sip:{text}")).is_ok()
}

/// Loopback in both families, by both transports.
fn default_listen() -> Vec<Listen> {
    let loopback: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let both = |ip| [Transport::Udp, Transport::Tcp].map(|transport| (transport, ip));
    let plain = |(transport, ip)| Listen::new(transport, SocketAddr::new(ip, PORT_DEFAULT));
    loopback.into_iter().flat_map(both).map(plain).collect()
}

fn this_machine() -> TrustedPeers {
    let range = |text: &str| text.parse().expect("a constant range of addresses");
    TrustedPeers::new(vec![range("127.0.0.0/8"), range("::1/128")])
}

/// One listening address: `udp:192.0.2.1:5060`, or a table with more to say.
#[derive(Clone, PartialEq, Debug)]
pub struct Listen {
    /// The transport.
    pub transport: Transport,
    /// The address; port 0 takes any that is free.
    pub address: SocketAddr,
    /// The host (and port) to name in Via and Contact; `None`: what holds for all.
    pub advertise: Option<String>,
    /// Who is trusted here; `None`: what holds for all.
    pub trusted: Option<TrustedPeers>,
}

impl Listen {
    /// An address and nothing else.
    pub fn new(transport: Transport, address: SocketAddr) -> Listen {
        Listen { transport, address, advertise: None, trusted: None }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport, self.address)
    }
}

/// Why a text is no listening address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListenError {
    text: String,
}

impl fmt::Display for ListenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\"{}\" is no listening address: write a transport (udp, tcp), an address of this \
             machine and a port, such as \"udp:0.0.0.0:5060\" or \"tcp:[::]:5060\"",
            self.text.escape_debug()
        )
    }
}

impl std::error::Error for ListenError {}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Listen, ListenError> {
        let fault = || ListenError { text: text.to_owned() };
        let (transport, address) = text.split_once(':').ok_or_else(fault)?;
        let transport = Transport::from_text(transport).ok_or_else(fault)?;
        let address = match address.parse::<SocketAddr>() {
            Ok(address) => address,
            Err(_) => SocketAddr::new(bare_ip(address).ok_or_else(fault)?, PORT_DEFAULT),
        };
        Ok(Listen::new(transport, address))
    }
}

/// An address without a port, an IPv6 one with or without brackets.
fn bare_ip(text: &str) -> Option<IpAddr> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(text).parse().ok()
}

/// A listener that says more than its address.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    address: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    advertise: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    trusted: Option<TrustedPeers>,
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.advertise.is_none() && self.trusted.is_none() {
            return to.collect_str(self);
        }
        Table {
            address: self.to_string(),
            advertise: self.advertise.clone(),
            trusted: self.trusted.clone(),
        }
        .serialize(to)
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Listen, D::Error> {
        from.deserialize_any(TextOrTable)
    }
}

struct TextOrTable;

impl<'de> Visitor<'de> for TextOrTable {
    type Value = Listen;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a listening address such as \"udp:0.0.0.0:5060\", or a table with `address`")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Listen, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Listen, A::Error> {
        let table = Table::deserialize(MapAccessDeserializer::new(map))?;
        let listen: Listen = table.address.parse().map_err(de::Error::custom)?;
        Ok(Listen { advertise: table.advertise, trusted: table.trusted, ..listen })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|fault| fault.to_string())
    }

    #[test]
    fn nothing_said_is_loopback_and_trusts_this_machine() {
        let config = read("").expect("settings");
        let listen: Vec<String> = config.listen.iter().map(Listen::to_string).collect();
        assert_eq!(
            listen,
            ["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060", "udp:[::1]:5060", "tcp:[::1]:5060"]
        );
        let trusted = config.trusted(&config.listen[0]);
        assert!(trusted.contains([127, 0, 0, 9].into()) && !trusted.contains([10, 0, 0, 1].into()));
    }

    #[test]
    fn who_listens_elsewhere_trusts_nobody_unless_told() {
        let config = read("listen = [\"udp:0.0.0.0:5060\"]").expect("settings");
        assert!(!config.trusted(&config.listen[0]).contains([127, 0, 0, 1].into()));
        let config = read("listen = [\"udp:0.0.0.0:5060\"]\ntrusted = [\"10.0.0.5\"]");
        let config = config.expect("settings");
        assert!(config.trusted(&config.listen[0]).contains([10, 0, 0, 5].into()));
    }

    #[test]
    fn a_listener_may_be_a_table_with_its_own_name_and_trust() {
        let config = read(
            "advertise = \"pbx.example.com\"\nlisten = [\"udp:[::]\", { address = \
             \"tcp:192.0.2.1:5070\", advertise = \"sip.example.com\", trusted = [\"10.0.0.0/8\"] }]",
        )
        .expect("settings");
        assert_eq!(config.listen[0].to_string(), "udp:[::]:5060");
        assert_eq!(config.advertised(&config.listen[0]).as_deref(), Some("pbx.example.com"));
        assert_eq!(config.advertised(&config.listen[1]).as_deref(), Some("sip.example.com"));
        assert!(config.trusted(&config.listen[1]).contains([10, 9, 9, 9].into()));
        let text = toml::to_string(&config).expect("text");
        assert_eq!(read(&text), Ok(config));
    }

    #[test]
    fn anything_else_is_refused_with_advice() {
        for text in
            ["5060", "tls:0.0.0.0:5061", "udp:pbx.example.com:5060", "udp:", "udp:1.2.3.4:x"]
        {
            let fault = read(&format!("listen = [\"{text}\"]")).expect_err(text);
            assert!(fault.contains("udp:0.0.0.0:5060"), "{fault}");
        }
        assert!(read("listen = [{ address = \"udp:0.0.0.0\", adverts = \"x\" }]").is_err());
        assert!(read("listen = []").expect("readable").check().is_err());
        for advertise in ["pbx.example.com:", "2001:db8::1", "sip:pbx", "a@b", "pbx;lr", "a b"] {
            let text = format!("advertise = \"{advertise}\"");
            let fault = read(&text).expect("readable").check().expect_err(advertise);
            assert!(fault.contains(&format!("\"{advertise}\" is no host")), "{fault}");
        }
        for advertise in ["pbx.example.com", "192.0.2.1:5070", "[2001:db8::1]:5060"] {
            let config = read(&format!("advertise = \"{advertise}\"")).expect("readable");
            assert_eq!(config.check(), Ok(()));
        }
        let twice = read("listen = [\"udp:0.0.0.0\", \"udp:0.0.0.0:5060\"]").expect("readable");
        assert!(twice.check().is_err());
    }
}
