//! The inspector stands at the agent's door: sees what goes in and what comes out, and knows
//! what must never happen.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hasher;
use std::time::Duration;

use bytes::Bytes;
use fanal::base::flow::Flow;
use fanal::base::time::{Moment, Wall};
use fanal::transaction::{ClientKey, Ticket, Transmit};

use super::ledger::{Entry, Ledger, Publication, Says};
use super::letter::Letter;
use super::shown::{self, Shown};
use super::told::Told;

/// Stops the world: this must never happen.
pub fn broken(now: Moment, rule: &str, what: impl std::fmt::Display) -> ! {
    let seconds = Duration::from_micros(now.as_micros()).as_secs_f64();
    panic!("at {seconds:.6} s, broken: {rule}\n{what}");
}

/// A request that reached the agent, and the answer it got in this life of the agent.
struct Asked {
    letter: Letter,
    peer: String,
    by_stream: bool,
    life: u32,
    answer: Option<Bytes>,
}

/// The time, as everybody here reads it.
pub type Now = (Moment, Wall);

/// What the inspector has written down.
#[derive(Default)]
pub struct Inspector {
    pub ledger: Ledger,
    pub told: BTreeMap<String, Told>,
    asked: BTreeMap<String, Asked>,
    /// The dialog each NOTIFY belongs to, by its branch, and its octets.
    notifies: BTreeMap<String, (String, Bytes)>,
    branches: HashMap<ClientKey, String>,
    entity_tags: BTreeSet<String>,
    /// Of this turn: answers still to come by branch, watchers to be told at once.
    unanswered: BTreeMap<String, i64>,
    to_be_told: BTreeSet<String>,
    pub life: u32,
    /// A mark of everything that left the agent, to tell two worlds apart.
    pub mark: DefaultHasher,
    pub messages: u64,
}

impl Inspector {
    /// A message is handed to a shard.
    pub fn arrives(&mut self, now: Now, octets: Bytes, flow: &Flow) {
        let letter = Letter::new(octets);
        self.messages += 1;
        if !letter.is_request() {
            if let Some((tag, _)) = self.notifies.get(letter.branch())
                && let Some(told) = self.told.get_mut(tag)
            {
                told.answered(now, &letter);
            }
            return;
        }
        let branch = letter.branch().to_owned();
        *self.unanswered.entry(branch.clone()).or_default() += 1;
        let life = self.life;
        if self.asked.get(&branch).is_none_or(|asked| asked.life != life) {
            let peer = flow.peer().ip().to_string();
            let by_stream = flow.transport().is_reliable();
            self.asked.insert(branch, Asked { letter, peer, by_stream, life, answer: None });
        }
    }

    /// A shard was told that a request could not be sent.
    pub fn undeliverable(&mut self, now: Now, key: ClientKey) {
        let Some(branch) = self.branches.get(&key) else { return };
        let Some((tag, _)) = self.notifies.get(branch) else { return };
        if let Some(told) = self.told.get_mut(tag) {
            told.undeliverable(now, branch);
        }
    }

    /// A message comes out of a shard, in a turn whose changes have this ticket.
    pub fn leaves(&mut self, now: Now, shard: usize, batch: Ticket, transmit: &Transmit) {
        let letter = Letter::new(transmit.to_bytes());
        self.messages += 1;
        self.mark.write(&letter.octets);
        if letter.is_request() {
            let key = transmit.request.expect("a request can be named");
            self.branches.insert(key, letter.branch().to_owned());
            self.notify(now, shard, batch, &letter);
        } else {
            self.response(now, shard, transmit.after, &letter);
        }
    }

    /// The turn is over.
    pub fn turned(&mut self, now: Now) {
        if let Some((branch, count)) = self.unanswered.iter().find(|(_, count)| **count != 0) {
            let asked = &self.asked[branch].letter;
            broken(now.0, "each transmission of a request is answered once", {
                format!("{count} answers are missing to\n{asked:?}")
            });
        }
        self.unanswered.clear();
        if let Some(tag) = self.to_be_told.pop_first() {
            broken(now.0, "who subscribes is told the state at once", tag);
        }
    }

    /// A message leaves the agent for good.
    pub fn released(&mut self, now: Now, transmit: &Transmit) {
        if transmit.request.is_some() {
            let letter = Letter::new(transmit.to_bytes());
            let told = self.told.get_mut(letter.sender_tag()).expect("known when it came out");
            told.released(now, &letter);
        }
    }

    /// The agent starts over.
    pub fn restarted(&mut self, now: Now) {
        self.life += 1;
        self.ledger.restarted(now);
        self.branches.clear();
        self.unanswered.clear();
        self.to_be_told.clear();
        for (tag, told) in &mut self.told {
            let granted = self.ledger.granted(tag);
            told.restarted(now, granted);
        }
    }

    /// Looks whether anybody waits who need not.
    pub fn sweep(&mut self, now: Now) {
        for (tag, told) in &mut self.told {
            told.look(now.0);
            let granted = self.ledger.granted(tag).is_some_and(|until| until > now.1);
            if !granted || !told.can_be_told() {
                continue;
            }
            let expected = self.ledger.expected(now, &told.aor, &told.package);
            if told.shown.as_ref().unwrap_or(&Shown::Nothing) == &expected {
                continue;
            }
            let due = told.due(self.ledger.touched(now, &told.aor));
            if due.is_some_and(|due| due < now.0) {
                broken(now.0, "a watcher is told within its pace", {
                    let Told { aor, package, shown, .. } = told;
                    format!("{tag} {aor} {package}\ntold {shown:?}\ntrue {expected:?}")
                });
            }
        }
    }

    fn response(&mut self, now: Now, shard: usize, after: Ticket, letter: &Letter) {
        let branch = letter.branch();
        let count = self.unanswered.entry(branch.to_owned()).or_default();
        *count -= 1;
        let Some(asked) = self.asked.get_mut(branch).filter(|_| *count >= 0) else {
            broken(now.0, "each transmission of a request is answered once", letter.text());
        };
        if let Some(answer) = &asked.answer {
            if *answer != letter.octets {
                let (first, then) = (Letter::new(answer.clone()), letter);
                broken(now.0, "a repeated request gets the same answer", {
                    format!("{first:?}\n{then:?}")
                });
            }
            return;
        }
        asked.answer = Some(letter.octets.clone());
        let (request, peer) = (asked.letter.clone(), asked.peer.clone());
        let by_stream = asked.by_stream;
        match request.method() {
            "PUBLISH" => self.published(now, (shard, after), &request, letter, peer),
            "SUBSCRIBE" => self.subscribed(now, (shard, after), &request, letter, by_stream),
            "REGISTER" if letter.status() == 200 => {
                let until = now.1 + Duration::from_secs(request.expires().expect("Expires"));
                let entry = Entry::Registered { aor: user_of(request.header("To")), until };
                self.ledger.enter(now, shard, after, entry);
            }
            // Repeated to an agent that started over in between.
            "REGISTER" if letter.status() == 500 && self.life > 0 => {}
            _ => refused(now, &request, letter),
        }
    }

    fn published(
        &mut self,
        now: Now,
        (shard, after): (usize, Ticket),
        request: &Letter,
        response: &Letter,
        publisher: String,
    ) {
        let aor = user_of(request.start().split(' ').nth(1).expect("a Request-URI"));
        let old = request.header("SIP-If-Match").to_owned();
        let is_known = old.is_empty() || self.ledger.named(now, &aor, &old).is_some();
        match (response.status(), is_known) {
            (200, true) => {}
            (412, false) => return,
            (200, false) => broken(now.0, "a stale entity-tag is refused", request.text()),
            (412, true) => broken(now.0, "a publication is there until it expires", request.text()),
            _ => refused(now, request, response),
        }
        let tag = response.header("SIP-ETag").to_owned();
        if !self.entity_tags.insert(tag.clone()) {
            broken(now.0, "an entity-tag is never used twice", response.text());
        }
        let expires = response.expires().expect("Expires in the 200");
        let until = now.1 + Duration::from_secs(expires);
        let package = request.header("Event").to_owned();
        let entry = match (old.is_empty(), expires, request.body()) {
            (true, 0, _) => return,
            (false, 0, _) => Entry::Withdrawn { aor, old },
            (false, _, "") => Entry::Prolonged { aor, old, tag, until },
            (is_first, _, body) => {
                let says = says(&package, body);
                let (order, updated) = (self.ledger.next_order(), now.1);
                let publication =
                    Publication { tag, order, package, until, updated, publisher, says };
                match is_first {
                    true => Entry::Published { aor, publication },
                    false => Entry::Modified { aor, old, publication },
                }
            }
        };
        self.ledger.enter(now, shard, after, entry);
    }

    fn subscribed(
        &mut self,
        now: Now,
        (shard, after): (usize, Ticket),
        request: &Letter,
        response: &Letter,
        by_stream: bool,
    ) {
        let tag = response.to_tag().to_owned();
        match (response.status(), request.to_tag()) {
            (200, "") => {
                let aor = user_of(request.header("To"));
                let package = request.header("Event").to_owned();
                self.told.insert(tag.clone(), Told::new(now, aor, package));
            }
            (200, known) if known == tag => {}
            (481, known) => {
                let lives = self.ledger.granted(known).is_some_and(|until| until > now.1);
                if lives && self.told.get(known).is_some_and(Told::is_certain) {
                    broken(now.0, "a subscription is there until it ends", request.text());
                }
                return;
            }
            // A request repeated to an agent that started over in between.
            (500, _) if self.life > 0 => return,
            _ => refused(now, request, response),
        }
        let told = self.told.get_mut(&tag).expect("a dialog that was made before");
        told.may_be_replaced = true;
        told.by_stream = by_stream;
        self.to_be_told.insert(tag.clone());
        let expires = response.expires().expect("Expires in the 200");
        let until = now.1 + Duration::from_secs(expires);
        if expires > 0 {
            self.ledger.enter(now, shard, after, Entry::Subscribed { tag, until });
        }
    }

    fn notify(&mut self, now: Now, shard: usize, batch: Ticket, letter: &Letter) {
        let (tag, branch) = (letter.sender_tag(), letter.branch());
        let Some(told) = self.told.get_mut(tag) else {
            broken(now.0, "a NOTIFY follows the 200 of its SUBSCRIBE", letter.text());
        };
        if let Some((_, octets)) = self.notifies.get(branch) {
            if *octets != letter.octets {
                broken(now.0, "a repeated NOTIFY is the same NOTIFY", letter.text());
            }
            return told.repeated(now, letter);
        }
        self.notifies.insert(branch.to_owned(), (tag.to_owned(), letter.octets.clone()));
        self.to_be_told.remove(tag);
        let expected = self.ledger.expected(now, &told.aor, &told.package);
        let granted = self.ledger.granted(tag);
        if told.notify(now, letter, granted, expected) {
            let entry = Entry::Ended { tag: tag.to_owned() };
            self.ledger.enter(now, shard, batch, entry);
        }
    }
}

fn refused(now: Now, request: &Letter, response: &Letter) -> ! {
    broken(now.0, "nobody here asks for what must be refused", {
        format!("{request:?}\n{response:?}")
    })
}

/// The user of a URI, alone or in a header value: the part that tells one AoR from the other.
pub fn user_of(text: &str) -> String {
    let (_, after) = text.split_once("sip:").expect("a SIP URI");
    after.split('@').next().expect("a user").to_owned()
}

fn says(package: &str, body: &str) -> Says {
    match package {
        "dialog" => Says::Calls(
            shown::calls(body)
                .into_iter()
                .map(|call| (call.id, call.call_id, call.state))
                .collect(),
        ),
        "presence" => match Shown::read(package, body) {
            Shown::Presence { mut notes, open, .. } => {
                Says::Presence { note: notes.remove(0), open: open > 0 }
            }
            other => unreachable!("{other:?}"),
        },
        _ => match Shown::read(package, body) {
            Shown::Mail { new, old } => Says::Mail { new, old },
            other => unreachable!("{other:?}"),
        },
    }
}
