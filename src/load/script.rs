//! What happens in the office: who calls whom, who answers, who goes to lunch.
//!
//! The script is the truth the lamps are held against. It reads no clock and draws no real
//! chance: the same start gives the same day.

use std::time::Duration;

use super::lamp::Lamp;

/// The people by extension, from 101 upward.
pub const PEOPLE: [&str; 24] = [
    "Ada Brandt",
    "Ben Okafor",
    "Chiara Rossi",
    "Dmitri Volkov",
    "Elif Kaya",
    "Farid Nazari",
    "Grace Lindqvist",
    "Hugo Marchand",
    "Ines Duarte",
    "Jonas Weber",
    "Keiko Tanaka",
    "Liam Byrne",
    "Maya Cohen",
    "Noor Haddad",
    "Oskar Nyman",
    "Priya Raman",
    "Quentin Hall",
    "Rosa Jimenez",
    "Samuel Adeyemi",
    "Tove Hansen",
    "Umar Siddiqui",
    "Vera Kowalska",
    "Wei Zhang",
    "Yara Mendes",
];

/// What people do besides calling: an activity of RFC 4480, and how they say it.
const DOINGS: [(&str, &str); 4] = [
    ("meeting", "in a meeting"),
    ("meal", "at lunch"),
    ("travel", "on the road"),
    ("away", "away from the desk"),
];

/// How many lines are in a call at most; the rest rests.
const ENGAGED_MAX: usize = 14;

/// How many people are away from calls at most.
const DOING_MAX: usize = 4;

/// How long a line rests after a call, so that its idle lamp is seen.
const REST: Duration = Duration::from_millis(2500);

/// What all Call-IDs of the office end in: calls of others on the same lines are no error.
const CALL_ID_END: &str = "@office.invalid";

/// One call as one line has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// Its own on each line.
    pub call_id: String,
    /// How far it is; idle: over.
    pub lamp: Lamp,
    /// Whether the line made it.
    pub is_outgoing: bool,
    /// The other party.
    pub with: Party,
    /// How it ended, if it is over.
    pub end: End,
}

/// Somebody on the phone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Party {
    /// An extension, or a number that begins with `+`.
    pub user: String,
    /// How they are shown.
    pub name: String,
}

/// How a call ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    /// Before the answer.
    Cancelled,
    /// The line hung up.
    Here,
    /// The other party hung up.
    There,
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// A call of a line came to another state.
    Call(usize, Call),
    /// A person does something else; `None`: back at the desk.
    Doing(usize, Option<(&'static str, &'static str)>),
}

/// The office.
pub struct Script {
    chance: Chance,
    lines: Vec<Line>,
    talks: Vec<Talk>,
    next_talk: Duration,
    next_doing: Duration,
    talks_begun: u32,
}

#[derive(Clone, Default)]
struct Line {
    call: Option<Call>,
    rests_until: Duration,
    doing: Option<Duration>,
}

/// A conversation of one line with the outside, or of two lines.
struct Talk {
    caller: Option<usize>,
    callee: Option<usize>,
    phase: Phase,
    next: Duration,
    is_over: bool,
}

#[derive(Clone, Copy)]
enum Phase {
    Ringing,
    Talking { may_hold: bool },
    Held,
}

impl Script {
    /// A day that begins now.
    pub fn new(seed: u64) -> Script {
        Script {
            chance: Chance(seed | 1),
            lines: vec![Line::default(); PEOPLE.len()],
            talks: Vec::new(),
            next_talk: Duration::ZERO,
            next_doing: Duration::from_secs(2),
            talks_begun: 0,
        }
    }

    /// What happened up to this time since the beginning.
    pub fn step(&mut self, at: Duration) -> Vec<Event> {
        let mut events = Vec::new();
        let mut talks = std::mem::take(&mut self.talks);
        for talk in talks.iter_mut().filter(|talk| talk.next <= at) {
            self.go_on(at, talk, &mut events);
        }
        talks.retain(|talk| !talk.is_over);
        self.talks = talks;
        if self.next_talk <= at {
            self.begin(at, &mut events);
            // The first ones come quickly, so that there is something to see.
            let pause = if self.talks_begun < 6 { 150..350 } else { 350..1100 };
            self.next_talk = at + self.chance.millis(pause);
        }
        if self.next_doing <= at {
            self.change_doing(at, &mut events);
            self.next_doing = at + self.chance.millis(3000..6000);
        }
        events
    }

    /// The call of a line, if it is in one.
    pub fn call(&self, line: usize) -> Option<&Call> {
        self.lines.get(line)?.call.as_ref()
    }

    fn begin(&mut self, at: Duration, events: &mut Vec<Event>) {
        let engaged = self.lines.iter().filter(|line| line.call.is_some()).count();
        if engaged >= ENGAGED_MAX {
            return;
        }
        let (caller, callee) = match self.chance.below(100) {
            // From outside, where nobody knows who is away.
            0..40 => (None, self.free(at, None, true)),
            40..55 => (self.free(at, None, false), None),
            _ => {
                let caller = self.free(at, None, false);
                (caller, self.free(at, caller, false))
            }
        };
        if caller.is_none() && callee.is_none() {
            return;
        }
        self.talks_begun += 1;
        let outside = self.outsider();
        let party = |line: Option<usize>| line.map_or_else(|| outside.clone(), person);
        let number = self.talks_begun;
        for (line, other, leg) in [(caller, callee, 'a'), (callee, caller, 'b')] {
            let Some(line) = line else { continue };
            let is_outgoing = leg == 'a';
            let call = Call {
                call_id: format!("call-{number}{leg}{CALL_ID_END}"),
                lamp: if is_outgoing { Lamp::Calling } else { Lamp::Ringing },
                is_outgoing,
                with: party(other),
                end: End::Cancelled,
            };
            self.set(at, line, call, events);
        }
        let next = at + self.chance.millis(1800..4200);
        self.talks.push(Talk { caller, callee, phase: Phase::Ringing, next, is_over: false });
    }

    fn go_on(&mut self, at: Duration, talk: &mut Talk, events: &mut Vec<Event>) {
        match talk.phase {
            Phase::Ringing => {
                let is_away = talk.callee.is_some_and(|callee| self.lines[callee].doing.is_some());
                if is_away || self.chance.below(100) < 15 {
                    self.end(at, talk, None, events);
                    return;
                }
                self.show(at, talk, [Lamp::Busy; 2], events);
                let may_hold = self.chance.below(100) < 45;
                talk.phase = Phase::Talking { may_hold };
                talk.next = at + self.chance.millis(3000..8000);
            }
            Phase::Talking { may_hold: true } => {
                // One holds, the other listens to music.
                let by_callee = talk.caller.is_none() || self.chance.below(2) == 0;
                let lamps = match by_callee && talk.callee.is_some() {
                    true => [Lamp::Busy, Lamp::Held],
                    false => [Lamp::Held, Lamp::Busy],
                };
                self.show(at, talk, lamps, events);
                talk.phase = Phase::Held;
                talk.next = at + self.chance.millis(2500..4500);
            }
            Phase::Held => {
                self.show(at, talk, [Lamp::Busy; 2], events);
                talk.phase = Phase::Talking { may_hold: false };
                talk.next = at + self.chance.millis(2000..4000);
            }
            Phase::Talking { may_hold: false } => {
                let by_caller = self.chance.below(2) == 0;
                self.end(at, talk, Some(by_caller), events);
            }
        }
    }

    /// Shows new lamps on the lines of a talk, the caller's first.
    fn show(&mut self, at: Duration, talk: &Talk, lamps: [Lamp; 2], events: &mut Vec<Event>) {
        for (line, lamp) in [talk.caller, talk.callee].into_iter().zip(lamps) {
            let Some(line) = line else { continue };
            let Some(mut call) = self.lines[line].call.clone() else { continue };
            if call.lamp != lamp {
                call.lamp = lamp;
                self.set(at, line, call, events);
            }
        }
    }

    /// Ends a talk: by the caller, by the callee, or (`None`) before the answer.
    fn end(
        &mut self,
        at: Duration,
        talk: &mut Talk,
        by_caller: Option<bool>,
        events: &mut Vec<Event>,
    ) {
        talk.is_over = true;
        for (line, is_caller) in [(talk.caller, true), (talk.callee, false)] {
            let Some(line) = line else { continue };
            let Some(mut call) = self.lines[line].call.clone() else { continue };
            call.lamp = Lamp::Idle;
            call.end = match by_caller {
                None => End::Cancelled,
                Some(by_caller) if by_caller == is_caller => End::Here,
                Some(_) => End::There,
            };
            self.set(at, line, call, events);
        }
    }

    fn set(&mut self, at: Duration, line: usize, call: Call, events: &mut Vec<Event>) {
        let is_over = call.lamp == Lamp::Idle;
        let own = &mut self.lines[line];
        own.call = (!is_over).then(|| call.clone());
        if is_over {
            own.rests_until = at + REST;
        }
        events.push(Event::Call(line, call));
    }

    fn change_doing(&mut self, at: Duration, events: &mut Vec<Event>) {
        let back = self.lines.iter().position(|line| line.doing.is_some_and(|until| until <= at));
        if let Some(line) = back {
            self.lines[line].doing = None;
            events.push(Event::Doing(line, None));
        }
        let doing = self.lines.iter().filter(|line| line.doing.is_some()).count();
        let Some(line) = self.free(at, None, false).filter(|_| doing < DOING_MAX) else { return };
        self.lines[line].doing = Some(at + self.chance.millis(12_000..30_000));
        let what = DOINGS[self.chance.below(DOINGS.len() as u64) as usize];
        events.push(Event::Doing(line, Some(what)));
    }

    /// A line that may have a call, by chance.
    fn free(&mut self, at: Duration, but: Option<usize>, may_be_away: bool) -> Option<usize> {
        let is_free = |(number, line): &(usize, &Line)| {
            line.call.is_none()
                && line.rests_until <= at
                && (may_be_away || line.doing.is_none())
                && Some(*number) != but
        };
        let free: Vec<usize> =
            self.lines.iter().enumerate().filter(is_free).map(|(number, _)| number).collect();
        let chosen = self.chance.below(free.len().max(1) as u64) as usize;
        free.get(chosen).copied()
    }

    /// A number set aside for fiction.
    fn outsider(&mut self) -> Party {
        let last = 100 + self.chance.below(100);
        Party { user: format!("+12025550{last}"), name: format!("+1 202 555 0{last}") }
    }
}

/// The extension of a person.
pub fn extension(line: usize) -> String {
    (101 + line).to_string()
}

/// Whether a call belongs to the office, and not to somebody who tries something out.
pub fn is_of_office(call_id: &str) -> bool {
    call_id.ends_with(CALL_ID_END)
}

fn person(line: usize) -> Party {
    let user = extension(line);
    let name = PEOPLE.get(line).copied().unwrap_or_default();
    Party { user, name: name.to_owned() }
}

/// Chance that can be had again (xorshift64*).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// Below a bound above 0.
    fn below(&mut self, bound: u64) -> u64 {
        (self.next() >> 32) % bound
    }

    fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(range.start + self.below(range.end - range.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten minutes in steps of 50 ms: what happened and when.
    fn day(seed: u64) -> Vec<(Duration, Event)> {
        let mut script = Script::new(seed);
        let steps = (0..12_000).map(|step| Duration::from_millis(50 * step));
        steps.flat_map(|at| script.step(at).into_iter().map(move |event| (at, event))).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_day() {
        assert_eq!(day(7), day(7));
        assert_ne!(day(7), day(9));
    }

    #[test]
    fn every_lamp_is_seen_at_a_readable_rhythm() {
        let day = day(7);
        let lamps = |wanted| {
            let is =
                |(_, event): &&(_, Event)| matches!(event, Event::Call(_, c) if c.lamp == wanted);
            day.iter().filter(is).count()
        };
        for lamp in [Lamp::Idle, Lamp::Held, Lamp::Calling, Lamp::Busy, Lamp::Ringing] {
            assert!(lamps(lamp) > 40, "{lamp:?}: {}", lamps(lamp));
        }
        let calls = day.iter().filter(|(_, event)| matches!(event, Event::Call(..))).count();
        // In ten minutes between one and five changes a second.
        assert!((600..3000).contains(&calls), "{calls}");
        let first = |(at, _): &&(Duration, Event)| *at < Duration::from_secs(3);
        assert!(day.iter().filter(first).count() >= 6);
    }

    #[test]
    fn a_call_goes_from_ringing_to_its_end() {
        let mut calls = std::collections::HashMap::new();
        for (_, event) in day(3) {
            let Event::Call(line, call) = event else { continue };
            let before = calls.insert(call.call_id.clone(), (line, call.lamp));
            match (before, call.lamp) {
                (None, Lamp::Ringing | Lamp::Calling) => {}
                (Some((at, Lamp::Ringing | Lamp::Calling)), Lamp::Busy | Lamp::Idle)
                | (Some((at, Lamp::Busy)), Lamp::Held | Lamp::Idle)
                | (Some((at, Lamp::Held)), Lamp::Busy) => assert_eq!(at, line),
                other => panic!("{}: {other:?}", call.call_id),
            }
        }
    }

    #[test]
    fn a_line_has_one_call_at_a_time_and_rests_after_it() {
        let mut ended = vec![None; PEOPLE.len()];
        let mut current: Vec<Option<String>> = vec![None; PEOPLE.len()];
        for (at, event) in day(5) {
            let Event::Call(line, call) = event else { continue };
            if let Some(own) = &current[line] {
                assert_eq!(*own, call.call_id);
            } else if let Some(ended) = ended[line] {
                assert!(at - ended >= REST);
            }
            let is_over = call.lamp == Lamp::Idle;
            current[line] = (!is_over).then_some(call.call_id);
            if is_over {
                ended[line] = Some(at);
            }
        }
    }

    #[test]
    fn people_come_back_to_their_desks() {
        let day = day(7);
        let count = |away: bool| {
            let is = |(_, event): &&(_, Event)| matches!(event, Event::Doing(_, doing) if doing.is_some() == away);
            day.iter().filter(is).count()
        };
        assert!(count(true) > 20 && count(true) - count(false) <= DOING_MAX);
    }
}
