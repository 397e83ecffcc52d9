//! The watcher: how phones subscribe, answer, and expect to be written to.

use std::time::Duration;

use fanal::notifier::config::OnTimeout;
use fanal::shard::config::Authentication;

use crate::LINE;
use crate::common::documents::{call, mailbox, presence};
use crate::common::phone::Line;
use crate::common::samples::states;
use crate::common::scenes::lamp_of;
use crate::common::{Got, Office};

const PACKAGES: [&str; 3] = ["dialog", "presence", "message-summary"];

#[test]
fn phone_09_a_lost_200_costs_nothing() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    // The phone answers, the answer is lost; it answers the repetition too.
    office.pass_secs(1);
    assert_eq!(states(&office.told(&lamp).body), ["early"]);

    office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", "confirmed"));

    assert_eq!(states(&office.notified(&lamp).body), ["confirmed"]);
}

#[test]
fn phone_09_a_phone_that_answers_after_seconds_gets_the_newest_state_next() {
    let mut office = Office::new();
    let (lamp, mut pbx) = lamp_of(&mut office, LINE);
    let mut tag = office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    for state in ["confirmed", "terminated"] {
        office.pass_millis(2500);
        tag = office.modify(&mut pbx, LINE, "dialog", &tag, &call(LINE, "c1", state));
    }
    let held = office.distinct(&lamp);
    assert_eq!(held.len(), 1, "one in flight: {held:#?}");
    office.answer(&lamp, &held[0], 200);

    let next = office.notified(&lamp);

    assert_eq!(states(&next.body), ["terminated"]);
    assert_eq!(next.cseq(), held[0].cseq() + 1);
}

#[test]
fn phone_09_an_answer_after_the_timeout_still_wakes_nothing_wrong() {
    let mut office = Office::new();
    let (mut lamp, mut pbx) = lamp_of(&mut office, LINE);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    office.pass_secs(33);
    let late = office.distinct(&lamp).remove(0);

    office.answer(&lamp, &late, 200);

    assert_eq!(office.shard.subscriptions(), 1);
    assert_eq!(states(&office.refreshed(&mut lamp).body), ["early"]);
}

#[test]
fn phone_09_a_408_of_a_proxy_is_a_timeout() {
    for (on_timeout, left) in [(OnTimeout::Suspend, 1), (OnTimeout::Remove, 0)] {
        let mut office = Office::with(|config| {
            config.server.auth = Authentication::Off;
            config.notifier.on_timeout = on_timeout;
        });
        let (lamp, mut pbx) = lamp_of(&mut office, LINE);
        office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
        let notify = office.notifies(&lamp).remove(0);

        office.answer(&lamp, &notify, 408);

        assert_eq!(office.shard.subscriptions(), left, "{on_timeout:?}");
    }
}

#[test]
fn phone_12_parameters_of_an_event_that_nobody_knows_come_back() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let event = "dialog;sla;include-session-description";

    let first = office.subscribe(&mut phone, LINE, event);
    let again = office.refreshed(&mut phone);

    for notify in [first, again] {
        let mut parts: Vec<&str> = notify.header("Event").split(';').map(str::trim).collect();
        assert_eq!(parts.remove(0), "dialog");
        parts.sort_unstable();
        assert_eq!(parts, ["include-session-description", "sla"], "{notify:?}");
    }
}

#[test]
fn phone_12_the_short_form_of_the_header_and_spaces_are_read() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "x").without("Event").also("o", "dialog ; id=12 ;sla");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 200);
    assert!(notifies[0].header("Event").replace(' ', "").starts_with("dialog;id=12"));
}

#[test]
fn phone_13_who_says_nothing_of_accept_gets_the_type_of_the_package() {
    for package in PACKAGES {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(LINE, package);
        assert!(request.value("Accept").is_empty());

        let (response, notify) = office.subscribed(&mut phone, &request);

        assert_eq!(response.status(), 200);
        assert!(notify.has("Content-Type") && !notify.body.is_empty(), "{package}");
    }
}

#[test]
fn phone_14_every_active_notify_has_expires_and_every_2xx_a_contact() {
    for package in PACKAGES {
        let mut office = Office::new();
        let (mut phone, mut pbx) = (office.phone("102"), office.pbx());
        let request = phone.subscribe(LINE, package);
        let (response, notify) = office.subscribed(&mut phone, &request);
        office.answer(&phone, &notify, 200);
        let refresh = phone.refresh();
        let (again, next) = office.subscribed(&mut phone, &refresh);
        office.answer(&phone, &next, 200);
        let body = match package {
            "dialog" => call(LINE, "c1", "early"),
            "presence" => presence(LINE, "open"),
            _ => mailbox(1, 0),
        };
        office.publish(&mut pbx, LINE, package, &body);
        let change = office.notified(&phone);
        let last = phone.refresh().with("Expires", "0");
        let (ended, _) = office.subscribed(&mut phone, &last);

        for notify in [notify, next, change] {
            assert_eq!(notify.substate(), "active");
            assert!((1..=600).contains(&notify.seconds_left()), "{package}");
        }
        for response in [response, again, ended] {
            assert!(response.header("Contact").starts_with("<sip:"), "{package}");
        }
    }
}

#[test]
fn phone_15_no_notify_has_an_expires_header_and_no_mailbox_is_empty() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone("102"), office.pbx());
    for package in PACKAGES {
        let mut all = vec![office.subscribe(&mut phone, LINE, package)];
        let tag = match package {
            "message-summary" => Some(office.publish(&mut pbx, LINE, package, &mailbox(1, 0))),
            _ => None,
        };
        all.extend(office.notified_all(&phone));
        if let Some(tag) = tag {
            office.withdraw(&mut pbx, LINE, package, &tag);
        }
        all.extend(office.notified_all(&phone));
        all.push(office.refreshed(&mut phone));
        all.push(office.unsubscribe(&mut phone));
        for notify in all {
            assert!(!notify.has("Expires"), "{notify:?}");
            assert!(!notify.body.is_empty(), "{notify:?}");
        }
    }
}

#[test]
fn phone_17_both_tags_are_in_every_request_within_the_dialog() {
    let mut office = Office::new();
    let (mut phone, mut pbx) = (office.phone("102"), office.pbx());
    let request = phone.subscribe(LINE, "dialog");
    let own_tag = request.from.split(";tag=").nth(1).expect("a tag").to_owned();
    let (response, first) = office.subscribed(&mut phone, &request);
    office.answer(&phone, &first, 200);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let mut all = vec![first, office.notified(&phone)];
    phone.remember(&request, &response);
    all.push(office.refreshed(&mut phone));
    all.push(office.unsubscribe(&mut phone));

    for notify in all {
        assert_eq!(notify.to_tag(), own_tag);
        assert_eq!(notify.sender_tag(), response.to_tag());
    }
}

/// Where the NOTIFY goes of a phone that sends from `source`, says `contact` and has or has no
/// rport in its Via.
fn sent_to(source: &str, contact: &str, rport: bool) -> String {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    phone.line = Line::udp(source);
    phone.contact = contact.to_owned();
    let mut request = phone.subscribe(LINE, "dialog");
    let sent_by = contact.rsplit('@').next().expect("a host").split(';').next().expect("a host");
    let rport = if rport { ";rport" } else { "" };
    request.via = format!("SIP/2.0/UDP {sent_by};branch=z9hG4bKp18{rport}");
    office.deliver(&phone.line, request.to_text());
    let notify =
        office.wire.iter().find(|parcel| parcel.octets.starts_with(b"NOTIFY")).expect("a NOTIFY");
    notify.hop.address().to_string()
}

#[test]
fn phone_18_a_phone_not_behind_nat_is_written_to_at_its_contact() {
    // Some Polycoms listen on another port than they send from.
    for rport in [true, false] {
        assert_eq!(
            sent_to("192.0.2.120:49152", "sip:102@192.0.2.120:5060", rport),
            "192.0.2.120:5060"
        );
        assert_eq!(
            sent_to("192.0.2.120:5060", "sip:102@192.0.2.120:5060", rport),
            "192.0.2.120:5060"
        );
    }
}

#[test]
fn phone_18_a_phone_behind_nat_is_written_to_where_it_sends_from() {
    // A VVX 350 behind NAT sends no rport, nor does Zoiper.
    for rport in [true, false] {
        for private in ["10.0.0.5:5060", "192.168.1.20:5060", "172.16.3.3:1024"] {
            let contact = format!("sip:102@{private}");
            assert_eq!(sent_to("203.0.113.9:40123", &contact, rport), "203.0.113.9:40123");
        }
    }
}

#[test]
fn phone_18_the_contact_stays_in_the_request_uri() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    phone.line = Line::udp("203.0.113.9:40123");
    phone.contact = "sip:102@10.0.0.5:5060;line=7".to_owned();
    let request = phone.subscribe(LINE, "dialog");

    let (_, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(notify.uri(), "sip:102@10.0.0.5:5060;line=7");
}

#[test]
fn phone_19_packages_nobody_serves_are_489_with_those_that_are() {
    for package in ["vq-rtcpxr", "keep-alive", "aastra-xml", "talk", "hold", "call-info"] {
        for method in ["SUBSCRIBE", "PUBLISH", "NOTIFY"] {
            let mut office = Office::new();
            let mut phone = office.phone("101");
            let mut request = phone.subscribe(LINE, package);
            request.method = method.to_owned();
            if method == "NOTIFY" {
                request = request.with("Subscription-State", "active");
            }

            let (response, others) = office.exchange(&phone, &request);

            assert_eq!(response.status(), 489, "{method} {package}");
            for served in PACKAGES {
                assert!(response.header("Allow-Events").contains(served), "{method} {package}");
            }
            assert!(others.is_empty(), "{method} {package}");
        }
    }
}

#[test]
fn phone_19_a_keep_alive_gets_a_quick_final_answer() {
    let mut office = Office::new();
    let phone = office.phone("101");
    // As a Linksys adapter sends it: no dialog, no Subscription-State, no Contact.
    let text = format!(
        "NOTIFY sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP {};branch=z9hG4bK-ka1\r\n\
         From: <sip:101@example.com>;tag=ka\r\nTo: <sip:example.com>\r\nCall-ID: ka-1@h\r\n\
         CSeq: 101 NOTIFY\r\nMax-Forwards: 70\r\nEvent: keep-alive\r\nContent-Length: 0\r\n\r\n",
        phone.address()
    );

    office.deliver(&phone.line, &text);

    let answers = office.inbox(&phone);
    assert_eq!(answers.len(), 1);
    assert!(answers[0].status() >= 200);
    assert_eq!(answers[0].parcel.at, office.now);
}

#[test]
fn phone_20_a_presence_document_names_the_presentity_and_never_the_watcher() {
    let mut office = Office::new();
    let (mut watcher, mut alice) = (office.phone("102"), office.phone("101"));
    let mut told: Vec<Got> = vec![office.subscribe(&mut watcher, LINE, "presence")];
    let register = alice.register();
    assert_eq!(office.ask(&alice, &register).status(), 200);
    told.extend(office.live(&watcher, Duration::from_secs(30)));
    office.publish(&mut alice, LINE, "presence", &presence(LINE, "open"));
    told.extend(office.live(&watcher, Duration::from_secs(30)));

    assert_eq!(told.len(), 3);
    for notify in told {
        assert!(notify.body.contains(&format!("entity=\"{LINE}\"")), "{notify:?}");
        assert!(!notify.body.contains("102"), "{notify:?}");
        for contact in notify.body.split("<contact").skip(1) {
            assert!(contact.contains("sip:101@"), "{notify:?}");
        }
    }
}
