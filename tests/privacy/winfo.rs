//! RFC 3857 and RFC 3858: who watches alice, as alice and others are told.

use fanal::doc::WatcherInfo;
use fanal::doc::watcher_info::Extent;

use super::*;

const WINFO: &str = "presence.winfo";

fn document(notify: &Got) -> WatcherInfo {
    assert_eq!(notify.header("Content-Type"), "application/watcherinfo+xml", "{notify:?}");
    let read = WatcherInfo::read(notify.body.as_bytes(), None).expect("a document");
    assert_eq!(read.lists.len(), 1);
    assert_eq!(read.lists[0].package, "presence", "the package that is watched");
    read
}

/// Whether all of it is told, the version, and each watcher as `user status event`.
fn told(notify: &Got) -> (Extent, u32, Vec<String>) {
    let read = document(notify);
    let each = read.lists[0].watchers.iter().map(|watcher| {
        let user = watcher.uri.strip_prefix("sip:").and_then(|uri| uri.split('@').next());
        let (status, event) = (watcher.status.as_text(), watcher.event.as_text());
        format!("{} {status} {event}", user.expect("a user"))
    });
    (read.state, read.version.expect("a version"), each.collect())
}

fn ids(notify: &Got) -> Vec<String> {
    document(notify).lists[0].watchers.iter().map(|watcher| watcher.id.clone()).collect()
}

fn bob(handling: &str) -> String {
    rule("a", "bob@example.com", handling, BARE)
}

/// Ends the subscription of a phone.
fn leave(office: &mut Office, phone: &mut Phone) -> Got {
    let last = phone.refresh().with("Expires", "0");
    let last = asserted(phone, last);
    let (_, notify) = office.subscribed(phone, &last);
    office.answer(phone, &notify, 200);
    notify
}

#[test]
fn win_01_the_watchers_of_each_package_can_be_watched_and_nothing_else() {
    let mut office = office(&bob("allow"), None);
    let mut alice = office.phone("alice");
    for package in ["presence", "dialog", "message-summary"] {
        let notify = watch(&mut office, &mut alice, &format!("{package}.winfo"));
        assert!(notify.header("Event").starts_with(&format!("{package}.winfo")), "{notify:?}");
        assert!(notify.body.contains(&format!("package=\"{package}\"")), "{notify:?}");
    }
    for package in ["foo.winfo", "winfo", "presence.winfo.", ".winfo"] {
        let refused = refused(&mut office, &mut alice, package);
        assert_eq!(refused.status(), 489, "{package}");
        assert_eq!(
            refused.header("Allow-Events"),
            "dialog, presence, message-summary, as-feature-event"
        );
    }
    let published = asserted(&alice, alice.clone().publish(ALICE, WINFO, "x"));
    assert_eq!(office.ask(&alice, &published).status(), 489);
}

#[test]
fn without_rules_to_decide_by_nobody_is_told_who_watches() {
    let mut office = Office::new();
    let mut alice = office.phone("alice");
    let request = alice.subscribe(ALICE, WINFO);
    assert_eq!(office.ask(&alice, &request).status(), 489);
}

#[test]
fn win_02_it_lasts_an_hour_and_is_written_in_one_type() {
    let mut office = office(&bob("allow"), None);
    let mut alice = office.phone("alice");
    let request = alice.subscribe(ALICE, WINFO).without("Expires");
    let mut plain = asserted(&alice, request);
    plain.headers.retain(|(name, _)| name != "Expires");
    let (response, notify) = office.subscribed(&mut alice, &plain);
    assert_eq!(response.header("Expires"), "3600");
    office.answer(&alice, &notify, 200);
    let mut other = office.phone("alice");
    let request = other.subscribe(ALICE, WINFO).with("Accept", "application/pidf+xml");
    let request = asserted(&other, request);
    assert_eq!(office.ask(&other, &request).status(), 406);
}

// RFC 3857 §4.6.
#[test]
fn win_03_others_are_told_of_nobody_but_themselves() {
    let rules = [bob("allow"), rule("b", "carol@example.com", "polite-block", "")].concat();
    let mut office = office(&rules, None);
    let [mut watcher, mut reader, mut carol, mut eve] =
        ["bob", "bob", "carol", "eve"].map(|user| office.phone(user));
    watch(&mut office, &mut watcher, "presence");
    watch(&mut office, &mut carol, "presence");
    let (extent, _, seen) = told(&watch(&mut office, &mut reader, WINFO));
    assert_eq!((extent, seen), (Extent::Full, vec!["bob active subscribe".to_owned()]));
    let mut other = office.phone("carol");
    let (_, _, seen) = told(&watch(&mut office, &mut other, WINFO));
    assert_eq!(seen, ["carol active subscribe"], "who is hidden from is not told so");
    assert_eq!(refused(&mut office, &mut eve, WINFO).status(), 403);
    leave(&mut office, &mut carol);
    office.pass_secs(6);
    assert!(office.inbox(&reader).is_empty(), "that carol left is none of bob's business");
    assert_eq!(told(&office.told(&other)).2, ["carol terminated timeout"]);
}

// RFC 3857 §4.3, §4.7.2, RFC 3858 §3.
#[test]
fn win_04_06_07_full_after_a_subscribe_and_then_what_changed_under_one_id() {
    let mut office = office(&bob("confirm"), None);
    let (mut alice, mut phone) = (office.phone("alice"), office.phone("bob"));
    let first = watch(&mut office, &mut alice, WINFO);
    assert_eq!(told(&first), (Extent::Full, 0, vec![]));

    watch(&mut office, &mut phone, "presence");
    office.pass_secs(6);
    let came = office.told(&alice);
    assert_eq!(told(&came), (Extent::Partial, 1, vec!["bob pending subscribe".to_owned()]));

    replace(&mut office, &bob("allow"), None);
    office.notified(&phone);
    office.pass_secs(6);
    let approved = office.told(&alice);
    assert_eq!(told(&approved), (Extent::Partial, 2, vec!["bob active approved".to_owned()]));

    let again = refresh(&mut office, &mut alice);
    assert_eq!(told(&again), (Extent::Full, 3, vec!["bob active approved".to_owned()]));
    let mut second = office.phone("alice");
    assert_eq!(told(&watch(&mut office, &mut second, WINFO)).1, 0, "each counts for itself");

    replace(&mut office, &bob("block"), None);
    office.notified(&phone);
    office.pass_secs(6);
    let gone = office.told(&alice);
    assert_eq!(told(&gone), (Extent::Partial, 4, vec!["bob terminated rejected".to_owned()]));
    let names = [&came, &approved, &again, &gone].map(ids);
    assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
    assert!(!names[0][0].contains(phone.dialog.as_ref().expect("one").agent_tag.as_str()));
    office.pass_secs(90);
    assert_eq!(told(&refresh(&mut office, &mut alice)).2, Vec::<String>::new());
}

#[test]
fn a_refresh_of_a_watcher_is_nothing_to_tell() {
    let mut office = office(&bob("allow"), None);
    let (mut alice, mut phone) = (office.phone("alice"), office.phone("bob"));
    watch(&mut office, &mut phone, "presence");
    watch(&mut office, &mut alice, WINFO);
    refresh(&mut office, &mut phone);
    office.assert_quiet(&alice, 30);
}

// RFC 3857 §4.7.1: the person learns of who asked while nobody looked.
#[test]
fn win_09_who_asked_in_vain_waits_until_the_person_decides() {
    let mut office = office(&bob("confirm"), None);
    let (mut alice, mut phone) = (office.phone("alice"), office.phone("bob"));
    let fetch = phone.subscribe(ALICE, "presence").with("Expires", "0");
    let fetch = asserted(&phone, fetch);
    let (_, last) = office.subscribed(&mut phone, &fetch);
    office.answer(&phone, &last, 200);
    office.pass_secs(7200);
    let first = watch(&mut office, &mut alice, WINFO);
    assert_eq!(told(&first).2, ["bob waiting timeout"]);
    replace(&mut office, &bob("allow"), None);
    office.pass_secs(6);
    assert_eq!(told(&office.told(&alice)).2, ["bob terminated approved"]);
    office.pass_secs(120);
    leave(&mut office, &mut alice);
    office.pass_secs(120);
    assert_eq!(office.shard.presentities(), 0, "nothing is kept of what is over");
}

#[test]
fn win_10_who_waits_and_asks_again_is_told_of_once() {
    let mut office = office(&bob("confirm"), None);
    let (mut alice, mut phone) = (office.phone("alice"), office.phone("bob"));
    watch(&mut office, &mut alice, WINFO);
    watch(&mut office, &mut phone, "presence");
    assert_eq!(told(&office.told(&alice)).2, ["bob pending subscribe"]);
    leave(&mut office, &mut phone);
    office.pass_secs(6);
    assert_eq!(told(&office.told(&alice)).2, ["bob waiting timeout"]);
    let mut again = office.phone("bob");
    watch(&mut office, &mut again, "presence");
    office.pass_secs(6);
    let seen = told(&office.told(&alice)).2;
    assert_eq!(seen, ["bob terminated giveup", "bob pending subscribe"]);
}

#[test]
fn win_11_a_fetch_that_is_allowed_is_nothing_to_tell() {
    let mut office = office(&bob("allow"), None);
    let (mut alice, mut phone) = (office.phone("alice"), office.phone("bob"));
    watch(&mut office, &mut alice, WINFO);
    let fetch = phone.subscribe(ALICE, "presence").with("Expires", "0");
    let fetch = asserted(&phone, fetch);
    let (_, last) = office.subscribed(&mut phone, &fetch);
    office.answer(&phone, &last, 200);
    office.assert_quiet(&alice, 30);
}

#[test]
fn win_12_many_who_come_at_once_are_told_of_together() {
    let policy = "[policy]\n";
    let mut office = office("", Some(policy));
    let mut alice = office.phone("alice");
    watch(&mut office, &mut alice, WINFO);
    office.pass_secs(30);
    let mut phones: Vec<Phone> = (0..20).map(|n| office.phone(&format!("u{n}"))).collect();
    for phone in &mut phones {
        watch(&mut office, phone, "presence");
    }
    let heard = office.live(&alice, std::time::Duration::from_secs(20));
    assert_eq!(heard.len(), 2, "one at once and one for all others");
    assert_eq!(told(&heard[0]).2.len() + told(&heard[1]).2.len(), 20);
}

#[test]
fn a_list_outlives_a_restart_under_the_same_ids() {
    let mut office = office(&bob("allow"), None);
    let (mut alice, mut phone) = (office.phone("alice"), office.phone("bob"));
    watch(&mut office, &mut phone, "presence");
    let before = watch(&mut office, &mut alice, WINFO);
    office.restart(9);
    let after = office.told(&alice);
    let (extent, version, seen) = told(&after);
    assert_eq!((extent, seen), (Extent::Full, vec!["bob active subscribe".to_owned()]));
    assert!(version > 0, "versions go on");
    assert_eq!(ids(&after), ids(&before));
}

#[test]
fn strangers_fill_no_list_with_attempts() {
    use fanal::base::limits::{WAITING_OF_ONE_MAX, WAITING_WATCHERS_MAX};
    let any = "<rule id='a'><actions><pr:sub-handling>confirm</pr:sub-handling></actions></rule>";
    let mut office = office(any, None);
    let attempts = WAITING_WATCHERS_MAX + 40;
    let phones = (0..attempts.div_ceil(8)).map(|number| office.phone(&format!("u{number}")));
    let mut phones: Vec<Phone> = phones.collect();
    for number in 0..attempts {
        let phone = &mut phones[number / 8];
        let fetch = phone.subscribe(ALICE, &format!("presence;id={number}")).with("Expires", "0");
        let fetch = asserted(phone, fetch);
        let (_, last) = office.subscribed(phone, &fetch);
        office.answer(phone, &last, 200);
    }
    let mut alice = office.phone("alice");
    let waiting = told(&watch(&mut office, &mut alice, WINFO)).2;
    let most = phones.len() * WAITING_OF_ONE_MAX;
    assert!(waiting.len() <= most.min(WAITING_WATCHERS_MAX), "{}", waiting.len());
    assert!(waiting.len() > 100, "{}", waiting.len());
}
