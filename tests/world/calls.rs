//! The calls of one line as they are, told from what was published about them.

use std::time::Duration;

use fanal::base::time::Wall;

use super::ledger::{Publication, Says};
use super::shown::Shown;

/// How long a call may ring before it is taken for lost.
const RINGS_MAX: Duration = Duration::from_secs(180);

/// How long after its end a call is not begun anew.
const LATE_WORDS: Duration = Duration::from_secs(64);

/// The states of a call in the order it comes along.
const COURSE: [&str; 5] = ["trying", "proceeding", "early", "confirmed", "terminated"];

/// All calls somebody speaks of.
#[derive(Default)]
pub struct Board {
    calls: Vec<Call>,
}

struct Call {
    key: Key,
    /// How far it has come; `None` once it has ended.
    live: Option<usize>,
    ringing_since: Wall,
    /// The word that was the newest when it ended, and when that was.
    ended_by: Wall,
    ended_at: Wall,
    /// It ended because it rang for too long: an answer begins it again.
    rang_out: bool,
}

#[derive(Clone, PartialEq)]
struct Key {
    publisher: String,
    id: String,
    call_id: String,
}

impl Board {
    /// Hears everything that is published now.
    pub fn hear(&mut self, now: Wall, publications: &[Publication]) {
        let words = newest_words(publications);
        // A call nobody speaks of has ended, and may be spoken of again as a new one; but not just
        // after it was said to be over, or rang for too long.
        self.calls.retain(|call| {
            let is_recent = now.since(call.ended_at) < LATE_WORDS;
            words.iter().any(|(key, ..)| *key == call.key) || call.live.is_none() && is_recent
        });
        for (key, state, updated) in words {
            let known = self.calls.iter_mut().find(|call| call.key == key);
            match known {
                None if state == COURSE.len() - 1 => {}
                None => {
                    let (live, ringing_since) = (Some(state), updated);
                    let (ended_by, ended_at, rang_out) = (updated, now, false);
                    self.calls.push(Call {
                        key,
                        live,
                        ringing_since,
                        ended_by,
                        ended_at,
                        rang_out,
                    });
                }
                Some(call) => call.hear(now, state, updated),
            }
        }
        for call in &mut self.calls {
            if call.rings_until().is_some_and(|until| until <= now) {
                call.live = None;
                (call.ended_by, call.ended_at, call.rang_out) = (now, now, true);
            }
        }
    }

    /// When the next call has rung too long.
    pub fn next_end(&self) -> Option<Wall> {
        self.calls.iter().filter_map(Call::rings_until).min()
    }

    pub fn is_on_the_phone(&self) -> bool {
        self.calls.iter().any(|call| call.live == Some(3))
    }

    pub fn shown(&self) -> Shown {
        let live = self.calls.iter().filter_map(|call| Some((call, call.live?)));
        Shown::calls(live.map(|(c, s)| (c.key.call_id.clone(), COURSE[s].to_owned())).collect())
    }
}

impl Call {
    fn hear(&mut self, now: Wall, state: usize, updated: Wall) {
        let has_call_id = self.key.call_id != "-";
        let is_over = state == COURSE.len() - 1;
        match self.live {
            Some(_) if is_over => {
                self.live = None;
                (self.ended_by, self.ended_at, self.rang_out) = (updated, now, false);
            }
            // With a Call-ID it is this one call, which only goes forward.
            Some(before) if has_call_id => self.live = Some(before.max(state)),
            Some(before) => {
                self.live = Some(state);
                if before >= 3 {
                    self.ringing_since = now;
                }
            }
            None if self.rang_out && state == 3 => self.live = Some(state),
            // It has ended and stays so; without a Call-ID a newer word means another call.
            None if has_call_id || is_over || updated < self.ended_by => {}
            None => {
                self.live = Some(state);
                self.ringing_since = updated;
            }
        }
    }

    fn rings_until(&self) -> Option<Wall> {
        self.live.filter(|&state| state < 3).map(|_| self.ringing_since + RINGS_MAX)
    }
}

/// The newest word about each call; the later publication wins among words of one moment.
fn newest_words(publications: &[Publication]) -> Vec<(Key, usize, Wall)> {
    let mut words: Vec<(Key, usize, Wall)> = Vec::new();
    let mut in_order: Vec<&Publication> = publications.iter().collect();
    in_order.sort_by_key(|publication| publication.order);
    for publication in in_order {
        let Says::Calls(calls) = &publication.says else { continue };
        for (id, call_id, state) in calls {
            let publisher = publication.publisher.clone();
            let key = Key { publisher, id: id.clone(), call_id: call_id.clone() };
            let state = COURSE.iter().position(|known| known == state).expect("a known state");
            match words.iter_mut().find(|(known, ..)| *known == key) {
                Some(word) if word.2 <= publication.updated => {
                    (word.1, word.2) = (state, publication.updated);
                }
                Some(_) => {}
                None => words.push((key, state, publication.updated)),
            }
        }
    }
    words
}
