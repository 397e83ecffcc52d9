//! The lamp beside an extension: `dnd+101` is lit while 101 is not to be disturbed.

use fanal::base::identity::{Aor, Identity};
use fanal::base::time::Wall;
use fanal::base::uri::Uri;
use fanal::event::status::feed::{Fact, Said, Span};
use fanal::shard::{Answer, Asked, Demand, Input};

use crate::common::documents::call;
use crate::common::{Got, Office, Phone};

const ALICE: &str = "sip:alice@example.com";
const LAMP: &str = "sip:dnd+alice@example.com";

fn flag(office: &mut Office, on: bool) {
    let fact: Fact = Said { by: "", at: Wall::default() }.dnd(1, on, Span::default());
    let asked = Asked {
        number: 1,
        who: Identity::User(Aor::from_parts("alice", "example.com")),
        uri: Uri::parse(ALICE).expect("a URI"),
        demand: Demand::Say { fact, lasting: None },
    };
    office.happen(Input::Asked(Box::new(asked)));
    let (_, answer) = office.replies.pop().expect("an answer");
    assert!(matches!(answer, Answer::Said { .. }), "{answer:?}");
}

fn is_lit(notify: &Got) -> bool {
    assert!(notify.header("Event").starts_with("dialog"), "{notify:?}");
    assert!(notify.body.contains("entity=\"sip:dnd+alice@example.com\""), "{}", notify.body);
    notify.body.contains("<dialog id=\"dnd\"><state>confirmed</state></dialog>")
}

fn watch(office: &mut Office) -> Phone {
    let mut watcher = office.phone("102");
    let subscribe = watcher.subscribe(LAMP, "dialog");
    let (_, first) = office.subscribed(&mut watcher, &subscribe);
    assert!(!is_lit(&first));
    office.answer(&watcher, &first, 200);
    watcher
}

fn next(office: &mut Office, watcher: &Phone) -> Vec<bool> {
    office.live(watcher, std::time::Duration::from_secs(20)).iter().map(is_lit).collect()
}

#[test]
fn the_lamp_follows_the_flag_and_not_the_calls() {
    let mut office = Office::new();
    let watcher = watch(&mut office);
    flag(&mut office, true);
    assert_eq!(next(&mut office, &watcher), [true]);
    let mut pbx = office.pbx();
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c", "confirmed"));
    assert_eq!(next(&mut office, &watcher), [false; 0]);
    flag(&mut office, false);
    assert_eq!(next(&mut office, &watcher), [false]);
}

#[test]
fn a_lamp_lives_on_after_a_restart_and_is_refreshed() {
    let mut office = Office::new();
    let mut watcher = watch(&mut office);
    flag(&mut office, true);
    assert_eq!(next(&mut office, &watcher), [true]);
    office.restart(2);
    assert!(next(&mut office, &watcher).iter().all(|lit| *lit));
    let refresh = watcher.refresh();
    let (answer, notify) = office.subscribed(&mut watcher, &refresh);
    assert_eq!((answer.status(), is_lit(&notify)), (200, true));
}

#[test]
fn a_lamp_tells_of_calls_alone_and_takes_none() {
    let mut office = Office::new();
    let mut watcher = office.phone("102");
    let subscribe = watcher.subscribe(LAMP, "presence");
    assert_eq!(office.ask(&watcher, &subscribe).status(), 489);
    let subscribe = watcher.subscribe(ALICE, "dialog.dnd");
    assert_eq!(office.ask(&watcher, &subscribe).status(), 489);
}

#[test]
fn the_lamp_of_somebody_unknown_is_unknown() {
    let mut office = Office::with_users(
        |config| config.server.presentities = fanal::shard::config::Presentities::Known,
        crate::common::office::users(),
    );
    let mut watcher = office.phone("102");
    for (uri, status) in [(LAMP, 200), ("sip:dnd+nobody@example.com", 404)] {
        let subscribe = watcher.subscribe(uri, "dialog");
        let request = office.signed(&watcher, &subscribe);
        assert_eq!(office.ask(&watcher, &request).status(), status, "{uri}");
    }
}
