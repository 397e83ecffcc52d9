//! RFC 3261 §7, §8.1.1, §19.1, §20: how a message is read.

use crate::common::documents::presence;
use crate::common::{Got, Office, Phone, Req};

const URI: &str = "sip:alice@example.com";

/// The one response to octets sent as they are.
fn answer(office: &mut Office, phone: &Phone, text: &str) -> Got {
    let mut answers = office.ask_raw(phone, text);
    assert_eq!(answers.len(), 1, "one answer to\n{text}\n{answers:#?}");
    answers.remove(0)
}

/// Names of the headers of a message, in order.
fn names(got: &Got) -> Vec<&str> {
    got.headers.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn msg_01_compact_names_mean_the_same() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let long = phone.subscribe(URI, "presence").with("Supported", "eventlist");
    let long_answer = office.ask(&phone, &long);
    office.notified(&phone);
    let mut short = phone.subscribe(URI, "presence").with("Supported", "eventlist").to_text();
    for (name, letter) in [
        ("Via", "v"),
        ("From", "f"),
        ("To", "t"),
        ("Call-ID", "i"),
        ("Contact", "m"),
        ("Event", "o"),
        ("Supported", "k"),
        ("Content-Length", "l"),
    ] {
        assert!(short.contains(&format!("\r\n{name}: ")));
        short = short.replace(&format!("\r\n{name}: "), &format!("\r\n{letter}: "));
    }

    let short_answer = answer(&mut office, &phone, &short);

    assert_eq!(short_answer.status(), 200);
    assert_eq!(names(&short_answer), names(&long_answer));
    assert_eq!(short_answer.header("Expires"), long_answer.header("Expires"));
    assert_eq!(office.notified(&phone).uri(), phone.contact);
}

#[test]
fn msg_01_compact_names_of_the_body_mean_the_same() {
    let mut office = Office::new();
    let mut alice = office.phone("alice");
    let publish = alice.publish(URI, "presence", &presence(URI, "open"));
    let short = publish.to_text().replace("Content-Type:", "c:").replace("Event:", "o:");
    assert_eq!(answer(&mut office, &alice, &short).status(), 200);
    assert_eq!(office.shard.publications(), 1);

    let publish = alice.publish(URI, "presence", &presence(URI, "open")).also("e", "br");
    assert_eq!(office.ask(&alice, &publish).status(), 415, "e is Content-Encoding");
    let publish = alice.publish(URI, "presence", "").also("c", "text/plain").with_body("hello");
    assert_eq!(office.ask(&alice, &publish).status(), 415, "c is Content-Type");
    assert_eq!(office.shard.publications(), 1);
}

#[test]
fn msg_01_names_are_read_in_any_case() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let text = phone.subscribe(URI, "presence").to_text();
    let text = text
        .replace("Event:", "eVENT:")
        .replace("Via:", "VIA:")
        .replace("Call-ID:", "call-id:")
        .replace("CSeq:", "CSEQ:")
        .replace("Contact:", "cOnTaCt:")
        .replace("Content-Length:", "content-LENGTH:");

    assert_eq!(answer(&mut office, &phone, &text).status(), 200);
    office.notified(&phone);
}

#[test]
fn msg_01_compact_names_of_other_rfcs_are_headers_too() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let text = phone.subscribe(URI, "presence");
    let text = text
        .also("s", "lamp")
        .also("u", "presence, dialog")
        .also("x", "1800")
        .also("r", "<sip:bob@example.com>")
        .also("b", "<sip:bob@example.com>")
        .also("a", "*;audio")
        .also("d", "proxy")
        .also("j", "*;video")
        .also("y", "\"abc\"")
        .also("n", "<https://example.com/cert>;alg=rsa-sha1");

    assert_eq!(office.ask(&phone, &text).status(), 200);
    office.notified(&phone);
}

#[test]
fn msg_02_folded_lines_are_one_line() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    let contact = phone.contact.clone();
    let text = request
        .to_text()
        .replace(";branch=", "\r\n ;branch=")
        .replace("Event: presence", "Event:\r\n\tpresence\r\n ;id=7")
        .replace(&format!("Contact: <{contact}>"), &format!("Contact:\r\n  <{contact}>\r\n ;x=1"))
        .replace("Max-Forwards: 70", "Max-Forwards:\r\n 70\r\nSupported: path,\r\n gruu ,\r\n\tx")
        .replace("Call-ID: ", "Call-ID:\r\n ");

    let response = answer(&mut office, &phone, &text);

    assert_eq!(response.status(), 200);
    assert_eq!(response.header("Call-ID"), request.call_id);
    assert!(response.header("Via").contains(request.branch()));
    let notify = office.notified(&phone);
    assert_eq!(notify.uri(), contact);
    assert!(notify.header("Event").replace(' ', "").contains("presence;id=7"), "{notify:?}");
}

#[test]
fn msg_02_a_start_line_is_never_folded() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let text = phone.subscribe(URI, "presence").to_text();
    for folded in [
        text.replacen(" SIP/2.0\r\n", "\r\n SIP/2.0\r\n", 1),
        text.replacen("SUBSCRIBE sip", "SUBSCRIBE\r\n sip", 1),
        text.replacen(" SIP/2.0\r\n", " SIP/2.0\r\n more\r\n", 1),
    ] {
        let answers = office.ask_raw(&phone, &folded);
        assert!(answers.iter().all(|got| got.status() == 400), "{folded}{answers:#?}");
        assert_eq!(office.shard.subscriptions(), 0);
        assert!(office.wire.is_empty());
    }
}

#[test]
fn msg_03_vias_come_back_in_order_however_they_were_split() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.request("OPTIONS", "sip:example.com");
    let second = "SIP/2.0/TCP p2.example.com:5070;branch=z9hG4bKp2;received=198.51.100.2";
    let third = "SIP / 2.0 / UDP first.example.com: 4000;ttl=16 ;branch=z9hG4bKa7c6a8dlze.1";
    let top = request.via.clone();
    let text = request.with_via(&format!("{top}, {second}")).to_text().replacen(
        "\r\nFrom:",
        &format!("\r\nVia: {third}\r\nFrom:"),
        1,
    );

    let response = answer(&mut office, &phone, &text);

    assert_eq!(response.status(), 200);
    let vias = response.list("Via");
    assert_eq!(vias.len(), 3, "{vias:?}");
    assert!(vias[0].starts_with(&format!("SIP/2.0/UDP {};", phone.address())));
    assert_eq!(vias[1], second);
    assert!(vias[2].contains("first.example.com") && vias[2].contains("z9hG4bKa7c6a8dlze.1"));
}

#[test]
fn msg_03_a_list_may_be_split_over_lines() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone
        .subscribe(URI, "dialog")
        .also("Accept", "application/x-unknown, text/plain")
        .also("Accept", "application/dialog-info+xml");
    assert_eq!(office.ask(&phone, &request).status(), 200);
    assert_eq!(office.notified(&phone).header("Content-Type"), "application/dialog-info+xml");

    let request = phone.subscribe(URI, "dialog").also("Require", "foo").also("Require", "bar,baz");
    let refused = office.ask(&phone, &request);
    assert_eq!(refused.status(), 420);
    assert_eq!(refused.list("Unsupported"), ["foo", "bar", "baz"]);
}

#[test]
fn msg_04_methods_are_case_sensitive() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence");
    let lower = Req { method: "subscribe".to_owned(), ..request };

    assert_eq!(office.ask(&phone, &lower).status(), 501);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn msg_04_cseq_names_the_method_of_the_start_line() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let text = phone.subscribe(URI, "presence").to_text();
    let text = text.replace("CSeq: 1 SUBSCRIBE", "CSeq: 1 PUBLISH");

    assert_eq!(answer(&mut office, &phone, &text).status(), 400);
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn msg_05_the_version_is_2_0_in_any_case() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for (version, status) in [("sip/2.0", 200), ("SiP/2.0", 200), ("SIP/7.0", 505)] {
        let text = phone.request("OPTIONS", "sip:example.com").to_text();
        let text = text.replacen(" SIP/2.0\r\n", &format!(" {version}\r\n"), 1);
        assert_eq!(answer(&mut office, &phone, &text).status(), status, "{version}");
    }
}

#[test]
fn msg_06_a_request_without_a_mandatory_header_is_400() {
    for name in ["To", "From", "Call-ID", "CSeq"] {
        let mut office = Office::new();
        let mut phone = office.phone("102");
        let request = phone.subscribe(URI, "presence").without(name);
        let refused = answer(&mut office, &phone, &request.to_text());
        assert_eq!(refused.status(), 400, "without {name}");
        assert!(office.wire.is_empty(), "no NOTIFY without {name}");
        assert_eq!(office.shard.subscriptions(), 0);
    }
}

#[test]
fn msg_06_a_request_without_via_changes_nothing() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence").without("Via");

    office.deliver(&phone.line, request.to_text());

    assert_eq!(office.shard.subscriptions(), 0);
    let good = phone.subscribe(URI, "presence");
    office.wire.clear();
    assert_eq!(office.ask(&phone, &good).status(), 200);
}

#[test]
fn msg_06_max_forwards_and_the_tag_of_from_may_be_missing() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "presence").without("Max-Forwards");
    assert_eq!(office.ask(&phone, &request).status(), 200);
    office.notified(&phone);

    let mut request = phone.subscribe(URI, "presence");
    request.from = "<sip:102@example.com>".to_owned();
    assert_eq!(office.ask(&phone, &request).status(), 200);
    let notify = office.notified(&phone);
    assert_eq!(notify.to_tag(), "", "a missing tag is the null tag: RFC 3261 §12.1.1");
}

#[test]
fn msg_07_single_headers_given_twice_are_400() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for (name, value) in [
        ("Call-ID", "another"),
        ("To", "<sip:bob@example.com>"),
        ("From", "<sip:bob@example.com>;tag=b"),
        ("CSeq", "1 SUBSCRIBE"),
        ("Max-Forwards", "70"),
        ("Event", "dialog"),
        ("Expires", "600"),
    ] {
        let request = phone.subscribe(URI, "presence").also(name, value);
        let refused = answer(&mut office, &phone, &request.to_text());
        assert_eq!(refused.status(), 400, "two {name}");
        assert_eq!(office.shard.subscriptions(), 0, "two {name}");
    }
    let body = presence(URI, "open");
    let request = phone.publish(URI, "presence", &body).also("Content-Type", "text/plain");
    assert_eq!(office.ask(&phone, &request).status(), 400, "two Content-Type");
    let tag = office.publish(&mut phone, URI, "presence", &body);
    let request = phone.publish(URI, "presence", "").also("SIP-If-Match", &tag);
    let request = request.also("SIP-If-Match", &tag);
    assert_eq!(office.ask(&phone, &request).status(), 400, "two SIP-If-Match");
    let request = phone.publish(URI, "presence", "").with("SIP-If-Match", &tag);
    assert_eq!(office.ask(&phone, &request).status(), 200, "the same given once");
}

#[test]
fn msg_08_cseq_is_32_bits_with_leading_zeros() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    for (number, status) in [
        ("0000000007", 200),
        ("0", 200),
        ("4294967295", 200),
        ("00000000004294967295", 200),
        ("4294967296", 400),
        ("18446744073709551617", 400),
        ("-1", 400),
        ("", 400),
    ] {
        let text = phone.request("OPTIONS", "sip:example.com").to_text();
        let text = text.replace("CSeq: 1 OPTIONS", &format!("CSeq: {number} OPTIONS"));
        let response = answer(&mut office, &phone, &text);
        assert_eq!(response.status(), status, "{number}");
        if status == 200 {
            let echo = response.header("CSeq").to_owned();
            let (seen, _) = echo.split_once(' ').expect("a method");
            let plain = |text: &str| text.parse::<u64>().expect("a number");
            assert_eq!(plain(seen), plain(number));
        }
    }
}

#[test]
fn msg_08_max_forwards_above_255_is_no_fault() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone.request("OPTIONS", "sip:example.com").with("Max-Forwards", "300");
    assert_eq!(office.ask(&phone, &request).status(), 200);
}

/// The seconds granted for what is written in Expires, by method; `active` and not ended.
fn granted(expires: &str) -> [u64; 3] {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let read = |got: &Got| {
        assert_eq!(got.status(), 200, "{got:?}");
        got.header("Expires").parse().expect("seconds")
    };
    let subscribe = phone.subscribe(URI, "presence").with("Expires", expires);
    let subscribed = read(&office.ask(&phone, &subscribe));
    let state = office.notified(&phone).header("Subscription-State").to_owned();
    assert!(state.starts_with("active;expires="), "{expires}: {state}");
    let publish = phone.publish(URI, "presence", &presence(URI, "open")).with("Expires", expires);
    let published = read(&office.ask(&phone, &publish));
    assert_eq!(office.shard.publications(), 1);
    let register = phone.register().with("Expires", expires);
    let response = office.ask(&phone, &register);
    assert_eq!(response.status(), 200);
    let contact = response.header("Contact");
    let (_, rest) = contact.split_once(";expires=").expect("expires");
    let registered = rest.split(';').next().and_then(|n| n.parse().ok()).expect("seconds");
    [subscribed, published, registered]
}

#[test]
fn msg_09_expires_beyond_32_bits_or_unreadable_is_the_default() {
    for expires in ["99999999999999999999", "4294967296", "soon", "-5", "3600s", "0x10"] {
        for seconds in granted(expires) {
            assert!((60..=3600).contains(&seconds), "{expires}: {seconds}");
        }
    }
    let [subscribed, published, registered] = granted("4294967295");
    assert!(subscribed >= 3600 && published >= 3600 && registered >= 3600, "never negative");
    assert!(subscribed <= 86_400 && published <= 86_400 && registered <= 86_400);
}

#[test]
fn msg_10_a_body_needs_a_content_type() {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    let publish = phone.publish(URI, "presence", &presence(URI, "open")).without("Content-Type");
    let status = office.ask(&phone, &publish).status();
    assert!(status == 400 || status == 415, "{status}");
    assert_eq!(office.shard.publications(), 0);

    let empty = phone.subscribe(URI, "presence").with("Content-Type", "application/pidf+xml");
    assert_eq!(office.ask(&phone, &empty).status(), 200, "a type without a body is legal");
}

/// How many bindings are left after registering one URI and then the other.
fn bindings(first: &str, second: &str) -> usize {
    let mut office = Office::new();
    let mut phone = office.phone("alice");
    for contact in [first, second] {
        let register = phone.register().with("Contact", &format!("<{contact}>"));
        assert_eq!(office.ask(&phone, &register).status(), 200, "{contact}");
    }
    let query = phone.register_bare();
    office.ask(&phone, &query).list("Contact").len()
}

#[test]
fn msg_11_equal_uris_are_one_binding() {
    for (first, second) in [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ] {
        assert_eq!(bindings(first, second), 1, "{first} is {second}");
    }
}

#[test]
fn msg_11_unequal_uris_are_two_bindings() {
    for (first, second) in [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;maddr=192.0.2.4"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;user=phone"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;ttl=15"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;method=INVITE"),
        ("sip:bob@biloxi.com", "sip:bob:secret@biloxi.com"),
    ] {
        assert_eq!(bindings(first, second), 2, "{first} is not {second}");
    }
}

#[test]
fn msg_12_one_aor_has_many_spellings() {
    for spelling in [
        "sip:%61lice@EXAMPLE.com;user=phone",
        "sip:alice@Example.Com",
        "sip:al%69ce@example.com;transport=tcp;x=y",
        "SIP:alice@example.com",
        "sips:alice@example.com",
        "sip:alice@example.com:5060",
    ] {
        let mut office = Office::new();
        let mut buddy = office.phone("bob");
        office.subscribe(&mut buddy, URI, "presence");
        let mut alice = office.phone("alice");
        let publish = alice.publish(spelling, "presence", &presence(URI, "open"));
        assert_eq!(office.ask(&alice, &publish).status(), 200, "{spelling}");
        assert!(office.notified(&buddy).body.contains("<basic>open</basic>"), "{spelling}");
    }
}

#[test]
fn msg_12_the_case_of_the_user_counts() {
    let mut office = Office::new();
    let mut buddy = office.phone("bob");
    office.subscribe(&mut buddy, URI, "presence");
    let mut other = office.phone("Alice");
    let uri = "sip:Alice@example.com";

    office.publish(&mut other, uri, "presence", &presence(uri, "open"));

    assert!(office.notifies(&buddy).is_empty());
}

#[test]
fn msg_13_an_escaped_nul_cuts_nothing_off() {
    let mut office = Office::new();
    let mut buddy = office.phone("bob");
    let watched = "sip:null-%00-null@example.com";
    office.subscribe(&mut buddy, watched, "presence");
    let mut other = office.phone("x");
    let uri = "sip:null-%00-other@example.com";
    office.publish(&mut other, uri, "presence", &presence(uri, "open"));
    assert!(office.notifies(&buddy).is_empty(), "two different users");

    office.publish(&mut other, watched, "presence", &presence(watched, "open"));
    assert!(office.notified(&buddy).body.contains("<basic>open</basic>"));
}

#[test]
fn msg_14_parameters_belong_to_the_uri_only_within_brackets() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let bare = "sip:102@192.0.2.101:5060";
    let text = phone.subscribe(URI, "presence").without("Contact");
    let text = text.also("m", &format!("{bare};x=1"));
    assert_eq!(office.ask(&phone, &text).status(), 200);
    assert_eq!(office.notified(&phone).uri(), bare);

    let inside = format!("<{bare};x=1>;y=2");
    let request = phone.subscribe(URI, "presence").with("Contact", &inside);
    assert_eq!(office.ask(&phone, &request).status(), 200);
    assert_eq!(office.notified(&phone).uri(), format!("{bare};x=1"));
}

#[test]
fn msg_15_what_is_not_needed_may_be_broken() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = phone
        .subscribe(URI, "presence;foo=\"a;b\";bar")
        .also("Date", "x")
        .also("X-Foo", "\"")
        .also("Subject", "<<<,;\\")
        .also("User-Agent", "\u{e9}\u{4e2d}(")
        .also("Call-Info", "<")
        .also("Organization", "");

    assert_eq!(office.ask(&phone, &request).status(), 200);
    office.notified(&phone);
}

/// A multipart PUBLISH of a presence document and one part of an unknown kind.
fn two_parts(phone: &mut Phone, handling: &str) -> Req {
    let pidf = presence(URI, "open");
    let body = format!(
        "--edge\r\nContent-Type: application/x-unknown\r\n\
         Content-Disposition: render{handling}\r\n\r\n???\r\n\
         --edge\r\nContent-Type: application/pidf+xml\r\n\r\n{pidf}\r\n--edge--\r\n"
    );
    phone.publish(URI, "presence", &body).with("Content-Type", "multipart/mixed;boundary=\"edge\"")
}

#[test]
fn msg_16_an_optional_part_of_an_unknown_kind_is_skipped() {
    let mut office = Office::new();
    let mut buddy = office.phone("bob");
    office.subscribe(&mut buddy, URI, "presence");
    let mut alice = office.phone("alice");
    let publish = two_parts(&mut alice, ";handling=optional");
    assert_eq!(office.ask(&alice, &publish).status(), 200);
    assert!(office.notified(&buddy).body.contains("<basic>open</basic>"));
}

#[test]
fn msg_16_a_required_part_of_an_unknown_kind_is_415() {
    for handling in [";handling=required", ""] {
        let mut office = Office::new();
        let mut alice = office.phone("alice");
        let publish = two_parts(&mut alice, handling);
        let refused = office.ask(&alice, &publish);
        assert_eq!(refused.status(), 415, "{handling}");
        assert!(refused.header("Accept").contains("application/pidf+xml"));
        assert_eq!(office.shard.publications(), 0);
    }
}
