//! The agent inside another program: start it, look at what it counts, stop it.
//!
//! ```text
//! cargo run --example embed
//! ```
//!
//! It listens on a free port of this machine and keeps nothing; `fanal watch` and `fanal publish`
//! can speak to it until Enter is pressed.

use std::error::Error;
use std::io;

use fanal::auth::TrustedPeers;
use fanal::server::{self, Launch, Running};
use fanal::store::{self, Kind};
use fanal::transport;

fn main() -> Result<(), Box<dyn Error>> {
    let agent = start("127.0.0.1:0")?;
    for (transport, address) in agent.listeners() {
        println!("listening: {transport}:{address}");
    }
    println!("press Enter to stop");
    io::stdin().read_line(&mut String::new())?;
    println!("{}", report(&agent));
    // Dropping it does the same: turns are finished, the store is flushed, the doors are closed.
    agent.stop();
    Ok(())
}

/// An agent for the neighbours on this machine. Everything not said here is at its default, as
/// in an empty file of settings.
pub fn start(address: &str) -> Result<Running, Box<dyn Error>> {
    let listen = vec![format!("udp:{address}").parse()?, format!("tcp:{address}").parse()?];
    let launch = Launch {
        transport: transport::Config {
            listen,
            // Who comes from these addresses needs no password.
            trusted: Some(TrustedPeers::new(vec!["127.0.0.0/8".parse()?])),
            ..transport::Config::default()
        },
        store: store::Config { kind: Kind::Memory, ..store::Config::default() },
        ..Launch::default()
    };
    // A fault says what to do: which port is taken, which directory cannot be written.
    Ok(server::start(launch)?)
}

/// What happened, and what there is now.
pub fn report(agent: &Running) -> String {
    // Counters only grow; they are at most a second old. Gauges are taken this moment.
    let (counters, gauges) = (agent.counters(), agent.gauges());
    format!(
        "{} publications accepted, {} NOTIFYs sent; {} presentities, {} subscriptions live",
        counters.publications_accepted,
        counters.notifies,
        gauges.presentities,
        gauges.subscriptions,
    )
}
