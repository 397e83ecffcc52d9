//! `fanal register`: a contact, as a phone would register it.

use std::time::Duration;

use serde_json::json;

use super::address::{Reach, Speaker, span};
use super::{EXIT_WELL, Fault, say};
use crate::base::span;
use crate::ua::Registered;

/// Which contact, and for how long.
#[derive(clap::Args)]
#[command(after_help = "Without --contact and --remove it only lists what is registered.")]
pub struct Args {
    /// Whose contact it is: 101, 101@example.com or sip:101@example.com.
    uri: String,
    /// The contact; "*" with --remove means all of them.
    #[arg(long, value_name = "URI")]
    contact: Option<String>,
    /// How long it holds.
    #[arg(long = "for", value_name = "TIME", value_parser = span, default_value = "1h")]
    lifetime: Duration,
    /// Take the contact away; without --contact all of them.
    #[arg(long)]
    remove: bool,
    #[command(flatten)]
    reach: Reach,
}

/// Registers.
pub async fn run(args: Args, json: bool) -> Result<u8, Fault> {
    let target = args.reach.target(&args.uri, Speaker::Itself)?;
    let contact = match (&args.contact, args.remove) {
        (Some(contact), false) if contact == "*" => {
            return Err(Fault::usage("--contact \"*\" means all of them; it goes with --remove"));
        }
        (Some(contact), _) => Some(contact.as_str()),
        (None, true) => Some("*"),
        (None, false) => None,
    };
    let lifetime = if args.remove { Duration::ZERO } else { args.lifetime };
    let mut agent = target.agent().await?;
    let registered = agent.register(target.uri.as_str(), contact, lifetime).await?;
    tell(target.uri.as_str(), &registered, json)?;
    Ok(EXIT_WELL)
}

fn tell(uri: &str, registered: &[Registered], json: bool) -> Result<(), Fault> {
    if json {
        let contacts: Vec<_> = registered
            .iter()
            .map(|contact| json!({ "contact": contact.uri, "expires": contact.expires }))
            .collect();
        return say(json!({ "event": "registered", "uri": uri, "contacts": contacts }));
    }
    if registered.is_empty() {
        return say(format!("{uri} has no contacts"));
    }
    for Registered { uri: contact, expires } in registered {
        let left = expires.map(|seconds| span::write(Duration::from_secs(seconds.into())));
        say(format!("{uri} at {contact} for {}", left.as_deref().unwrap_or("some time")))?;
    }
    Ok(())
}
