//! What one user, one address and one person's lamp may take: settings, and what is said when it
//! is too much.

use crate::common::documents::presence;
use crate::common::office::users;
use crate::common::phone::Line;
use crate::common::{Got, Office, Phone};

/// A first SUBSCRIBE with the password of the phone's user.
fn subscribe(office: &mut Office, phone: &mut Phone, whom: u16) -> Got {
    let request = phone.subscribe(&format!("sip:{whom}@example.com"), "dialog");
    let request = office.signed(phone, &request);
    let answer = office.ask(phone, &request);
    if answer.status() == 200 {
        phone.remember(&request, &answer);
        office.inbox(phone);
    }
    answer
}

fn end(office: &mut Office, phone: &mut Phone) {
    let request = phone.refresh().with("Expires", "0");
    let request = office.signed(phone, &request);
    assert_eq!(office.ask(phone, &request).status(), 200);
    for notify in office.notifies(phone) {
        office.answer(phone, &notify, 200);
    }
}

#[test]
fn a_user_has_so_many_subscriptions_and_another_one_when_one_is_over() {
    let mut office =
        Office::with_users(|config| config.notifier.subscriptions_of_user_max = 3, users());
    let (mut bob, mut alice) = (office.phone("bob"), office.phone("alice"));
    for whom in 101..104 {
        assert_eq!(subscribe(&mut office, &mut bob, whom).status(), 200);
    }
    let answer = subscribe(&mut office, &mut bob, 104);
    assert_eq!(answer.start, "SIP/2.0 403 Too Many Subscriptions Of Yours");
    assert_eq!(subscribe(&mut office, &mut alice, 104).status(), 200);
    end(&mut office, &mut bob);
    assert_eq!(subscribe(&mut office, &mut bob, 104).status(), 200);
    assert_eq!(subscribe(&mut office, &mut bob, 105).status(), 403);
}

#[test]
fn an_address_has_so_many_subscriptions_whoever_asks_and_they_move_with_the_phone() {
    let mut office =
        Office::with_users(|config| config.notifier.subscriptions_of_source_max = 2, users());
    let from = |host: u8, user: &str, port: u16| {
        Phone::new(user, Line::udp(&format!("192.0.2.{host}:{port}")), port)
    };
    let (mut bob, mut alice) = (from(7, "bob", 5061), from(7, "alice", 5062));
    assert_eq!(subscribe(&mut office, &mut bob, 101).status(), 200);
    assert_eq!(subscribe(&mut office, &mut alice, 102).status(), 200);
    let answer = subscribe(&mut office, &mut alice, 103);
    assert_eq!(answer.start, "SIP/2.0 403 Too Many Subscriptions From Your Address");
    // Bob's phone is heard from elsewhere: its place is free, and one less is free there.
    bob.line = Line::udp("192.0.2.8:5061");
    let request = bob.refresh();
    let request = office.signed(&bob, &request);
    assert_eq!(office.ask(&bob, &request).status(), 200);
    office.inbox(&bob);
    assert_eq!(subscribe(&mut office, &mut alice, 103).status(), 200);
    let mut carol = from(8, "105", 5063);
    assert_eq!(subscribe(&mut office, &mut carol, 101).status(), 200);
    assert_eq!(subscribe(&mut office, &mut carol, 102).status(), 403);
}

#[test]
fn a_person_has_so_many_publications() {
    const URI: &str = "sip:alice@example.com";
    let mut office = Office::with_users(|config| config.presentity.publications_max = 2, users());
    let mut phone = office.phone("alice");
    let mut publish = |office: &mut Office| {
        let request = phone.publish(URI, "presence", &presence(URI, "open"));
        let request = office.signed(&phone, &request);
        office.ask(&phone, &request)
    };
    assert_eq!(publish(&mut office).status(), 200);
    assert_eq!(publish(&mut office).status(), 200);
    assert_eq!(publish(&mut office).start, "SIP/2.0 403 Too Many Publications");
}

#[test]
fn lifetimes_granted_in_a_storm_differ_and_are_never_below_the_least() {
    let granted = |spread: u8| {
        let mut office =
            Office::with_users(|config| config.notifier.storm_spread = spread, users());
        // A proxy that is trusted subscribes for everybody.
        let mut phone = office.pbx();
        let mut spans: Vec<u64> = Vec::new();
        for number in 0..1_100_u64 {
            let request = phone.subscribe(&format!("sip:{number}@example.com"), "dialog");
            let request = request.again(&format!("storm{number}")).with("Expires", "3600");
            let answer = office.ask(&phone, &request);
            assert_eq!(answer.status(), 200);
            spans.push(answer.header("Expires").parse().expect("seconds"));
            office.wire.clear();
        }
        spans
    };
    let calm = granted(0);
    assert!(calm.iter().all(|span| *span == 3600));
    let spans = granted(25);
    assert!(spans[..1000].iter().all(|span| *span == 3600), "so many are no storm");
    let storm = &spans[1000..];
    assert!(storm.iter().all(|span| (2700..=3600).contains(span)), "{storm:?}");
    let mut different = storm.to_vec();
    different.sort_unstable();
    different.dedup();
    assert!(different.len() > storm.len() / 2, "{different:?}");
}
