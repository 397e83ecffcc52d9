//! How edges speak of a person: each function makes what one call has to hand in.
//!
//! A channel says all it has to say at once, and what it says next takes the place of that. So a
//! calendar is fed whole, a flag that is off says nothing.

use siphasher::sip::SipHasher13;

use super::{Event, Input, Lease, Manual, Note, OutOfOffice, Says, Standing, State};
use crate::base::limits;
use crate::base::time::Wall;
use crate::event::forwarding::{Forward, When};
use crate::event::{Channel, Observation, Source, Topic};

/// Something to be told to a presentity, and by which way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fact {
    /// The way.
    pub channel: Channel,
    /// What is said; nothing takes back what was.
    pub says: Vec<Lease>,
}

/// Who says something, and when.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Said<'a> {
    /// Who says it: a user, a connector, a feed.
    pub by: &'a str,
    /// When it was said.
    pub at: Wall,
}

/// From when until when.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Span {
    /// `None`: at once.
    pub from: Option<Wall>,
    /// `None`: until it is taken back, or as long as is usual.
    pub until: Option<Wall>,
}

impl Said<'static> {
    /// By whoever asks the shard, at the moment it is asked: the shard fills in both.
    pub const WHEN_ASKED: Said<'static> = Said { by: "", at: Wall::from_unix_millis(0) };
}

impl Said<'_> {
    /// A state set by hand. Automatic takes it back, on every device.
    pub fn manual(self, manual: Manual, span: Span) -> Fact {
        self.one(Topic::Manual.only(), Says::Manual(manual), span)
    }

    /// Back to what is known otherwise.
    pub fn automatic(self) -> Fact {
        self.manual(Manual::new(State::Automatic), Span::default())
    }

    /// Words of the person's own; `None` takes them back.
    pub fn note(self, note: Option<Note>, span: Span) -> Fact {
        match note {
            Some(note) => self.one(Topic::Note.only(), Says::Note(note), span),
            None => Fact::nothing(Topic::Note.only()),
        }
    }

    /// An absence announced by hand; `None` takes it back.
    pub fn out_of_office(self, absence: Option<OutOfOffice>, span: Span) -> Fact {
        match absence {
            Some(absence) => self.one(Topic::Absence.only(), Says::OutOfOffice(absence), span),
            None => Fact::nothing(Topic::Absence.only()),
        }
    }

    /// A flag that forbids to disturb, `number` of a person's several: a phone's key, a PBX's
    /// flag, a schedule.
    pub fn dnd(self, number: u32, on: bool, span: Span) -> Fact {
        let channel = Topic::Dnd.number(number);
        if on { self.one(channel, Says::Dnd, span) } else { Fact::nothing(channel) }
    }

    /// Where calls go instead in one case; `None`: nobody knows any more.
    pub fn forward(self, when: When, forward: Option<Forward>) -> Fact {
        let channel = Topic::Forwarding.number(when.number());
        match forward {
            Some(forward) => self.one(channel, Says::Forward(forward), Span::default()),
            None => Fact::nothing(channel),
        }
    }

    /// A person is in a conference, or has left it.
    pub fn conference(self, number: u32, joined: bool, span: Span) -> Fact {
        let channel = Topic::Conference.number(number);
        if joined { self.one(channel, Says::Conference, span) } else { Fact::nothing(channel) }
    }

    /// Everything one calendar knows of the time around now.
    pub fn calendar(self, number: u32, events: &[(Entry, Span)]) -> Fact {
        self.entries(Topic::Calendar.number(number), events)
    }

    /// Everything a calendar that is fetched holds for the time around now.
    pub fn feed(self, number: u32, events: &[(Entry, Span)]) -> Fact {
        self.entries(Topic::Feed.number(number), events)
    }

    /// What the hours that recur make of the time around now.
    pub fn hours(self, events: &[(Entry, Span)]) -> Fact {
        self.entries(Topic::Hours.only(), events)
    }

    fn entries(self, channel: Channel, events: &[(Entry, Span)]) -> Fact {
        let lease = |(entry, span): &(Entry, Span)| {
            let says = match entry {
                Entry::Event(event) => Says::Event(event.clone()),
                Entry::OutOfOffice(absence) => Says::OutOfOffice(absence.clone()),
                Entry::Dnd => Says::Dnd,
                Entry::Offset(minutes) => Says::Offset(*minutes),
            };
            self.lease(says, *span)
        };
        Fact::new(channel, events.iter().map(lease).collect())
    }

    /// What a program on a device knows of the hands on it.
    pub fn input(self, number: u32, input: Input, span: Span) -> Fact {
        self.one(Topic::Input.number(number), Says::Input(input), span)
    }

    /// Who watches the person's lines is out of touch since `said.at`, or in touch again.
    pub fn lost(self, number: u32, lost: bool) -> Fact {
        let channel = Topic::Connector.number(number);
        if lost { self.one(channel, Says::Lost, Span::default()) } else { Fact::nothing(channel) }
    }

    /// The organisation's word; `None` takes it back.
    pub fn organisation(self, standing: Option<Standing>) -> Fact {
        let channel = Topic::Organisation.only();
        match standing {
            Some(standing) => self.one(channel, Says::Organisation(standing), Span::default()),
            None => Fact::nothing(channel),
        }
    }

    fn one(self, channel: Channel, says: Says, span: Span) -> Fact {
        Fact::new(channel, vec![self.lease(says, span)])
    }

    fn lease(self, says: Says, span: Span) -> Lease {
        let Span { from, until } = span;
        Lease { from, until, ..Lease::new(self.at, self.by, says) }
    }
}

/// What a calendar can say.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Entry {
    /// Something that takes time of a day.
    Event(Event),
    /// An absence of days.
    OutOfOffice(OutOfOffice),
    /// Time not to be disturbed in.
    Dnd,
    /// How far clocks where the person is are ahead of UTC, in minutes.
    Offset(i16),
}

impl Fact {
    /// The earliest ends count where there are too many: they are the next to matter.
    pub fn new(channel: Channel, mut says: Vec<Lease>) -> Fact {
        if says.len() > limits::LEASES_MAX {
            says.sort_by_key(|lease| (lease.until.is_none(), lease.until, lease.from));
            says.truncate(limits::LEASES_MAX);
        }
        Fact { channel, says }
    }

    /// Takes back what a channel said.
    pub fn nothing(channel: Channel) -> Fact {
        Fact { channel, says: Vec::new() }
    }

    /// As presentities take it.
    pub fn observation(&self) -> (Source, Observation) {
        (self.channel.into(), Observation::Said(self.says.clone()))
    }
}

/// The number of a channel whose edges go by names. It is the same after a restart.
pub fn number_of(name: &str) -> u32 {
    let hash = SipHasher13::new_with_keys(0, 0).hash(name.as_bytes());
    // 0 is the channel of which there is one.
    ((hash >> 32) as u32).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAID: Said<'static> = Said { by: "alice", at: Wall::from_unix_millis(1000) };

    #[test]
    fn a_flag_that_is_off_says_nothing_by_the_same_way() {
        let on = SAID.dnd(3, true, Span::default());
        let off = SAID.dnd(3, false, Span::default());
        assert_eq!(on.channel, off.channel);
        assert_eq!((on.says.len(), off.says.len()), (1, 0));
    }

    #[test]
    fn a_calendar_too_long_keeps_what_ends_first() {
        let events: Vec<(Entry, Span)> = (0..=limits::LEASES_MAX)
            .rev()
            .map(|nth| {
                let until = Some(Wall::from_unix_millis(nth as u64));
                (Entry::OutOfOffice(OutOfOffice::default()), Span { from: None, until })
            })
            .collect();
        let fact = SAID.calendar(0, &events);
        assert_eq!(fact.says.len(), limits::LEASES_MAX);
        assert_eq!(fact.says[0].until, Some(Wall::from_unix_millis(0)));
        let last = limits::LEASES_MAX as u64 - 1;
        assert_eq!(fact.says.last().and_then(|l| l.until), Some(Wall::from_unix_millis(last)));
    }
}
