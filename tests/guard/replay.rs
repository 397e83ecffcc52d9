//! Credentials that were overheard serve nobody a second time, whichever shard they are sent to.
#![allow(clippy::disallowed_methods, reason = "a real agent on real sockets")]

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use fanal::auth::Users;
use fanal::base::identity::Aor;
use fanal::server::{Config, Launch, Running, start};
use fanal::shard::config::ServerConfig;
use fanal::store::{self, Kind};
use fanal::{shard, transport};

use crate::common::digest::{Challenge, Credentials};
use crate::common::phone::Line;
use crate::common::{Phone, Req};

/// An agent of eight shards that asks everybody.
fn agent() -> Running {
    let mut users = Users::default();
    users.add("alice", "example.com", Aor::from_parts("alice", "example.com"), "secret");
    let domains = vec!["example.com".to_owned()];
    let server = ServerConfig { domains, ..ServerConfig::default() };
    start(Launch {
        agent: shard::Config { server, ..shard::Config::default() },
        transport: transport::Config {
            listen: vec!["udp:127.0.0.1:0".parse().expect("an address")],
            ..transport::Config::default()
        },
        store: store::Config { kind: Kind::Memory, ..store::Config::default() },
        run: Config { shards: 8 },
        http: None,
        users: Arc::new(users),
        ..Launch::default()
    })
    .expect("an agent")
}

/// Sends a request and reads its answer: the status, and the challenge if there is one.
fn ask(socket: &UdpSocket, request: &Req) -> (u16, Option<Challenge>) {
    socket.send(request.to_text().as_bytes()).expect("sent");
    loop {
        let mut octets = [0; 8192];
        let count = socket.recv(&mut octets).expect("an answer");
        let text = String::from_utf8_lossy(&octets[..count]).into_owned();
        let Some(status) = text.strip_prefix("SIP/2.0 ") else { continue };
        let status = status[..3].parse().expect("a status");
        let line = text.lines().find_map(|line| line.strip_prefix("WWW-Authenticate: "));
        return (status, line.map(Challenge::read));
    }
}

#[test]
fn credentials_without_a_user_serve_once_in_all_shards_together() {
    let agent = agent();
    let (_, address) = agent.listeners()[0];
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    socket.connect(address).expect("connected");
    socket.set_read_timeout(Some(Duration::from_secs(5))).expect("set");
    let local = socket.local_addr().expect("bound");
    let mut phone = Phone::new("alice", Line::udp(&local.to_string()), 1);

    // What was minted before a shard was first asked is stale there: each is asked.
    for n in 0..40 {
        let request = phone.subscribe(&format!("sip:u{n}@example.com"), "presence");
        assert_eq!(ask(&socket, &request).0, 401);
    }
    for (uri, replays) in [("sip:example.com", 0), ("sip:u0@example.com", 0)] {
        let first = phone.subscribe("sip:u0@example.com", "presence").with("Expires", "0");
        let (_, challenge) = ask(&socket, &first);
        let challenge = challenge.expect("a challenge");
        let request = phone.subscribe("sip:u0@example.com", "presence").with("Expires", "0");
        let mut credentials = Credentials::new("alice", "secret", &challenge, &request);
        uri.clone_into(&mut credentials.uri);
        let line = credentials.line();
        assert_eq!(ask(&socket, &request.with("Authorization", &line)).0, 200, "{uri}");
        let accepted = (0..40).filter(|n| {
            let other = format!("sip:u{n}@example.com");
            let request = phone.subscribe(&other, "presence").with("Expires", "0");
            ask(&socket, &request.with("Authorization", &line)).0 == 200
        });
        assert_eq!(accepted.count(), replays, "{uri}");
    }
}
