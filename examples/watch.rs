//! Watching a lamp from Rust: one line for every change.
//!
//! ```text
//! fanal serve --ephemeral &
//! cargo run --example watch -- 127.0.0.1:5060 101
//! fanal publish 101 --dialog early
//! fanal publish 101 --dialog terminated
//! ```
#![allow(clippy::disallowed_methods, reason = "a program lives by the clock")]

use std::error::Error;
use std::time::Duration;

use fanal::doc::DialogInfo;
use fanal::doc::dialog_info::State;
use fanal::ua::{Account, Agent, Server, Subscribe};
use tokio::time::Instant;

/// What is asked for, and renewed at half of it.
const EXPIRES: Duration = Duration::from_secs(600);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let server = arguments.next().unwrap_or_else(|| "127.0.0.1:5060".to_owned());
    let user = arguments.next().unwrap_or_else(|| "101".to_owned());
    watch(&server, &user, |lamp| {
        println!("{user} {lamp}");
        true
    })
    .await
}

/// Tells every lamp, the present one first, as long as `tell` wants to hear more.
pub async fn watch(
    server: &str,
    user: &str,
    mut tell: impl FnMut(&str) -> bool,
) -> Result<(), Box<dyn Error>> {
    let server = Server::parse(server)?;
    let account = Account { uri: "sip:watcher@localhost".to_owned(), password: None };
    let mut agent = Agent::connect(&server, account).await?;
    let uri = format!("sip:{user}@{}", agent.peer());
    let subscribe = Subscribe {
        uri: &uri,
        package: "dialog",
        accept: "application/dialog-info+xml",
        expires: EXPIRES,
    };
    let (watch, granted) = agent.subscribe(&subscribe).await?;
    let mut renewal = Instant::now() + granted / 2;
    loop {
        let Some(notification) = agent.notification(Some(renewal)).await? else {
            renewal = Instant::now() + agent.refresh(watch, EXPIRES).await? / 2;
            continue;
        };
        let is_over = notification.is_last();
        if !notification.body.is_empty() && !tell(lamp(&notification.body)?) {
            agent.refresh(watch, Duration::ZERO).await?; // Nothing more, please.
            return Ok(());
        }
        if is_over {
            return Err("the agent ended the subscription".into());
        }
    }
}

/// The call that matters most: one that rings, else one that is held or under way.
fn lamp(body: &[u8]) -> Result<&'static str, Box<dyn Error>> {
    let info = DialogInfo::read(body, None)?;
    let live: Vec<_> = info.dialogs.iter().filter(|call| call.state < State::Terminated).collect();
    let rings = live.iter().any(|call| call.state < State::Confirmed);
    let is_held = live.iter().any(|call| call.is_held());
    Ok(match live.is_empty() {
        true => "idle",
        false if rings => "ringing",
        false if is_held => "held",
        false => "busy",
    })
}
