//! Who guesses passwords is soon not listened to, whatever the request; nobody else is harmed.

use fanal::base::limits::{AUTH_FAILURES_MAX, AUTH_FAILURES_OF_SOURCE_MAX, AUTH_REFUSED_FOR};

use crate::common::digest::{Challenge, Credentials};
use crate::common::documents::presence;
use crate::common::{Got, Office, Phone, Req};

fn challenge(office: &mut Office, phone: &mut Phone) -> Challenge {
    let request = phone.subscribe("sip:alice@example.com", "presence");
    Challenge::of(&office.ask(phone, &request), "SHA-256")
}

/// A request with a password, right or wrong, under a challenge of its own.
fn ask(office: &mut Office, phone: &mut Phone, user: &str, password: &str, request: Req) -> Got {
    let challenge = challenge(office, phone);
    let credentials = Credentials::new(user, password, &challenge, &request);
    office.ask(phone, &request.with("Authorization", &credentials.line()))
}

fn requests(phone: &mut Phone) -> [Req; 3] {
    const URI: &str = "sip:alice@example.com";
    let register = phone.register().with_to(&format!("<{URI}>"));
    [
        phone.subscribe(URI, "presence"),
        phone.publish(URI, "presence", &presence(URI, "open")),
        register,
    ]
}

#[test]
fn after_ten_wrong_passwords_the_name_is_refused_from_there_for_every_method() {
    for place in 0..3 {
        let mut office = Office::with_passwords();
        let (mut guesser, mut alice) = (office.phone("eve"), office.phone("alice"));
        for n in 0..AUTH_FAILURES_MAX {
            let request = requests(&mut guesser)[place].clone();
            let answer = ask(&mut office, &mut guesser, "alice", "wrong", request);
            assert_eq!(answer.status(), 401, "{n}");
        }
        for request in requests(&mut guesser) {
            let answer = ask(&mut office, &mut guesser, "alice", "secret", request);
            assert_eq!(answer.status(), 403, "not even with the right one");
            assert_eq!(answer.start, "SIP/2.0 403 Too Many Authentication Failures");
        }
        for request in requests(&mut alice) {
            let answer = ask(&mut office, &mut alice, "alice", "secret", request);
            assert_eq!(answer.status(), 200, "from elsewhere");
        }
        let counters = office.shard.counters();
        assert_eq!((counters.auth_failed, counters.auth_refused), (AUTH_FAILURES_MAX.into(), 3));
        office.pass(AUTH_REFUSED_FOR);
        let request = requests(&mut guesser)[place].clone();
        assert_eq!(ask(&mut office, &mut guesser, "alice", "secret", request).status(), 200);
    }
}

#[test]
fn many_names_from_one_address_refuse_it_but_for_those_who_are_known_there() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("bob");
    let subscribe = |phone: &mut Phone| phone.subscribe("sip:alice@example.com", "presence");
    let request = subscribe(&mut phone);
    assert_eq!(ask(&mut office, &mut phone, "bob", "secret", request).status(), 200);
    for n in 0..AUTH_FAILURES_OF_SOURCE_MAX {
        let request = subscribe(&mut phone);
        let answer = ask(&mut office, &mut phone, &format!("n{n}"), "wrong", request);
        assert_eq!(answer.status(), 401, "{n}");
    }
    let mut status = |user| {
        let request = subscribe(&mut phone);
        ask(&mut office, &mut phone, user, "secret", request).status()
    };
    assert_eq!(status("carol"), 403, "never seen there");
    assert_eq!(status("bob"), 200, "let in as before");
}

#[test]
fn datagrams_with_a_forged_address_lock_nobody_out() {
    let mut office = Office::with_passwords();
    let (mut forger, mut victim) = (office.phone("eve"), office.phone("alice"));
    for n in 0..3 * AUTH_FAILURES_OF_SOURCE_MAX {
        // Its own challenge, somebody else's address; or no challenge of ours at all.
        let mut challenge = challenge(&mut office, &mut forger);
        if n % 3 == 0 {
            challenge.parameters.retain(|(name, _)| name != "nonce");
            challenge.parameters.push(("nonce".to_owned(), format!("\"{n:064x}\"")));
        }
        let request = victim.subscribe("sip:alice@example.com", "presence");
        let wrong = Credentials::new("alice", "wrong", &challenge, &request);
        office.deliver(&victim.line, request.with("Authorization", &wrong.line()).to_text());
    }
    office.inbox(&victim);
    for request in requests(&mut victim) {
        let answer = ask(&mut office, &mut victim, "alice", "secret", request);
        assert_eq!(answer.status(), 200);
    }
}

#[test]
fn a_stranger_without_a_challenge_is_told_nothing_of_a_password() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("eve");
    let mut challenge = challenge(&mut office, &mut phone);
    challenge.parameters.retain(|(name, _)| name != "nonce");
    challenge.parameters.push(("nonce".to_owned(), format!("\"{}\"", "0".repeat(64))));
    let mut told = |password: &str| {
        let request = phone.subscribe("sip:alice@example.com", "presence");
        let guess = Credentials::new("alice", password, &challenge, &request);
        let answer = office.ask(&phone, &request.with("Authorization", &guess.line()));
        Challenge::of(&answer, "SHA-256").text("stale").to_owned()
    };
    assert_eq!(told("secret"), told("wrong"));
}
