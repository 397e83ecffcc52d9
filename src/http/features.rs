//! `/v1/features/{aor}`: what the keys of a person's phones show, and where calls go instead.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde::Deserialize;
use serde_json::{Map, json};

use super::access::Known;
use super::api::{Answered, Api, Part};
use super::fault::Fault;
use super::reasons;
use super::set::{self, Body};
use crate::base::uri::Uri;
use crate::event::forwarding::{Forward, When};
use crate::event::status::Says;
use crate::event::status::feed::Said;

/// The words of [`When`].
pub const CASES: &[&str] = &["always", "busy", "no-answer"];

/// Where calls go from now on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    to: String,
    #[serde(default = "yes")]
    on: bool,
    rings: Option<u8>,
}

/// `GET /v1/features/{aor}`: what the keys of a person's phones show.
pub async fn features(State(api): State<Api>, aor: Part<String>, headers: HeaderMap) -> Answered {
    let known = api.access().known(&headers)?;
    let why = reasons::ask(&api, known.watcher(), api.person(known, aor)?, None).await?;
    if !known.may_look_at(&why.aor) {
        return Err(Fault::forbidden("the token may look at its own identity alone"));
    }
    let forwards = why.reasons.iter().filter_map(|reason| match &reason.lease.says {
        Says::Forward(Forward { when, on, to, rings }) => {
            let told = json!({
                "on": on, "to": to, "rings": rings,
                "set": reason.lease.updated, "by": reason.lease.publisher,
            });
            Some((when.as_text().to_owned(), told))
        }
        _ => None,
    });
    let forwarding: Map<_, _> = forwards.collect();
    Ok(Json(json!({
        "aor": why.aor.as_str(),
        "dnd": why.status.brief().dnd,
        "forwarding": forwarding,
    })))
}

/// `PUT /v1/features/{aor}/forwarding/{when}`: calls go elsewhere in this case, or do so no more.
pub async fn forward(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let known = api.access().known(&headers)?;
    let who = known.setter()?;
    let (uri, when) = of_case(&api, known, path)?;
    let Wanted { to, on, rings } = set::read(&headers, body)?;
    let forward = Forward { when, on, to: to.trim().to_owned(), rings };
    forward.check().map_err(Fault::bad)?;
    let fact = Said::WHEN_ASKED.forward(when, Some(forward));
    set::say(&api, who, uri, fact, None, if on { "on" } else { "off" }).await
}

/// `DELETE /v1/features/{aor}/forwarding/{when}`: calls go nowhere else in this case.
pub async fn no_forward(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let known = api.access().known(&headers)?;
    let who = known.setter()?;
    let (uri, when) = of_case(&api, known, path)?;
    // Phones that were asleep are told as well, so it is kept as off.
    let fact = Said::WHEN_ASKED.forward(when, Some(Forward::off(when)));
    set::say(&api, who, uri, fact, None, "off").await
}

fn of_case(api: &Api, known: &Known, path: Part<(String, String)>) -> Result<(Uri, When), Fault> {
    let Path((aor, word)) = path.map_err(|fault| Fault::bad(fault.body_text()))?;
    let when = When::from_text(&word).ok_or_else(|| {
        let word = word.escape_debug();
        Fault::bad(format!("\"{word}\" is no case; write {}", CASES.join(", ")))
    })?;
    Ok((api.uri_of(known, &aor)?, when))
}

fn yes() -> bool {
    true
}
