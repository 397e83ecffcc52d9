//! `fanal status`: what a person sets by hand, and what is seen of one.

use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};

use super::address::span;
use super::http::{Api, Method, part};
use super::{EXIT_WELL, Fault, say};
use crate::base::span;
use crate::event::status::State;

/// What to do.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Set a state by hand: available, busy, away, brb, dnd, no-queues, invisible; auto takes it
    /// back.
    Set(Setting),
    /// Show somebody as the identity of the token sees them, and the keys of its phones to who may.
    Show(Showing),
    /// Tell who of a group could be reached now, the best first, and how.
    Available(super::reach::Group),
    /// Tell whether a call may ring at somebody.
    Rings(super::reach::Call),
    /// Send calls elsewhere, as the forwarding key of a phone does; without a number: no more.
    Forward(Forwarding),
}

#[derive(clap::Args)]
struct Forwarding {
    /// Whose calls: 101, 101@example.com or sip:101@example.com.
    person: String,
    /// In which case.
    #[arg(value_parser = ["always", "busy", "no-answer"])]
    when: String,
    /// Where they go: a number or an address.
    to: Option<String>,
    /// After how many rings nobody answers.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(1..=99))]
    rings: Option<u8>,
    #[command(flatten)]
    api: Api,
}

#[derive(clap::Args)]
#[command(after_help = "A state that names no end lasts as long as is usual ([status] of the \
    settings).")]
struct Setting {
    /// Whose state: 101, 101@example.com or sip:101@example.com.
    person: String,
    /// The state.
    #[arg(value_parser = state)]
    state: State,
    /// How long it lasts.
    #[arg(long = "for", value_name = "TIME", value_parser = span)]
    lasts: Option<Duration>,
    /// Words beside it.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// A picture before the words.
    #[arg(long, value_name = "EMOJI", requires = "note")]
    emoji: Option<String>,
    /// What the person is doing, such as meal or in-a-meeting. May be repeated.
    #[arg(long, value_name = "ACTIVITY")]
    activity: Vec<String>,
    /// Who answers meanwhile. May be repeated.
    #[arg(long, value_name = "URI")]
    instead: Vec<String>,
    #[command(flatten)]
    api: Api,
}

#[derive(clap::Args)]
struct Showing {
    /// Whom: 101, 101@example.com or sip:101@example.com.
    person: String,
    #[command(flatten)]
    api: Api,
}

/// Sets or shows.
pub async fn run(args: Args, json: bool) -> Result<u8, Fault> {
    match args.what {
        What::Set(setting) => set(setting, json).await,
        What::Show(showing) => show(showing, json).await,
        What::Available(group) => super::reach::available(group, json).await,
        What::Rings(call) => super::reach::rings(call, json).await,
        What::Forward(forwarding) => forward(forwarding, json).await,
    }
}

async fn set(setting: Setting, json: bool) -> Result<u8, Fault> {
    let Setting { person, state, lasts, note, emoji, activity, instead, api } = setting;
    let path = format!("/v1/presence/{}/manual", part(&person));
    let is_bare = lasts.is_none() && note.is_none() && activity.is_empty() && instead.is_empty();
    let answer = match state {
        State::Automatic if is_bare => api.ask(Method::DELETE, &path, None).await?,
        State::Automatic => {
            return Err(Fault::usage(
                "auto takes a state back; --for, --note and the like go with others",
            ));
        }
        state => {
            let mut body = json!({ "state": state.as_text() });
            if let Some(lasts) = lasts {
                body["for"] = span::write(lasts).into();
            }
            if let Some(note) = note {
                body["note"] = match emoji {
                    Some(emoji) => json!({ "text": note, "emoji": emoji }),
                    None => note.into(),
                };
            }
            if !activity.is_empty() {
                body["activities"] = activity.into();
            }
            let contact = |uri: &String| json!({ "contact": uri });
            if !instead.is_empty() {
                body["alternates"] = instead.iter().map(contact).collect();
            }
            api.ask(Method::PUT, &path, Some(&body)).await?
        }
    };
    if json {
        say(answer)?;
        return Ok(EXIT_WELL);
    }
    let until = match (state, answer["until"].as_str()) {
        (State::Automatic, _) | (_, None) => String::new(),
        (_, Some(until)) => format!(" until {until}"),
    };
    say(format!("{} {}{until}", text(&answer["aor"]), text(&answer["state"])))?;
    Ok(EXIT_WELL)
}

async fn show(showing: Showing, json: bool) -> Result<u8, Fault> {
    let path = format!("/v1/presence/{}", part(&showing.person));
    let mut seen = showing.api.ask(Method::GET, &path, None).await?;
    // Keys are for their owner and operators: others are refused, and shown the rest.
    let path = format!("/v1/features/{}", part(&showing.person));
    let features = showing.api.ask(Method::GET, &path, None).await.ok();
    if json {
        if let Some(features) = features {
            seen["features"] = features;
        }
        say(seen)?;
        return Ok(EXIT_WELL);
    }
    say(line(&seen))?;
    for line in features.iter().flat_map(forwards) {
        say(line)?;
    }
    Ok(EXIT_WELL)
}

async fn forward(forwarding: Forwarding, json: bool) -> Result<u8, Fault> {
    let Forwarding { person, when, to, rings, api } = forwarding;
    let path = format!("/v1/features/{}/forwarding/{when}", part(&person));
    let answer = match to {
        Some(to) => {
            let body = json!({ "to": to, "rings": rings });
            api.ask(Method::PUT, &path, Some(&body)).await?
        }
        None => api.ask(Method::DELETE, &path, None).await?,
    };
    match json {
        true => say(answer)?,
        false => say(format!("{} {when} {}", text(&answer["aor"]), text(&answer["state"])))?,
    }
    Ok(EXIT_WELL)
}

/// Where calls go instead, in lines; nothing where they do not.
fn forwards(features: &Value) -> Vec<String> {
    let all = features["forwarding"].as_object().into_iter().flatten();
    let on = all.filter(|(_, forward)| forward["on"] == true);
    let told = on.map(|(when, forward)| {
        let rings = forward["rings"].as_u64().map(|rings| format!(" after {rings} rings"));
        let to = text(&forward["to"]);
        format!("  calls go to {} ({when}{})", to.escape_debug(), rings.unwrap_or_default())
    });
    told.collect()
}

/// What is seen of somebody, in a line.
pub fn line(seen: &Value) -> String {
    let mut line = text(&seen["aor"]).to_owned();
    if seen["substate"] == "pending" {
        return line + " has not decided yet";
    }
    for key in ["availability", "note", "until", "lamp"] {
        let Some(value) = seen[key].as_str() else { continue };
        match key {
            "note" => line.push_str(&format!(" \"{}\"", value.escape_debug())),
            "until" => line.push_str(&format!(" until {value}")),
            "lamp" => line.push_str(&format!(", line {value}")),
            _ => line.push_str(&format!(" {value}")),
        }
    }
    line
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn state(text: &str) -> Result<State, String> {
    State::from_text(text).ok_or_else(|| {
        "write auto, available, busy, away, brb, dnd, no-queues or invisible".to_owned()
    })
}
