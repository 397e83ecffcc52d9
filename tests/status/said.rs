//! What is said of a person by another way than PUBLISH: kept, told, and ended by itself.

use std::time::Duration;

use fanal::base::identity::{Aor, Identity};
use fanal::base::limits;
use fanal::base::uri::Uri;
use fanal::event::status::feed::{Fact, Said, Span};
use fanal::event::status::{Availability, Manual, Note, State};
use fanal::event::{Source, Topic};
use fanal::policy::Verdict;
use fanal::shard::inquiry::{Outcome, Sight, Why};
use fanal::shard::{Answer, Asked, Change, Demand, Input, RecordKey};
use fanal::sip::Refusal;
use fanal::transaction::Ticket;

use crate::common::samples::between;
use crate::common::{Office, Phone};

const ALICE: &str = "sip:alice@example.com";
const OPEN: &str = "<presence xmlns='urn:ietf:params:xml:ns:pidf' \
    entity='sip:alice@example.com'><tuple id='t'><status><basic>open</basic></status></tuple>\
    </presence>";
const MINUTE: Duration = Duration::from_secs(60);

fn user(name: &str) -> Identity {
    Identity::User(Aor::from_parts(name, "example.com"))
}

/// Asks, as `who`, and takes the answer.
fn ask(office: &mut Office, who: &str, uri: &str, demand: Demand) -> (Ticket, Answer) {
    let uri = Uri::parse(uri).expect("a URI");
    let asked = Asked { number: 7, who: user(who), uri, demand };
    office.shard.handle(office.now, Input::Asked(Box::new(asked)));
    office.turn();
    office.replies.pop().expect("an answer in the same turn")
}

fn say(office: &mut Office, fact: Fact, lasting: Option<Duration>) -> (Ticket, Answer) {
    ask(office, "alice", ALICE, Demand::Say { fact, lasting })
}

fn manual(state: State) -> Fact {
    Said::WHEN_ASKED.manual(Manual::new(state).with_note(Note::new("Focus")), Span::default())
}

fn see(office: &mut Office, who: &str) -> Sight {
    match ask(office, who, ALICE, Demand::See).1 {
        Answer::Seen(sight) => sight,
        other => panic!("{other:?}"),
    }
}

fn why(office: &mut Office, watcher: Option<&str>) -> Why {
    let watcher = watcher.map(|name| Aor::from_parts(name, "example.com"));
    match ask(office, "root", ALICE, Demand::Why { watcher }).1 {
        Answer::Why(why) => *why,
        other => panic!("{other:?}"),
    }
}

/// A watcher of alice, whose softphone can be called.
fn office() -> (Office, Phone) {
    let mut office = Office::new();
    let mut alice = office.phone("alice");
    let publish = alice.publish(ALICE, "presence", OPEN).with("Expires", "7200");
    office.ask(&alice, &publish);
    let mut watcher = office.phone("102");
    let subscribe = watcher.subscribe(ALICE, "presence").with("Expires", "7200");
    let (_, first) = office.subscribed(&mut watcher, &subscribe);
    office.answer(&watcher, &first, 200);
    (office, watcher)
}

fn told(office: &mut Office, watcher: &Phone, span: Duration) -> Vec<String> {
    let notifies = office.live(watcher, span);
    let word = |body: &str| match body.contains("<fanal:state") {
        true => between(body, "availability=\"", "\"").to_owned(),
        false => "plain".to_owned(),
    };
    notifies.iter().map(|notify| word(&notify.body)).collect()
}

/// Whether the store was told last that nothing is said any more.
fn is_forgotten(office: &Office) -> bool {
    let last = office.kept.iter().rev().find_map(|change| match change {
        Change::Put(record) => matches!(record.key(), RecordKey::Said(..)).then_some(false),
        Change::Remove(RecordKey::Said(..)) => Some(true),
        _ => None,
    });
    last == Some(true)
}

#[test]
fn a_state_set_by_hand_is_told_at_once_and_its_end_without_being_asked() {
    let (mut office, watcher) = office();
    let (ticket, answer) = say(&mut office, manual(State::Dnd), Some(45 * MINUTE));
    let until = office.now.wall + 45 * MINUTE;
    let aor = Aor::from_parts("alice", "example.com");
    assert_eq!(answer, Answer::Said { aor, until: Some(until) });
    assert!(ticket > Ticket::default(), "it waits until it is kept");
    assert_eq!(told(&mut office, &watcher, MINUTE), ["dnd"]);
    assert_eq!(told(&mut office, &watcher, 43 * MINUTE), [""; 0]);
    assert_eq!(told(&mut office, &watcher, MINUTE), ["plain"]);
    assert!(is_forgotten(&office));
}

#[test]
fn what_was_said_is_there_after_a_restart_and_ends_in_time() {
    let (mut office, watcher) = office();
    say(&mut office, manual(State::Busy), Some(10 * MINUTE));
    assert_eq!(told(&mut office, &watcher, MINUTE), ["busy"]);
    office.restart(2);
    assert!(told(&mut office, &watcher, MINUTE).iter().all(|word| word == "busy"));
    assert_eq!(told(&mut office, &watcher, 8 * MINUTE), ["plain"]);

    say(&mut office, manual(State::Busy), Some(MINUTE));
    office.now = office.now.after(2 * MINUTE);
    office.restart(3);
    office.turn();
    assert_eq!(why(&mut office, None).status.availability, Availability::Available);
    assert!(is_forgotten(&office), "what ended while nobody ran");
}

#[test]
fn the_same_said_again_is_not_told_and_another_takes_its_place() {
    let (mut office, watcher) = office();
    say(&mut office, manual(State::Dnd), Some(45 * MINUTE));
    assert_eq!(told(&mut office, &watcher, MINUTE), ["dnd"]);
    say(&mut office, manual(State::Away), None);
    assert_eq!(told(&mut office, &watcher, MINUTE), ["away"]);
    say(&mut office, Said::WHEN_ASKED.automatic(), None);
    assert_eq!(told(&mut office, &watcher, MINUTE), ["plain"]);
}

#[test]
fn a_flag_taken_back_is_kept_as_taken_back() {
    let (mut office, watcher) = office();
    say(&mut office, Said::WHEN_ASKED.dnd(3, true, Span::default()), None);
    assert_eq!(told(&mut office, &watcher, MINUTE), ["dnd"]);
    let (ticket, _) = say(&mut office, Said::WHEN_ASKED.dnd(3, false, Span::default()), None);
    assert!(ticket > Ticket::default());
    let (again, _) = say(&mut office, Said::WHEN_ASKED.dnd(3, false, Span::default()), None);
    assert_eq!(again, Ticket::default(), "nothing is kept of nothing");
    office.restart(2);
    assert_eq!(why(&mut office, None).status.availability, Availability::Available);
}

#[test]
fn nobody_speaks_for_another_or_for_nobody() {
    let (mut office, _) = office();
    let demand = || Demand::Say { fact: manual(State::Dnd), lasting: None };
    let refused = |answer| match answer {
        (_, Answer::Refused(refusal)) => refusal,
        (_, other) => panic!("{other:?}"),
    };
    let answer = ask(&mut office, "bob", ALICE, demand());
    assert_eq!(refused(answer), Refusal::Forbidden("Not Your Address"));
    let answer = ask(&mut office, "alice", "sip:alice@elsewhere.test", demand());
    assert_eq!(refused(answer), Refusal::NotServed);
    office.shard.handle(office.now, Input::StoreHealth(false));
    let answer = ask(&mut office, "alice", ALICE, demand());
    assert!(matches!(refused(answer), Refusal::Busy { .. }));
}

#[test]
fn those_who_speak_of_one_person_are_bounded() {
    let (mut office, _) = office();
    let most = u32::try_from(limits::CHANNELS_MAX).expect("few");
    for number in 0..most {
        let (_, answer) =
            say(&mut office, Said::WHEN_ASKED.dnd(number, true, Span::default()), None);
        assert!(matches!(answer, Answer::Said { .. }));
    }
    let (_, answer) = say(&mut office, Said::WHEN_ASKED.dnd(most, true, Span::default()), None);
    assert_eq!(answer, Answer::Refused(Refusal::Forbidden("Too Many Sources")));
    let (_, answer) =
        say(&mut office, Said::WHEN_ASKED.dnd(0, true, Span::default()), Some(MINUTE));
    assert!(matches!(answer, Answer::Said { until: Some(_), .. }), "a known one is heard");
}

#[test]
fn who_asks_sees_what_a_subscription_would_show() {
    let mut office = Office::with(|config| {
        config.server.auth = fanal::shard::config::Authentication::Off;
        let rule = |watcher: &str, verdict| fanal::policy::Rule {
            presentity: "*".parse().expect("anybody"),
            watcher: watcher.parse().expect("an address"),
            verdict,
        };
        config.policy.rules = vec![
            rule("eve@example.com", Verdict::PoliteBlock),
            rule("mallory@example.com", Verdict::Block),
            rule("carol@example.com", Verdict::Confirm),
            rule("102@example.com", Verdict::Allow),
            rule("alice@example.com", Verdict::Allow),
        ];
        config.policy.default = Verdict::Block;
    });
    let mut alice = office.phone("alice");
    let publish = alice.publish(ALICE, "presence", OPEN).with("Expires", "7200");
    office.ask(&alice, &publish);
    say(&mut office, manual(State::Invisible), None);

    let body = |sight: Sight| String::from_utf8(sight.presence.expect("seen").to_vec());
    let own = body(see(&mut office, "alice")).expect("text");
    assert!(own.contains(">open<"), "{own}");
    for other in ["102", "eve"] {
        let seen = body(see(&mut office, other)).expect("text");
        assert!(seen.contains(">closed<") && !seen.contains("Focus"), "{seen}");
    }
    let pending = see(&mut office, "carol");
    assert_eq!((pending.presence, pending.calls), (None, None));
    let (_, answer) = ask(&mut office, "mallory", ALICE, Demand::See);
    assert_eq!(answer, Answer::Refused(Refusal::Forbidden("Forbidden")));
}

#[test]
fn why_names_every_source_the_one_that_decides_and_who_was_told() {
    let (mut office, _watcher) = office();
    say(&mut office, manual(State::Dnd), Some(45 * MINUTE));
    let before = why(&mut office, None);
    assert_eq!(before.status.availability, Availability::Dnd);
    let sources: Vec<_> = before.reasons.iter().map(|r| (r.source, r.layer, r.decides)).collect();
    let hand = Source::from(Topic::Manual.only());
    assert_eq!(sources, [(hand, 1, true), (Source::Publication(0), 7, false)]);
    assert_eq!(before.reasons[0].lease.publisher.as_ref(), "alice@example.com");
    assert_eq!(before.reasons[0].end, Some(office.now.wall + 45 * MINUTE));
    let told: Vec<_> = before.told.iter().map(|told| (told.package, told.outcome)).collect();
    assert_eq!(told, [("presence", Outcome::InFlight)]);
    assert_eq!(why(&mut office, Some("103")).told, []);
}

#[test]
fn nothing_is_left_of_somebody_who_was_only_asked_about() {
    let mut office = Office::new();
    see(&mut office, "102");
    why(&mut office, None);
    office.turn();
    assert_eq!(office.shard.presentities(), 0);
}
