//! An agent in this very process, on free ports.

use std::net::SocketAddr;

use fanal::base::flow::Transport;
use fanal::server::{Config, Launch, Running, start};
use fanal::shard;
use fanal::shard::config::{Authentication, ServerConfig};
use fanal::store::Kind;
use fanal::{store, transport};

/// The settings of a small office: everybody of `example.com`, nobody asked who they are, state
/// forgotten.
pub fn launch(listen: &[&str], shards: usize) -> Launch {
    let listen = listen.iter().map(|text| text.parse().expect("an address")).collect();
    let server = ServerConfig {
        domains: vec!["example.com".to_owned()],
        auth: Authentication::Off,
        ..ServerConfig::default()
    };
    Launch {
        agent: shard::Config { server, ..shard::Config::default() },
        transport: transport::Config { listen, ..transport::Config::default() },
        store: store::Config { kind: Kind::Memory, ..store::Config::default() },
        run: Config { shards },
        http: None,
        ..Launch::default()
    }
}

/// An agent with these listeners.
pub fn agent(listen: &[&str], shards: usize) -> Running {
    start(launch(listen, shards)).expect("an agent")
}

/// Where an agent listens, by transport and family.
pub fn address(agent: &Running, transport: Transport, is_ipv4: bool) -> SocketAddr {
    let fits =
        |(t, address): &&(Transport, SocketAddr)| *t == transport && address.is_ipv4() == is_ipv4;
    agent.listeners().iter().find(fits).expect("such a listener").1
}

/// Whether this machine has IPv6; says so if not.
pub fn has_ipv6() -> bool {
    let has = std::net::UdpSocket::bind("[::1]:0").is_ok();
    if !has {
        println!("skipped: this machine has no IPv6");
    }
    has
}
