//! Lamps and documents that lied elsewhere: a state from a timer, answered before anybody picked
//! up, idle for unplugged, a person under somebody else's name.

use std::time::Duration;

use fanal::base::flow::{Flow, Hop, Transport};
use fanal::shard::Input;

use crate::LINE;
use crate::common::documents::{attribute, call, calls, mailbox, presence};
use crate::common::phone::Line;
use crate::common::samples::{between, dialog_info, states, tuples};
use crate::common::scenes::lamp_of;
use crate::common::{Got, Office, Phone};

/// A remark that makes a NOTIFY larger than a datagram should be.
const LARGE: usize = 2000;

/// A watcher of the presence of a line, after a quiet time.
fn watcher_of(office: &mut Office, line: &str) -> Phone {
    let mut watcher = office.phone("103");
    let request = watcher.subscribe(line, "presence").with("Expires", "3600");
    let (_, first) = office.subscribed(&mut watcher, &request);
    office.answer(&watcher, &first, 200);
    office.pass_secs(30);
    watcher
}

#[test]
fn pain_03_a_call_lives_as_long_as_its_publication_was_granted() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let brief = pbx.publish(LINE, "dialog", &call(LINE, "c1", "early")).with("Expires", "70");
    let granted = office.ask(&pbx, &brief);
    assert_eq!((granted.status(), granted.expires()), (200, 70));
    assert_eq!(states(&office.notified(&lamp).body), ["early"]);
    office.assert_quiet(&lamp, 40);
    let refresh = pbx.publish(LINE, "dialog", "").with("Expires", "70");
    let refresh = refresh.with("SIP-If-Match", granted.header("SIP-ETag"));
    assert_eq!(office.ask(&pbx, &refresh).expires(), 70);

    // Its branch is never answered, and its publisher says nothing any more.
    office.assert_quiet(&lamp, 69);
    let told = office.live(&lamp, Duration::from_secs(2));

    assert_eq!(told.len(), 1, "{told:#?}");
    assert_eq!(calls(&told[0].body), [("c1".to_owned(), "terminated".to_owned())]);
    assert_eq!(calls(&office.refreshed(&mut lamp).body)[0].0, "idle");
}

#[test]
fn pain_05_nothing_but_an_answer_makes_a_call_answered() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let watcher = watcher_of(&mut office, LINE);
    // As it goes with a reliable provisional response: tags, targets and times come before the end.
    let step = |state: &str, more: &str| {
        let inside = format!(
            "<dialog id=\"c1\" call-id=\"c1@pbx\" local-tag=\"lt\" {more} direction=\"recipient\">\
             <state>{state}</state></dialog>"
        );
        dialog_info(LINE, "full", &inside)
    };
    let rings = [step("trying", ""), step("proceeding", ""), step("early", "remote-tag=\"rt\"")];
    let tag = office.publish(&mut pbx, LINE, "dialog", &rings[0]);
    let mut seen = office.live(&lamp, Duration::from_secs(10));
    let mut tag = office.modify(&mut pbx, LINE, "dialog", &tag, &rings[1]);
    seen.extend(office.live(&lamp, Duration::from_secs(10)));
    for _ in 0..3 {
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &rings[2]);
        seen.extend(office.live(&lamp, Duration::from_secs(10)));
    }
    let seen: Vec<String> = seen.iter().flat_map(|notify| states(&notify.body)).collect();
    assert_eq!(seen, ["trying", "proceeding", "early"]);
    for told in office.live(&watcher, Duration::from_secs(10)) {
        assert!(!told.body.contains("on-the-phone"), "{told:?}");
    }

    office.modify(&mut pbx, LINE, "dialog", &tag, &step("confirmed", "remote-tag=\"rt\""));

    assert_eq!(states(&office.notified(&lamp).body), ["confirmed"]);
    let told = office.live(&watcher, Duration::from_secs(10));
    assert!(told.last().expect("a NOTIFY").body.contains("on-the-phone"), "{told:#?}");
}

#[test]
fn pain_10_what_was_told_to_have_ended_never_comes_out_as_answered() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    // Two nodes of a PBX speak of one call. The one that knows of its end knows nothing of the
    // other's publication, and the agent dies as soon as it has heard of it.
    let one = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.notified(&lamp);
    office.pass_secs(1);
    let other = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.live(&lamp, Duration::from_secs(5));
    office.modify(&mut pbx, LINE, "dialog", &one, &call(LINE, "c1", "terminated"));
    office.restart(9);
    for told in office.live(&lamp, Duration::from_secs(33)) {
        assert!(!states(&told.body).contains(&"confirmed".to_owned()), "{told:?}");
    }

    // The other goes on to prolong what it believes.
    let prolonged = pbx.publish(LINE, "dialog", "").with("SIP-If-Match", &other);
    assert_eq!(office.ask(&pbx, &prolonged).status(), 200);

    office.assert_quiet(&lamp, 33);
    let idle = [("idle".to_owned(), "terminated".to_owned())];
    assert_eq!(calls(&office.refreshed(&mut lamp).body), idle);
}

#[test]
fn pain_12_a_phone_that_is_idle_and_one_that_is_unplugged_are_two_things() {
    let mut office = Office::new();
    let watcher = watcher_of(&mut office, LINE);
    let mut phone = office.phone("101");
    let mut basics = Vec::new();
    let mut look = |office: &mut Office, what: &str| {
        for told in office.live(&watcher, Duration::from_secs(10)) {
            let all: Vec<String> = tuples(&told.body).into_iter().map(|(_, basic)| basic).collect();
            basics.push((what.to_owned(), all.join(" ")));
        }
    };
    let register = phone.register();
    assert_eq!(office.ask(&phone, &register).status(), 200);
    look(&mut office, "registers");
    let brief = phone.publish(LINE, "presence", &presence(LINE, "open")).with("Expires", "60");
    assert_eq!(office.ask(&phone, &brief).status(), 200);
    look(&mut office, "publishes");
    office.pass_secs(40);
    look(&mut office, "its publication ends");
    // The phone is unplugged: nothing refreshes its registration.
    for _ in 0..60 {
        look(&mut office, "is unplugged");
    }

    let expected = [
        ("registers", "open"),
        ("publishes", "open"),
        ("its publication ends", "open"),
        ("is unplugged", "closed"),
    ];
    let expected = expected.map(|(what, all)| (what.to_owned(), all.to_owned()));
    assert_eq!(basics, expected);
}

#[test]
fn pain_13_the_contact_of_a_document_is_the_presentity_and_nothing_is_the_watcher() {
    let mut office = Office::new();
    let watcher = watcher_of(&mut office, LINE);
    let mut phone = office.phone("101");

    office.publish(&mut phone, LINE, "presence", &presence(LINE, "open"));

    let told = office.notified(&watcher);
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{LINE}\">\n  \
         <tuple id=\"t1\"><status><basic>open</basic></status>\
         <contact>{LINE}</contact></tuple>\n</presence>\n"
    );
    assert_eq!(told.body, expected);
    assert_eq!(told.header("From").split(';').next(), Some(format!("<{LINE}>").as_str()));
}

#[test]
fn pain_23_no_lamp_waits_for_the_store() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let kept = office.kept.len();
    // The store is busy with what came before, and stays so: nothing it was given is kept.
    let publish = pbx.publish(LINE, "dialog", &call(LINE, "c1", "early"));
    let answer = office.ask(&pbx, &publish);

    let told = office.notified(&lamp);

    assert!(office.kept.len() > kept, "the publication is to be kept");
    assert_eq!(states(&told.body), ["early"]);
    let (promise, lamp) = (answer.parcel.after, told.parcel.after);
    assert!(lamp < promise, "the 200 waits for {promise:?}, the NOTIFY for {lamp:?} only");
}

#[test]
fn pain_30_a_notify_too_large_for_a_datagram_takes_a_stream_where_there_is_one() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    let large = |state: &str| {
        let remark = "x".repeat(LARGE);
        let named = format!("<identity display=\"{remark}\">sip:555@example.com");
        call(LINE, "c1", state).replace("<identity>sip:555@example.com", &named)
    };
    let by = |got: &Got| (got.parcel.hop.transport(), got.parcel.octets.len() > 1300);
    let tag = office.publish(&mut pbx, LINE, "dialog", &large("early"));
    // It says that it listens where its datagrams come from: a stream is tried first.
    let dialled = office.notifies(&lamp).remove(0);
    assert_eq!(by(&dialled), (Transport::Tcp, true));
    assert!(matches!(dialled.parcel.hop, Hop::Dial { .. }), "{dialled:?}");
    // Nobody accepts it: a datagram follows at once, of the same state, and from then on only such.
    office.happen(Input::Undeliverable(dialled.parcel.request.expect("a request of ours")));
    let sent = office.notified(&lamp);
    assert_eq!(by(&sent), (Transport::Udp, true));
    assert_eq!(calls(&sent.body), calls(&dialled.body));
    office.modify(&mut pbx, LINE, "dialog", &tag, &large("confirmed"));
    let sent = office.notified(&lamp);
    assert_eq!((by(&sent), states(&sent.body)), ((Transport::Udp, true), vec!["confirmed".into()]));
    assert_eq!(office.shard.counters().large_by_datagram, 2, "an operator can see it");
    // What is small again goes as before, and so does what is large to a phone on a stream.
    assert_eq!(by(&office.unsubscribe(&mut lamp)).0, Transport::Udp);
    let mut streaming = office.tcp_phone("104");
    let first = office.subscribe(&mut streaming, LINE, "dialog");
    assert_eq!(by(&first), (Transport::Tcp, true));
    assert!(matches!(first.parcel.hop, Hop::Flow(Flow::Stream { .. })), "{first:?}");
}

#[test]
fn pain_30_nobody_is_dialled_behind_nat() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = (office.phone("102"), office.pbx());
    lamp.line = Line::udp("203.0.113.9:40123");
    lamp.contact = "sip:102@10.0.0.5:5060".to_owned();
    office.subscribe(&mut lamp, LINE, "dialog");
    office.pass_secs(30);

    let body =
        call(LINE, "c1", "early").replace("sip:555@", &format!("sip:{}@", "5".repeat(LARGE)));
    office.publish(&mut pbx, LINE, "dialog", &body);

    let told = office.notified(&lamp);
    assert!(matches!(told.parcel.hop, Hop::Flow(Flow::Udp { .. })), "{told:?}");
    assert!(told.parcel.octets.len() > LARGE);
    assert_eq!(office.shard.counters().large_by_datagram, 1);
}

#[test]
fn pain_34_the_first_notify_of_every_package_says_everything() {
    let mut office = Office::new();
    let (mut pbx, mut phone) = (office.pbx(), office.phone("101"));
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    office.publish(&mut pbx, LINE, "message-summary", &mailbox(2, 1));
    office.publish(&mut phone, LINE, "presence", &presence(LINE, "open"));
    let mut watcher = office.phone("103");

    let lamp = office.subscribe(&mut watcher, LINE, "dialog");
    let mail = office.subscribe(&mut watcher, LINE, "message-summary");
    let person = office.subscribe(&mut watcher, LINE, "presence");

    let root = between(&lamp.body, "<dialog-info", ">");
    assert_eq!((attribute(root, "state"), lamp.version()), ("full", 0));
    assert_eq!(calls(&lamp.body), [("c1".to_owned(), "confirmed".to_owned())]);
    assert!(mail.body.contains("Voice-Message: 2/1"), "{mail:?}");
    assert!(person.body.contains("on-the-phone"), "{person:?}");
    assert_eq!(tuples(&person.body).len(), 1, "{person:?}");
}

#[test]
fn pain_35_a_document_names_the_person_as_the_phone_did() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    for written in
        [LINE, "sip:101@EXAMPLE.com", "sip:101@example.com:5060", "sip:101@example.com;user=phone"]
    {
        let mut phone = office.phone("102");
        let request = phone.subscribe(written, "dialog");
        let (_, first) = office.subscribed(&mut phone, &request);
        office.answer(&phone, &first, 200);
        office.pass_secs(10);
        let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
        let told = office.notified(&phone);
        for notify in [first, told] {
            let root = between(&notify.body, "<dialog-info", ">");
            assert_eq!(attribute(root, "entity"), written);
        }
        office.withdraw(&mut pbx, LINE, "dialog", &tag);
        office.notified(&phone);
        office.unsubscribe(&mut phone);
    }
}

#[test]
fn pain_36_a_boundary_within_a_header_parts_nothing() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let document = call(LINE, "c1", "early");
    let body = format!(
        "--b1\r\nContent-ID: <x--b1@pbx>\r\nX-Remark: a\r\n --b1 is no end\r\n\
         Content-Type: application/dialog-info+xml\r\n\r\n{document}\r\n--b1--\r\n"
    );
    let request = pbx.publish(LINE, "dialog", &body);
    let request = request.with("Content-Type", "multipart/related;boundary=\"b1\"");

    assert_eq!(office.ask(&pbx, &request).status(), 200);

    assert_eq!(calls(&office.notified(&lamp).body), calls(&document));
}
