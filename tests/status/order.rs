//! Properties of the composition: it knows no order of arrival and keeps no memory, and it looks
//! again whenever it would come out otherwise.

use std::time::Duration;

use fanal::base::identity::Aor;
use fanal::base::time::Wall;
use fanal::doc::view::View;
use fanal::event::status::{
    Absence, Alternate, Availability, Event, Input, Kind, Lease, Manual, Note, OutOfOffice, Says,
    Settings, Shown, Standing, State, compose, explain, feed, phone,
};

use crate::desk::{Desk, NOW, softphone};
use crate::valid::assert_valid;

/// A generator of numbers, the same for the same seed.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1))
    }

    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % sides
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).expect("small")].clone()
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for place in (1..list.len()).rev() {
            let other = usize::try_from(self.roll(place as u64 + 1)).expect("small");
            list.swap(place, other);
        }
    }

    /// A moment of the hours around now, often the same.
    fn moment(&mut self) -> Wall {
        let seconds = self.roll(24) * 300;
        Wall::from_unix_millis(NOW.as_unix_millis() - 3_600_000 + seconds * 1000)
    }

    fn perhaps<T>(&mut self, some: impl Fn(&mut Dice) -> T) -> Option<T> {
        (self.roll(2) == 0).then(|| some(self))
    }

    fn kind(&mut self) -> Kind {
        self.pick(&[
            Kind::OnThePhone,
            Kind::InAConference,
            Kind::Presenting,
            Kind::InAMeeting,
            Kind::Appointment,
            Kind::Focusing,
            Kind::WrapUp,
            Kind::Meal,
            Kind::Travelling,
            Kind::OutOfOffice(Absence::Holiday),
            Kind::OffWork,
            Kind::LeftTheCompany,
            Kind::Rpid("shopping"),
            Kind::Custom("<&\"> \u{1F333}".into()),
        ])
    }

    fn note(&mut self) -> Note {
        let note = Note::new(self.pick(&["Soup", "a < b & c", "\u{1F3D6} Strand", ""]));
        match self.roll(3) {
            0 => note,
            1 => note.in_language("de"),
            _ => note.with_emoji("\u{1F3D6}"),
        }
    }

    fn out_of_office(&mut self) -> OutOfOffice {
        let alternate = Alternate {
            contact: self.pick(&["sip:bob@example.com", "tel:+15550100", "carol"]).to_owned(),
            name: self.perhaps(|_| "Bob Meyer".to_owned()),
            relationship: self.perhaps(|dice| dice.pick(&["assistant", "deputy"]).to_owned()),
        };
        OutOfOffice {
            absence: self.pick(&[Absence::Vacation, Absence::Holiday, Absence::Travel]),
            note: self.perhaps(Dice::note),
            alternates: (0..self.roll(3)).map(|_| alternate.clone()).collect(),
        }
    }

    fn manual(&mut self) -> Manual {
        use State::{Automatic, Available, Away, Brb, Busy, Dnd, Invisible};
        Manual {
            state: self.pick(&[Automatic, Available, Away, Brb, Busy, Dnd, Invisible]),
            activities: (0..self.roll(2)).map(|_| self.kind()).collect(),
            note: self.perhaps(Dice::note),
            alternates: Vec::new(),
        }
    }

    fn says(&mut self) -> Says {
        match self.roll(14) {
            0 if self.roll(8) == 0 => Says::Organisation(Standing::Left),
            0 | 1 => Says::Manual(self.manual()),
            2 => Says::Dnd,
            3 => Says::Call,
            4 => Says::Conference,
            5 => Says::Event(Event {
                kind: self.kind(),
                shown: self.pick(&[Shown::Busy, Shown::Free]),
            }),
            6 => Says::OutOfOffice(self.out_of_office()),
            7 => Says::Device(self.pick(&Availability::ALL)),
            8 => Says::Doing(self.kind()),
            9 => Says::Input(Input::touched(self.moment())),
            10 => Says::Input(self.pick(&[Input::active(None), Input::idle(None)])),
            11 => Says::Note(self.note()),
            12 if self.roll(4) == 0 => Says::Lost,
            _ => Says::Reachable,
        }
    }

    fn lease(&mut self) -> Lease {
        Lease {
            updated: self.moment().min(NOW),
            publisher: self.pick(&["alice", "pbx", "calendar"]).into(),
            from: self.perhaps(Dice::moment),
            until: self.perhaps(Dice::moment),
            says: self.says(),
        }
    }

    fn leases(&mut self) -> Vec<Lease> {
        (0..self.roll(9)).map(|_| self.lease()).collect()
    }
}

const SEEDS: u64 = 3000;

#[test]
fn the_order_of_arrival_does_not_matter() {
    let settings = Settings::default();
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let mut leases = dice.leases();
        let first = compose(&leases, &settings, NOW);
        let reasons: Vec<Lease> = explain(&leases, &settings, NOW).into_iter().cloned().collect();
        for _ in 0..3 {
            dice.shuffle(&mut leases);
            assert_eq!(compose(&leases, &settings, NOW), first, "seed {seed}: {leases:#?}");
            let again: Vec<Lease> = explain(&leases, &settings, NOW).into_iter().cloned().collect();
            assert_eq!(again, reasons, "seed {seed}");
        }
    }
}

#[test]
fn what_is_said_twice_is_said_once() {
    let settings = Settings::default();
    for seed in 0..SEEDS {
        let leases = Dice::new(seed).leases();
        let twice = [leases.clone(), leases.clone()].concat();
        assert_eq!(
            compose(&twice, &settings, NOW),
            compose(&leases, &settings, NOW),
            "seed {seed}: {leases:#?}"
        );
    }
}

#[test]
fn nothing_changes_between_two_looks() {
    let settings = Settings::default();
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        let leases = dice.leases();
        let mut now = NOW;
        for _ in 0..40 {
            let (status, again) = compose(&leases, &settings, now);
            let end = again.unwrap_or(now + Duration::from_secs(90 * 86_400));
            assert!(end > now, "seed {seed}: looked at without end");
            let span = end.since(now).as_millis();
            let within = now + Duration::from_millis(dice.roll(u64::try_from(span).expect("days")));
            let (later, _) = compose(&leases, &settings, within);
            assert_eq!(later, status, "seed {seed} at {within} before {end}: {leases:#?}");
            now = end;
        }
    }
}

#[test]
fn no_lamp_is_green_without_a_service_or_beside_a_lost_source() {
    let settings = Settings::default();
    for seed in 0..SEEDS {
        let leases = Dice::new(seed).leases();
        let (status, _) = compose(&leases, &settings, NOW);
        let holding = explain(&leases, &settings, NOW);
        let lost = holding.iter().any(|lease| lease.says == Says::Lost);
        let reached = holding.iter().any(|l| matches!(l.says, Says::Reachable | Says::Call));
        if status.availability.is_inviting() {
            assert!(reached && !lost, "seed {seed}: {status:?} of {leases:#?}");
        }
    }
}

/// The same facts told to two desks in different orders.
#[test]
fn two_servers_that_know_the_same_send_the_same_octets() {
    let mut documents = Vec::new();
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let mut facts: Vec<feed::Fact> = (0..dice.roll(6))
            .map(|_| {
                let said = feed::Said { by: dice.pick(&["alice", "edge"]), at: dice.moment() };
                let span = feed::Span { from: dice.perhaps(Dice::moment), until: None };
                match dice.roll(8) {
                    0 => said.manual(dice.manual(), span),
                    1 => said.note(Some(dice.note()), span),
                    2 => said.out_of_office(Some(dice.out_of_office()), span),
                    3 => said.dnd(1, true, span),
                    4 => said.conference(1, true, span),
                    5 => {
                        let event = Event { kind: dice.kind(), shown: Shown::Busy };
                        said.calendar(1, &[(feed::Entry::Event(event), span)])
                    }
                    6 => said.input(1, Input::touched(dice.moment()), span),
                    _ => said.lost(1, true),
                }
            })
            .collect();
        facts.sort_by_key(|fact| fact.channel);
        facts.dedup_by_key(|fact| fact.channel);
        let views = |facts: &[feed::Fact]| {
            let mut desk = Desk::new();
            desk.register(1);
            desk.publish("presence", "alice", &softphone("<rpid:class>x</rpid:class>"));
            for fact in facts {
                desk.tell(fact.clone());
                desk.settle();
            }
            desk.settle();
            [View::Full, View::Own].map(|view| desk.document("presence", view))
        };
        let first = views(&facts);
        dice.shuffle(&mut facts);
        assert_eq!(views(&facts), first, "seed {seed}: {facts:#?}");
        documents.extend(first);
    }
    assert_valid("random", &documents);
}

#[test]
fn whatever_is_said_a_phone_gets_a_short_valid_document() {
    let settings = Settings::default();
    let aor = Aor::from_parts("alice", "example.com");
    let mut documents = Vec::new();
    for seed in 0..500 {
        let (status, _) = compose(&Dice::new(seed).leases(), &settings, NOW);
        let document = phone::document(&aor, &status).write();
        assert!(document.len() < 1000, "{document}");
        assert!(document.matches("<tuple").count() == 1 && !document.contains("fanal"));
        documents.push(document);
    }
    assert_valid("phones", &documents);
}
