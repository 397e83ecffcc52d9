//! `GET /v1/rings/{aor}`: whether a call may ring at a person. Fanal routes no calls: who does asks.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::json;

use super::api::{Answered, Api, Part};
use super::config::Scope;
use super::fault::Fault;
use super::reasons;
use crate::base::identity::Aor;
use crate::event::status::{Kind, Status};

/// For whom everybody lets callers through.
const EVERYBODY: &str = "*";

/// The call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    caller: Option<String>,
    group: Option<String>,
}

/// Whether a call rings.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Because {
    /// Nothing forbids it.
    Open,
    /// Something does, but not for this caller.
    Pass,
    /// Not to be disturbed.
    Dnd,
    /// No calls of queues.
    NoQueues,
}

/// Whether a call of this caller, or by the queue of this group, may ring now.
pub async fn rings(
    State(api): State<Api>,
    aor: Part<String>,
    call: Result<Query<Call>, QueryRejection>,
    headers: HeaderMap,
) -> Answered {
    let known = api.access.of(&headers, Scope::Why)?;
    let uri = api.person(known, aor)?;
    let Query(Call { caller, group }) = call.map_err(|fault| Fault::bad(fault.body_text()))?;
    let caller = caller.map(|text| api.other(known, &text)).transpose()?;
    if let Some(group) = group.as_deref().filter(|group| !api.config.groups.contains_key(*group)) {
        let what = format!("http.group names no \"{}\"", group.escape_debug());
        return Err(Fault::not_found(what));
    }
    let why = reasons::ask(&api, known.watcher(), uri, None).await?;
    let passes = caller.is_some_and(|caller| passes(&api, &why.aor, &caller));
    let because = because(&why.status, group.is_some(), passes);
    Ok(Json(json!({
        "aor": why.aor.as_str(),
        "rings": because.rings(),
        "because": because.as_text(),
        "availability": why.status.availability.as_text(),
    })))
}

fn because(status: &Status, of_a_queue: bool, passes: bool) -> Because {
    let takes_none = status.activities.iter().any(|activity| activity.kind == Kind::NoQueues);
    match status.brief().dnd {
        true if passes => Because::Pass,
        true => Because::Dnd,
        false if of_a_queue && takes_none => Because::NoQueues,
        false => Because::Open,
    }
}

/// Whether a person lets a caller through, by name or by a group the caller is of.
fn passes(api: &Api, person: &Aor, caller: &Aor) -> bool {
    let is = |text: &str, who: &Aor| api.uri(text).is_ok_and(|uri| Api::aor(&uri) == *who);
    let of_person =
        api.config.passes.iter().filter(|(whose, _)| *whose == EVERYBODY || is(whose, person));
    let mut let_through = of_person.flat_map(|(_, callers)| callers);
    let_through.any(|text| match api.config.groups.get(text) {
        Some(members) => members.iter().any(|member| is(member, caller)),
        None => is(text, caller),
    })
}

impl Because {
    fn rings(self) -> bool {
        matches!(self, Because::Open | Because::Pass)
    }

    fn as_text(self) -> &'static str {
        match self {
            Because::Open => "open",
            Because::Pass => "pass",
            Because::Dnd => "dnd",
            Because::NoQueues => "no-queues",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Wall;
    use crate::event::status::{Lease, Manual, Says, Settings, State, compose};

    fn by_hand(state: State) -> Status {
        let said = Lease::new(Wall::default(), "", Says::Manual(Manual::new(state)));
        let reach = Lease::new(Wall::default(), "", Says::Reachable);
        compose(&[said, reach], &Settings::default(), Wall::default()).0
    }

    #[test]
    fn who_is_not_to_be_disturbed_is_rung_by_who_is_let_through() {
        let dnd = by_hand(State::Dnd);
        assert_eq!(because(&dnd, false, false), Because::Dnd);
        assert_eq!(because(&dnd, true, false), Because::Dnd);
        assert_eq!(because(&dnd, true, true), Because::Pass);
    }

    #[test]
    fn who_takes_no_calls_of_queues_takes_all_others() {
        let none = by_hand(State::NoQueues);
        assert_eq!(because(&none, true, false), Because::NoQueues);
        assert_eq!(because(&none, false, false), Because::Open);
        assert_eq!(because(&by_hand(State::Invisible), true, false), Because::Open);
    }
}
