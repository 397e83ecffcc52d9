//! What this command has published, remembered between two calls of it.
//!
//! One small file for each address, package and agent, below the cache directory. Without it a
//! later `publish` would make a second publication instead of changing the first, and a call
//! could not be told from the next. Lost, it costs no more than that.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::document::{CallState, Caller};
use super::file;
use super::state::Package;
use crate::base::mint::Secret;
use crate::base::uri::Uri;
use crate::ua::Published;

/// Where one publication is remembered, and what is.
pub struct Memory {
    path: PathBuf,
    uri: Uri,
    package: Package,
    server: String,
    /// What was published last; nothing if it has expired.
    note: Option<Note>,
}

/// What is remembered of a publication.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Note {
    /// Whose state it is.
    pub uri: String,
    /// In which package.
    pub package: String,
    /// At which agent.
    pub server: String,
    /// Its name.
    pub entity_tag: Option<String>,
    /// When it ends, in seconds since 1970.
    pub until: u64,
    /// The call it is about.
    pub call: Option<CallNote>,
}

/// What is remembered of a call.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CallNote {
    /// Its id in the document.
    pub id: String,
    /// Its Call-ID.
    pub call_id: String,
    /// How far it had come, as it is typed.
    pub state: String,
    /// Whether the one published called.
    pub is_caller: bool,
    /// The other end.
    pub remote: Option<String>,
}

/// What is typed about a call.
pub struct Typed<'a> {
    /// How far it has come.
    pub state: CallState,
    /// Its Call-ID, if given.
    pub call_id: Option<&'a str>,
    /// Who called, if given.
    pub caller: Option<Caller>,
    /// The other end, if given.
    pub remote: Option<String>,
}

impl Memory {
    /// Of one publication. A Call-ID that is given makes it one of its own, so that several
    /// calls of one address can be published side by side.
    pub fn open(uri: &Uri, package: Package, server: &str, call_id: Option<&str>) -> Memory {
        let parts = [&*uri.bare(), package.name(), server, call_id.unwrap_or_default()];
        let path = folder().join(format!("{:016x}.json", fingerprint(&parts)));
        let note = std::fs::read(&path).ok();
        let note = note.and_then(|octets| serde_json::from_slice::<Note>(&octets).ok());
        let note = note.filter(|note| note.until > seconds(SystemTime::now()));
        Memory { path, uri: uri.clone(), package, server: server.to_owned(), note }
    }

    /// Which package it is of.
    pub fn package(&self) -> Package {
        self.package
    }

    /// The name the publication had last.
    pub fn entity_tag(&self) -> Option<&str> {
        self.note.as_ref()?.entity_tag.as_deref()
    }

    /// The call as it is now: the one remembered goes on, unless it has ended or what is typed
    /// would take it back; then it is a new one, with a Call-ID that was never used.
    pub fn call(&self, typed: Typed<'_>) -> CallNote {
        let Typed { state, call_id, caller, remote } = typed;
        let before = self.note.as_ref().and_then(|note| note.call.as_ref());
        let goes_on = |call: &&CallNote| {
            let given = call_id.is_none_or(|given| given == call.call_id);
            let last = <CallState as clap::ValueEnum>::from_str(&call.state, true);
            given
                && last.is_ok_and(|last| {
                    last != CallState::Terminated && last.written() <= state.written()
                })
        };
        let before = before.filter(goes_on);
        let is_caller = match (caller, before) {
            (Some(caller), _) => caller == Caller::Initiator,
            (None, Some(call)) => call.is_caller,
            (None, None) => false,
        };
        let own = fingerprint(&[&*self.uri.bare()]);
        let fresh = || format!("{own:016x}-{:x}@fanal", millis(SystemTime::now()));
        CallNote {
            id: match (before, call_id) {
                (Some(call), _) => call.id.clone(),
                (None, Some(given)) => format!("cli-{:016x}", fingerprint(&[given])),
                (None, None) => format!("cli-{own:016x}"),
            },
            call_id: match (before, call_id) {
                (_, Some(given)) => given.to_owned(),
                (Some(call), None) => call.call_id.clone(),
                (None, None) => fresh(),
            },
            state: state_text(state),
            is_caller,
            remote: remote.or_else(|| before.and_then(|call| call.remote.clone())),
        }
    }

    /// Whether a call that can be ended is remembered.
    pub fn has_live_call(&self) -> bool {
        let call = self.note.as_ref().and_then(|note| note.call.as_ref());
        call.is_some_and(|call| call.state != state_text(CallState::Terminated))
    }

    /// Remembers what became of a publication; says why if that fails.
    pub fn keep(&self, published: &Published, call: Option<&CallNote>) -> Result<(), String> {
        let note = Note {
            uri: self.uri.bare(),
            package: self.package.name().to_owned(),
            server: self.server.clone(),
            entity_tag: published.entity_tag.clone(),
            until: seconds(SystemTime::now() + published.expires),
            call: call.cloned(),
        };
        let text = serde_json::to_vec(&note).map_err(|error| error.to_string())?;
        file::write_private(&self.path, &text)
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }

    /// Forgets a publication that is gone.
    pub fn forget(&self) {
        // What is not there need not be forgotten.
        let _ = std::fs::remove_file(&self.path);
    }
}

impl CallNote {
    /// Who called.
    pub fn caller(&self) -> Caller {
        if self.is_caller { Caller::Initiator } else { Caller::Recipient }
    }
}

fn state_text(state: CallState) -> String {
    use clap::ValueEnum;
    state.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// `$XDG_CACHE_HOME/fanal/published`, else below `~/.cache`.
fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let cache = match (set("XDG_CACHE_HOME"), set("HOME")) {
        (Some(cache), _) => PathBuf::from(cache),
        (None, Some(home)) => Path::new(&home).join(".cache"),
        (None, None) => std::env::temp_dir(),
    };
    cache.join("fanal/published")
}

/// The same for the same parts, on every machine.
fn fingerprint(parts: &[&str]) -> u64 {
    let parts: Vec<&[u8]> = parts.iter().map(|part| part.as_bytes()).collect();
    Secret::new(*b"fanal: published").hash(&parts)
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

fn millis(time: SystemTime) -> u128 {
    time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri() -> Uri {
        Uri::parse("sip:101@a.test").expect("a URI")
    }

    fn typed(state: CallState) -> Typed<'static> {
        Typed { state, call_id: None, caller: None, remote: None }
    }

    fn remembering(call: Option<CallNote>) -> Memory {
        let (package, server) = ("dialog".to_owned(), String::new());
        let note = Note { uri: uri().bare(), package, server, entity_tag: None, until: 0, call };
        let (path, package, server) = (PathBuf::new(), Package::Dialog, String::new());
        Memory { path, uri: uri(), package, server, note: Some(note) }
    }

    #[test]
    fn a_call_goes_on_until_it_has_ended() {
        let remote = Some("sip:102@a.test".to_owned());
        let first = Typed { caller: Some(Caller::Initiator), remote, ..typed(CallState::Early) };
        let early = remembering(None).call(first);
        let answered = remembering(Some(early.clone())).call(typed(CallState::Confirmed));
        assert_eq!((&answered.call_id, &answered.id), (&early.call_id, &early.id));
        assert_eq!((answered.is_caller, &answered.remote), (true, &early.remote));
        let ended = remembering(Some(answered)).call(typed(CallState::Terminated));
        assert_eq!(ended.call_id, early.call_id);
        assert!(!remembering(Some(ended.clone())).has_live_call());
        std::thread::sleep(Duration::from_millis(2));
        let next = remembering(Some(ended)).call(typed(CallState::Early));
        assert_ne!(next.call_id, early.call_id);
        assert_eq!((next.remote, next.is_caller), (None, false));
    }

    #[test]
    fn a_call_that_would_go_back_is_a_new_one() {
        let busy = remembering(None).call(typed(CallState::Confirmed));
        let held = remembering(Some(busy.clone())).call(typed(CallState::Held));
        assert_eq!(held.call_id, busy.call_id);
        let back = remembering(Some(held)).call(typed(CallState::Confirmed));
        assert_eq!(back.call_id, busy.call_id, "taken off hold");
        std::thread::sleep(Duration::from_millis(2));
        let again = remembering(Some(back)).call(typed(CallState::Trying));
        assert_ne!(again.call_id, busy.call_id);
    }

    #[test]
    fn a_call_id_that_is_given_is_taken() {
        let given = |call_id| {
            let typed = Typed { call_id: Some(call_id), ..typed(CallState::Early) };
            remembering(None).call(typed)
        };
        assert_eq!(given("a@b").call_id, "a@b");
        assert_ne!(given("a@b").id, given("c@d").id);
    }
}
