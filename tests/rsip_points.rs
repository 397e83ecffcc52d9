//! Why the crate rsip stands at the edge: thirty-three points in which rsip 0.4 reads, keeps or
//! writes something else than was said, each as the rule this agent keeps instead.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use fanal::base::media::MediaType;
use fanal::base::uri::{Host, Scheme, Uri};
use fanal::sip::parse::{self, Malformed};
use fanal::sip::{Contacts, HeaderId, Headers, Message, Method, Request, Response, Status, Writer};

fn uri(text: &str) -> Uri {
    Uri::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn parsed(text: &str) -> Result<Message, Malformed> {
    parse::message(Bytes::copy_from_slice(text.as_bytes()))
}

fn request(text: &str) -> Request {
    match parsed(text) {
        Ok(Message::Request(request)) => request,
        other => panic!("{text}: {other:?}"),
    }
}

fn response(octets: Bytes) -> Response {
    match parse::message(octets) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}

/// An OPTIONS request of these header lines only.
fn headers(lines: &str) -> Headers {
    let text = format!("OPTIONS sip:h SIP/2.0\r\n{lines}\r\n");
    request(&text).headers().clone()
}

fn to(target: &str) -> Request {
    request(&format!(
        "SUBSCRIBE {target} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
         From: <sip:b@h>;tag=1\r\nTo: <sip:a@h>\r\nCall-ID: c\r\nCSeq: 1 SUBSCRIBE\r\n\r\n"
    ))
}

fn source() -> SocketAddr {
    "192.0.2.1:5060".parse().unwrap()
}

// URIs

#[test]
fn point_01_a_user_part_may_hold_a_dot() {
    let alice = uri("sip:alice.smith@example.com");
    assert_eq!(alice.user(), Some("alice.smith"));
    assert_eq!(alice.host(), Host::Name("example.com"));
}

#[test]
fn point_02_an_ipv6_literal_is_a_host_everywhere() {
    let address: IpAddr = "2001:db8::1".parse().unwrap();
    let there = to("sip:a@[2001:db8::1]:5070").uri().unwrap();
    assert_eq!((there.host(), there.port()), (Host::Ip(address), Some(5070)));
    let h = headers(
        "Via: SIP/2.0/UDP [2001:db8::1]:5060\r\nContact: <sip:a@[2001:db8::1]>\r\n\
         Route: <sip:[2001:db8::1];lr>\r\nFrom: <sip:a@[2001:db8::1]>;tag=1\r\n",
    );
    assert_eq!(h.via().unwrap().sent_by_ip(), Some(address));
    assert_eq!(h.from().unwrap().uri().unwrap().host(), Host::Ip(address));
    assert_eq!(h.routes().unwrap(), ["<sip:[2001:db8::1];lr>"]);
    assert!(h.contacts().unwrap().only().is_some());
}

#[test]
fn point_03_an_ipv6_host_is_written_in_brackets() {
    assert_eq!(uri("sip:a@[2001:DB8::1]").canonical_host(), "[2001:db8::1]");
    assert_eq!(uri("sip:a@[::1]:5;lr").bare(), "sip:a@[::1]:5");
    let theirs = rsip::Uri::try_from(&uri("sip:a@[::1]:5060")).unwrap();
    assert_eq!(Uri::try_from(&theirs).unwrap().as_str(), "sip:a@[::1]:5060");
}

#[test]
fn point_04_tel_pres_and_urn_are_what_they_are() {
    let tel = to("tel:+15551234;phone-context=h").uri().unwrap();
    assert_eq!((tel.scheme(), tel.user()), (Scheme::Tel, Some("+15551234")));
    let pres = to("pres:alice@example.com").uri().unwrap();
    assert_eq!((pres.scheme(), pres.user()), (Scheme::Pres, Some("alice")));
    assert_eq!(pres.password(), None);
    let urn = to("urn:service:sos").uri().unwrap();
    assert_eq!((urn.scheme(), urn.scheme_text()), (Scheme::Other, "urn"));
}

#[test]
fn point_05_a_scheme_is_written_with_a_colon_and_no_slashes() {
    assert_eq!(uri("tel:+1555").to_string(), "tel:+1555");
    assert_eq!(uri("urn:service:sos").bare(), "urn:service:sos");
}

#[test]
fn point_06_headers_of_a_uri_are_not_its_host() {
    let with = uri("sip:a@h:5070?Route=%3Csip:x%3E&Subject=y");
    assert_eq!((with.host_text(), with.port()), ("h", Some(5070)));
    assert_eq!(with.headers_text(), Some("Route=%3Csip:x%3E&Subject=y"));
}

#[test]
fn point_07_a_parameter_value_may_hold_colons_and_quotes() {
    let gruu = to("sip:a@h;gr=urn:uuid:f81d4fae-7dec").uri().unwrap();
    assert_eq!(gruu.parameter("gr"), Some(Some("urn:uuid:f81d4fae-7dec")));
    let quoted = uri("sip:a@h;transport=\"tcp\";lr");
    assert_eq!(quoted.transport(), Some("tcp"));
    assert!(quoted.is_loose_route());
}

#[test]
fn point_08_a_password_may_hold_a_dot_and_a_user_a_semicolon() {
    let secret = uri("sip:alice:se.cret@h");
    assert_eq!((secret.user(), secret.password()), (Some("alice"), Some("se.cret")));
    let odd = uri("sip:user;par=x@host");
    assert_eq!((odd.user(), odd.host_text()), (Some("user;par=x"), "host"));
}

#[test]
fn point_09_an_unknown_method_or_transport_in_a_uri_is_kept() {
    let odd = uri("sip:a@h;method=FOO;transport=carrier-pigeon");
    assert_eq!(odd.parameter("method"), Some(Some("FOO")));
    assert_eq!(odd.transport(), Some("carrier-pigeon"));
}

#[test]
fn point_10_uris_are_compared_as_the_rfc_says() {
    assert_eq!(uri("sip:a@EXAMPLE.com;x=1;y=2"), uri("sip:%61@example.COM;Y=2;X=1"));
    assert_eq!(uri("sip:a@h"), uri("sip:a@h;newparam=5"));
    assert_ne!(uri("sip:a@h"), uri("sip:A@h"));
    assert_ne!(uri("sip:a@h"), uri("sip:a@h:5060"));
    assert_ne!(uri("sip:a@h"), uri("sip:a@h;transport=udp"));
}

#[test]
fn point_11_a_uri_is_written_as_it_was_read() {
    let text = "SIP:Alice@Example.COM;transport=tcp;+Own=\"x\"";
    assert_eq!(uri(text).to_string(), text);
}

// Messages

#[test]
fn point_12_compact_names_are_names() {
    let h = headers("v: SIP/2.0/UDP h\r\nf: <sip:a@h>\r\nt: <sip:b@h>\r\ni: c\r\no: presence\r\n");
    assert!(h.via().is_ok() && h.from().is_ok() && h.to().is_ok());
    assert_eq!(h.call_id(), Ok("c"));
    assert_eq!(h.event().unwrap().unwrap().package, "presence");
}

#[test]
fn point_13_folded_lines_are_one_line() {
    let h = headers("Event:\r\n presence\r\n\t;id=7\r\n");
    assert_eq!(h.event().unwrap().unwrap().id(), Some("7"));
}

#[test]
fn point_14_spaces_may_stand_before_the_colon() {
    assert_eq!(headers("Call-ID  : c\r\n").call_id(), Ok("c"));
}

#[test]
fn point_15_an_unknown_method_is_a_request_and_case_counts() {
    let foo = request("FOO sip:h SIP/2.0\r\n\r\n");
    assert_eq!((foo.method(), foo.method_text()), (Method::Unknown, "FOO"));
    let lower = request("subscribe sip:h SIP/2.0\r\n\r\n");
    assert_eq!(lower.method(), Method::Unknown);
}

#[test]
fn point_16_an_octet_that_is_no_utf8_spoils_nothing_else() {
    let raw = b"OPTIONS sip:h SIP/2.0\r\nSubject: caf\xe9\r\nCall-ID: c\r\n\r\n";
    let message = parse::message(Bytes::from_static(raw)).unwrap();
    assert_eq!(message.headers().value(HeaderId::Subject), Some(&b"caf\xe9"[..]));
    assert_eq!(message.headers().call_id(), Ok("c"));
}

#[test]
fn point_17_content_length_is_obeyed() {
    let with = |lines: &str| parsed(&format!("OPTIONS sip:h SIP/2.0\r\n{lines}\r\nabcdef"));
    assert_eq!(with("l: 3\r\n").unwrap().body(), "abc");
    assert!(with("l: 3\r\nl: 4\r\n").is_err());
    assert!(with("l: -3\r\n").is_err());
    assert!(with("l: 7\r\n").is_err());
}

#[test]
fn point_18_a_message_without_its_blank_line_is_none() {
    assert!(parsed("OPTIONS sip:h SIP/2.0\r\nCall-ID: c\r\n").is_err());
}

#[test]
fn point_19_the_headers_of_presence_are_known() {
    for (name, id) in [
        ("Subscription-State", HeaderId::SubscriptionState),
        ("SIP-ETag", HeaderId::SipEtag),
        ("SIP-If-Match", HeaderId::SipIfMatch),
        ("Allow-Events", HeaderId::AllowEvents),
        ("Path", HeaderId::Path),
        ("Reason", HeaderId::Reason),
    ] {
        assert_eq!(HeaderId::from_name(name.as_bytes()), id);
    }
    let h = headers("Subscription-State: active;expires=60\r\n");
    assert_eq!(h.subscription_state().unwrap().unwrap().expires, Some(60));
}

#[test]
fn point_20_a_body_is_octets() {
    let body = [0x00, 0xff, 0xfe, 0x80, 0x0d, 0x0a];
    let octets = Writer::request("PUBLISH", "sip:h").finish_with("application/octet", &body);
    assert!(octets.ends_with(&body));
    assert_eq!(parse::message(octets).unwrap().body(), &body[..]);
}

#[test]
fn point_21_a_line_end_in_a_value_adds_no_header() {
    let mut writer = Writer::request("NOTIFY", "sip:h");
    writer.header("Subject", "a\r\nContact: <sip:evil@h>");
    let message = parse::message(writer.finish()).unwrap();
    assert_eq!(message.headers().values(HeaderId::Contact).count(), 0);
}

#[test]
fn point_22_a_fault_tells_where_and_what_without_a_string() {
    let fault = parsed("OPTIONS sip:h SIP/2.0\r\nno colon\r\n\r\n").unwrap_err();
    assert_eq!((fault.offset, fault.what), (25, "a colon after a header name"));
    let copied = fault;
    assert_eq!(copied, fault);
}

// Status lines

#[test]
fn point_23_phrases_are_those_of_the_rfcs_and_a_received_one_is_kept() {
    let line = |status| {
        let octets = Writer::response(&to("sip:a@h"), status, None, source()).finish();
        let end = octets.iter().position(|b| *b == b'\r').unwrap();
        String::from_utf8(octets[..end].to_vec()).unwrap()
    };
    assert_eq!(line(Status(412)), "SIP/2.0 412 Conditional Request Failed");
    assert_eq!(line(Status(489)), "SIP/2.0 489 Bad Event");
    let own = response(Bytes::from_static(b"SIP/2.0 489 Schlechtes Ereignis\r\n\r\n"));
    assert_eq!(own.reason(), b"Schlechtes Ereignis");
}

#[test]
fn point_24_accepted_is_202() {
    assert_eq!(Status(202).to_string(), "202 Accepted");
    assert_eq!(Status::ACCEPTED.code(), 202);
}

// Typed headers

#[test]
fn point_25_quoted_parameters_spaces_and_brackets_in_names_are_read() {
    let h = headers(
        "Contact: <sip:a@h>;+sip.instance=\"<urn:uuid:1>\"\r\n\
         From: \"A. <Lt> Smith\" <sip:a@example.com> ; tag = 1\r\n",
    );
    let contacts = h.contacts().unwrap();
    let instance = contacts.only().unwrap().parameter("+sip.instance");
    assert_eq!(instance, Some(Some("<urn:uuid:1>")));
    let from = h.from().unwrap();
    assert_eq!((from.uri_text(), from.tag()), ("sip:a@example.com", Some("1")));
}

#[test]
fn point_26_a_display_name_is_given_without_quotes_and_escapes() {
    let h = headers("From: \"J \\\"X\\\" Doe\" <sip:a@h>;tag=1\r\n");
    assert_eq!(h.from().unwrap().display_text().unwrap(), "J \"X\" Doe");
    assert_eq!(h.from().unwrap().display, Some(&b"\"J \\\"X\\\" Doe\""[..]));
}

#[test]
fn point_27_a_via_is_a_list_with_any_spaces_and_transports() {
    let h = headers(
        "Via: SIP / 2.0 / UDP\ta;received=\"192.0.2.9\";branch=1, SIP/2.0/PIGEON b;branch=2\r\n",
    );
    let branches: Vec<_> = h.vias().map(|via| via.unwrap().branch().unwrap()).collect();
    assert_eq!(branches, ["1", "2"]);
    let received: IpAddr = "192.0.2.9".parse().unwrap();
    assert_eq!(h.via().unwrap().received(), Some(received));
}

#[test]
fn point_28_contact_is_a_list_or_a_star() {
    let h = headers("Contact: <sip:a@h>, \"B\" <sip:b@h>\r\n");
    let Ok(Contacts::List(list)) = h.contacts() else {
        panic!("a list");
    };
    assert_eq!(list.len(), 2);
    assert!(matches!(headers("Contact: *\r\n").contacts(), Ok(Contacts::Star)));
}

#[test]
fn point_29_a_quoted_comma_separates_no_routes() {
    let h = headers("Record-Route: \"a, b\" <sip:p1;lr>, <sip:p2;lr>\r\n");
    let routes = h.record_routes().unwrap();
    assert_eq!(routes, ["\"a, b\" <sip:p1;lr>", "<sip:p2;lr>"]);
}

#[test]
fn point_30_cseq_and_allow_take_any_spaces_and_methods() {
    let h = headers("CSeq: 1 \t  FOO\r\nAllow: FOO, SUBSCRIBE\r\n");
    let cseq = h.cseq().unwrap();
    assert_eq!((cseq.number, cseq.method), (1, "FOO"));
    assert_eq!(h.value(HeaderId::Allow), Some(&b"FOO, SUBSCRIBE"[..]));
}

#[test]
fn point_31_digest_algorithms_have_their_names_and_quotes_their_escapes() {
    let h = headers(
        "WWW-Authenticate: Digest realm=\"a\\\"b\", algorithm=SHA-512-256, qop=\"auth,auth-int\"\r\n",
    );
    let challenge = h.challenges().next().unwrap().unwrap();
    assert_eq!(challenge.parameter("realm").unwrap(), "a\"b");
    assert_eq!(challenge.parameter("algorithm").unwrap(), "SHA-512-256");
    assert_eq!(challenge.parameter("qop").unwrap(), "auth,auth-int");
}

#[test]
fn point_32_accept_is_split_outside_quotes_and_a_type_has_no_space() {
    let h = headers("Accept: a/b;x=\"1,2\" , application/pidf+xml\r\nContent-Type: a/b \r\n");
    assert!(h.accept().unwrap().unwrap().accepts(&MediaType::Pidf));
    let content_type = h.content_type().unwrap().unwrap();
    assert_eq!(content_type.media(), MediaType::from_text("a/b"));
}

#[test]
fn point_33_a_typed_header_borrows_and_copies_nothing() {
    let request = to("sip:a@h");
    let raw = request.raw().as_ptr_range();
    let via = request.headers().via().unwrap();
    assert!(raw.contains(&via.branch().unwrap().as_ptr()));
    let from = request.headers().from().unwrap();
    assert!(raw.contains(&from.uri_text().as_ptr()));
    let shared = request.clone();
    assert_eq!(shared.raw().as_ptr(), request.raw().as_ptr());
}
