//! `/v1/rules/{aor}`: the rules of a person, as the person writes them (RFC 4745, RFC 5025).

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::api::{Api, Part};
use super::config::Scope;
use super::fault::Fault;
use super::papers::{Filed, Filing, Paper, Provided, Unfiled};
use super::set::{self, Body};
use crate::base::identity::Aor;
use crate::policy::rules::place::Place;
use crate::shard::{Answer, Demand};

/// What documents of rules are called (RFC 4745 §15.1).
pub const MEDIA: &str = "application/auth-policy+xml";

/// The document that is meant where none is named (RFC 5025 §9.7).
const INDEX: &str = "index";

/// `GET /v1/rules/{aor}`: all documents of a person; the first of them itself for who accepts no
/// JSON but rules.
pub async fn all(
    State(api): State<Api>,
    aor: Part<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let aor = person(&api, &headers, aor).await?;
    let papers = look(&api, &aor).await?;
    let accept = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|accept| accept.contains(MEDIA)) {
        return document(&headers, papers, INDEX);
    }
    let papers: Vec<_> = papers.iter().map(about).collect();
    Ok(Json(json!({ "aor": aor.as_str(), "documents": papers })).into_response())
}

/// `GET /v1/rules/{aor}/{document}`.
pub async fn one(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let (aor, name) = named(path)?;
    let aor = person(&api, &headers, aor).await?;
    document(&headers, look(&api, &aor).await?, &name)
}

/// `PUT /v1/rules/{aor}`.
pub async fn put_index(
    State(api): State<Api>,
    aor: Part<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    put(&api, aor, INDEX, &headers, body).await
}

/// `PUT /v1/rules/{aor}/{document}`.
pub async fn put_one(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let (aor, name) = named(path)?;
    put(&api, aor, &name, &headers, body).await
}

/// `DELETE /v1/rules/{aor}`.
pub async fn remove_index(
    State(api): State<Api>,
    aor: Part<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    remove(&api, aor, INDEX, &headers).await
}

/// `DELETE /v1/rules/{aor}/{document}`.
pub async fn remove_one(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let (aor, name) = named(path)?;
    remove(&api, aor, &name, &headers).await
}

async fn put(
    api: &Api,
    aor: Part<String>,
    name: &str,
    headers: &HeaderMap,
    body: Body,
) -> Result<Response, Fault> {
    let aor = person(api, headers, aor).await?;
    let octets: Bytes = set::octets(headers, body, &[MEDIA, "application/xml", "text/xml"])?;
    let (document, provided) = (name.to_owned(), provided(headers)?);
    match file(api, &aor, Filing::Put { document, octets, provided }).await? {
        Filed::Put { paper, is_new } => {
            let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
            let tag = [(header::ETAG, quoted(&paper.tag))];
            let mut told = about(&paper);
            told["aor"] = aor.as_str().into();
            Ok((status, tag, Json(told)).into_response())
        }
        _ => Err(Fault::no_answer()),
    }
}

async fn remove(
    api: &Api,
    aor: Part<String>,
    name: &str,
    headers: &HeaderMap,
) -> Result<Response, Fault> {
    let aor = person(api, headers, aor).await?;
    let (document, provided) = (name.to_owned(), provided(headers)?);
    file(api, &aor, Filing::Remove { document, provided }).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// The person whose rules these are, if the token may read and write them.
async fn person(api: &Api, headers: &HeaderMap, aor: Part<String>) -> Result<Aor, Fault> {
    let known = api.access().known(headers)?;
    let who = known.speaker(Scope::Rules, Scope::RulesAny)?;
    let uri = api.person(known, aor)?;
    match api.ask(who, uri, Demand::Speak).await? {
        Answer::MaySpeak(aor) => Ok(aor),
        _ => Err(Fault::no_answer()),
    }
}

fn named(path: Part<(String, String)>) -> Result<(Part<String>, String), Fault> {
    let Path((aor, name)) = path.map_err(|fault| Fault::bad(fault.body_text()))?;
    match Place::name(&name) {
        Some(name) => Ok((Ok(Path(aor)), name.to_owned())),
        None => Err(Fault::bad("the name of a document has letters, digits, \"-\", \"_\", \".\"")),
    }
}

async fn look(api: &Api, aor: &Aor) -> Result<Vec<Paper>, Fault> {
    match file(api, aor, Filing::Look).await? {
        Filed::All(papers) => Ok(papers),
        _ => Err(Fault::no_answer()),
    }
}

async fn file(api: &Api, aor: &Aor, filing: Filing) -> Result<Filed, Fault> {
    api.agent.file(aor.clone(), filing).await.map_err(Fault::from)
}

fn document(headers: &HeaderMap, papers: Vec<Paper>, name: &str) -> Result<Response, Fault> {
    let paper = papers.into_iter().find(|paper| paper.document == name);
    let paper = paper.ok_or_else(|| Fault::from(Unfiled::NoSuch))?;
    let tag = [(header::ETAG, quoted(&paper.tag))];
    let known = tags(headers, &header::IF_NONE_MATCH)?;
    let is_known = known.is_some_and(|known| known.is_empty() || known.contains(&paper.tag));
    Ok(match is_known {
        true => (StatusCode::NOT_MODIFIED, tag).into_response(),
        false => (tag, [(header::CONTENT_TYPE, MEDIA)], paper.octets).into_response(),
    })
}

fn about(paper: &Paper) -> serde_json::Value {
    json!({
        "document": paper.document,
        "etag": quoted(&paper.tag),
        "octets": paper.octets.len(),
    })
}

fn quoted(tag: &str) -> String {
    format!("\"{tag}\"")
}

/// What the request wants to be so before it is done.
fn provided(headers: &HeaderMap) -> Result<Provided, Fault> {
    let (wanted, unwanted) =
        (tags(headers, &header::IF_MATCH)?, tags(headers, &header::IF_NONE_MATCH)?);
    match (wanted, unwanted) {
        (None, None) => Ok(Provided::Always),
        (Some(any), None) if any.is_empty() => Ok(Provided::There),
        (Some(tags), None) => Ok(Provided::Is(tags)),
        (None, Some(any)) if any.is_empty() => Ok(Provided::Absent),
        _ => Err(Fault::bad("If-Match: \"...\", or If-None-Match: *, and not both")),
    }
}

/// The tags of a header; none of them for `*`, which is any.
fn tags(headers: &HeaderMap, name: &HeaderName) -> Result<Option<Vec<String>>, Fault> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(Some(Vec::new()));
    }
    let tag = |tag: &str| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        Some(tag.strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    let tags: Option<Vec<String>> = text.split(',').map(tag).collect();
    match tags {
        Some(tags) => Ok(Some(tags)),
        None => Err(Fault::bad(format!("{name}: a tag in quotes, or *"))),
    }
}

impl From<Unfiled> for Fault {
    fn from(unfiled: Unfiled) -> Fault {
        match unfiled {
            Unfiled::Nowhere => Fault::not_found(
                "persons have no rules of their own here; policy.documents names their folder",
            ),
            Unfiled::NoSuch => Fault::not_found("there is no such document"),
            Unfiled::Changed => Fault::new(
                StatusCode::PRECONDITION_FAILED,
                "changed",
                "the document is not as the request takes it to be; read it again",
            ),
            Unfiled::Twice => Fault::new(
                StatusCode::CONFLICT,
                "twice",
                "the document stands in two files; the operator has to take one away",
            ),
            Unfiled::Wrong { line, what } => Fault::wrong_at(line, what),
            Unfiled::Unkept => Fault::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unkept",
                "the document cannot be written; all is as it was, and the log of the agent \
                 says why",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().expect("a value"));
        headers
    }

    #[test]
    fn conditions_are_read_and_odd_ones_refused() {
        let (wanted, unwanted) = (header::IF_MATCH, header::IF_NONE_MATCH);
        let read = |name: &HeaderName, value: &str| provided(&headers(name.clone(), value));
        assert_eq!(provided(&HeaderMap::new()), Ok(Provided::Always));
        assert_eq!(read(&wanted, "*"), Ok(Provided::There));
        assert_eq!(read(&unwanted, "*"), Ok(Provided::Absent));
        let two = Provided::Is(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(read(&wanted, "\"a\", \"b\""), Ok(two));
        assert!(read(&wanted, "a").is_err() && read(&unwanted, "\"a\"").is_err());
    }
}
