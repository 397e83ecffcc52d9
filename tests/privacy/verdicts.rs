//! RFC 5025 §3.2.1 at SUBSCRIBE, and what each verdict lets through.

use super::*;
use crate::common::documents::{call, calls, mailbox, presence};

fn four() -> String {
    [
        rule("a", "bob@example.com", "allow", &format!("{BARE}{ACTIVITIES}")),
        rule("b", "carol@example.com", "polite-block", ""),
        rule("c", "dave@example.com", "confirm", ""),
        rule("d", "eve@example.com", "block", ""),
    ]
    .concat()
}

#[test]
fn pru_07_each_handling_is_what_its_watcher_meets() {
    let mut office = office(&four(), None);
    let mut pbx = office.pbx();
    office.publish(&mut pbx, ALICE, "presence", &presence(ALICE, "open"));
    let [mut bob, mut carol, mut dave] = ["bob", "carol", "dave"].map(|user| office.phone(user));
    let seen = watch(&mut office, &mut bob, "presence");
    assert_eq!((seen.substate(), seen.body.contains("open")), ("active", true), "{seen:?}");
    let seen = watch(&mut office, &mut carol, "presence");
    assert_eq!((seen.substate(), seen.body.contains("open")), ("active", false), "{seen:?}");
    let seen = watch(&mut office, &mut dave, "presence");
    assert_eq!((seen.substate(), &*seen.body), ("pending", ""), "{seen:?}");
    for user in ["eve", "mallory"] {
        let mut phone = office.phone(user);
        assert_eq!(refused(&mut office, &mut phone, "presence").status(), 403, "{user}");
    }
    assert_eq!(office.shard.subscriptions(), 3);
}

// RFC 5025 §3.2.1: nobody is told that he is hidden from.
#[test]
fn who_is_blocked_politely_meets_what_everybody_meets_of_who_is_offline() {
    let rules = rule("a", "bob@example.com", "polite-block", "");
    let policy = "[policy]\nversion = \"1\"\n";
    let meets = |rules: &str, published: bool| {
        let mut office = office(rules, Some(policy));
        let (mut pbx, mut bob) = (office.pbx(), office.phone("bob"));
        let mut met: Vec<(u128, String)> = Vec::new();
        let start = office.now.instant;
        let request = bob.subscribe(ALICE, "presence");
        let request = asserted(&bob, request);
        office.deliver(&bob.line, request.to_text());
        for second in 0..40 {
            if published && second % 3 == 0 {
                let state = if second % 2 == 0 { "open" } else { "closed" };
                office.publish(&mut pbx, ALICE, "presence", &presence(ALICE, state));
                office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "confirmed"));
            }
            for got in office.inbox(&bob) {
                let at = got.parcel.at.instant.since(start).as_micros();
                met.push((at, String::from_utf8_lossy(&got.parcel.octets).into_owned()));
                if got.is_request() {
                    office.answer(&bob, &got, 200);
                }
            }
            office.pass_secs(1);
        }
        met
    };
    // Tags and branches are drawn at random, and are as long for one as for the other.
    let alike = |met: &[(u128, String)]| {
        let lines = |text: &str| {
            let drawn = ["Via:", "From:", "To:", "SIP-ETag"];
            let kept = text.lines().filter(|line| drawn.iter().all(|name| !line.starts_with(name)));
            (text.len(), kept.map(str::to_owned).collect::<Vec<_>>())
        };
        met.iter().map(|(at, text)| (*at, lines(text))).collect::<Vec<_>>()
    };
    let offline = meets(&rule("a", "bob@example.com", "allow", BARE), false);
    let hidden = meets(&rules, true);
    assert_eq!(alike(&hidden), alike(&offline));
    assert_eq!(hidden.len(), 2, "the answer and one NOTIFY: {hidden:#?}");
}

#[test]
fn what_nothing_speaks_of_is_shown_to_who_sees_everything() {
    let all = "<pr:provide-all-attributes/>";
    let rules = [
        rule("a", "bob@example.com", "allow", &format!("{BARE}{all}")),
        rule("b", "carol@example.com", "allow", BARE),
    ];
    let mut office = office(&rules.concat(), None);
    let mut pbx = office.pbx();
    office.publish(&mut pbx, ALICE, "message-summary", &mailbox(3, 1));
    let (mut bob, mut carol) = (office.phone("bob"), office.phone("carol"));
    assert!(watch(&mut office, &mut bob, "message-summary").body.contains("3/1"));
    let seen = watch(&mut office, &mut carol, "message-summary");
    assert!(!seen.body.contains("3/1") && !seen.body.is_empty(), "{seen:?}");
}

#[test]
fn a_person_sees_everything_of_itself_whatever_the_rules_say() {
    let policy = "[policy]\ndefault_inside = \"block\"\n[[policy.ceiling]]\nallow = [\"basic\"]\n";
    let mut office = office("", Some(policy));
    let (mut pbx, mut alice, mut bob) = (office.pbx(), office.phone("alice"), office.phone("bob"));
    let mood = person("<r:mood><r:happy/></r:mood>", 1);
    office.publish(&mut pbx, ALICE, "presence", &mood);
    assert!(watch(&mut office, &mut alice, "presence").body.contains("happy"));
    assert_eq!(refused(&mut office, &mut bob, "presence").status(), 403);
}

#[test]
fn attendants_see_lamps_by_their_grant_and_others_by_the_ceiling() {
    let policy = "[policy]\ndialog_inside = \"state\"\n[[policy.attendant]]\n\
                  who = { user = \"carol@example.com\" }\nof = { domain = \"example.com\" }\n\
                  dialog = \"full\"\n";
    let rules = rule("a", "dave@example.com", "allow", "<f:provide-dialog>full</f:provide-dialog>");
    let mut office = office(&rules, Some(policy));
    let (mut carol, mut dave) = (office.phone("carol"), office.phone("dave"));
    let mut pbx = office.pbx();
    watch(&mut office, &mut carol, "dialog");
    watch(&mut office, &mut dave, "dialog");
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c-17", "early"));
    let seen = office.notified(&carol);
    assert!(seen.body.contains("c-17@pbx") && seen.body.contains("sip:555@"), "{seen:?}");
    let seen = office.notified(&dave);
    assert_eq!(calls(&seen.body).len(), 1);
    assert_eq!(calls(&seen.body)[0].1, "early");
    for secret in ["c-17", "sip:555@", "local-tag"] {
        assert!(!seen.body.contains(secret), "{secret} in {seen:?}");
    }
    assert_eq!(refused(&mut office, &mut carol, "presence").status(), 403, "lamps only");
}

/// A softphone's document whose user set this by hand.
fn by_hand(word: &str) -> String {
    let state =
        format!("<f:state xmlns:f='urn:x-fanal:presence:1' availability='{word}' manual='true'/>");
    person(&state, 1)
}

// The lamp beside 101 tells what the person does, not of calls: other permissions than a call's.
#[test]
fn the_lamp_of_do_not_disturb_is_lit_for_who_may_see_activities_and_for_attendants() {
    let calls = |share: &str| format!("<f:provide-dialog>{share}</f:provide-dialog>");
    let rules = [
        rule("a", "bob@example.com", "allow", &format!("{BARE}{ACTIVITIES}{}", calls("none"))),
        rule("b", "dave@example.com", "allow", &format!("{BARE}{}", calls("full"))),
        rule("c", "eve@example.com", "polite-block", ""),
    ];
    let policy = "[policy]\n[[policy.attendant]]\nwho = { user = \"carol@example.com\" }\n";
    let mut office = office(&rules.concat(), Some(policy));
    let mut pbx = office.pbx();
    let beside = "sip:dnd+alice@example.com";
    let users = ["bob", "dave", "eve", "carol", "alice"];
    let mut phones = users.map(|user| office.phone(user));
    for phone in &mut phones {
        let request = phone.subscribe(beside, "dialog");
        let request = asserted(phone, request);
        let (_, notify) = office.subscribed(phone, &request);
        assert!(notify.body.contains("terminated"), "{notify:?}");
        office.answer(phone, &notify, 200);
    }
    office.publish(&mut pbx, ALICE, "presence", &by_hand("dnd"));
    office.pass_secs(2);
    let lit = phones.map(|phone| {
        let told = office.notifies(&phone);
        told.iter().any(|notify| notify.body.contains("confirmed"))
    });
    assert_eq!(lit, [true, false, false, true, true], "{users:?}");
}

/// Who watched what, and what came when.
type Met = (&'static str, &'static str, Vec<(u128, String)>);

// RFC 3856 §9.4.2 and status-model row 25: an invisible person is one who is not there, for all who
// watch by whatever rule, in every package, to the octet, to the microsecond.
#[test]
fn an_invisible_person_is_met_as_nobody_is_by_everybody_but_attendants() {
    let everything = format!("{BARE}<pr:provide-all-attributes/>");
    let parties = "<f:provide-dialog>parties</f:provide-dialog>";
    let rules = [
        rule("a", "bob@example.com", "allow", &format!("{everything}{parties}")),
        rule("b", "carol@example.com", "allow", BARE),
        rule("c", "dave@example.com", "polite-block", ""),
        rule("d", "eve@example.com", "confirm", ""),
    ];
    let policy = "[policy]\ndialog_inside = \"state\"\n[[policy.attendant]]\n\
                  who = { user = \"reception@example.com\" }\n\
                  [[policy.ceiling]]\nwhen = { off_work = true }\nhide = [\"activities\"]\n";
    let watchers = ["bob", "carol", "dave", "eve", "mallory", "reception"];
    let watched = [(ALICE, "presence"), (ALICE, "dialog"), ("sip:dnd+alice@example.com", "dialog")];
    let meets = |is_there: bool| {
        let mut office = office(&rules.concat(), Some(policy));
        let mut pbx = office.pbx();
        if is_there {
            office.publish(&mut pbx, ALICE, "presence", &by_hand("invisible"));
        }
        office.pass_secs(60);
        let start = office.now.instant;
        let mut phones = Vec::new();
        for user in watchers {
            for (uri, package) in watched {
                let mut phone = office.phone(user);
                let request = phone.subscribe(uri, package);
                let request = asserted(&phone, request);
                office.deliver(&phone.line, request.to_text());
                phones.push((user, package, phone, Vec::new()));
            }
        }
        for second in 0..90 {
            if is_there && second % 7 == 3 {
                let call = call(ALICE, "c1", if second % 2 == 0 { "early" } else { "confirmed" });
                office.publish(&mut pbx, ALICE, "dialog", &call);
                let mut device = office.phone("alice");
                let state = if second % 2 == 0 { "open" } else { "closed" };
                office.publish(&mut device, ALICE, "presence", &presence(ALICE, state));
            }
            for (_, _, phone, met) in &mut phones {
                for got in office.inbox(phone) {
                    let at = got.parcel.at.instant.since(start).as_micros();
                    met.push((at, String::from_utf8_lossy(&got.parcel.octets).into_owned()));
                    if got.is_request() {
                        office.answer(phone, &got, 200);
                    }
                }
            }
            office.pass_secs(1);
        }
        phones.into_iter().map(|(user, package, _, met)| (user, package, met)).collect::<Vec<_>>()
    };
    let drawn = ["Via:", "From:", "To:"];
    let alike = |met: &[(u128, String)]| {
        let lines = |text: &str| {
            let kept = text.lines().filter(|line| drawn.iter().all(|name| !line.starts_with(name)));
            (text.len(), kept.map(str::to_owned).collect::<Vec<_>>())
        };
        met.iter().map(|(at, text)| (*at, lines(text))).collect::<Vec<_>>()
    };
    let (gone, hidden) = (meets(false), meets(true));
    for ((user, package, gone), (_, _, hidden)) in gone.iter().zip(&hidden) {
        match (*user, *package) {
            ("reception", "dialog") => {}
            _ => assert_eq!(alike(hidden), alike(gone), "{user} {package}"),
        }
    }
    let of_reception = |all: &[Met]| {
        let calls =
            all.iter().find(|(user, package, _)| (*user, *package) == ("reception", "dialog"));
        calls.map_or(0, |(_, _, met)| met.len())
    };
    assert!(of_reception(&hidden) > of_reception(&gone), "who routes calls goes on to see them");
}

#[test]
fn a_lamp_of_who_may_see_no_calls_is_idle_and_stays_dark() {
    let rules = rule("a", "bob@example.com", "allow", BARE);
    let mut office = office(&rules, None);
    let (mut bob, mut pbx) = (office.phone("bob"), office.pbx());
    let first = watch(&mut office, &mut bob, "dialog");
    assert_eq!(calls(&first.body), [("idle".to_owned(), "terminated".to_owned())]);
    office.publish(&mut pbx, ALICE, "dialog", &call(ALICE, "c1", "early"));
    office.assert_quiet(&bob, 30);
}

// RFC 5025 §3.2.1, RFC 4745 §13: what cannot be read is no leave to look.
#[test]
fn pru_14_rules_that_cannot_be_read_show_nothing() {
    let place = Place::index(Aor::from_canonical("alice@example.com"));
    let (book, faults) = Book::read(Rules::default(), None, [(place, &b"<ruleset"[..])]);
    assert_eq!(faults.len(), 1);
    let mut office = office("", None);
    let mut config = (*office.config).clone();
    config.book = Some(Arc::new(book));
    let config = Arc::new(config);
    office.happen(Input::Settings { config, users: Arc::default() });
    let (mut pbx, mut bob) = (office.pbx(), office.phone("bob"));
    office.publish(&mut pbx, ALICE, "presence", &presence(ALICE, "open"));
    let seen = watch(&mut office, &mut bob, "presence");
    assert_eq!((seen.substate(), &*seen.body), ("pending", ""));
}
