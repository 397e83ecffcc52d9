//! `GET /v1/available`: who of a group could be reached now, by what channel.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::json;

use super::api::{Answered, Api};
use super::config::Scope;
use super::fault::Fault;
use super::seen::{self, Seen};

/// The words of [`Channel`].
pub const CHANNELS: &[&str] = &["voice", "message"];

/// What is asked for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    group: String,
    #[serde(default)]
    channel: Channel,
}

/// The way to reach somebody.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Channel {
    /// By a call.
    #[default]
    Voice,
    /// By a written message.
    Message,
}

/// Who of a group could be reached now, as the identity of the token sees them. Of those it may
/// not see it is told nothing.
pub async fn available(
    State(api): State<Api>,
    wanted: Result<Query<Wanted>, QueryRejection>,
    headers: HeaderMap,
) -> Answered {
    let known = api.access.of(&headers, Scope::Read)?;
    let Query(Wanted { group, channel }) = wanted.map_err(|fault| {
        Fault::bad(format!("{}; write ?group=NAME&channel=voice|message", fault.body_text()))
    })?;
    let members = api.config.groups.get(&group).ok_or_else(|| {
        Fault::not_found(format!("http.group names no \"{}\"", group.escape_debug()))
    })?;
    let mut available = Vec::new();
    for member in members {
        let sight = match api.see(known.watcher(), api.uri(member)?).await {
            Ok(sight) => sight,
            Err(fault) if fault.is(StatusCode::FORBIDDEN) || fault.is(StatusCode::NOT_FOUND) => {
                continue;
            }
            Err(fault) => return Err(fault),
        };
        let Some(document) = &sight.presence else { continue };
        let seen = Seen::of(document);
        let is_idle = sight.calls.as_deref().is_none_or(|calls| seen::lamp(calls) == "idle");
        let is_there = match channel {
            Channel::Voice => seen.takes_calls() && is_idle,
            Channel::Message => seen.takes_messages(),
        };
        if is_there {
            available.push(seen::json(&sight));
        }
    }
    Ok(Json(json!({ "group": group, "members": members.len(), "available": available })))
}
