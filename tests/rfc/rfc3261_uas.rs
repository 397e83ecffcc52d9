//! RFC 3261 §8.2: how a server takes a request, step by step.

use std::collections::HashSet;

use crate::common::digest::{Challenge, Credentials};
use crate::common::documents::{call, presence};
use crate::common::phone::Line;
use crate::common::{Got, Office, Phone, Req};

const URI: &str = "sip:alice@example.com";

#[test]
fn uas_01_who_asks_comes_before_what_is_asked() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let strange = phone.subscribe(URI, "unheard-of").with("Require", "foo");
    assert_eq!(office.ask(&phone, &strange).status(), 401);
    let body = phone.publish(URI, "presence", "no xml").with("SIP-If-Match", "unknown");
    assert_eq!(office.ask(&phone, &body).status(), 401);

    let request = phone.subscribe(URI, "unheard-of");
    let challenge = Challenge::of(&office.ask(&phone, &request), "SHA-256");
    let mut again = request.again("second").with_cseq(2);
    let line = Credentials::new("alice", "secret", &challenge, &again).line();
    again = again.with("Authorization", &line);
    assert_eq!(office.ask(&phone, &again).status(), 489, "then the event");
}

#[test]
fn uas_01_the_method_comes_before_the_require() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let unknown = phone.request("FOO", URI).with("Require", "foo");
    assert_eq!(office.ask(&phone, &unknown).status(), 501);
    let known = phone.request("MESSAGE", URI).with("Require", "foo");
    assert_eq!(office.ask(&phone, &known).status(), 405);
}

#[test]
fn uas_01_the_request_uri_comes_before_the_require() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let foreign = phone.subscribe("sip:alice@elsewhere.org", "presence").with("Require", "foo");
    assert_eq!(office.ask(&phone, &foreign).status(), 404);
    let strange = phone.request("OPTIONS", "foo:bar").with("Require", "foo");
    assert_eq!(office.ask(&phone, &strange).status(), 416);
}

#[test]
fn uas_01_the_require_comes_before_the_body() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let all_wrong = phone
        .publish(URI, "presence", "hello")
        .with("Content-Type", "text/plain")
        .with("Content-Encoding", "br")
        .with("Require", "foo");
    assert_eq!(office.ask(&phone, &all_wrong).status(), 420);
}

#[test]
fn uas_01_a_refused_request_changes_nothing() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let subscribe = phone.subscribe(URI, "presence");
    assert_eq!(office.ask(&phone, &subscribe).status(), 401);
    let publish = phone.publish(URI, "presence", &presence(URI, "open"));
    assert_eq!(office.ask(&phone, &publish).status(), 401);
    let register = phone.register();
    assert_eq!(office.ask(&phone, &register).status(), 401);

    assert_eq!(office.shard.subscriptions(), 0);
    assert_eq!(office.shard.publications(), 0);
    assert_eq!(office.shard.presentities(), 0);
    assert!(office.kept.is_empty(), "{:?}", office.kept);
    assert!(office.wire.is_empty(), "no NOTIFY");
}

fn allowed(got: &Got) -> HashSet<String> {
    got.list("Allow").into_iter().collect()
}

#[test]
fn uas_02_a_known_method_that_is_not_served_is_405() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for method in ["MESSAGE", "INVITE", "REFER", "INFO", "PRACK", "UPDATE", "BYE"] {
        let request = phone.request(method, URI);
        let refused = office.ask(&phone, &request);
        assert_eq!(refused.status(), 405, "{method}");
        let allowed = allowed(&refused);
        for served in ["SUBSCRIBE", "PUBLISH", "REGISTER", "OPTIONS"] {
            assert!(allowed.contains(served), "{method}: Allow lacks {served}: {allowed:?}");
        }
        assert!(!allowed.contains(method), "{method} is not served");
    }
}

#[test]
fn uas_02_an_unknown_method_is_501() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.request("FOO", URI);
    let refused = office.ask(&phone, &request);
    assert_eq!(refused.status(), 501);
    assert!(allowed(&refused).contains("SUBSCRIBE"));
}

#[test]
fn uas_03_an_unknown_scheme_is_416() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for (method, uri) in [("OPTIONS", "foo:bar"), ("SUBSCRIBE", "foo:bar"), ("PUBLISH", "urn:x:y")]
    {
        let request = phone.request(method, uri).with("Event", "presence").with_to("<sip:a@b.c>");
        assert_eq!(office.ask(&phone, &request).status(), 416, "{method} {uri}");
    }
}

#[test]
fn uas_03_a_domain_that_is_not_ours_is_404() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let elsewhere = "sip:alice@elsewhere.org";
    let subscribe = phone.subscribe(elsewhere, "presence");
    assert_eq!(office.ask(&phone, &subscribe).status(), 404);
    let publish = phone.publish(elsewhere, "presence", &presence(elsewhere, "open"));
    assert_eq!(office.ask(&phone, &publish).status(), 404);
    let register = phone.register().with_to("<sip:alice@elsewhere.org>");
    let register = Req { uri: "sip:elsewhere.org".to_owned(), ..register };
    assert_eq!(office.ask(&phone, &register).status(), 404);
    assert_eq!(office.shard.presentities(), 0);
    assert!(office.wire.is_empty());
}

#[test]
fn uas_03_a_scheme_in_to_is_nobodys_business() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence").with_to("<tel:+1234>");
    let response = office.ask(&phone, &request);
    assert_eq!(response.status(), 200);
    assert!(response.header("To").starts_with("<tel:+1234>;tag="));
    office.notified(&phone);
    let request = phone.request("OPTIONS", URI).with_to("<foo:bar>");
    assert_eq!(office.ask(&phone, &request).status(), 200);
}

/// The same request as it comes by another proxy.
fn by_another_way(request: &Req) -> Req {
    let mut other = request.clone();
    other.via = request.via.replace(request.branch(), "z9hG4bKanother");
    other
}

#[test]
fn uas_04_a_request_that_comes_by_two_ways_is_taken_once() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let first = phone.subscribe(URI, "presence");
    assert_eq!(office.ask(&phone, &first).status(), 200);
    office.notified(&phone);

    let second = by_another_way(&first);

    assert_eq!(office.ask(&phone, &second).status(), 482);
    assert_eq!(office.shard.subscriptions(), 1);
    assert!(office.wire.is_empty(), "one NOTIFY in all");
}

#[test]
fn uas_04_a_merged_request_is_known_until_timer_j() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let first = phone.publish(URI, "presence", &presence(URI, "open"));
    assert_eq!(office.ask(&phone, &first).status(), 200);
    office.pass_secs(31);
    assert_eq!(office.ask(&phone, &by_another_way(&first)).status(), 482);
    assert_eq!(office.shard.publications(), 1);

    let mut late = first.clone();
    late.via = first.via.replace(first.branch(), "z9hG4bKlate");
    office.pass_secs(34);
    assert_eq!(office.ask(&phone, &late).status(), 200);
}

#[test]
fn uas_04_a_higher_cseq_is_not_merged() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let first = phone.publish(URI, "presence", &presence(URI, "open"));
    assert_eq!(office.ask(&phone, &first).status(), 200);
    let mut next = by_another_way(&first);
    next.cseq = 2;
    assert_eq!(office.ask(&phone, &next).status(), 200);
}

#[test]
fn uas_05_an_unknown_extension_is_420_and_named() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let register = phone.register().with("Require", "path, foo, outbound, bar");
    let refused = office.ask(&phone, &register);
    assert_eq!(refused.status(), 420);
    let unsupported = refused.list("Unsupported");
    assert!(unsupported.contains(&"foo".to_owned()) && unsupported.contains(&"bar".to_owned()));
    // What OPTIONS calls supported is not named here.
    let options = phone.request("OPTIONS", URI);
    let supported = office.ask(&phone, &options).list("Supported");
    assert!(unsupported.iter().all(|tag| !supported.contains(tag)), "{unsupported:?}");
    for tag in supported.iter().filter(|tag| !tag.is_empty()) {
        let request = phone.request("OPTIONS", URI).with("Require", tag);
        assert_eq!(office.ask(&phone, &request).status(), 200, "{tag} is said to be supported");
    }

    let subscribe = phone.subscribe(URI, "presence").with("Require", "foo");
    let refused = office.ask(&phone, &subscribe);
    assert_eq!(refused.status(), 420);
    assert_eq!(refused.list("Unsupported"), ["foo"]);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn uas_05_proxy_require_is_for_proxies() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence").with("Proxy-Require", "foo");
    assert_eq!(office.ask(&phone, &request).status(), 200);
}

#[test]
fn uas_06_a_body_that_is_not_understood_is_415() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let good = presence(URI, "open");

    let encoded = phone.publish(URI, "presence", &good).with("Content-Encoding", "br");
    let refused = office.ask(&phone, &encoded);
    assert_eq!(refused.status(), 415);
    assert!(refused.has("Accept-Encoding"));

    for (package, media) in [
        ("presence", "application/pidf+xml"),
        ("dialog", "application/dialog-info+xml"),
        ("message-summary", "application/simple-message-summary"),
    ] {
        let plain = phone.publish(URI, package, "hello").with("Content-Type", "text/plain");
        let refused = office.ask(&phone, &plain);
        assert_eq!(refused.status(), 415);
        let accept = refused.list("Accept");
        assert!(accept.iter().any(|range| range.starts_with(media)), "{package}: {accept:?}");
    }
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn uas_06_identity_encoding_is_none() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let publish = phone.publish(URI, "presence", &presence(URI, "open"));
    let publish = publish.with("Content-Encoding", "identity");
    assert_eq!(office.ask(&phone, &publish).status(), 200);
}

#[test]
fn uas_06_an_optional_body_may_be_left_aside() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone
        .subscribe(URI, "presence")
        .with("Content-Type", "application/x-unknown")
        .with("Content-Disposition", "session;handling=optional")
        .with_body("???");
    assert_eq!(office.ask(&phone, &request).status(), 200);
    office.notified(&phone);

    let encoded = phone
        .subscribe(URI, "presence")
        .with("Content-Type", "application/x-unknown")
        .with("Content-Encoding", "br")
        .with("Content-Disposition", "session;handling=optional")
        .with_body("???");
    assert_eq!(office.ask(&phone, &encoded).status(), 200);
    office.notified(&phone);
}

#[test]
fn uas_06_a_required_body_may_not_be_left_aside() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for disposition in ["session;handling=required", "session"] {
        let request = phone
            .subscribe(URI, "presence")
            .with("Content-Type", "application/x-unknown")
            .with("Content-Disposition", disposition)
            .with_body("???");
        assert_eq!(office.ask(&phone, &request).status(), 415, "{disposition}");
        assert_eq!(office.shard.subscriptions(), 0);
    }
}

#[test]
fn uas_08_a_response_copies_what_names_its_request() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("102");
    for (method, status) in [("OPTIONS", 200), ("SUBSCRIBE", 401), ("FOO", 501), ("MESSAGE", 405)] {
        let mut request = phone.request(method, "sip:example.com").with("Event", "presence");
        request.from =
            "\"A, \\\"B\\\"\" <sip:102@example.com;x=1>;tag=f1;odd=\"a;b,c\";q".to_owned();
        request.to = "Somebody <sip:alice@example.com?a=b>;odd=1".to_owned();
        request.call_id = format!("{method}!%*_+`'~()<>:\\\"/[]?{{}}@here");
        let top = request.via.clone();
        request.via =
            format!("{top};odd=\"x,y\", SIP/2.0/UDP second.example.com;branch=z9hG4bK2;x=\"1,2\"");

        let response = office.ask(&phone, &request);

        assert!(response.status() == status || response.status() == 401, "{response:?}");
        assert_eq!(response.header("From"), request.from);
        assert_eq!(response.header("Call-ID"), request.call_id);
        assert_eq!(response.header("CSeq"), format!("1 {method}"));
        let (to, tag) = response.header("To").split_once(";tag=").expect("a tag");
        assert_eq!(to, request.to);
        assert!(!tag.is_empty());
        let vias = response.list("Via");
        assert_eq!(vias.len(), 2);
        assert!(vias[0].contains(";odd=\"x,y\""));
        assert_eq!(vias[1], "SIP/2.0/UDP second.example.com;branch=z9hG4bK2;x=\"1,2\"");
    }
}

#[test]
fn uas_08_a_tag_in_to_is_kept() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut request = phone.subscribe(URI, "presence");
    request.to = format!("{};tag=no-such-dialog", request.to);
    let response = office.ask(&phone, &request);
    assert_eq!(response.header("To"), request.to);
}

#[test]
fn uas_09_a_challenge_keeps_nothing_and_repeats_its_tag() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let request = phone.subscribe(URI, "presence");
    let first = office.ask(&phone, &request);
    assert_eq!(first.status(), 401);
    assert_eq!(office.shard.transactions(), 0, "no transaction");
    let again = office.ask(&phone, &request);
    assert_eq!(again.status(), 401);
    assert_eq!(again.to_tag(), first.to_tag());
    office.pass_secs(33);
    assert!(office.wire.is_empty(), "never repeated by itself");

    let other = phone.subscribe(URI, "presence");
    assert_ne!(office.ask(&phone, &other).to_tag(), first.to_tag());
}

#[test]
fn uas_09_a_flood_without_credentials_leaves_nothing_behind() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    for number in 0..10_000 {
        let uri = format!("sip:{number}@example.com");
        let request = phone.subscribe(&uri, "presence");
        office.deliver(&phone.line, request.to_text());
        office.wire.clear();
    }
    assert_eq!(office.shard.transactions(), 0);
    assert_eq!(office.shard.presentities(), 0);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn uas_10_a_tag_of_no_dialog_is_481() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for method in ["SUBSCRIBE", "NOTIFY", "PUBLISH", "REGISTER", "OPTIONS", "BYE", "INFO", "UPDATE"]
    {
        let contact = format!("<{}>", phone.contact);
        let mut request = phone
            .request(method, URI)
            .with("Event", "presence")
            .with("Expires", "600")
            .with("Contact", &contact);
        request.to = format!("{};tag=invented", request.to);
        assert_eq!(office.ask(&phone, &request).status(), 481, "{method}");
        assert!(office.wire.is_empty(), "{method}");
    }
    assert_eq!(office.shard.subscriptions() + office.shard.publications(), 0);
}

#[test]
fn uas_10_all_three_names_of_a_dialog_count() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, URI, "presence");
    let right = phone.refresh();
    let mut wrong_call = phone.refresh();
    wrong_call.call_id.push('x');
    let mut wrong_from = phone.refresh();
    wrong_from.from.push('x');
    let mut wrong_to = phone.refresh();
    wrong_to.to.push('x');
    let mut shorter = phone.refresh();
    shorter.to.pop();
    for request in [wrong_call, wrong_from, wrong_to, shorter] {
        assert_eq!(office.ask(&phone, &request).status(), 481, "{}", request.to_text());
        assert!(office.wire.is_empty());
    }
    assert_eq!(office.ask(&phone, &right).status(), 200);
}

#[test]
fn uas_11_max_forwards_0_has_arrived() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let options = phone.request("OPTIONS", URI).with("Max-Forwards", "0");
    assert_eq!(office.ask(&phone, &options).status(), 200);
    let subscribe = phone.subscribe(URI, "presence").with("Max-Forwards", "0");
    assert_eq!(office.ask(&phone, &subscribe).status(), 200);
}

#[test]
fn uas_12_a_subscribe_has_one_sip_contact() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let contact = format!("<{}>", phone.contact);
    let two = format!("{contact}, <sip:102@192.0.2.150>");
    for bad in [None, Some(two.as_str()), Some("<mailto:a@b.c>"), Some("*"), Some("<tel:+1>")] {
        let request = phone.subscribe(URI, "presence").without("Contact");
        let request = match bad {
            Some(contact) => request.also("Contact", contact),
            None => request,
        };
        assert_eq!(office.ask(&phone, &request).status(), 400, "{bad:?}");
    }
    let two_lines = phone.subscribe(URI, "presence").also("Contact", "<sip:102@192.0.2.150>");
    assert_eq!(office.ask(&phone, &two_lines).status(), 400);
    assert!(office.wire.is_empty(), "no NOTIFY");
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn uas_13_a_watcher_that_is_busy_is_left_alone_for_its_time() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, URI, "dialog");
    let mut pbx = office.pbx();
    let tag = office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    let notify = office.notifies(&phone).remove(0);
    office.deliver(&phone.line, notify.response(503, &["Retry-After: 10"]));
    let modify = pbx.publish(URI, "dialog", &call(URI, "c1", "confirmed"));
    assert_eq!(office.ask(&pbx, &modify.with("SIP-If-Match", &tag)).status(), 200);

    office.pass_millis(9_900);
    assert!(office.notifies(&phone).is_empty(), "nothing for ten seconds");
    office.pass_millis(300);
    assert!(office.notified(&phone).body.contains("confirmed"), "then the latest state");
}

#[test]
fn uas_14_a_challenge_to_a_notify_does_not_end_the_subscription() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    let response = office.ask(&phone, &request);
    phone.remember(&request, &response);
    let notify = office.notifies(&phone).remove(0);
    let challenge = "WWW-Authenticate: Digest realm=\"phone\", nonce=\"1\", qop=\"auth\"";
    office.deliver(&phone.line, notify.response(401, &[challenge]));
    office.pass_secs(40);
    assert!(office.notifies(&phone).is_empty(), "we have no credentials for it");

    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    let next = office.notified(&phone);
    assert_eq!(next.cseq(), notify.cseq() + 1);
}

#[test]
fn uas_15_an_unknown_final_code_is_the_00_of_its_class() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    office.ask(&phone, &request);
    let notify = office.notifies(&phone).remove(0);
    office.answer(&phone, &notify, 499);
    office.pass_secs(40);
    assert!(office.wire.is_empty(), "499 is final");
    let mut pbx = office.pbx();
    office.publish(&mut pbx, URI, "dialog", &call(URI, "c1", "early"));
    assert!(office.notified(&phone).body.contains("early"), "as a 400 it ends nothing");
}

#[test]
fn uas_15_a_response_with_two_vias_is_dropped() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    office.ask(&phone, &request);
    let notify = office.notifies(&phone).remove(0);
    let via = notify.header("Via").to_owned();
    let second = "Via: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bKx";
    for two in [
        notify.response(481, &[second]),
        notify.response(481, &[]).replace(&via, &format!("{via}, SIP/2.0/UDP 198.51.100.1")),
    ] {
        office.deliver(&phone.line, two);
        assert_eq!(office.shard.subscriptions(), 1);
    }
    office.pass_millis(500);
    assert_eq!(office.notifies(&phone).len(), 1, "still unanswered");
}

#[test]
fn uas_16_a_notify_says_what_a_good_request_says() {
    let mut office = Office::new();
    let mut branches = HashSet::new();
    let mut tags = HashSet::new();
    for number in 0..500 {
        let mut phone = Phone::new("102", Line::udp("192.0.2.101:5060"), number);
        let request = phone.subscribe(&format!("sip:{number}@example.com"), "dialog");
        let response = office.ask(&phone, &request);
        let notify = office.notified(&phone);
        assert_eq!(notify.header("Max-Forwards"), "70");
        let branch = notify.via("branch").expect("a branch").to_owned();
        assert!(branch.starts_with("z9hG4bK") && branch.len() >= 15, "{branch}");
        assert!(branches.insert(branch), "a branch is never used twice");
        assert!(response.to_tag().len() >= 6, "32 random bits in {}", response.to_tag());
        assert!(tags.insert(response.to_tag().to_owned()), "nor a tag");
        assert!(notify.cseq() < 1 << 31);
    }
}

#[test]
fn uas_16_tags_cannot_be_foretold() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut tags: Vec<String> = (0..64)
        .map(|_| {
            let request = phone.subscribe(URI, "dialog");
            let response = office.ask(&phone, &request);
            office.notified(&phone);
            response.to_tag().to_owned()
        })
        .collect();
    // Tags of one presentity may share a part that leads home; the rest is chance.
    let shared = (0..tags[0].len())
        .take_while(|&end| tags.iter().all(|tag| tag.get(..end) == tags[0].get(..end)))
        .last()
        .unwrap_or(0);
    assert!(tags.iter().all(|tag| tag.len() >= shared + 6), "{tags:?}");
    tags.sort_by_key(|tag| tag[shared..shared + 2].to_owned());
    tags.dedup_by_key(|tag| tag[shared..shared + 2].to_owned());
    assert!(tags.len() > 16, "two characters already differ mostly: {tags:?}");
}

#[test]
fn uas_17_names_and_parameters_come_back_untouched() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let long = "t".repeat(300);
    for display in
        ["\"\\\"A\\\\\"", "\"J\u{f6}rg \u{65e5}\u{672c}\"", "\"\"", "A b.c-d", "\"<;,>\""]
    {
        let mut request = phone.subscribe(URI, "presence");
        request.from = format!("{display} <sip:102@example.com>;tag={long};x=\"\\\"\"");
        request.to = format!("{display} <{URI}>;y=z");
        let response = office.ask(&phone, &request);
        assert_eq!(response.status(), 200, "{display}");
        assert_eq!(response.header("From"), request.from);
        assert_eq!(response.header("To").split(";tag=").next(), Some(request.to.as_str()));
        let notify = office.notified(&phone);
        assert!(notify.header("To").contains(&format!(";tag={long}")), "{notify:?}");
    }
}
