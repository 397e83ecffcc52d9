//! `GET /v1/why/{aor}` and `GET /v1/presence/{aor}/manual`: what is said of a person, by whom,
//! until when, and who was told.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Answered, Api, Part};
use super::config::Scope;
use super::fault::Fault;
use super::seen;
use crate::base::identity::{Aor, Identity};
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::event::Source;
use crate::event::status::{Reason, Says, State as Hand};
use crate::policy::explain;
use crate::policy::{Explanation, Verdict};
use crate::shard::inquiry::{Hides, Ruled, Told, Why};
use crate::shard::{Answer, Demand};

/// What may be asked beside the person.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct For {
    watcher: Option<String>,
}

/// Why a person is what it is.
pub async fn why(
    State(api): State<Api>,
    aor: Part<String>,
    asked: Result<Query<For>, QueryRejection>,
    headers: HeaderMap,
) -> Answered {
    let known = api.access.of(&headers, Scope::Why)?;
    let uri = api.person(known, aor)?;
    let Query(For { watcher }) = asked.map_err(|fault| Fault::bad(fault.body_text()))?;
    let watcher = match watcher {
        Some(text) => Some(api.other(known, &text)?),
        None => None,
    };
    let why = ask(&api, known.watcher(), uri, watcher).await?;
    Ok(Json(json(&why)))
}

/// What was set by hand for a person, and until when.
pub async fn manual(State(api): State<Api>, aor: Part<String>, headers: HeaderMap) -> Answered {
    let known = api.access.known(&headers)?;
    let why = ask(&api, known.watcher(), api.person(known, aor)?, None).await?;
    if !known.may_look_at(&why.aor) {
        return Err(Fault::forbidden("the token may look at its own identity alone"));
    }
    let set = why.reasons.iter().filter(|reason| reason.holds).find_map(|reason| {
        let Says::Manual(manual) = &reason.lease.says else { return None };
        (manual.state != Hand::Automatic).then_some((reason, manual))
    });
    Ok(Json(match set {
        None => json!({ "aor": why.aor.as_str(), "state": "automatic" }),
        Some((reason, manual)) => json!({
            "aor": why.aor.as_str(),
            "state": manual.state.as_text(),
            "note": manual.note.as_ref().map(|note| note.line()),
            "until": reason.end,
            "set": reason.lease.updated,
            "by": reason.lease.publisher,
        }),
    }))
}

pub(super) async fn ask(
    api: &Api,
    who: Identity,
    uri: Uri,
    watcher: Option<Aor>,
) -> Result<Why, Fault> {
    match api.ask(who, uri, Demand::Why { watcher }).await? {
        Answer::Why(why) => Ok(*why),
        _ => Err(Fault::no_answer()),
    }
}

fn json(why: &Why) -> Value {
    let sight = match &why.sight {
        Ok(sight) => seen::json(sight),
        Err(refusal) => json!({ "refused": refusal.status().code() }),
    };
    json!({
        "aor": why.aor.as_str(),
        "at": why.now,
        "availability": why.status.availability.as_text(),
        "since": why.status.since,
        "until": why.status.until,
        "sources": why.reasons.iter().map(|reason| source(reason, why.now)).collect::<Vec<_>>(),
        "sight": sight,
        "rules": why.ruled.as_deref().map(ruled),
        "watchers": why.told.iter().map(told).collect::<Vec<_>>(),
    })
}

fn source(reason: &Reason<Source>, now: Wall) -> Value {
    let Reason { source, lease, layer, end, holds, decides } = reason;
    json!({
        "source": source_name(*source),
        "by": lease.publisher,
        "says": lease.says,
        "layer": layer,
        "said": lease.updated,
        "age_seconds": now.since(lease.updated).as_secs(),
        "from": lease.from,
        "end": end,
        "holds": holds,
        "decides": decides,
    })
}

fn source_name(source: Source) -> String {
    match source {
        Source::Publication(number) => format!("publication:{number}"),
        Source::Lines => "calls".to_owned(),
        Source::Registration => "registration".to_owned(),
        Source::Person => "person".to_owned(),
        Source::Inside(channel) => {
            let topic = serde_json::to_value(channel.topic).unwrap_or_default();
            let topic = topic.as_str().unwrap_or("inside");
            match channel.number {
                0 => topic.to_owned(),
                number => format!("{topic}:{number:08x}"),
            }
        }
    }
}

/// Why a watcher sees what it sees.
fn ruled(ruled: &Ruled) -> Value {
    let Ruled { explanation, matched, hides } = ruled;
    let Explanation { rules, ceilings, remarks, handling, lamps, granted, until, .. } = explanation;
    let each = |reasons: &[explain::Reason]| reasons.iter().map(rule).collect::<Vec<_>>();
    let hidden = |Hides { hidden, by }: &Hides| json!({ "part": hidden.part, "permission": hidden.permission, "by": by });
    json!({
        "handling": handling,
        "lamps": lamps,
        "matched": matched,
        "granted": granted,
        "hidden": hides.iter().map(hidden).collect::<Vec<_>>(),
        "rules": each(rules),
        "ceilings": each(ceilings),
        "remarks": remarks,
        "until": until,
    })
}

fn rule(reason: &explain::Reason) -> Value {
    let explain::Reason { id, applies, conditions, effect } = reason;
    let condition = |(text, holds): &(String, bool)| json!({ "condition": text, "holds": holds });
    let conditions: Vec<Value> = conditions.iter().map(condition).collect();
    json!({ "rule": id, "applies": applies, "conditions": conditions, "effect": effect })
}

fn told(told: &Told) -> Value {
    let watcher = match &told.watcher {
        Identity::User(aor) | Identity::Peer { asserted: Some(aor), .. } => aor.to_string(),
        Identity::Peer { address, asserted: None } => address.to_string(),
        Identity::Unasked => "anybody".to_owned(),
    };
    let verdict = match told.verdict {
        Verdict::Allow => "allow",
        Verdict::PoliteBlock => "polite-block",
        Verdict::Confirm => "confirm",
        Verdict::Block => "block",
    };
    json!({
        "watcher": watcher,
        "package": told.package,
        "verdict": verdict,
        "rules": told.rules,
        "last_notify": {
            "cseq": told.cseq,
            "sent": told.sent,
            "outcome": told.outcome.as_text(),
        },
        "until": told.until,
    })
}
