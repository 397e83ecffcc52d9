//! Documents and calls as a device can bear them, by the name it gives itself.

use std::time::Duration;

use fanal::event::profile::{CallProfile, ProfileRule};

use crate::common::documents::call;
use crate::common::{Got, Office, Phone};
use crate::desk::softphone;

const ALICE: &str = "sip:alice@example.com";

/// A watcher that says to be this device; its first NOTIFY.
fn watch(office: &mut Office, device: Option<&str>, package: &str) -> (Phone, Got) {
    let mut watcher = office.phone("102");
    let mut subscribe = watcher.subscribe(ALICE, package);
    if let Some(device) = device {
        subscribe = subscribe.with("User-Agent", device);
    }
    let (_, first) = office.subscribed(&mut watcher, &subscribe);
    office.answer(&watcher, &first, 200);
    (watcher, first)
}

fn publish(office: &mut Office, package: &str, body: &str) {
    let mut alice = office.phone("alice");
    let request = alice.publish(ALICE, package, body);
    assert_eq!(office.ask(&alice, &request).status(), 200);
}

#[test]
fn a_phone_that_reads_no_further_is_sent_no_more() {
    let mut office = Office::new();
    publish(&mut office, "presence", &softphone("<rpid:activities><rpid:meal/></rpid:activities>"));
    let (_, full) = watch(&mut office, None, "presence");
    let (phone, short) = watch(&mut office, Some("Yealink SIP-T46G 28.80.0.85"), "presence");
    assert!(full.body.contains("fanal:state") && !short.body.contains("fanal:state"));
    assert!(short.body.contains("away") && short.body.len() < 1000, "{}", short.body);

    office.restart(2);
    let again = office.live(&phone, Duration::from_secs(10));
    assert!(!again.is_empty() && again.iter().all(|notify| notify.body == short.body));
}

#[test]
fn a_phone_that_takes_one_call_is_shown_the_one_that_rings() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let two = call(ALICE, "a", "confirmed").replace(
        "</dialog-info>",
        "<dialog id=\"b\" direction=\"recipient\"><state>early</state></dialog></dialog-info>",
    );
    office.publish(&mut pbx, ALICE, "dialog", &two);
    let count = |notify: &Got| notify.body.matches("<dialog ").count();
    let (_, usual) = watch(&mut office, None, "dialog");
    let (_, single) = watch(&mut office, Some("Linksys/SPA962-6.1.5(a)"), "dialog");
    assert_eq!((count(&usual), count(&single)), (2, 1));
    assert!(single.body.contains("<state>early</state>"), "{}", single.body);
}

#[test]
fn settings_know_devices_better() {
    let mut office = Office::with(|config| {
        config.server.auth = fanal::shard::config::Authentication::Off;
        let rfc = CallProfile { dummy: false, ..CallProfile::default() };
        config.status.profiles =
            vec![ProfileRule { user_agent: "Lab*".to_owned(), presence: None, dialog: Some(rfc) }];
    });
    let (_, usual) = watch(&mut office, None, "dialog");
    let (_, strict) = watch(&mut office, Some("Lab/1"), "dialog");
    assert!(usual.body.contains("<dialog ") && !strict.body.contains("<dialog "));
    for secret in [usual, strict] {
        assert!(secret.body.contains("<dialog-info"), "{}", secret.body);
    }
}
