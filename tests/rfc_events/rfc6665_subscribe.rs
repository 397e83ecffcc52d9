//! RFC 6665 §4.2.1: which SUBSCRIBEs are accepted, and for how long.

use fanal::policy::Verdict;
use fanal::shard::config::Authentication;

use crate::common::documents::{call, presence};
use crate::common::samples::noted;
use crate::common::{Got, Office};
use crate::{ALICE, LINE};

/// The packages a header lists, in alphabetical order.
fn packages(got: &Got) -> Vec<&str> {
    let mut names: Vec<&str> = got.header("Allow-Events").split(',').map(str::trim).collect();
    names.sort_unstable();
    names
}

const SERVED: [&str; 4] = ["as-feature-event", "dialog", "message-summary", "presence"];

#[test]
fn evt_01_a_subscribe_without_event_is_489() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog").without("Event");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 489);
    assert_eq!(packages(&response), SERVED);
    assert!(notifies.is_empty());
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn evt_01_two_event_types_are_400() {
    for two in ["one line", "two lines"] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = match two {
            "one line" => phone.subscribe(LINE, "dialog, presence"),
            _ => phone.subscribe(LINE, "dialog").also("Event", "presence"),
        };

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 400, "{two}: {response:?}");
        assert!(notifies.is_empty(), "{two}");
        assert_eq!(office.shard.subscriptions(), 0, "{two}");
    }
}

#[test]
fn evt_02_an_unknown_package_is_489_with_every_package_served() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "foo");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 489);
    assert_eq!(packages(&response), SERVED);
    assert!(notifies.is_empty());
    office.assert_quiet(&phone, 33);
}

#[test]
fn evt_03_package_names_are_compared_octet_by_octet() {
    for name in ["Presence", "DIALOG", "Message-Summary", "dialog.winfo", "dialo", "dialogs"] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(LINE, name);

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 489, "{name}");
        assert!(notifies.is_empty(), "{name}");
    }
}

#[test]
fn evt_03_ids_are_compared_octet_by_octet() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let first = phone.subscribe(LINE, "dialog;id=a");
    let (_, notify) = office.subscribed(&mut phone, &first);
    office.answer(&phone, &notify, 200);

    let other = phone.refresh().with("Event", "dialog;id=A").with("Expires", "0");
    let (response, notifies) = office.exchange(&phone, &other);

    // Not the unsubscribe of id=a: that one lives on.
    assert_eq!(response.status(), 403, "{response:?}");
    assert!(notifies.is_empty());
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn evt_04_other_event_parameters_do_not_count_when_a_refresh_is_matched() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let first = office.subscribe(&mut phone, ALICE, "presence;foo=1");

    let refresh = phone.refresh().with("Event", "presence");
    let (response, notifies) = office.exchange(&phone, &refresh);

    assert_eq!(response.status(), 200);
    assert_eq!(notifies.len(), 1);
    assert_eq!(notifies[0].cseq(), first.cseq() + 1);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn evt_05_a_2xx_never_grants_more_than_was_asked() {
    for (asked, granted) in [("600", 600), ("60", 60), ("86400", 86_400), ("4000000000", 86_400)] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(LINE, "dialog").with("Expires", asked);

        let (response, notify) = office.subscribed(&mut phone, &request);

        assert_eq!(response.all("Expires").collect::<Vec<_>>(), [granted.to_string()], "{asked}");
        assert_eq!(notify.seconds_left(), granted, "{asked}");
    }
}

#[test]
fn evt_05_without_expires_the_default_of_the_package_is_granted() {
    for package in SERVED {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(LINE, package).without("Expires");

        let (response, notify) = office.subscribed(&mut phone, &request);

        assert_eq!(response.expires(), 3600, "{package}");
        assert_eq!(notify.seconds_left(), 3600, "{package}");
    }
}

#[test]
fn evt_05_a_refresh_too_says_how_long() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");

    let refresh = phone.refresh().with("Expires", "120");
    let (response, notify) = office.subscribed(&mut phone, &refresh);

    assert_eq!(response.expires(), 120);
    assert_eq!(notify.seconds_left(), 120);
}

#[test]
fn evt_06_expires_of_a_contact_means_nothing_here() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let contact = format!("<{}>;expires=0", phone.contact);
    let request = phone.subscribe(LINE, "dialog").with("Contact", &contact);

    let (response, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(response.expires(), 600);
    assert_eq!((notify.substate(), notify.seconds_left()), ("active", 600));
}

#[test]
fn evt_07_shorter_than_the_minimum_is_423_with_the_minimum() {
    for (asked, status) in [("1", 423), ("30", 423), ("59", 423), ("60", 200), ("0", 200)] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(LINE, "dialog").with("Expires", asked);

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), status, "{asked}");
        match status {
            423 => {
                assert_eq!(response.header("Min-Expires"), "60", "{asked}");
                assert!(notifies.is_empty(), "{asked}");
                assert_eq!(office.shard.subscriptions(), 0, "{asked}");
            }
            _ => {
                assert!(!response.has("Min-Expires"), "{asked}");
                assert_eq!(notifies.len(), 1, "{asked}");
            }
        }
    }
}

#[test]
fn evt_07_an_hour_is_never_too_brief() {
    for (asked, status) in [("3599", 423), ("3600", 200), ("3601", 200), ("0", 200)] {
        let mut office = Office::with(|config| {
            config.server.auth = Authentication::Off;
            config.notifier.expires_min = std::time::Duration::from_secs(7200);
        });
        let mut phone = office.phone("102");
        let request = phone.subscribe(LINE, "dialog").with("Expires", asked);

        let (response, _) = office.exchange(&phone, &request);

        assert_eq!(response.status(), status, "{asked}");
        match status {
            423 => assert_eq!(response.header("Min-Expires"), "7200"),
            _ => assert_eq!(response.header("Expires"), asked),
        }
    }
}

#[test]
fn evt_08_a_refresh_too_brief_leaves_the_old_subscription_and_its_end() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    office.subscribe(&mut phone, LINE, "dialog");
    office.pass_secs(100);

    let brief = phone.refresh().with("Expires", "5");
    let (response, notifies) = office.exchange(&phone, &brief);
    assert_eq!(response.status(), 423);
    assert_eq!(response.header("Min-Expires"), "60");
    assert!(notifies.is_empty());

    office.pass_secs(300);
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "confirmed"));
    assert_eq!(office.notified(&phone).seconds_left(), 200);
    office.pass_secs(199);
    assert!(office.inbox(&phone).is_empty());
    office.pass_secs(2);
    let last = office.told(&phone);
    assert_eq!((last.substate(), last.state_parameter("reason")), ("terminated", Some("timeout")));
}

#[test]
fn evt_09_a_pending_subscription_is_200_never_202() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::Confirm;
    });
    let mut phone = office.phone("102");
    let request = phone.subscribe(ALICE, "presence");

    let (response, notify) = office.subscribed(&mut phone, &request);

    assert_eq!(response.start, "SIP/2.0 200 OK");
    assert_eq!(notify.substate(), "pending");
}

#[test]
fn evt_10_an_answer_waits_for_nobody() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let asked = office.now;

    // Nobody ever published for this extension and no rule speaks of it.
    let request = phone.subscribe("sip:199@example.com", "dialog");
    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 200);
    assert_eq!(response.parcel.at, asked);
    assert_eq!(notifies.len(), 1);
}

#[test]
fn evt_11_an_accept_without_a_type_of_the_package_is_406() {
    let nothing = [
        "text/plain",
        "",
        "application/dialog-info+xml",
        "application/pidf+xml;q=0",
        "application/*;q=0, text/plain",
        "*/*;q=0",
        "image/*",
    ];
    for accept in nothing {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(ALICE, "presence").with("Accept", accept);

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 406, "Accept: {accept}");
        let ours = "application/pidf+xml, application/xpidf+xml";
        assert_eq!(response.header("Accept"), ours, "Accept: {accept}");
        assert!(notifies.is_empty(), "Accept: {accept}");
        assert_eq!(office.shard.subscriptions(), 0, "Accept: {accept}");
    }
}

#[test]
fn evt_11_wildcards_and_weights_are_honoured() {
    let something = [
        "*/*",
        "application/*",
        "application/pidf+xml",
        "Application/PIDF+XML",
        "text/plain, application/pidf+xml;q=0.1",
        "application/rlmi+xml, multipart/related, application/pidf+xml",
        "application/pidf+xml;q=0.5, */*;q=0",
        "application/cpim-pidf+xml, application/pidf+xml;q=0.001",
    ];
    for accept in something {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(ALICE, "presence").with("Accept", accept);

        let (_, notify) = office.subscribed(&mut phone, &request);

        assert_eq!(notify.header("Content-Type"), "application/pidf+xml", "Accept: {accept}");
    }
}

#[test]
fn evt_11_a_phone_of_before_rfc_3863_is_sent_what_it_reads() {
    for accept in ["application/xpidf+xml", "application/pidf+xml;q=0, */*"] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(ALICE, "presence").with("Accept", accept);

        let (_, notify) = office.subscribed(&mut phone, &request);

        assert_eq!(notify.header("Content-Type"), "application/xpidf+xml", "Accept: {accept}");
        assert!(notify.body.contains("<status status=\"closed\"/>"), "{notify:?}");
    }
}

#[test]
fn evt_11_accept_may_stand_on_several_lines() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone
        .subscribe(ALICE, "presence")
        .also("Accept", "text/plain")
        .also("Accept", "application/pidf+xml");

    let (response, _) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 200);
}

#[test]
fn evt_11_without_accept_the_type_of_the_package_is_sent() {
    let types = [
        ("dialog", "application/dialog-info+xml"),
        ("presence", "application/pidf+xml"),
        ("message-summary", "application/simple-message-summary"),
    ];
    for (package, media) in types {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(LINE, package);

        let (_, notify) = office.subscribed(&mut phone, &request);

        assert_eq!(notify.header("Content-Type"), media);
        assert!(!notify.body.is_empty());
    }
}

#[test]
fn evt_12_a_refresh_that_accepts_nothing_we_send_changes_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut alice = office.phone("alice");
    office.subscribe(&mut phone, ALICE, "presence");
    office.pass_secs(10);

    let refresh = phone.refresh().with("Accept", "text/plain");
    let (response, notifies) = office.exchange(&phone, &refresh);
    assert_eq!(response.status(), 406);
    assert!(notifies.is_empty());

    office.publish(&mut alice, ALICE, "presence", &presence(ALICE, "open"));
    let told = office.notified(&phone);
    assert_eq!(told.header("Content-Type"), "application/pidf+xml");
    assert_eq!(told.seconds_left(), 590);
}

#[test]
fn evt_13_a_blocked_watcher_is_403_and_never_notified() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.policy.default = Verdict::Block;
    });
    let mut phone = office.phone("102");
    let mut alice = office.phone("alice");
    let request = phone.subscribe(ALICE, "presence");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 403);
    assert!(notifies.is_empty());
    assert_eq!(office.shard.subscriptions(), 0);
    office.publish(&mut alice, ALICE, "presence", &presence(ALICE, "open"));
    office.assert_quiet(&phone, 33);
}

#[test]
fn evt_14_an_accepted_subscription_makes_a_dialog() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog");

    let (response, notify) = office.subscribed(&mut phone, &request);
    office.answer(&phone, &notify, 200);

    assert!(!response.to_tag().is_empty());
    let contact = response.header("Contact").to_owned();
    assert!(contact.starts_with("<sip:") && contact.ends_with('>'), "{contact}");
    let refresh = phone.refresh();
    let (again, _) = office.subscribed(&mut phone, &refresh);
    assert_eq!(again.to_tag(), response.to_tag());
    assert_eq!(again.header("Contact"), contact);
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn evt_16_a_refresh_counts_from_its_receipt() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut alice = office.phone("alice");
    office.subscribe(&mut phone, ALICE, "presence");
    office.pass_secs(590);

    let refresh = phone.refresh().with("Expires", "300");
    let (response, notify) = office.subscribed(&mut phone, &refresh);
    office.answer(&phone, &notify, 200);
    assert_eq!((response.expires(), notify.seconds_left()), (300, 300));

    office.pass_secs(295);
    office.publish(&mut alice, ALICE, "presence", &noted(ALICE, "late"));
    assert_eq!(office.notified(&phone).seconds_left(), 5);
}

#[test]
fn evt_16_a_refresh_may_end_a_subscription_sooner() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, LINE, "dialog");

    let refresh = phone.refresh().with("Expires", "60");
    let (_, notify) = office.subscribed(&mut phone, &refresh);
    office.answer(&phone, &notify, 200);

    office.pass_secs(61);
    assert_eq!(office.told(&phone).substate(), "terminated");
}

#[test]
fn evt_16_the_rules_are_asked_again_at_a_refresh() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, ALICE, "presence");
    let mut stricter = (*office.config).clone();
    stricter.policy.default = Verdict::Block;
    office.config = stricter.into();
    office.restart(9);
    let told = office.live(&phone, std::time::Duration::from_secs(40));
    assert!(told.iter().all(|notify| !notify.body.contains("<basic>open")), "{told:#?}");

    let refresh = phone.refresh();
    let (response, notifies) = office.exchange(&phone, &refresh);

    assert!([403, 481].contains(&response.status()), "{response:?}");
    let ends = |notify: &Got| notify.substate() == "terminated";
    assert!(told.iter().chain(&notifies).any(ends), "{told:#?}");
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn evt_20_another_event_within_the_dialog_is_no_refresh() {
    let others =
        [("presence", "presence;id=2"), ("presence;id=1", "presence"), ("dialog", "presence")];
    for (event, other) in others {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        office.subscribe(&mut phone, LINE, event);
        office.pass_secs(100);

        let request = phone.refresh().with("Event", other).with("Expires", "3600");
        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 403, "{event}, then {other}");
        assert!(notifies.is_empty(), "{event}, then {other}");
        let left = office.shard.watchers().next().expect("the first usage lives");
        assert_eq!(left.until.since(office.now.wall).as_secs(), 500, "{event}, then {other}");
    }
}

#[test]
fn evt_21_every_notify_carries_the_id_of_the_subscription() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut pbx = office.pbx();
    let has_id = |notify: &Got| {
        let event = notify.header("Event");
        event.split(';').next() == Some("dialog") && event.split(';').any(|p| p.trim() == "id=7")
    };

    let first = office.subscribe(&mut phone, LINE, "dialog;id=7");
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    let ringing = office.notified(&phone);
    let again = office.refreshed(&mut phone);
    let last = office.unsubscribe(&mut phone);

    for notify in [first, ringing, again, last] {
        assert!(has_id(&notify), "{notify:?}");
    }
}

#[test]
fn evt_21_without_an_id_none_is_sent() {
    let mut office = Office::new();
    let mut phone = office.phone("102");

    let first = office.subscribe(&mut phone, LINE, "dialog");

    assert_eq!(first.header("Event"), "dialog");
}

#[test]
fn evt_23_a_body_no_package_knows_is_415() {
    for package in SERVED {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request =
            phone.subscribe(LINE, package).with("Content-Type", "text/plain").with_body("please");

        let (response, notifies) = office.exchange(&phone, &request);

        assert_eq!(response.status(), 415, "{package}");
        assert!(response.has("Accept"), "{package}");
        assert!(notifies.is_empty(), "{package}");
        assert_eq!(office.shard.subscriptions(), 0, "{package}");
    }
}

#[test]
fn evt_23_an_empty_body_is_fine_whatever_it_is_called() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog").with("Content-Type", "text/plain");

    let (response, _) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 200);
}

#[test]
fn evt_24_beyond_the_cap_a_subscription_is_refused_and_the_others_live() {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.notifier.watchers_max = 3;
    });
    let mut pbx = office.pbx();
    let mut lamps: Vec<_> = (0..3).map(|_| office.phone("102")).collect();
    for lamp in &mut lamps {
        office.subscribe(lamp, LINE, "dialog");
    }

    let mut one_more = office.phone("103");
    let request = one_more.subscribe(LINE, "dialog");
    let (response, notifies) = office.exchange(&one_more, &request);

    assert_eq!(response.status(), 403);
    assert!(notifies.is_empty());
    office.publish(&mut pbx, LINE, "dialog", &call(LINE, "c1", "early"));
    for lamp in &mut lamps {
        office.notified(lamp);
        office.refreshed(lamp);
    }
    office.unsubscribe(&mut lamps[0]);
    office.subscribe(&mut one_more, LINE, "dialog");
}

#[test]
fn evt_25_nothing_goes_to_a_contact_of_somebody_unproven() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("102");
    let request = phone.subscribe(LINE, "dialog").with("Contact", "<sip:102@203.0.113.9:5060>");

    let (response, notifies) = office.exchange(&phone, &request);

    assert_eq!(response.status(), 401);
    assert!(notifies.is_empty());
    office.pass_secs(33);
    assert!(office.wire.is_empty(), "{:?}", office.wire);
    assert!(office.questions.is_empty());
    assert_eq!(office.shard.subscriptions(), 0);
}
