//! `GET /v1/available`: who of a group could be reached now, by what channel, and how.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Answered, Api};
use super::config::{Channel, Scope};
use super::contacts::Way;
use super::fault::Fault;
use super::seen::{self, Seen};
use crate::base::time::Wall;
use crate::doc::pidf::Presence;
use crate::event::status::Availability;
use crate::shard::inquiry::Sight;

/// The words of [`Channel`], and what chat was called before.
pub const CHANNELS: &[&str] = &["voice", "chat", "mail", "message"];

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    group: String,
    #[serde(default)]
    channel: Channel,
}

/// Somebody who could be reached.
struct Reachable {
    availability: Option<Availability>,
    /// Since when; `None` if that is not known, or may not be seen: since ever.
    free_since: Option<Wall>,
    told: Value,
}

/// Who of a group could be reached now, as the identity of the token sees them, and how. Of those
/// it may not see it is told nothing.
///
/// Who is available comes before who is idle, and so on; of those alike who is free for longest,
/// and then who stands first in the group.
pub async fn available(
    State(api): State<Api>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Answered {
    let known = api.access().of(&headers, Scope::Read)?;
    let Query(Wanted { group, channel }) = wanted.map_err(|fault| {
        Fault::bad(format!("{}; write ?group=NAME&channel=voice|chat|mail", fault.body_text()))
    })?;
    let members = api.config.groups.get(&group).ok_or_else(|| {
        Fault::not_found(format!("http.group names no \"{}\"", group.escape_debug()))
    })?;
    let mut reachable = Vec::new();
    let mut count = 0_usize;
    for member in members {
        let uri = api.uri(member)?;
        if !known.reaches(&uri) {
            continue;
        }
        count += 1;
        let sight = match api.see(known.watcher(), uri).await {
            Ok(sight) => sight,
            Err(fault) if fault.is(StatusCode::FORBIDDEN) || fault.is(StatusCode::NOT_FOUND) => {
                continue;
            }
            Err(fault) => return Err(fault),
        };
        reachable.extend(reach(&api, &sight, channel));
    }
    reachable.sort_by_key(|one| (rank(one.availability), one.free_since));
    let told: Vec<Value> = reachable.into_iter().map(|one| one.told).collect();
    Ok(Json(json!({
        "group": group,
        "channel": channel.as_text(),
        "members": count,
        "available": told,
    })))
}

/// How somebody could be reached; `None` if not, as far as may be seen.
fn reach(api: &Api, sight: &Sight, channel: Channel) -> Option<Reachable> {
    let document = sight.presence.as_ref()?;
    let seen = Seen::of(document);
    let is_idle = sight.calls.as_deref().is_none_or(|calls| seen::lamp(calls) == "idle");
    let would_do = match channel {
        Channel::Voice => seen.takes_calls() && is_idle,
        Channel::Chat => seen.takes_messages(),
        Channel::Mail => true, // It waits.
    };
    let document = Presence::read(document, None).ok().filter(|_| would_do)?;
    let permissions = sight.permissions.as_deref();
    let ways = api.contacts.ways(&sight.aor, channel, &document, permissions);
    let contacts: Vec<Value> = ways.iter().map(way).collect();
    if contacts.is_empty() {
        return None;
    }
    let mut told = seen::json(sight);
    told["contacts"] = contacts.into();
    told["free_since"] = json!(sight.free_since);
    let availability = Availability::from_text(&seen.availability);
    Some(Reachable { availability, free_since: sight.free_since, told })
}

fn way(Way { uri, priority, name }: &Way) -> Value {
    json!({ "uri": uri, "priority": priority, "name": name })
}

/// Who is likelier to answer comes first.
fn rank(availability: Option<Availability>) -> u8 {
    match availability {
        Some(Availability::Available) => 0,
        Some(Availability::Idle) => 1,
        Some(Availability::Busy) => 2,
        Some(Availability::Brb) => 3,
        Some(Availability::Away) => 4,
        Some(Availability::Dnd) => 5,
        Some(Availability::Offline | Availability::Unknown) | None => 6,
    }
}
