//! What can be asked, by path.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use axum::extract::rejection::PathRejection;
use axum::extract::{DefaultBodyLimit, FromRef, Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::Value;
use tokio::time::timeout;

use super::access::{Access, Known};
use super::agent::Agent;
use super::config::{Config, Scope};
use super::contacts::Contacts;
use super::fault::Fault;
use super::{routes, seen};
use crate::base::counters::Counters;
use crate::base::identity::{Aor, Identity};
use crate::base::limits::{HTTP_BODY_OCTETS_MAX, HTTP_REQUEST_MAX};
use crate::base::uri::Uri;
use crate::shard::inquiry::Sight;
use crate::shard::{Answer, Demand};

/// What every request needs.
#[derive(Clone)]
pub struct Api {
    /// The agent.
    pub(super) agent: Arc<dyn Agent>,
    /// Who may ask.
    pub(super) access: Arc<Access>,
    pub(super) config: Arc<Config>,
    /// How people are reached.
    pub(super) contacts: Arc<Contacts>,
    pub(super) tally: Arc<Tally>,
}

/// A part of a path, percent signs read.
pub(super) type Part<T> = Result<Path<T>, PathRejection>;

/// An answer for programs.
pub(super) type Answered = Result<Json<Value>, Fault>;

/// What every request needs, as the settings have it at the moment.
#[derive(Clone)]
pub struct Live(Arc<RwLock<Api>>);

impl Live {
    /// From now on these settings count, but for where to listen. What is being answered is
    /// answered by those before.
    pub fn replace(&self, config: &Config) {
        let mut api = self.0.write().unwrap_or_else(PoisonError::into_inner);
        *api = Api::new(Arc::clone(&api.agent), config, Arc::clone(&api.tally));
    }
}

impl FromRef<Live> for Api {
    fn from_ref(live: &Live) -> Api {
        live.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Everything that can be asked, and what replaces its settings.
pub fn router(agent: Arc<dyn Agent>, config: &Config) -> (Router, Live) {
    let tally = Arc::default();
    let api = Api::new(agent, config, Arc::clone(&tally));
    let live = Live(Arc::new(RwLock::new(api)));
    let router = routes::router()
        .fallback(async || Fault::not_found("there is no such path; docs/http.md has all of them"))
        .method_not_allowed_fallback(async || {
            let message = "this path does not take this method; see Allow";
            Fault::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message)
        })
        .layer(DefaultBodyLimit::max(HTTP_BODY_OCTETS_MAX))
        .layer(middleware::from_fn_with_state(tally, in_time))
        .with_state(live.clone());
    (router, live)
}

/// Nobody keeps a connection busy by sending a body one octet a minute.
async fn in_time(State(tally): State<Arc<Tally>>, request: Request, next: Next) -> Response {
    let response = match timeout(HTTP_REQUEST_MAX, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Fault::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the request took too long")
            .into_response(),
    };
    tally.count(&response);
    response
}

/// What was answered so far.
#[derive(Default)]
pub(super) struct Tally {
    requests: AtomicU64,
    refused: AtomicU64,
}

impl Tally {
    fn count(&self, response: &Response) {
        let status = response.status();
        let is_refused = status.is_client_error() || status.is_server_error();
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.refused.fetch_add(u64::from(is_refused), Ordering::Relaxed);
    }

    /// Adds it to what the agent counted.
    pub(super) fn add_to(&self, counters: &mut Counters) {
        counters.http_requests += self.requests.load(Ordering::Relaxed);
        counters.http_refused += self.refused.load(Ordering::Relaxed);
    }
}

impl Api {
    fn new(agent: Arc<dyn Agent>, config: &Config, tally: Arc<Tally>) -> Api {
        Api {
            access: Arc::new(Access::new(&config.tokens)),
            contacts: Arc::new(Contacts::of(config, agent.domain())),
            config: Arc::new(config.clone()),
            agent,
            tally,
        }
    }

    /// Who may ask.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// Whom a text of the settings means: `101`, `101@example.com` or `sip:101@example.com`.
    pub(super) fn uri(&self, text: &str) -> Result<Uri, Fault> {
        self.uri_in(self.agent.domain(), text)
    }

    /// Whom a text means that somebody says who may not speak of everybody: a person elsewhere is
    /// nobody.
    pub(super) fn uri_of(&self, known: &Known, text: &str) -> Result<Uri, Fault> {
        let uri = self.uri_in(known.domain().unwrap_or(self.agent.domain()), text)?;
        match known.reaches(&uri) {
            true => Ok(uri),
            false => Err(Fault::not_found("the token speaks of nobody there")),
        }
    }

    /// Whom a text means that names somebody who watches or calls, wherever that one is.
    pub(super) fn other(&self, known: &Known, text: &str) -> Result<Aor, Fault> {
        let uri = self.uri_in(known.domain().unwrap_or(self.agent.domain()), text)?;
        Ok(Api::aor(&uri))
    }

    fn uri_in(&self, domain: &str, text: &str) -> Result<Uri, Fault> {
        let whole = match (text.contains(':'), text.contains('@')) {
            (true, _) => text.to_owned(),
            (false, true) => format!("sip:{text}"),
            (false, false) => format!("sip:{text}@{domain}"),
        };
        let uri =
            Uri::parse(&whole).ok().filter(|uri| uri.user().is_some() || whole.starts_with("tel:"));
        uri.ok_or_else(|| {
            let text = text.escape_debug();
            Fault::bad(format!("\"{text}\" is no address; write 101 or 101@example.com"))
        })
    }

    /// As identities are compared.
    pub(super) fn aor(uri: &Uri) -> Aor {
        Aor::from_parts(&uri.canonical_user(), &uri.canonical_host())
    }

    /// As [`Api::uri_of`], of a part of the path.
    pub(super) fn person(&self, known: &Known, part: Part<String>) -> Result<Uri, Fault> {
        let Path(text) = part.map_err(|fault| Fault::bad(fault.body_text()))?;
        self.uri_of(known, &text)
    }

    /// Asks, and takes refusals and silence for faults.
    pub(super) async fn ask(
        &self,
        who: Identity,
        uri: Uri,
        demand: Demand,
    ) -> Result<Answer, Fault> {
        match self.agent.ask(who, uri, demand).await {
            Some(Answer::Refused(refusal)) => Err(refusal.into()),
            Some(answer) => Ok(answer),
            None => Err(Fault::no_answer()),
        }
    }

    /// What somebody sees of a person.
    pub(super) async fn see(&self, who: Identity, uri: Uri) -> Result<Sight, Fault> {
        match self.ask(who, uri, Demand::See).await? {
            Answer::Seen(sight) => Ok(sight),
            _ => Err(Fault::no_answer()),
        }
    }
}

/// `GET /v1/presence/{aor}`: what the identity of the token sees of a person; the document itself
/// for who accepts no JSON but PIDF.
pub(super) async fn presence(
    State(api): State<Api>,
    aor: Part<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let known = api.access.of(&headers, Scope::Read)?;
    let (who, uri) = (known.watcher(), api.person(known, aor)?);
    let sight = api.see(who, uri).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains(PIDF))
        && let Some(document) = sight.presence
    {
        return Ok(([(header::CONTENT_TYPE, PIDF)], document).into_response());
    }
    Ok(Json(seen::json(&sight)).into_response())
}

const PIDF: &str = "application/pidf+xml";
