//! The documents `publish` writes.

use bytes::Bytes;
use clap::ValueEnum;

use super::state::Package;
use crate::base::uri::Uri;
use crate::doc::dialog_info::{Dialog, Direction, Identity, Participant, State, Target};
use crate::doc::element::Name;
use crate::doc::pidf::{Basic, Note, Person, Tuple};
use crate::doc::summary::{Class, Counts};
use crate::doc::{DialogInfo, Namespace, Presence, Summary, rpid};
use crate::server::config::nearest;

/// A document and what it is.
pub struct Document {
    /// Whose package it is of.
    pub package: Package,
    /// Its octets.
    pub octets: Bytes,
    /// What it says, for people.
    pub says: String,
}

/// How far a call has come, as one types it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub enum CallState {
    /// The INVITE is on its way.
    Trying,
    /// It is being worked on.
    Proceeding,
    /// It rings.
    #[value(alias = "ringing")]
    Early,
    /// It was answered.
    #[value(alias = "busy")]
    Confirmed,
    /// It was answered and is on hold.
    Held,
    /// It is over.
    #[value(alias = "idle")]
    Terminated,
}

/// Who called, seen from the one published.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Caller {
    /// The one published called.
    #[value(alias = "out")]
    Initiator,
    /// The one published is called.
    #[value(alias = "in")]
    Recipient,
}

/// A call to be written.
pub struct Call<'a> {
    /// Its id in the document.
    pub id: &'a str,
    /// Its Call-ID.
    pub call_id: &'a str,
    /// How far it has come.
    pub state: CallState,
    /// Who called.
    pub caller: Caller,
    /// The other end.
    pub remote: Option<&'a str>,
}

impl CallState {
    /// As the document has it.
    pub fn written(self) -> State {
        match self {
            CallState::Trying => State::Trying,
            CallState::Proceeding => State::Proceeding,
            CallState::Early => State::Early,
            CallState::Confirmed | CallState::Held => State::Confirmed,
            CallState::Terminated => State::Terminated,
        }
    }
}

impl Caller {
    fn written(self) -> Direction {
        match self {
            Caller::Initiator => Direction::Initiator,
            Caller::Recipient => Direction::Recipient,
        }
    }
}

/// Whether somebody takes calls, what they do, and what they say about it.
pub fn presence(uri: &Uri, basic: Basic, activities: &[String], note: Option<&str>) -> Document {
    let mut tuple = Tuple { id: "cli".to_owned(), basic: Some(basic), ..Tuple::default() };
    let mut person = Person { id: "person".to_owned(), ..Person::default() };
    for activity in activities {
        person.add_activity(Name::new(Namespace::Rpid, activity));
    }
    let place = if activities.is_empty() { &mut tuple.notes } else { &mut person.notes };
    place.extend(note.map(Note::new));
    let persons = if activities.is_empty() { Vec::new() } else { vec![person] };
    let document =
        Presence { entity: uri.bare(), tuples: vec![tuple], persons, ..Presence::default() };
    let mut says = vec![basic.as_text().to_owned()];
    says.extend(activities.iter().cloned());
    says.extend(note.map(|note| format!("\"{}\"", note.escape_debug())));
    let octets = document.write().into();
    Document { package: Package::Presence, octets, says: says.join(" ") }
}

/// One call.
pub fn call(uri: &Uri, call: &Call<'_>) -> Document {
    let own = uri.bare();
    let rendering =
        (call.state == CallState::Held).then(|| ("+sip.rendering".to_owned(), "no".to_owned()));
    let end = |uri: &str, params: Vec<(String, String)>| Participant {
        identity: Some(Identity { display: None, uri: uri.to_owned() }),
        target: Some(Target { uri: uri.to_owned(), params }),
        ..Participant::default()
    };
    let dialog = Dialog {
        call_id: Some(call.call_id.to_owned()),
        direction: Some(call.caller.written()),
        local: Some(end(&own, rendering.into_iter().collect())),
        remote: call.remote.map(|remote| end(remote, Vec::new())),
        ..Dialog::new(call.id, call.state.written())
    };
    let octets = DialogInfo::body([dialog].iter()).to_bytes(0, &own);
    let says = match call.state {
        CallState::Held => "held".to_owned(),
        state => state.written().as_text().to_owned(),
    };
    Document { package: Package::Dialog, octets, says }
}

/// Waiting voice messages, new and old.
pub fn messages(uri: &Uri, (new, old): (u32, u32)) -> Document {
    let summary = Summary {
        waiting: new > 0,
        account: Some(uri.bare()),
        counts: vec![(Class::Voice, Counts { new, old, urgent: None })],
    };
    let says = format!("{new} new, {old} old");
    Document { package: Package::MessageSummary, octets: summary.write().into(), says }
}

/// Reads `NEW/OLD`.
pub fn counts(text: &str) -> Result<(u32, u32), String> {
    let pair = text
        .split_once('/')
        .and_then(|(new, old)| Some((new.trim().parse().ok()?, old.trim().parse().ok()?)));
    pair.ok_or_else(|| "write NEW/OLD, such as 2/8".to_owned())
}

/// Reads an activity of RFC 4480.
pub fn activity(text: &str) -> Result<String, String> {
    let word = text.to_ascii_lowercase();
    if rpid::ACTIVITIES.contains(&&*word) {
        return Ok(word);
    }
    Err(match nearest(&word, rpid::ACTIVITIES.iter().copied()) {
        Some(near) => format!("no activity of RFC 4480; did you mean \"{near}\"?"),
        None => format!("no activity of RFC 4480; write one of {}", rpid::ACTIVITIES.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri() -> Uri {
        Uri::parse("sip:101@a.test").expect("a URI")
    }

    fn line(document: &Document) -> String {
        document.package.read("101", &document.octets).expect("readable").line
    }

    #[test]
    fn what_is_published_is_what_a_watcher_reads() {
        let activities = ["on-the-phone".to_owned(), "travel".to_owned()];
        let rich = presence(&uri(), Basic::Open, &activities, Some("Back & forth"));
        assert_eq!(line(&rich), "101 open on-the-phone travel \"Back & forth\"");
        assert_eq!(
            line(&presence(&uri(), Basic::Closed, &[], Some("gone"))),
            "101 closed \"gone\""
        );
        assert_eq!(line(&messages(&uri(), (2, 8))), "101 2 new, 8 old");
        let state = |state, caller| {
            let remote = Some("sip:102@a.test");
            line(&call(&uri(), &Call { id: "c", call_id: "x", state, caller, remote }))
        };
        assert_eq!(state(CallState::Early, Caller::Recipient), "101 ringing (from sip:102@a.test)");
        assert_eq!(state(CallState::Early, Caller::Initiator), "101 calling (to sip:102@a.test)");
        assert_eq!(state(CallState::Held, Caller::Initiator), "101 held (with sip:102@a.test)");
        assert_eq!(state(CallState::Terminated, Caller::Initiator), "101 idle");
    }

    #[test]
    fn a_slip_in_an_activity_is_told() {
        assert_eq!(activity("Busy"), Ok("busy".to_owned()));
        let error = activity("on-the-fone").expect_err("no activity");
        assert!(error.contains("on-the-phone"), "{error}");
        assert!(counts("2").is_err() && counts("2/-1").is_err());
    }
}
