//! What a document says, in a line for people and in words to wait for.

use serde_json::{Value, json};

use crate::base::uri::Uri;
use crate::doc::dialog_info::{Dialog, Direction, State};
use crate::doc::pidf::{Basic, Note};
use crate::doc::summary::Class;
use crate::doc::{DialogInfo, Presence, Summary, rpid};
use crate::server::config::nearest;

/// An event package as it is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Package {
    /// Whether somebody is reachable, and what they are doing.
    Presence,
    /// Their calls: the busy lamp.
    Dialog,
    /// How many messages wait for them.
    #[value(alias = "mwi")]
    MessageSummary,
}

/// What one document says.
#[derive(Clone, PartialEq, Debug)]
pub struct Seen {
    /// The state in one word.
    pub state: String,
    /// For people.
    pub line: String,
    /// Every word that can be waited for.
    pub words: Vec<String>,
    /// The document's own version.
    pub version: Option<u32>,
    /// For programs.
    pub detail: Value,
}

/// States a line can be in, the one that says most first.
const LAMPS: &[&str] = &["ringing", "held", "busy", "calling", "trying", "idle"];

/// States of RFC 4235, which may be waited for too.
const DIALOG_STATES: &[&str] = &["proceeding", "early", "confirmed", "terminated"];

impl Package {
    /// As the Event header has it.
    pub fn name(self) -> &'static str {
        match self {
            Package::Presence => "presence",
            Package::Dialog => "dialog",
            Package::MessageSummary => "message-summary",
        }
    }

    /// The media type of its documents.
    pub fn media(self) -> &'static str {
        match self {
            Package::Presence => "application/pidf+xml",
            Package::Dialog => "application/dialog-info+xml",
            Package::MessageSummary => "application/simple-message-summary",
        }
    }

    /// What the names of files with its documents end in.
    pub fn ending(self) -> &'static str {
        match self {
            Package::MessageSummary => "txt",
            _ => "xml",
        }
    }

    /// A state that can be waited for, as it is compared; else what to write.
    pub fn awaited(self, text: &str) -> Result<String, String> {
        let word = text.to_ascii_lowercase();
        if self == Package::MessageSummary {
            let is_count = |part: &str| part.parse::<u32>().is_ok();
            let is_pair = word.split_once('/').is_some_and(|(n, o)| is_count(n) && is_count(o));
            return match is_pair || matches!(&*word, "waiting" | "none") {
                true => Ok(word),
                false => Err(format!(
                    "\"{text}\" is no state of message-summary; write NEW/OLD such as 2/8, \
                     waiting or none"
                )),
            };
        }
        if self.words().any(|known| known == word) {
            return Ok(word);
        }
        let other = [Package::Dialog, Package::Presence]
            .into_iter()
            .find(|other| *other != self && other.words().any(|known| known == word));
        let advice = match (other, nearest(&word, self.words())) {
            (Some(other), _) => format!("it is one of --package {}", other.name()),
            (None, Some(near)) => format!("did you mean \"{near}\"?"),
            (None, None) => format!("write one of {}", self.words().collect::<Vec<_>>().join(", ")),
        };
        Err(format!("\"{text}\" is no state of {}; {advice}", self.name()))
    }

    fn words(self) -> impl Iterator<Item = &'static str> {
        let lists: [&'static [&'static str]; 2] = match self {
            Package::Presence => [&["open", "closed", "unknown"], rpid::ACTIVITIES],
            Package::Dialog => [LAMPS, DIALOG_STATES],
            Package::MessageSummary => [&["waiting", "none"], &[]],
        };
        lists.into_iter().flatten().copied()
    }

    /// Reads a document of this package about `who`.
    pub fn read(self, who: &str, body: &[u8]) -> Result<Seen, String> {
        match self {
            Package::Presence => {
                Presence::read(body, None).map(|document| presence(who, &document))
            }
            Package::Dialog => DialogInfo::read(body, None).map(|info| dialogs(who, &info)),
            Package::MessageSummary => Summary::read(body).map(|summary| messages(who, &summary)),
        }
        .map_err(|error| format!("a {} document that cannot be read: {error}", self.name()))
    }
}

fn dialogs(who: &str, info: &DialogInfo) -> Seen {
    let live = || info.dialogs.iter().filter(|call| call.state != State::Terminated);
    let mut lamps: Vec<(&str, String)> = live().map(lamp).collect();
    lamps.sort_by_key(|(lamp, _)| LAMPS.iter().position(|known| known == lamp));
    if lamps.is_empty() {
        lamps.push(("idle", String::new()));
    }
    let told: Vec<String> = lamps.iter().map(|(lamp, with)| format!("{lamp}{with}")).collect();
    let state = lamps.first().map_or("idle", |(lamp, _)| lamp).to_owned();
    let own_words = info.dialogs.iter().map(|call| call.state.as_text().to_owned());
    let words = lamps.iter().map(|(lamp, _)| (*lamp).to_owned()).chain(own_words).collect();
    let calls: Vec<Value> = info.dialogs.iter().map(call_detail).collect();
    Seen {
        state,
        line: format!("{who} {}", told.join(", ")),
        words,
        version: info.version,
        detail: json!({ "dialogs": calls }),
    }
}

/// What a lamp shows of one call, and with whom it is.
fn lamp(call: &Dialog) -> (&'static str, String) {
    let with = remote_of(call);
    let with = |preposition: &str| match with {
        Some(uri) => format!(" ({preposition} {uri})"),
        None => String::new(),
    };
    match (call.state, call.direction) {
        (State::Confirmed, _) if is_held(call) => ("held", with("with")),
        (State::Confirmed, _) => ("busy", with("with")),
        (State::Trying, Some(Direction::Recipient) | None) => ("trying", with("from")),
        (State::Trying, Some(Direction::Initiator)) => ("trying", with("to")),
        (State::Terminated, _) => ("idle", String::new()),
        (_, Some(Direction::Initiator)) => ("calling", with("to")),
        (_, _) => ("ringing", with("from")),
    }
}

/// RFC 4235 §4.1.6.2 by way of RFC 3840: the phone renders nothing.
fn is_held(call: &Dialog) -> bool {
    [&call.local, &call.remote].into_iter().flatten().filter_map(|who| who.target.as_ref()).any(
        |target| {
            target.params.iter().any(|(name, value)| name == "+sip.rendering" && value == "no")
        },
    )
}

fn remote_of(call: &Dialog) -> Option<&str> {
    let remote = call.remote.as_ref()?;
    let identity = remote.identity.as_ref().map(|identity| identity.uri.as_str());
    identity.or_else(|| remote.target.as_ref().map(|target| target.uri.as_str()))
}

fn call_detail(call: &Dialog) -> Value {
    json!({
        "id": call.id,
        "call_id": call.call_id,
        "direction": call.direction.map(Direction::as_text),
        "state": call.state.as_text(),
        "reason": call.event.map(|event| event.as_text()),
        "remote": remote_of(call),
    })
}

fn presence(who: &str, document: &Presence) -> Seen {
    let basics = || document.tuples.iter().filter_map(|tuple| tuple.basic);
    let state = match (basics().any(|basic| basic == Basic::Open), basics().next()) {
        (true, _) => "open",
        (false, Some(_)) => "closed",
        (false, None) => "unknown",
    };
    let mut activities: Vec<String> = Vec::new();
    for activity in document.persons.iter().flat_map(|person| person.activities()) {
        let activity = activity.local.to_string();
        if !activities.contains(&activity) {
            activities.push(activity);
        }
    }
    let notes = notes(document);
    let mut words = vec![state.to_owned()];
    words.extend(activities.iter().cloned());
    let mut line = format!("{who} {}", words.join(" "));
    for note in &notes {
        line.push_str(&format!(" \"{}\"", note.escape_debug()));
    }
    Seen {
        state: state.to_owned(),
        line,
        words,
        version: None,
        detail: json!({ "activities": activities, "notes": notes }),
    }
}

/// Every note once, the person's first.
fn notes(document: &Presence) -> Vec<&str> {
    let of_persons = document.persons.iter().flat_map(|person| &person.notes);
    let of_tuples = document.tuples.iter().flat_map(|tuple| &tuple.notes);
    let mut notes = Vec::new();
    for Note { text, .. } in of_persons.chain(&document.notes).chain(of_tuples) {
        let text = text.trim();
        if !notes.contains(&text) {
            notes.push(text);
        }
    }
    notes
}

fn messages(who: &str, summary: &Summary) -> Seen {
    let voice = summary.counts.iter().find(|(class, _)| *class == Class::Voice);
    let voice = voice.map(|(_, counts)| *counts).unwrap_or_default();
    let mut line = format!("{who} {} new, {} old", voice.new, voice.old);
    for (class, counts) in summary.counts.iter().filter(|(class, _)| *class != Class::Voice) {
        let class = class.as_text().to_ascii_lowercase();
        line.push_str(&format!("; {class} {} new, {} old", counts.new, counts.old));
    }
    let waiting = if summary.waiting { "waiting" } else { "none" };
    let state = format!("{}/{}", voice.new, voice.old);
    Seen {
        line,
        words: vec![state.clone(), waiting.to_owned()],
        state,
        version: None,
        detail: json!({ "waiting": summary.waiting, "new": voice.new, "old": voice.old }),
    }
}

/// The URI another end of a call is written as: `102` is one of the same host.
pub fn party(text: &str, home: &Uri) -> Result<String, String> {
    let whole = match text.split_once(':') {
        Some(_) => text.to_owned(),
        None if text.contains('@') => format!("sip:{text}"),
        None => format!("sip:{text}@{}", home.host_text()),
    };
    match Uri::check(&whole) {
        Ok(()) => Ok(whole),
        Err(_) => Err(format!("\"{text}\" is no address; write 102 or sip:102@example.com")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialog(inside: &str) -> Seen {
        let text = format!(
            "<dialog-info xmlns='urn:ietf:params:xml:ns:dialog-info' version='7' state='full' \
             entity='sip:101@a.test'>{inside}</dialog-info>"
        );
        Package::Dialog.read("101", text.as_bytes()).expect("read")
    }

    fn remote(uri: &str) -> String {
        format!("<remote><identity>{uri}</identity></remote>")
    }

    #[test]
    fn a_lamp_says_what_the_line_is_doing_and_with_whom() {
        let from = remote("sip:102@a.test");
        let ringing = dialog(&format!(
            "<dialog id='a' direction='recipient'><state>early</state>{from}</dialog>"
        ));
        assert_eq!(ringing.line, "101 ringing (from sip:102@a.test)");
        assert_eq!((ringing.version, ringing.state.as_str()), (Some(7), "ringing"));
        assert!(ringing.words.contains(&"early".to_owned()));
        let calling = dialog("<dialog id='a' direction='initiator'><state>early</state></dialog>");
        assert_eq!(calling.line, "101 calling");
        assert_eq!(dialog("").line, "101 idle");
        let over = dialog("<dialog id='a'><state>terminated</state></dialog>");
        assert_eq!((over.line.as_str(), over.words.len()), ("101 idle", 2));
    }

    #[test]
    fn of_several_calls_the_one_to_be_picked_up_comes_first() {
        let seen = dialog(
            "<dialog id='a'><state>confirmed</state><local><target uri='sip:101@a'>\
             <param pname='+sip.rendering' pval='no'/></target></local></dialog>\
             <dialog id='b'><state>early</state></dialog>\
             <dialog id='c'><state>confirmed</state></dialog>",
        );
        assert_eq!(seen.line, "101 ringing, held, busy");
        assert_eq!(seen.state, "ringing");
    }

    #[test]
    fn presence_says_basic_activities_and_notes() {
        let text = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
            xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
            xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' entity='sip:101@a'>\
            <tuple id='t'><status><basic>open</basic></status><note>Back at 3</note></tuple>\
            <dm:person id='p'><r:activities><r:on-the-phone/></r:activities></dm:person></presence>";
        let seen = Package::Presence.read("101", text.as_bytes()).expect("read");
        assert_eq!(seen.line, "101 open on-the-phone \"Back at 3\"");
        assert_eq!(seen.words, ["open", "on-the-phone"]);
    }

    #[test]
    fn messages_are_counted() {
        let text = "Messages-Waiting: yes\r\nVoice-Message: 2/8\r\nFax-Message: 1/0\r\n";
        let seen = Package::MessageSummary.read("101", text.as_bytes()).expect("read");
        assert_eq!(seen.line, "101 2 new, 8 old; fax-message 1 new, 0 old");
        assert_eq!(seen.words, ["2/8", "waiting"]);
    }

    #[test]
    fn what_cannot_come_is_not_waited_for() {
        assert_eq!(Package::Dialog.awaited("Ringing"), Ok("ringing".to_owned()));
        assert_eq!(Package::MessageSummary.awaited("2/8"), Ok("2/8".to_owned()));
        for (package, text, told) in [
            (Package::Dialog, "rining", "did you mean \"ringing\"?"),
            (Package::Presence, "ringing", "--package dialog"),
            (Package::Dialog, "on-the-phone", "--package presence"),
            (Package::MessageSummary, "2", "NEW/OLD"),
        ] {
            let error = package.awaited(text).expect_err(text);
            assert!(error.contains(told), "{error}");
        }
    }
}
