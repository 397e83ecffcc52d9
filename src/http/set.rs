//! What is said of a person over HTTP: a state set by hand, flags, calendars.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::access::Known;
use super::api::{Answered, Api, Part};
use super::fault::Fault;
use crate::base::limits::SOURCE_NAME_OCTETS_MAX;
use crate::base::span;
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::event::status::feed::{Entry, Fact, Said, Span, number_of};
use crate::event::status::{
    Absence, Alternate, Event, Kind, Manual, Note, OutOfOffice, Shown, State as Hand,
};
use crate::shard::{Answer, Demand};

pub(super) type Body = Result<Bytes, BytesRejection>;

/// A state to be set by hand.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    state: String,
    #[serde(rename = "for")]
    lasts: Option<String>,
    until: Option<Wall>,
    note: Option<Words>,
    #[serde(default)]
    activities: Vec<Kind>,
    #[serde(default)]
    alternates: Vec<Alternate>,
}

/// How long a flag holds.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flag {
    #[serde(rename = "for")]
    lasts: Option<String>,
    until: Option<Wall>,
}

/// Everything a calendar knows of the days around now.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Calendar {
    events: Vec<Item>,
}

/// An entry of a calendar: `absence` makes it one of days.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    from: Wall,
    until: Wall,
    kind: Option<Kind>,
    shown: Option<Shown>,
    absence: Option<Absence>,
    note: Option<Words>,
    #[serde(default)]
    alternates: Vec<Alternate>,
}

/// Words of a person: a text, or more of it.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    Text(String),
    Note(Note),
}

/// `PUT /v1/presence/{aor}/manual`: sets a state by hand, in place of any other.
pub async fn manual(
    State(api): State<Api>,
    aor: Part<String>,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let known = api.access.known(&headers)?;
    let who = known.setter()?;
    let uri = api.person(known, aor)?;
    let setting: Setting = read(&headers, body)?;
    let state = Hand::from_text(&setting.state).ok_or_else(|| {
        let word = setting.state.escape_debug().to_string();
        let known = "automatic, available, busy, away, brb, dnd, no-queues or invisible";
        Fault::bad(format!("\"{word}\" is no state; write {known}"))
    })?;
    let manual = Manual {
        state,
        activities: few(setting.activities, "activities")?,
        note: setting.note.map(note).transpose()?,
        alternates: alternates(setting.alternates)?,
    };
    manual.activities.iter().try_for_each(|kind| plain(kind.name(), "activities"))?;
    let lasts = lasts(setting.lasts.as_deref(), setting.until)?;
    let span = Span { until: setting.until, ..Span::default() };
    say(&api, who, uri, Said::WHEN_ASKED.manual(manual, span), lasts, state.as_text()).await
}

/// `DELETE /v1/presence/{aor}/manual`: back to what is known otherwise, on every device.
pub async fn automatic(State(api): State<Api>, aor: Part<String>, headers: HeaderMap) -> Answered {
    let known = api.access.known(&headers)?;
    let who = known.setter()?;
    let word = Hand::Automatic.as_text();
    say(&api, who, api.person(known, aor)?, Said::WHEN_ASKED.automatic(), None, word).await
}

/// `PUT /v1/presence/{aor}/dnd/{source}`: a flag is on, such as the key of a phone.
pub async fn dnd(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let known = api.access.known(&headers)?;
    let who = known.setter()?;
    let (uri, number) = of_source(&api, known, path)?;
    let empty = body.as_ref().is_ok_and(Bytes::is_empty);
    let flag: Flag = if empty { Flag::default() } else { read(&headers, body)? };
    let lasts = lasts(flag.lasts.as_deref(), flag.until)?;
    let span = Span { until: flag.until, ..Span::default() };
    say(&api, who, uri, Said::WHEN_ASKED.dnd(number, true, span), lasts, "on").await
}

/// `DELETE /v1/presence/{aor}/dnd/{source}`: a flag is off.
pub async fn no_dnd(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let known = api.access.known(&headers)?;
    let who = known.setter()?;
    let (uri, number) = of_source(&api, known, path)?;
    say(&api, who, uri, Said::WHEN_ASKED.dnd(number, false, Span::default()), None, "off").await
}

/// `PUT /v1/presence/{aor}/calendar/{source}`: all that a calendar knows, in place of what it said.
pub async fn calendar(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Answered {
    let known = api.access.known(&headers)?;
    let who = known.setter()?;
    let (uri, number) = of_source(&api, known, path)?;
    let Calendar { events } = read(&headers, body)?;
    let entries: Vec<(Entry, Span)> =
        events.into_iter().map(entry).collect::<Result<_, Fault>>()?;
    say(&api, who, uri, Said::WHEN_ASKED.calendar(number, &entries), None, "kept").await
}

/// `DELETE /v1/presence/{aor}/calendar/{source}`: a calendar is no more.
pub async fn no_calendar(
    State(api): State<Api>,
    path: Part<(String, String)>,
    headers: HeaderMap,
) -> Answered {
    let known = api.access.known(&headers)?;
    let who = known.setter()?;
    let (uri, number) = of_source(&api, known, path)?;
    say(&api, who, uri, Said::WHEN_ASKED.calendar(number, &[]), None, "gone").await
}

pub(super) async fn say(
    api: &Api,
    who: crate::base::identity::Identity,
    uri: Uri,
    fact: Fact,
    lasting: Option<Duration>,
    state: &str,
) -> Answered {
    match api.ask(who, uri, Demand::Say { fact, lasting }).await? {
        Answer::Said { aor, until } => {
            Ok(Json(json!({ "aor": aor.as_str(), "state": state, "until": until })))
        }
        _ => Err(Fault::no_answer()),
    }
}

fn entry(item: Item) -> Result<(Entry, Span), Fault> {
    let Item { from, until, kind, shown, absence, note: words, alternates: others } = item;
    if until <= from {
        return Err(Fault::bad("events: an entry ends before it begins"));
    }
    let span = Span { from: Some(from), until: Some(until) };
    let Some(absence) = absence else {
        if words.is_some() || !others.is_empty() {
            return Err(Fault::bad("events: note and alternates belong to an absence"));
        }
        let kind = kind.unwrap_or(Kind::Appointment);
        plain(kind.name(), "events.kind")?;
        return Ok((Entry::Event(Event { kind, shown: shown.unwrap_or(Shown::Busy) }), span));
    };
    if kind.is_some() || shown.is_some() {
        return Err(Fault::bad("events: kind and shown belong to an entry that is no absence"));
    }
    let (note, alternates) = (words.map(note).transpose()?, alternates(others)?);
    Ok((Entry::OutOfOffice(OutOfOffice { absence, note, alternates }), span))
}

/// A person, and the number of a source that bears a name.
fn of_source(api: &Api, known: &Known, path: Part<(String, String)>) -> Result<(Uri, u32), Fault> {
    let Path((aor, source)) = path.map_err(|fault| Fault::bad(fault.body_text()))?;
    if source.is_empty() || source.len() > SOURCE_NAME_OCTETS_MAX {
        let most = SOURCE_NAME_OCTETS_MAX;
        return Err(Fault::bad(format!("the name of a source has 1 to {most} octets")));
    }
    Ok((api.uri_of(known, &aor)?, number_of(&source)))
}

/// The document in a body.
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Fault> {
    let body = octets(headers, body, &["application/json"])?;
    serde_json::from_slice(&body).map_err(|fault| Fault::bad(format!("the body: {fault}")))
}

/// A body of one of these types, the usual one first.
pub(super) fn octets(headers: &HeaderMap, body: Body, types: &[&str]) -> Result<Bytes, Fault> {
    let body = body.map_err(|fault| match fault.status() {
        StatusCode::PAYLOAD_TOO_LARGE => {
            let status = StatusCode::PAYLOAD_TOO_LARGE;
            Fault::new(status, "too-large", "the body is larger than anything this path takes")
        }
        _ => Fault::bad(fault.body_text()),
    })?;
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
    match types.iter().any(|known| media.eq_ignore_ascii_case(known)) {
        true => Ok(body),
        false => {
            let usual = types.first().unwrap_or(&"application/json");
            let message = format!("the body has to be {usual}, and to say so");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            Err(Fault::new(status, "unsupported-media-type", message))
        }
    }
}

/// How long something lasts that names no moment.
fn lasts(text: Option<&str>, until: Option<Wall>) -> Result<Option<Duration>, Fault> {
    match (text, until) {
        (None, _) => Ok(None),
        (Some(_), Some(_)) => Err(Fault::bad("for, until: one of them at most")),
        (Some(text), None) => match span::parse(text) {
            Ok(span) if !span.is_zero() => Ok(Some(span)),
            Ok(_) => Err(Fault::bad("for: longer than nothing")),
            Err(fault) => Err(Fault::bad(format!("for: {fault}"))),
        },
    }
}

fn note(words: Words) -> Result<Note, Fault> {
    let note = match words {
        Words::Text(text) => Note::new(&text),
        Words::Note(note) => Note { text: Note::new(&note.text).text, ..note },
    };
    plain(&note.text, "note")?;
    plain(note.emoji.as_deref().unwrap_or_default(), "note.emoji")?;
    let is_tag = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|octet| octet.is_ascii_alphanumeric())
    };
    match note.language.as_deref() {
        Some(language) if !language.split('-').all(is_tag) => {
            Err(Fault::bad("note.language: a language tag such as \"en\" or \"de-CH\""))
        }
        _ => Ok(note),
    }
}

fn alternates(alternates: Vec<Alternate>) -> Result<Vec<Alternate>, Fault> {
    for Alternate { contact, name, relationship } in &alternates {
        if Uri::check(contact).is_err() {
            return Err(Fault::bad("alternates.contact: a URI such as \"sip:103@example.com\""));
        }
        for text in [name, relationship].into_iter().flatten() {
            plain(text, "alternates")?;
        }
    }
    few(alternates, "alternates")
}

fn few<T>(all: Vec<T>, name: &str) -> Result<Vec<T>, Fault> {
    const MOST: usize = 8;
    match all.len() > MOST {
        true => Err(Fault::bad(format!("{name}: {MOST} at most"))),
        false => Ok(all),
    }
}

/// Text that every document can carry, and that fits where it is shown.
fn plain(text: &str, name: &str) -> Result<(), Fault> {
    use crate::base::limits::NOTE_OCTETS_MAX;
    let carried = |c: char| !c.is_control() && !matches!(c, '\u{FFFE}' | '\u{FFFF}') || c == '\n';
    match text.len() <= NOTE_OCTETS_MAX && text.chars().all(carried) {
        true => Ok(()),
        false => Err(Fault::bad(format!(
            "{name}: at most {NOTE_OCTETS_MAX} octets, without control characters"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_or_an_end_but_not_both() {
        let end = Some(Wall::from_unix_millis(5));
        assert_eq!(lasts(Some("45m"), None), Ok(Some(Duration::from_secs(2700))));
        assert_eq!((lasts(None, end), lasts(None, None)), (Ok(None), Ok(None)));
        for (text, until) in [(Some("45m"), end), (Some("0s"), None), (Some("soon"), None)] {
            assert!(lasts(text, until).is_err());
        }
    }

    #[test]
    fn words_that_no_document_can_carry_are_refused() {
        assert!(note(Words::Text("a\nb".to_owned())).is_ok());
        assert!(note(Words::Text("a\u{7}b".to_owned())).is_err());
        let foreign = Note::new("x").in_language("en-GB");
        assert!(note(Words::Note(foreign)).is_ok());
        assert!(note(Words::Note(Note::new("x").in_language("no language"))).is_err());
    }

    #[test]
    fn an_entry_is_an_event_or_an_absence() {
        let read = |text: &str| entry(serde_json::from_str(text).expect("an item"));
        let times = "\"from\":\"2026-03-02T12:00:00Z\",\"until\":\"2026-03-02T13:00:00Z\"";
        assert!(matches!(read(&format!("{{{times}}}")), Ok((Entry::Event(_), _))));
        let absent = format!("{{{times},\"absence\":\"vacation\",\"note\":\"Gone\"}}");
        assert!(matches!(read(&absent), Ok((Entry::OutOfOffice(_), _))));
        assert!(read(&format!("{{{times},\"note\":\"Gone\"}}")).is_err());
        let back = times.replace("T13", "T11");
        assert!(read(&format!("{{{back}}}")).is_err());
    }
}
