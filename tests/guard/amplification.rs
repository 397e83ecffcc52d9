//! What a stranger sends by datagrams may bear any address: nobody is sent more than came from
//! there, and no NOTIFY.

use fanal::base::limits::{AUTH_STRANGERS_MAX, AUTH_STRANGERS_WITHIN};

use crate::common::documents::presence;
use crate::common::phone::Line;
use crate::common::{Office, Phone, Req};

const URI: &str = "sip:alice@example.com";

/// Every kind of request, as short as it can be and as long as phones write it.
fn requests(phone: &mut Phone) -> Vec<String> {
    let whole: Vec<Req> = vec![
        phone.subscribe(URI, "presence"),
        phone.subscribe(URI, "nonsense"),
        phone.subscribe("sip:nobody@elsewhere.example.net", "dialog"),
        phone.publish(URI, "presence", &presence(URI, "open")),
        phone.register(),
        phone.request("OPTIONS", URI),
        phone.request("NOTIFY", URI).with("Event", "presence"),
        phone.request("INVITE", URI),
        phone.request("MESSAGE", URI),
        phone.request("CANCEL", URI),
        phone.request("FOO", URI),
        phone.subscribe(URI, "presence").with("Require", "magic, more"),
        phone.subscribe(URI, "presence").with("Authorization", "Digest username=\"x\""),
        phone.subscribe(URI, "presence").without("Contact"),
    ];
    let mut texts: Vec<String> = whole.iter().map(Req::to_text).collect();
    for method in ["SUBSCRIBE", "OPTIONS", "REGISTER", "PUBLISH", "INVITE", "MESSAGE"] {
        texts.push(format!(
            "{method} {URI} SIP/2.0\r\nv:SIP/2.0/UDP h;branch=z9hG4bK{method};rport\r\nf:<sip:a@b>;tag=1\r\n\
             t:<{URI}>\r\ni:{method}\r\nCSeq:1 {method}\r\n\r\n"
        ));
    }
    // Not even SIP/2.0, and a Via that names another host.
    texts.push(whole[0].to_text().replace(" SIP/2.0\r", " SIP/9.0\r"));
    texts.push(whole[0].to_text().replace(";rport", ";maddr=198.51.100.1;rport"));
    texts
}

#[test]
fn an_address_that_proved_nothing_is_never_sent_more_than_came_from_it() {
    let mut phones = (1_u8..)
        .map(|host| Phone::new("eve", Line::udp(&format!("192.0.2.{host}:5060")), u16::from(host)));
    let number = requests(&mut phones.next().expect("a phone")).len();
    for place in 0..number {
        let mut office = Office::with_passwords();
        let mut phone = phones.next().expect("a phone");
        let text = requests(&mut phone).swap_remove(place);
        let (mut came, mut went) = (0, 0);
        // As a phone repeats it, or somebody who would like it to be answered often.
        for _ in 0..30 {
            office.deliver(&phone.line, &text);
            came += text.len();
            office.pass_millis(500);
            let sent: Vec<_> = office.wire.drain(..).collect();
            for parcel in &sent {
                let octets = String::from_utf8_lossy(&parcel.octets);
                assert!(octets.starts_with("SIP/2.0 "), "nothing but answers: {octets}");
                assert_eq!(parcel.hop.address().ip(), phone.address().ip());
            }
            went += sent.iter().map(|parcel| parcel.octets.len()).sum::<usize>();
            assert!(went <= came, "{went} octets for {came}: {text}");
        }
        assert!(went > 0, "who asks again is answered: {text}");
    }
}

#[test]
fn a_short_request_is_challenged_when_it_comes_again_and_the_password_then_lets_in() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let request = phone.subscribe(URI, "presence").without("X-Phone").without("Allow");
    assert!(office.ask_raw(&phone, request.to_text()).is_empty(), "too short for a challenge");
    let answers = office.ask_raw(&phone, request.to_text());
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].status(), 401);
    assert_eq!(answers[0].all("WWW-Authenticate").count(), 2, "every algorithm is offered");
    let challenge = crate::common::digest::Challenge::of(&answers[0], "SHA-256");
    let request = phone.subscribe(URI, "presence").without("X-Phone").without("Allow");
    let credentials =
        crate::common::digest::Credentials::new("alice", "secret", &challenge, &request);
    let request = request.with("Authorization", &credentials.line());
    assert_eq!(office.ask(&phone, &request).status(), 200);
    assert_eq!(office.notifies(&phone).len(), 1, "who proved a password is told");
}

#[test]
fn too_many_requests_without_a_password_are_not_answered_for_a_while_and_nobody_else_suffers() {
    let mut office = Office::with_passwords();
    let (mut flood, mut alice) = (office.phone("eve"), office.phone("alice"));
    let answers = |office: &mut Office, phone: &mut Phone| {
        let request = phone.subscribe(URI, "presence");
        office.ask_raw(phone, request.to_text()).len()
    };
    for number in 0..AUTH_STRANGERS_MAX {
        assert_eq!(answers(&mut office, &mut flood), 1, "{number}");
    }
    assert_eq!(answers(&mut office, &mut flood), 0);
    assert_eq!(answers(&mut office, &mut alice), 1);
    assert_eq!(office.shard.counters().strangers_unanswered, 1);
    office.pass(AUTH_STRANGERS_WITHIN);
    assert_eq!(answers(&mut office, &mut flood), 1);
}
