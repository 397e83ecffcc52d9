//! Who may see what, from SUBSCRIBE to NOTIFY: rules of persons and the policy of an organisation
//! at work in a shard, and in the binary.
#![allow(clippy::disallowed_methods, reason = "a real program takes real time")]

use std::sync::Arc;

use fanal::auth::TrustedPeers;
use fanal::base::identity::Aor;
use fanal::policy::rules::place::Place;
use fanal::policy::{Book, Rules};
use fanal::shard::Input;

#[path = "../common/mod.rs"]
mod common;
#[allow(dead_code, reason = "shared with the tests on real sockets")]
#[path = "../wire/phone.rs"]
mod wire;

mod hidden;
mod moved;
mod places;
mod served;
mod tenants;
mod verdicts;
mod winfo;

use common::{Got, Office, Phone, Req};

/// Whom everybody watches here.
const ALICE: &str = "sip:alice@example.com";

/// An office whose phones are believed who they say they are, with rules of alice and a policy.
fn office(rules: &str, policy: Option<&str>) -> Office {
    let mut office = Office::with(|config| {
        for door in &mut config.doors {
            let peers = ["192.0.2.0/24"].map(|peer| peer.parse().expect("a network"));
            door.trusted = TrustedPeers::new(peers.to_vec());
        }
        config.book = Some(book(rules, policy));
    });
    office.pass_secs(30);
    office
}

/// The book of such an office; without rules alice has none.
fn book(rules: &str, policy: Option<&str>) -> Arc<Book> {
    let place = Place::index(Aor::from_canonical("alice@example.com"));
    let document = ruleset(rules);
    let documents = (!rules.is_empty()).then_some((place, document.as_bytes()));
    let (book, faults) = Book::read(Rules::default(), policy, documents);
    assert_eq!(faults, []);
    Arc::new(book)
}

/// A document of rules.
fn ruleset(rules: &str) -> String {
    format!(
        "<ruleset xmlns='urn:ietf:params:xml:ns:common-policy' \
         xmlns:pr='urn:ietf:params:xml:ns:pres-rules' \
         xmlns:f='urn:x-fanal:presence:1'>{rules}</ruleset>"
    )
}

/// A rule for one watcher.
fn rule(id: &str, watcher: &str, handling: &str, transformations: &str) -> String {
    when(id, &format!("<identity><one id='sip:{watcher}'/></identity>"), handling, transformations)
}

/// A rule under conditions.
fn when(id: &str, conditions: &str, handling: &str, transformations: &str) -> String {
    format!(
        "<rule id='{id}'><conditions>{conditions}</conditions><actions><pr:sub-handling>{handling}\
         </pr:sub-handling></actions><transformations>{transformations}</transformations></rule>"
    )
}

/// Services, persons and devices, and of them what is always shown.
const BARE: &str = "<pr:provide-services><pr:all-services/></pr:provide-services>\
    <pr:provide-persons><pr:all-persons/></pr:provide-persons>\
    <pr:provide-devices><pr:all-devices/></pr:provide-devices>";

const ACTIVITIES: &str = "<pr:provide-activities>true</pr:provide-activities>";

/// A presence document whose person has these elements and was dated at this second.
fn person(elements: &str, second: u32) -> String {
    format!(
        "<presence xmlns='urn:ietf:params:xml:ns:pidf' xmlns:dm='urn:ietf:params:xml:ns:pidf:data-model' \
         xmlns:r='urn:ietf:params:xml:ns:pidf:rpid' entity='{ALICE}'>\
         <tuple id='t1'><status><basic>open</basic></status><contact>{ALICE}</contact>\
         <timestamp>2026-03-02T09:00:{second:02}Z</timestamp></tuple>\
         <dm:person id='p1'>{elements}<dm:timestamp>2026-03-02T09:00:{second:02}Z</dm:timestamp>\
         </dm:person></presence>"
    )
}

/// The request with who is said to have sent it.
fn asserted(phone: &Phone, request: Req) -> Req {
    let who = format!("<sip:{}@{}>", phone.user, phone.domain);
    request.with("P-Asserted-Identity", &who)
}

/// A phone subscribes; its first NOTIFY, answered.
fn watch(office: &mut Office, phone: &mut Phone, package: &str) -> Got {
    let request = asserted(phone, phone.clone().subscribe(ALICE, package));
    let _ = phone.subscribe(ALICE, package); // The phone counts its requests.
    let (_, notify) = office.subscribed(phone, &request);
    office.answer(phone, &notify, 200);
    notify
}

/// The status of the answer to a SUBSCRIBE.
fn refused(office: &mut Office, phone: &mut Phone, package: &str) -> Got {
    let request = phone.subscribe(ALICE, package);
    let request = asserted(phone, request);
    let (response, notifies) = office.exchange(phone, &request);
    assert!(notifies.is_empty(), "{notifies:#?}");
    response
}

/// A refresh; its NOTIFY, answered.
fn refresh(office: &mut Office, phone: &mut Phone) -> Got {
    let refresh = phone.refresh();
    let refresh = asserted(phone, refresh);
    let (_, notify) = office.subscribed(phone, &refresh);
    office.answer(phone, &notify, 200);
    notify
}

/// Other rules count from now on.
fn replace(office: &mut Office, rules: &str, policy: Option<&str>) {
    let mut config = (*office.config).clone();
    config.book = Some(book(rules, policy));
    office.config = Arc::new(config);
    let (config, users) = (Arc::clone(&office.config), Arc::default());
    office.happen(Input::Settings { config, users });
}
