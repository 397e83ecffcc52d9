//! RFC 3261 §9, §17, RFC 4320, RFC 6026: transactions.

use std::time::Duration;

use fanal::notifier::OnTimeout;
use fanal::shard::config::Authentication;

use crate::common::documents::{call, presence};
use crate::common::phone::Line;
use crate::common::{Got, Office, Phone, Req};

const URI: &str = "sip:alice@example.com";

fn removing() -> Office {
    Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.notifier.on_timeout = OnTimeout::Remove;
    })
}

/// Sends the request once more, octet for octet, and takes the answers to it alone.
fn replay(office: &mut Office, phone: &Phone, request: &Req) -> Vec<Got> {
    office.ask_raw(phone, request.to_text())
}

#[test]
fn txn_01_another_sent_by_is_another_transaction() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let first = phone.publish(URI, "presence", &presence(URI, "open"));
    let tag = office.ask(&phone, &first).header("SIP-ETag").to_owned();
    let mut other = phone.publish(URI, "presence", &presence(URI, "closed"));
    other.via = first.via.replace(":5060;branch", ":5062;branch");
    assert_ne!(other.via, first.via);

    let answers = office.ask_raw(&phone, other.to_text());

    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].status(), 200);
    assert_ne!(answers[0].header("SIP-ETag"), tag);
    assert_eq!(office.shard.publications(), 2);
}

#[test]
fn txn_01_another_method_is_another_transaction() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let publish = phone.publish(URI, "presence", &presence(URI, "open"));
    assert_eq!(office.ask(&phone, &publish).status(), 200);
    let options = phone.request("OPTIONS", URI).with_via(&publish.via);

    let answer = office.ask(&phone, &options);

    assert_eq!(answer.status(), 200);
    assert!(answer.has("Allow") && !answer.has("SIP-ETag"));
}

#[test]
fn txn_01_branch_and_sent_by_are_compared_in_any_case() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut first = phone.publish(URI, "presence", &presence(URI, "open"));
    first.via = "SIP/2.0/UDP phone.example.com:5060;rport;branch=z9hG4bKabc".to_owned();
    let tag = office.ask(&phone, &first).header("SIP-ETag").to_owned();
    let mut again = first.clone();
    again.via = "SIP/2.0/UDP PHONE.example.com:5060;rport;branch=z9Hg4bKABC".to_owned();

    let answer = office.ask(&phone, &again);

    assert_eq!(answer.header("SIP-ETag"), tag);
    assert_eq!(office.shard.publications(), 1);
}

#[test]
fn txn_02_a_branch_without_cookie_is_matched_by_headers() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut request = phone.subscribe(URI, "presence");
    request.via = "SIP/2.0/UDP 192.0.2.101:5060;branch=1".to_owned();
    let first = office.ask(&phone, &request);
    office.notified(&phone);

    let second = replay(&mut office, &phone, &request);

    assert_eq!(second.len(), 1);
    assert_eq!(second[0].parcel.octets, first.parcel.octets);
    assert!(office.wire.is_empty(), "no second NOTIFY");
    assert_eq!(office.shard.subscriptions(), 1);

    // The same branch in another request: RFC 2543 clients may never change it.
    let mut other = phone.subscribe(URI, "presence");
    other.via = request.via.clone();
    assert_eq!(office.ask(&phone, &other).status(), 200);
    assert_eq!(office.shard.subscriptions(), 2);
}

#[test]
fn txn_03_a_replayed_request_gets_the_stored_answer() {
    let mut office = Office::new();
    let mut buddy = office.phone("bob");
    office.subscribe(&mut buddy, URI, "presence");
    let mut alice = office.phone("alice");
    let publish = alice.publish(URI, "presence", &presence(URI, "open"));
    let first = office.ask(&alice, &publish);
    assert_eq!(first.status(), 200);
    office.notified(&buddy);

    for _ in 0..4 {
        office.pass_millis(500);
        let again = replay(&mut office, &alice, &publish);
        assert_eq!(again.len(), 1);
        assert_eq!(again[0].parcel.octets, first.parcel.octets, "unchanged: tag and entity-tag");
    }
    office.pass_secs(10);
    assert_eq!(office.shard.publications(), 1);
    assert!(office.notifies(&buddy).is_empty(), "one NOTIFY and no more");
}

#[test]
fn txn_04_an_answer_is_kept_for_timer_j_on_udp() {
    let mut office = Office::new();
    let mut alice = office.phone("alice");
    let publish = alice.publish(URI, "presence", &presence(URI, "open"));
    let first = office.ask(&alice, &publish);
    office.pass_secs(31);
    let at_31 = replay(&mut office, &alice, &publish);
    assert_eq!(at_31[0].parcel.octets, first.parcel.octets, "31 s: the stored answer");

    office.pass_secs(2);
    let at_33 = replay(&mut office, &alice, &publish);

    assert_eq!(at_33[0].status(), 200);
    assert_ne!(at_33[0].header("SIP-ETag"), first.header("SIP-ETag"), "33 s: a new request");
    assert_eq!(office.shard.publications(), 2);
}

#[test]
fn txn_04_the_memory_of_transactions_is_given_back() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for _ in 0..50 {
        let options = phone.request("OPTIONS", URI);
        office.ask(&phone, &options);
    }
    assert!(office.shard.transactions() >= 50);
    office.pass_secs(33);
    assert_eq!(office.shard.transactions(), 0);
}

#[test]
fn txn_05_an_unanswered_notify_is_repeated_eleven_times_at_its_times() {
    let mut office = removing();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    office.ask(&phone, &request);
    let start = office.now.instant;
    office.pass_secs(120);

    let sent = office.notifies(&phone);

    let at: Vec<u128> =
        sent.iter().map(|got| got.parcel.at.instant.since(start).as_millis()).collect();
    let wanted = [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500];
    assert_eq!(at.len(), wanted.len(), "{at:?}");
    for (at, wanted) in at.iter().zip(wanted) {
        assert!(at.abs_diff(wanted) <= 20, "{at} ms and not {wanted}");
    }
    assert!(sent.iter().all(|got| got.parcel.octets == sent[0].parcel.octets), "identical");
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn txn_06_a_stream_is_sent_one_copy_and_timer_f_still_runs() {
    let mut office = removing();
    let mut phone = office.tcp_phone("102");
    let request = phone.subscribe(URI, "presence");
    office.ask(&phone, &request);
    office.pass(Duration::from_millis(31_900));
    assert_eq!(office.shard.subscriptions(), 1, "still waited for");

    office.pass_millis(200);

    assert_eq!(office.shard.subscriptions(), 0);
    office.pass_secs(60);
    assert_eq!(office.notifies(&phone).len(), 1);
}

#[test]
fn txn_06_a_stream_keeps_no_answers_for_replays() {
    let mut office = Office::new();
    let mut phone = office.tcp_phone("alice");
    let publish = phone.publish(URI, "presence", &presence(URI, "open"));
    let first = office.ask(&phone, &publish);
    office.pass_millis(100);

    let again = replay(&mut office, &phone, &publish);

    assert_eq!(again.len(), 1);
    assert_eq!(again[0].status(), 200);
    assert_ne!(again[0].header("SIP-ETag"), first.header("SIP-ETag"), "Timer J is 0: TXN-04");
}

#[test]
fn txn_07_after_a_provisional_answer_a_request_is_repeated_every_t2() {
    let mut office = removing();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    office.ask(&phone, &request);
    let start = office.now.instant;
    office.pass_millis(200);
    let notify = office.notifies(&phone).remove(0);
    office.answer(&phone, &notify, 100);
    office.pass_secs(40);

    let again = office.notifies(&phone);

    let at: Vec<u128> =
        again.iter().map(|got| got.parcel.at.instant.since(start).as_millis()).collect();
    assert!((6..=8).contains(&at.len()), "{at:?}");
    for pair in at.windows(2) {
        assert!(pair[1].abs_diff(pair[0] + 4000) <= 20, "{at:?}");
    }
    assert_eq!(office.shard.subscriptions(), 0, "a 1xx does not stop Timer F");
}

#[test]
fn txn_08_repeated_answers_have_no_effect() {
    let mut office = removing();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    office.ask(&phone, &request);
    let notify = office.notifies(&phone).remove(0);
    for _ in 0..3 {
        office.answer(&phone, &notify, 200);
        office.pass_millis(300);
    }
    // A late failure with the same branch is no second answer.
    office.answer(&phone, &notify, 481);
    assert_eq!(office.shard.subscriptions(), 1);
    office.pass_secs(40);
    assert!(office.wire.is_empty());

    let mut alice = office.phone("alice");
    office.publish(&mut alice, URI, "presence", &presence(URI, "open"));
    let next = office.notified(&phone);
    assert_eq!(next.cseq(), notify.cseq() + 1);
}

#[test]
fn txn_08_the_method_of_cseq_belongs_to_the_match() {
    let mut office = removing();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    office.ask(&phone, &request);
    let notify = office.notifies(&phone).remove(0);
    let cseq = format!("CSeq: {}", notify.header("CSeq"));
    let wrong =
        notify.response(481, &[]).replace(&cseq, &format!("CSeq: {} OPTIONS", notify.cseq()));

    office.deliver(&phone.line, wrong);

    assert_eq!(office.shard.subscriptions(), 1);
    office.pass_millis(500);
    assert_eq!(office.notifies(&phone).len(), 1, "it is repeated: nothing has answered it");
    office.answer(&phone, &notify, 481);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn txn_09_a_timeout_ends_the_subscription_without_a_word() {
    let mut office = removing();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, URI, "presence");
    let mut alice = office.phone("alice");
    office.publish(&mut alice, URI, "presence", &presence(URI, "open"));
    office.pass(Duration::from_millis(31_900));
    assert_eq!(office.shard.subscriptions(), 1);

    office.pass_millis(200);

    assert_eq!(office.shard.subscriptions(), 0, "as a 408 would: RFC 6665 §4.2.2");
    office.notifies(&phone);
    office.publish(&mut alice, URI, "presence", &presence(URI, "closed"));
    office.pass_secs(700);
    assert!(office.notifies(&phone).is_empty(), "no terminal NOTIFY, no retry");
    let refresh = phone.refresh();
    assert_eq!(office.ask(&phone, &refresh).status(), 481);
}

#[test]
fn txn_09_a_timeout_suspends_the_subscription_by_default() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, URI, "dialog");
    let mut pbx = office.pbx();
    let tag = office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    office.pass(Duration::from_millis(32_100));
    let condition: Vec<_> = office.shard.watchers().map(|view| view.condition).collect();
    assert_eq!(condition, ["suspended"]);
    office.notifies(&phone);

    let modify =
        pbx.publish(URI, "dialog", &call(URI, "c1", "confirmed")).with("SIP-If-Match", &tag);
    assert_eq!(office.ask(&pbx, &modify).status(), 200);
    office.pass_secs(20);
    assert!(office.notifies(&phone).is_empty(), "a state is not sent to who does not answer");

    office.pass_secs(15);
    let probe = office.notifies(&phone).remove(0);
    assert!(probe.body.contains("confirmed"), "the probe carries the state of now");
    office.answer(&phone, &probe, 200);
    let condition: Vec<_> = office.shard.watchers().map(|view| view.condition).collect();
    assert_eq!(condition, ["active"]);
}

fn cancel(request: &Req) -> Req {
    let mut cancel = request.clone();
    cancel.method = "CANCEL".to_owned();
    cancel.headers = vec![("Max-Forwards".to_owned(), "70".to_owned())];
    cancel.body = String::new();
    cancel
}

#[test]
fn txn_10_a_cancel_of_a_subscribe_changes_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    office.deliver(&phone.line, request.to_text());
    office.deliver(&phone.line, cancel(&request).to_text());
    let all = office.inbox(&phone);

    let answered = |method: &str| -> Vec<u16> {
        all.iter()
            .filter(|got| !got.is_request() && got.header("CSeq") == format!("1 {method}"))
            .map(Got::status)
            .collect()
    };
    assert_eq!(answered("SUBSCRIBE"), [200]);
    assert_eq!(answered("CANCEL"), [200]);
    assert_eq!(all.iter().filter(|got| got.is_request()).count(), 1, "the NOTIFY comes");
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn txn_10_a_cancel_of_nothing_is_481() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let never_sent = phone.subscribe(URI, "presence");
    assert_eq!(office.ask(&phone, &cancel(&never_sent)).status(), 481);

    let sent = phone.subscribe(URI, "presence");
    office.ask(&phone, &sent);
    let mut elsewhere = cancel(&sent);
    elsewhere.via = elsewhere.via.replace(sent.branch(), "z9hG4bKother");
    assert_eq!(office.ask(&phone, &elsewhere).status(), 481);
}

fn invite(phone: &mut Phone) -> Req {
    let contact = format!("<{}>", phone.contact);
    phone.request("INVITE", URI).with("Contact", &contact)
}

#[test]
fn txn_11_the_refusal_of_an_invite_is_repeated_until_timer_h() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = invite(&mut phone);
    let start = office.now.instant;
    office.deliver(&phone.line, request.to_text());
    office.pass_secs(120);

    let finals = office.inbox(&phone);

    assert!(finals.iter().all(|got| got.status() == 405 && got.has("Allow")), "{finals:#?}");
    let at: Vec<u128> =
        finals.iter().map(|got| got.parcel.at.instant.since(start).as_millis()).collect();
    let wanted = [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500];
    assert_eq!(at.len(), wanted.len(), "{at:?}");
    for (at, wanted) in at.iter().zip(wanted) {
        assert!(at.abs_diff(wanted) <= 20, "{at} ms and not {wanted}");
    }
}

#[test]
fn txn_11_an_ack_ends_the_repeats_and_is_never_answered() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = invite(&mut phone);
    let refused = office.ask(&phone, &request);
    assert_eq!(refused.status(), 405);
    office.pass_millis(600);
    assert_eq!(office.inbox(&phone).len(), 1, "repeated once by then");
    let mut ack = request.clone();
    ack.method = "ACK".to_owned();
    ack.to = refused.header("To").to_owned();
    ack.headers.clear();

    office.deliver(&phone.line, ack.to_text());
    office.deliver(&phone.line, ack.to_text());
    office.pass_secs(40);

    assert!(office.wire.is_empty(), "{:#?}", office.wire);
}

#[test]
fn txn_11_an_invite_repeated_after_its_refusal_gets_it_again() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = invite(&mut phone);
    let first = office.ask(&phone, &request);
    let again = replay(&mut office, &phone, &request);
    assert_eq!(again.len(), 1);
    assert_eq!(again[0].parcel.octets, first.parcel.octets);
}

#[test]
fn txn_11_a_stray_ack_is_never_answered() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let out_of_dialog = phone.request("ACK", URI);
    let mut with_tag = phone.request("ACK", URI);
    with_tag.to = format!("{};tag=unknown", with_tag.to);
    let broken = phone.request("ACK", URI).without("Call-ID");
    let required = phone.request("ACK", URI).with("Require", "foo");
    let foreign = phone.request("ACK", "foo:bar");
    for ack in [out_of_dialog, with_tag, broken, required, foreign] {
        office.deliver(&phone.line, ack.to_text());
        office.pass_secs(33);
        assert!(office.wire.is_empty(), "{}", ack.to_text());
    }
}

#[test]
fn txn_12_every_request_has_one_final_answer_and_no_provisional_one() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("102");
    let methods = [
        "SUBSCRIBE",
        "PUBLISH",
        "REGISTER",
        "OPTIONS",
        "NOTIFY",
        "MESSAGE",
        "INFO",
        "BYE",
        "REFER",
        "UPDATE",
        "PRACK",
        "FOO",
        "CANCEL",
    ];
    for method in methods {
        let request = phone.request(method, URI);
        office.deliver(&phone.line, request.to_text());
        office.pass_secs(60);
        let answers = office.inbox(&phone);
        assert_eq!(answers.len(), 1, "{method}: {answers:#?}");
        let status = answers[0].status();
        assert!(status >= 200, "{method}: {status}");
        assert_ne!(status, 408, "RFC 4320 §4.2");
    }
}

#[test]
fn txn_14_nothing_is_answered_late() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    let answer = office.ask(&phone, &request);
    assert_eq!(answer.parcel.at, office.now, "in the turn of the request");
    let notify = office.notified(&phone);
    office.pass_secs(33);
    // The answer to our NOTIFY, and answers to nothing, come too late: they are not answered.
    office.answer(&phone, &notify, 200);
    office.answer(&phone, &notify, 481);
    office.pass_secs(33);
    assert!(office.wire.is_empty());
    assert_eq!(office.shard.subscriptions(), 1);
}

#[test]
fn txn_15_a_stray_response_is_dropped() {
    let mut office = removing();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    office.ask(&phone, &request);
    let notify = office.notifies(&phone).remove(0);
    let branch = notify.via("branch").expect("a branch").to_owned();
    for stray in ["z9hG4bKstray", "z9hG4bK", &format!("{branch}0"), &branch[..branch.len() - 1]] {
        let response = notify.response(481, &[]).replace(&branch, stray);
        office.deliver(&phone.line, response);
        assert_eq!(office.shard.subscriptions(), 1, "{stray}");
    }
    let elsewhere = Line::udp("198.51.100.9:5060");
    office.deliver(&elsewhere, notify.response(200, &[]).replace(&branch, "z9hG4bKstray"));
    office.pass_millis(500);
    assert_eq!(office.notifies(&phone).len(), 1, "still unanswered");
}
