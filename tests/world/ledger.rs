//! The truth: what the agent said yes to, until when, and what a watcher must therefore see.
//!
//! Every accepted request is one entry with the ticket its answer waited for; a crash takes back
//! what was not kept.

use std::collections::BTreeMap;

use fanal::base::time::{Moment, Wall};
use fanal::transaction::Ticket;

use super::calls::Board;
use super::shown::Shown;

/// One accepted publication.
#[derive(Clone, Debug)]
pub struct Publication {
    pub tag: String,
    /// Its place among all, by its first acceptance.
    pub order: u64,
    pub package: String,
    pub until: Wall,
    pub updated: Wall,
    pub publisher: String,
    pub says: Says,
}

/// What a publication says.
#[derive(Clone, PartialEq, Debug)]
pub enum Says {
    Presence {
        note: String,
        open: bool,
    },
    /// Id, Call-ID (`-` without one), state.
    Calls(Vec<(String, String, String)>),
    Mail {
        new: u32,
        old: u32,
    },
}

/// What an answer of the agent promised, or a last NOTIFY ended.
#[derive(Clone, Debug)]
pub enum Entry {
    Published { aor: String, publication: Publication },
    Modified { aor: String, old: String, publication: Publication },
    Prolonged { aor: String, old: String, tag: String, until: Wall },
    Withdrawn { aor: String, old: String },
    Registered { aor: String, until: Wall },
    Subscribed { tag: String, until: Wall },
    Ended { tag: String },
}

#[derive(Clone, Default)]
struct Facts {
    publications: BTreeMap<String, Vec<Publication>>,
    registered: BTreeMap<String, Wall>,
    subscriptions: BTreeMap<String, Wall>,
}

/// All that was promised.
#[derive(Default)]
pub struct Ledger {
    current: Facts,
    kept: Facts,
    pending: Vec<(usize, Ticket, Entry)>,
    boards: BTreeMap<String, Board>,
    /// When the truth about somebody last changed.
    touched: BTreeMap<String, Moment>,
    orders: u64,
    /// Whether the operator wrote rules about who may see what.
    pub has_rules: bool,
}

/// Of whom watchers see nothing, and of whom they see somebody who seems to be away, where there
/// are rules.
pub const UNDECIDED: &str = "106";
pub const AWAY: &str = "105";

impl Ledger {
    /// A number for a new publication.
    pub fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// The agent promised something; it is kept once the shard's ticket is.
    pub fn enter(&mut self, now: (Moment, Wall), shard: usize, after: Ticket, entry: Entry) {
        let aor = match &entry {
            Entry::Published { aor, .. }
            | Entry::Modified { aor, .. }
            | Entry::Prolonged { aor, .. }
            | Entry::Withdrawn { aor, .. }
            | Entry::Registered { aor, .. } => Some(aor.clone()),
            Entry::Subscribed { .. } | Entry::Ended { .. } => None,
        };
        if let Some(aor) = &aor {
            self.advance(now, aor);
            self.touched.insert(aor.clone(), now.0);
        }
        self.current.take(&entry);
        if let Some(aor) = &aor {
            self.hear(now.1, aor);
        }
        if after == Ticket::default() {
            self.kept.take(&entry);
        } else {
            self.pending.push((shard, after, entry));
        }
    }

    /// Everything up to this ticket of a shard is kept.
    pub fn kept(&mut self, shard: usize, ticket: Ticket) {
        let (done, pending) = std::mem::take(&mut self.pending)
            .into_iter()
            .partition(|(of, after, _)| *of == shard && *after <= ticket);
        self.pending = pending;
        let done: Vec<(usize, Ticket, Entry)> = done;
        done.iter().for_each(|(_, _, entry)| self.kept.take(entry));
    }

    /// The agent started over what was kept.
    pub fn restarted(&mut self, now: (Moment, Wall)) {
        self.pending.clear();
        self.current = self.kept.clone();
        self.boards.clear();
        for (aor, publications) in &mut self.current.publications {
            publications.retain(|publication| publication.until > now.1);
            self.boards.entry(aor.clone()).or_default().hear(now.1, publications);
            self.touched.insert(aor.clone(), now.0);
        }
        self.kept = self.current.clone();
    }

    /// What a watcher of somebody must see now.
    pub fn expected(&mut self, now: (Moment, Wall), aor: &str, package: &str) -> Shown {
        self.advance(now, aor);
        if self.has_rules && aor == UNDECIDED {
            return Shown::Nothing;
        }
        if self.has_rules && aor == AWAY {
            return away(package);
        }
        let said = self.said(aor, package);
        match package {
            "dialog" => self.boards.get(aor).map_or(Shown::Calls(Vec::new()), Board::shown),
            "presence" => {
                let on_the_phone = self.boards.get(aor).is_some_and(Board::is_on_the_phone);
                let registered = self.current.registered.get(aor).is_some_and(|&u| u > now.1);
                let (mut notes, mut open) = (Vec::new(), 0);
                for says in &said {
                    let Says::Presence { note, open: is_open } = says else { continue };
                    notes.push(note.clone());
                    open += usize::from(*is_open);
                }
                let mut services = notes.len();
                if services == 0 {
                    services = 1;
                    open = usize::from(registered || on_the_phone);
                }
                // The one line for people who read no more.
                notes.extend(on_the_phone.then(|| "On the phone".to_owned()));
                notes.sort();
                Shown::Presence { notes, open, closed: services - open, on_the_phone }
            }
            _ => said.iter().fold(Shown::Mail { new: 0, old: 0 }, |sum, says| match (sum, says) {
                (Shown::Mail { new, old }, Says::Mail { new: more, old: more_old }) => {
                    Shown::Mail { new: new + more, old: old + more_old }
                }
                (sum, _) => sum,
            }),
        }
    }

    /// When the truth about somebody last changed.
    pub fn touched(&mut self, now: (Moment, Wall), aor: &str) -> Moment {
        self.advance(now, aor);
        if self.current.registered.get(aor).is_some_and(|&until| until <= now.1) {
            self.current.registered.remove(aor);
            self.touched.insert(aor.to_owned(), now.0);
        }
        self.touched.get(aor).copied().unwrap_or_default()
    }

    /// The publication an entity-tag names.
    pub fn named(&mut self, now: (Moment, Wall), aor: &str, tag: &str) -> Option<&Publication> {
        self.advance(now, aor);
        self.current.publications.get(aor)?.iter().find(|publication| publication.tag == tag)
    }

    /// Until when a subscription was granted.
    pub fn granted(&self, tag: &str) -> Option<Wall> {
        self.current.subscriptions.get(tag).copied()
    }

    /// How many publications live, of everybody.
    pub fn publications(&mut self, now: (Moment, Wall)) -> usize {
        let aors: Vec<String> = self.current.publications.keys().cloned().collect();
        aors.iter().for_each(|aor| self.advance(now, aor));
        self.current.publications.values().map(Vec::len).sum()
    }

    fn said(&self, aor: &str, package: &str) -> Vec<&Says> {
        let publications = self.current.publications.get(aor).map_or(&[][..], Vec::as_slice);
        let of = publications.iter().filter(|publication| publication.package == package);
        of.map(|publication| &publication.says).collect()
    }

    /// Lets publications expire and calls ring out, each at its moment.
    fn advance(&mut self, now: (Moment, Wall), aor: &str) {
        loop {
            let publications = self.current.publications.get(aor);
            let expiry = publications.and_then(|all| all.iter().map(|p| p.until).min());
            let rung_out = self.boards.get(aor).and_then(Board::next_end);
            let Some(next) = [expiry, rung_out].into_iter().flatten().min() else { return };
            if next > now.1 {
                return;
            }
            if let Some(publications) = self.current.publications.get_mut(aor) {
                publications.retain(|publication| publication.until > next);
            }
            self.touched.insert(aor.to_owned(), now.0 - now.1.since(next));
            self.hear(next, aor);
        }
    }

    fn hear(&mut self, at: Wall, aor: &str) {
        let publications = self.current.publications.get(aor).map_or(&[][..], Vec::as_slice);
        self.boards.entry(aor.to_owned()).or_default().hear(at, publications);
    }
}

/// What is shown of somebody of whom nothing is known.
fn away(package: &str) -> Shown {
    match package {
        "dialog" => Shown::Calls(Vec::new()),
        "presence" => {
            Shown::Presence { notes: Vec::new(), open: 0, closed: 1, on_the_phone: false }
        }
        _ => Shown::Mail { new: 0, old: 0 },
    }
}

impl Facts {
    fn take(&mut self, entry: &Entry) {
        match entry.clone() {
            Entry::Published { aor, publication } => {
                self.publications.entry(aor).or_default().push(publication);
            }
            Entry::Modified { aor, old, mut publication } => {
                if let Some(known) = self.find(&aor, &old) {
                    publication.order = known.order;
                    *known = publication;
                }
            }
            Entry::Prolonged { aor, old, tag, until } => {
                if let Some(known) = self.find(&aor, &old) {
                    known.tag = tag;
                    known.until = until;
                }
            }
            Entry::Withdrawn { aor, old } => {
                if let Some(known) = self.publications.get_mut(&aor) {
                    known.retain(|publication| publication.tag != old);
                }
            }
            Entry::Registered { aor, until } => {
                self.registered.insert(aor, until);
            }
            Entry::Subscribed { tag, until } => {
                self.subscriptions.insert(tag, until);
            }
            Entry::Ended { tag } => {
                self.subscriptions.remove(&tag);
            }
        }
    }

    fn find(&mut self, aor: &str, tag: &str) -> Option<&mut Publication> {
        self.publications.get_mut(aor)?.iter_mut().find(|publication| publication.tag == tag)
    }
}
