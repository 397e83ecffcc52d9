//! Packages of single vendors: refused quickly, and nothing else is the worse for it.

use fanal::base::identity::{Aor, Identity};
use fanal::base::time::Wall;
use fanal::base::uri::Uri;
use fanal::event::status::feed::{Said, Span};
use fanal::event::status::{Manual, State};
use fanal::shard::{Asked, Demand, Input};

use crate::LINE;
use crate::common::documents::call;
use crate::common::samples::states;
use crate::common::{Got, Office, Phone};

const KEYS: &str = "as-feature-event";

/// A phone of 101 that keeps its key in step, and what it was told first.
fn keyed(office: &mut Office) -> Phone {
    let mut phone = office.phone("101");
    let request = phone.subscribe(LINE, KEYS);
    let (_, first) = office.subscribed(&mut phone, &request);
    assert!(!is_on(&first));
    office.answer(&phone, &first, 200);
    phone
}

fn is_on(notify: &Got) -> bool {
    assert_eq!(notify.header("Content-Type"), "application/x-as-feature-event+xml");
    let csta = "xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\"";
    assert!(notify.body.contains(csta) && notify.body.contains("<device>101</device>"));
    notify.body.contains("<doNotDisturbOn>true</doNotDisturbOn>")
}

/// A key is pressed: a SUBSCRIBE in the dialog, with this body.
fn press(office: &mut Office, phone: &mut Phone, body: &str) -> (Got, Vec<Got>) {
    let request =
        phone.refresh().with("Content-Type", "application/x-as-feature-event+xml").with_body(body);
    office.exchange(phone, &request)
}

fn set(on: bool) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetDoNotDisturb \
         xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\n\
         <device>3035550192</device>\n<doNotDisturbOn>{on}</doNotDisturbOn></SetDoNotDisturb>"
    )
}

#[test]
fn bsf_01_a_subscription_without_a_body_is_told_the_key() {
    let mut office = Office::new();
    keyed(&mut office);
}

#[test]
fn bsf_02_a_key_pressed_on_one_phone_is_lit_on_all_and_seen_by_others() {
    let mut office = Office::new();
    let (mut first, second) = (keyed(&mut office), keyed(&mut office));
    let mut watcher = office.phone("102");
    let subscribe = watcher.subscribe(LINE, "presence");
    let (_, seen) = office.subscribed(&mut watcher, &subscribe);
    office.answer(&watcher, &seen, 200);

    let (answer, told) = press(&mut office, &mut first, &set(true));
    assert_eq!(answer.status(), 200);
    assert!(told.iter().any(is_on), "{told:?}");
    office.answer(&first, &told[0], 200);
    let notify = office.notified(&second);
    assert!(is_on(&notify));
    office.answer(&second, &notify, 200);
    assert!(office.notified(&watcher).body.contains("Do not disturb"));

    office.restart(2);
    office.live(&first, std::time::Duration::from_secs(5));
    office.live(&watcher, std::time::Duration::from_secs(5));
    let again = office.live(&second, std::time::Duration::from_secs(5));
    assert!(again.iter().all(is_on), "it is kept");
    let (answer, told) = press(&mut office, &mut first, &set(false));
    assert_eq!(answer.status(), 200);
    assert!(told.iter().any(|notify| !is_on(notify)), "{told:?}");
}

#[test]
fn bsf_02_a_key_pressed_again_ends_what_was_set_elsewhere() {
    let mut office = Office::new();
    let mut phone = keyed(&mut office);
    let said = Said { by: "", at: Wall::default() };
    let fact = said.manual(Manual::new(State::Dnd), Span::default());
    office.happen(Input::Asked(Box::new(Asked {
        number: 1,
        who: Identity::User(Aor::from_parts("101", "example.com")),
        uri: Uri::parse(LINE).expect("a URI"),
        demand: Demand::Say { fact, lasting: None },
    })));
    let notify = office.notified(&phone);
    assert!(is_on(&notify));
    office.answer(&phone, &notify, 200);
    let (answer, told) = press(&mut office, &mut phone, &set(false));
    assert_eq!(answer.status(), 200);
    assert!(!told.is_empty() && told.iter().all(|notify| !is_on(notify)), "{told:?}");
}

/// As a phone of a vendor wrote it.
fn set_forwarding(on: bool) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<SetForwarding \
         xmlns=\"http://www.ecma-international.org/standards/ecma-323/csta/ed3\">\n   \
         <device>5550173</device>\n   <activateForward>{on}</activateForward>\n   \
         <forwardingType>forwardImmediate</forwardingType>\n   <forwardDN>5799</forwardDN>\n   \
         <ringCount></ringCount>\n</SetForwarding>"
    )
}

#[test]
fn bsf_02_a_forwarding_key_is_lit_on_all_phones_and_kept() {
    let mut office = Office::new();
    let (mut first, second) = (keyed(&mut office), keyed(&mut office));
    let (answer, told) = press(&mut office, &mut first, &set_forwarding(true));
    assert_eq!(answer.status(), 200);
    let shows = |notify: &Got, on: bool| {
        notify.header("Content-Type").starts_with("multipart/mixed;boundary=")
            && notify.body.contains("<forwardingType>forwardImmediate</forwardingType>")
            && notify.body.contains(&format!("<forwardStatus>{on}</forwardStatus>"))
            && notify.body.contains("<doNotDisturbOn>false</doNotDisturbOn>")
    };
    assert!(told.iter().any(|notify| shows(notify, true)), "{told:?}");
    office.answer(&first, &told[0], 200);
    let notify = office.notified(&second);
    assert!(shows(&notify, true));
    office.answer(&second, &notify, 200);

    office.restart(2);
    office.live(&second, std::time::Duration::from_secs(5));
    let again = office.live(&first, std::time::Duration::from_secs(5));
    assert!(again.iter().all(|notify| shows(notify, true)), "it is kept");
    let (answer, told) = press(&mut office, &mut first, &set_forwarding(false));
    assert_eq!(answer.status(), 200);
    assert!(told.iter().any(|notify| shows(notify, false)), "{told:?}");
}

#[test]
fn bsf_03_what_cannot_be_read_is_400_and_changes_nothing() {
    let mut office = Office::new();
    let mut phone = keyed(&mut office);
    for (body, status) in [
        ("<SetDoNotDisturb>", 400),
        ("<SetDoNotDisturb/>", 400),
        ("<SetTheTable/>", 400),
        ("<SetForwarding/>", 400),
    ] {
        let (answer, told) = press(&mut office, &mut phone, body);
        assert_eq!(answer.status(), status, "{body}");
        assert!(told.is_empty(), "{body}");
    }
    let (answer, told) = press(&mut office, &mut phone, "");
    assert_eq!(answer.status(), 200);
    assert!(told.iter().all(|notify| !is_on(notify)));
}

#[test]
fn bsf_01_the_keys_of_another_are_403() {
    let mut office = Office::with_passwords();
    let mut bob = office.phone("bob");
    let request = bob.subscribe(LINE, KEYS);
    let request = office.signed(&bob, &request);
    assert_eq!(office.ask(&bob, &request).status(), 403);
}

#[test]
fn bsf_06_packages_of_a_vendor_are_489_at_once() {
    let vendors = [
        "x-broadsoft-hoteling",
        "hoteling",
        "x-broadsoft-callpark",
        "call-info",
        "line-seize",
        "vq-rtcpxr",
        "keep-alive",
        "aastra-xml",
        "talk",
        "hold",
        "ua-profile",
        "Call-Completion",
    ];
    for package in vendors {
        let mut office = Office::new();
        let mut phone = office.phone("101");
        let request = phone.subscribe(LINE, package);

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 489, "{package}");
        for served in ["dialog", "presence", "message-summary"] {
            assert!(response.header("Allow-Events").contains(served), "{package}");
        }
        assert!(notifies.is_empty(), "{package}");
        office.assert_quiet(&phone, 33);
        assert_eq!(office.shard.subscriptions(), 0, "{package}");
    }
}

#[test]
fn bsf_06_a_refused_package_harms_no_other_subscription_of_the_phone() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone("102"), office.pbx());
    office.subscribe(&mut phone, LINE, "dialog");
    // One of its own, and one inside the dialog, as Panasonic phones send it.
    let outside = phone.subscribe(LINE, "x-broadsoft-hoteling");
    assert_eq!(office.ask(&phone, &outside).status(), 489);
    let inside = phone.refresh().with("Event", "as-feature-event");
    assert!([403, 489].contains(&office.ask(&phone, &inside).status()));

    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));

    assert_eq!(states(&office.notified(&phone).body), ["early"]);
    office.refreshed(&mut phone);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn bsf_06_headers_of_a_vendor_are_ignored() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone
        .subscribe(LINE, "dialog")
        .also("Call-Info", "<sip:example.com>;appearance-index=*;appearance-state=idle")
        .also("X-BroadSoft-Correlation-Info", "x;y=\"z")
        .also("Mac", "00:15:65:00:00:01")
        .also("Max-Breadth", "60");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 200);
    assert_eq!(notifies.len(), 1);
}
