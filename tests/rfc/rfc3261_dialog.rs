//! RFC 3261 §12: dialogs, their routes and targets.

use std::net::SocketAddr;
use std::time::Duration;

use fanal::base::flow::Transport;
use fanal::shard::Input;

use crate::common::documents::{call, calls as states};
use crate::common::phone::Line;
use crate::common::{Got, Office, Phone, Req};

const URI: &str = "sip:101@example.com";

/// An office in which a call is signalled now and then.
struct Calls {
    office: Office,
    pbx: Phone,
    tag: String,
    count: u32,
}

impl Calls {
    fn new() -> Calls {
        let mut office = Office::new();
        let mut pbx = office.pbx();
        let tag = office.publish(&mut pbx, URI, "dialog", &call(URI, "c0", "early"));
        Calls { office, pbx, tag, count: 0 }
    }

    /// Another call, the pace of the package being over.
    fn ring(&mut self) {
        self.office.pass_secs(2);
        self.count += 1;
        let body = call(URI, &format!("c{}", self.count), "early");
        let modify = self.pbx.publish(URI, "dialog", &body).with("SIP-If-Match", &self.tag);
        let response = self.office.ask(&self.pbx, &modify);
        assert_eq!(response.status(), 200);
        self.tag = response.header("SIP-ETag").to_owned();
    }

    /// Another call, and the NOTIFY that tells of it, answered.
    fn rung(&mut self, phone: &Phone) -> Got {
        self.ring();
        self.office.notified(phone)
    }
}

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

/// A phone that is reached at another address than it sends from.
fn at(phone: &Phone, place: &str) -> Phone {
    let mut moved = phone.clone();
    moved.line = Line::udp(place);
    moved
}

const ROUTES: [&str; 2] = ["<sip:198.51.100.1;lr>", "<sip:p2@198.51.100.2:5080;lr;x=\"a,b\">;y=1"];

/// A SUBSCRIBE that came by two proxies, the first of ROUTES being the nearer. From then on the
/// phone is heard from there.
fn routed(phone: &mut Phone) -> Req {
    let own_via = phone.request("SUBSCRIBE", URI).via;
    phone.line = Line::udp("198.51.100.1:5060");
    let mut request = phone.subscribe(URI, "dialog");
    request.via = format!(
        "{}, SIP/2.0/UDP 198.51.100.2:5080;branch=z9hG4bKp2, {own_via};received=203.0.113.4",
        request.via
    );
    request.also("Record-Route", ROUTES[0]).also("Record-Route", ROUTES[1])
}

#[test]
fn dlg_01_a_200_copies_the_record_routes_and_has_our_contact() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = routed(&mut phone);

    let response = office.ask(&phone, &request);

    assert_eq!(response.status(), 200);
    assert_eq!(response.list("Record-Route"), ROUTES);
    assert_eq!(response.list("Contact").len(), 1);
    assert!(response.header("Contact").contains("@192.0.2.1"), "{response:?}");

    let one_line = phone
        .subscribe(URI, "dialog")
        .also("Record-Route", &format!("{},{}", ROUTES[0], ROUTES[1]));
    assert_eq!(office.ask(&phone, &one_line).list("Record-Route"), ROUTES);
}

#[test]
fn dlg_02_a_notify_takes_the_route_of_the_record_routes() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let request = routed(&mut phone);
    office.ask(&phone, &request);

    let sent = office.notifies(&phone);

    assert_eq!(sent.len(), 1, "to the first proxy: {:#?}", office.wire);
    assert_eq!(sent[0].parcel.hop.address(), address("198.51.100.1:5060"));
    assert_eq!(sent[0].uri(), phone.contact);
    assert_eq!(sent[0].list("Route"), ROUTES);
    assert!(!sent[0].has("Record-Route"));
    assert_eq!(sent[0].list("Via").len(), 1);
}

#[test]
fn dlg_02_the_route_is_followed_wherever_it_leads() {
    // A proxy with several addresses sends from one and names another.
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut request = routed(&mut phone);
    request.headers.retain(|(name, _)| name != "Record-Route");
    let request = request.also("Record-Route", "<sip:198.51.100.33:5070;lr>");
    office.ask(&phone, &request);

    assert!(office.notifies(&phone).is_empty(), "not to where the request came from");
    assert_eq!(office.take(address("198.51.100.33:5070")).len(), 1);
}

#[test]
fn dlg_02_without_record_route_a_notify_passes_the_proxies_by() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let direct = phone.clone();
    let mut request = routed(&mut phone);
    request.via = request.via.replace(";received=203.0.113.4", "");
    request.headers.retain(|(name, _)| name != "Record-Route");
    office.ask(&phone, &request);

    assert!(office.notifies(&phone).is_empty(), "the proxy did not ask to stay");
    assert_eq!(office.notified(&direct).uri(), direct.contact);
}

/// The first proxy saw the phone at another address than its Contact names: only the way it came
/// by can reach it.
#[test]
fn dlg_02_a_phone_behind_nat_and_proxies_is_reached_by_the_way_it_came() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut request = routed(&mut phone);
    request.headers.retain(|(name, _)| name != "Record-Route");
    office.ask(&phone, &request);

    assert_eq!(office.notifies(&phone).len(), 1);
}

#[test]
fn dlg_02_the_transport_of_the_first_route_is_taken() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut request = routed(&mut phone);
    request.headers.retain(|(name, _)| name != "Record-Route");
    let request = request.also("Record-Route", "<sip:198.51.100.1:5070;transport=tcp;lr>");
    office.ask(&phone, &request);

    let sent = office.take(address("198.51.100.1:5070"));

    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].parcel.hop.transport(), Transport::Tcp);
    assert!(sent[0].header("Via").starts_with("SIP/2.0/TCP "));
}

#[test]
fn dlg_03_a_strict_router_gets_its_own_uri_first() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut request = routed(&mut phone);
    request.headers.retain(|(name, _)| name != "Record-Route");
    let request =
        request.also("Record-Route", "<sip:p1@198.51.100.1>").also("Record-Route", ROUTES[1]);
    office.ask(&phone, &request);

    let sent = office.take(address("198.51.100.1:5060"));

    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].uri(), "sip:p1@198.51.100.1");
    assert_eq!(sent[0].list("Route"), [ROUTES[1].to_owned(), format!("<{}>", phone.contact)]);
}

#[test]
fn dlg_04_a_notify_belongs_to_the_dialog_of_its_subscribe() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let mut request = phone.subscribe(URI, "dialog");
    request.from = "\"One\" <sip:102@example.com>;tag=own".to_owned();
    request.to = "Other <sip:101@example.com>".to_owned();
    let response = office.ask(&phone, &request);

    let notify = office.notified(&phone);

    assert_eq!(notify.header("Call-ID"), request.call_id);
    assert_eq!(notify.sender_tag(), response.to_tag());
    assert_eq!(notify.to_tag(), "own");
    assert!(notify.header("From").contains("<sip:101@example.com>"), "the local URI");
    assert!(notify.header("To").contains("<sip:102@example.com>"), "the remote URI");
    assert!(notify.header("CSeq").ends_with(" NOTIFY"));
}

#[test]
fn dlg_05_cseq_grows_by_one_for_every_request() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    let first = calls.office.subscribe(&mut phone, URI, "dialog");
    for step in 1..=20 {
        let notify = calls.rung(&phone);
        assert_eq!(notify.cseq(), first.cseq() + step);
    }
}

#[test]
fn dlg_05_a_repeated_request_keeps_its_cseq() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    let first = calls.office.subscribe(&mut phone, URI, "dialog");
    calls.ring();
    calls.office.pass_secs(5);
    let repeated = calls.office.notifies(&phone);
    assert!(repeated.len() > 2);
    assert!(repeated.iter().all(|got| got.cseq() == first.cseq() + 1));
    calls.office.answer(&phone, &repeated[0], 200);
    assert_eq!(calls.rung(&phone).cseq(), first.cseq() + 2);
}

#[test]
fn dlg_06_a_lower_cseq_is_500_and_changes_nothing() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    calls.office.subscribe(&mut phone, URI, "dialog");
    let refresh = phone.refresh().with_cseq(5);
    assert_eq!(calls.office.ask(&phone, &refresh).status(), 200);
    calls.office.notified(&phone);
    let until: Vec<_> = calls.office.shard.watchers().map(|view| view.until).collect();
    calls.office.pass_secs(20);

    for cseq in [4, 5, 1] {
        let low = phone
            .refresh()
            .with_cseq(cseq)
            .with("Expires", "0")
            .with("Contact", "<sip:102@192.0.2.222>");
        assert_eq!(calls.office.ask(&phone, &low).status(), 500, "CSeq {cseq} after 5");
        assert!(calls.office.notifies(&phone).is_empty());
    }

    let after: Vec<_> = calls.office.shard.watchers().map(|view| view.until).collect();
    assert_eq!(after, until, "it lives as long as before");
    assert_eq!(calls.rung(&phone).uri(), phone.contact, "and is reached where it was");
    let far = phone.refresh().with_cseq(90);
    assert_eq!(calls.office.ask(&phone, &far).status(), 200, "a gap is no fault");
}

#[test]
fn dlg_07_a_refresh_moves_the_target_at_once() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    calls.office.subscribe(&mut phone, URI, "dialog");
    let moved = at(&phone, &format!("{}:5099", phone.address().ip()));
    let contact = format!("sip:102@{}", moved.address());
    let refresh = phone.refresh().with("Contact", &format!("<{contact}>"));
    assert_eq!(calls.office.ask(&phone, &refresh).status(), 200);

    let answering = calls.office.notified(&moved);
    let later = calls.rung(&moved);

    assert_eq!(answering.uri(), contact, "the NOTIFY that answers the refresh, too");
    assert_eq!(later.uri(), contact);
    assert!(calls.office.notifies(&phone).is_empty(), "nothing to the old place");
}

#[test]
fn dlg_08_the_contact_of_an_answer_moves_the_target() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    calls.office.ask(&phone, &request);
    let notify = calls.office.notifies(&phone).remove(0);
    let moved = at(&phone, &format!("{}:5099", phone.address().ip()));
    let contact = format!("sip:102@{};x=1", moved.address());
    let answer = notify.response(200, &[&format!("Contact: <{contact}>")]);
    calls.office.deliver(&phone.line, answer);

    let next = calls.rung(&moved);

    assert_eq!(next.uri(), contact);
}

#[test]
fn dlg_08_the_contact_of_a_refusal_moves_nothing() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    calls.office.ask(&phone, &request);
    let notify = calls.office.notifies(&phone).remove(0);
    let elsewhere = format!("Contact: <sip:102@{}:5099>", phone.address().ip());
    let answer = notify.response(400, &[&elsewhere]);
    calls.office.deliver(&phone.line, answer);

    assert_eq!(calls.rung(&phone).uri(), phone.contact);
}

#[test]
fn dlg_09_a_refused_refresh_changes_nothing_but_its_cseq() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    calls.office.subscribe(&mut phone, URI, "dialog");
    let until: Vec<_> = calls.office.shard.watchers().map(|view| view.until).collect();
    calls.office.pass_secs(20);
    let elsewhere = format!("<sip:102@{}:5099>", phone.address().ip());
    let too_brief = phone.refresh().with("Expires", "1").with("Contact", &elsewhere);
    assert_eq!(calls.office.ask(&phone, &too_brief).status(), 423);
    let strange = phone.refresh().with("Accept", "application/x-unknown");
    let strange = strange.with("Contact", &elsewhere);
    assert_eq!(calls.office.ask(&phone, &strange).status(), 406);
    let bad_event = phone.refresh().with("Event", "unheard-of").with("Contact", &elsewhere);
    assert_eq!(calls.office.ask(&phone, &bad_event).status(), 489);
    let extended = phone.refresh().with("Require", "foo").with("Contact", &elsewhere);
    assert_eq!(calls.office.ask(&phone, &extended).status(), 420);

    let after: Vec<_> = calls.office.shard.watchers().map(|view| view.until).collect();
    assert_eq!(after, until);
    let notify = calls.rung(&phone);
    assert_eq!(notify.uri(), phone.contact, "to the old Contact");
    assert_eq!(notify.header("Content-Type"), "application/dialog-info+xml");

    let cseq = phone.dialog.as_ref().expect("a dialog").cseq;
    let same = phone.refresh().with_cseq(cseq);
    assert_eq!(calls.office.ask(&phone, &same).status(), 500, "its number is used up");
    let next = phone.refresh().with_cseq(cseq + 1);
    assert_eq!(calls.office.ask(&phone, &next).status(), 200);
}

#[test]
fn dlg_09_a_refresh_without_credentials_changes_nothing() {
    use crate::common::digest::{Challenge, Credentials};
    let mut office = Office::with_passwords();
    let mut phone = office.phone("102");
    let request = phone.subscribe(URI, "dialog");
    let challenge = Challenge::of(&office.ask(&phone, &request), "MD5");
    let again = request.again("second").with_cseq(2);
    let line = Credentials::new("102", "secret", &challenge, &again).line();
    let again = again.with("Authorization", &line);
    let response = office.ask(&phone, &again);
    phone.remember(&again, &response);
    office.notified(&phone);

    let bare = phone.refresh().with("Expires", "0").with("Contact", "<sip:102@192.0.2.222>");
    assert_eq!(office.ask(&phone, &bare).status(), 401);

    assert!(office.notifies(&phone).is_empty());
    assert_eq!(office.shard.subscriptions(), 1);
    let mut refresh = phone.refresh();
    let line = Credentials::new("102", "secret", &challenge, &refresh).counted(2).line();
    refresh = refresh.with("Authorization", &line);
    assert_eq!(office.ask(&phone, &refresh).status(), 200);
    assert_eq!(office.notified(&phone).uri(), phone.contact);
}

#[test]
fn dlg_10_the_route_of_a_dialog_never_changes() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    calls.office.subscribe(&mut phone, URI, "dialog");
    let refresh = phone.refresh().with("Record-Route", "<sip:198.51.100.9;lr>");
    assert_eq!(calls.office.ask(&phone, &refresh).status(), 200);

    let notify = calls.office.notified(&phone);
    assert!(!notify.has("Route"));

    let mut other = calls.office.phone("103");
    let request = routed(&mut other);
    let response = calls.office.ask(&other, &request);
    other.remember(&request, &response);
    calls.office.notified(&other);
    let refresh = other.refresh().with("Record-Route", "<sip:198.51.100.9;lr>");
    assert_eq!(calls.office.ask(&other, &refresh).status(), 200);
    assert_eq!(calls.office.notified(&other).list("Route"), ROUTES);
}

#[test]
fn dlg_11_uris_may_change_within_a_dialog() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    office.subscribe(&mut phone, URI, "dialog");
    let mut refresh = phone.refresh();
    refresh.from = refresh.from.replace("<sip:102@example.com>", "<tel:+49102>");
    refresh.to = refresh.to.replace("<sip:101@example.com>", "\"X\" <sip:hunt@example.com>");
    let response = office.ask(&phone, &refresh);
    assert_eq!(response.status(), 200);
    office.notified(&phone);
    assert_eq!(office.shard.subscriptions(), 1);
}

/// Subscribes, and refreshes at the Contact the agent gave.
fn contact_of(mut phone: Phone, office: &mut Office) -> String {
    let request = phone.subscribe(URI, "dialog");
    let response = office.ask(&phone, &request);
    assert_eq!(response.status(), 200);
    phone.remember(&request, &response);
    let contact = response.header("Contact").to_owned();
    assert_eq!(office.notified(&phone).header("Contact"), contact, "the same in NOTIFY");
    let refresh = phone.refresh();
    assert_eq!(format!("<{}>", refresh.uri), contact);
    assert_eq!(office.ask(&phone, &refresh).status(), 200, "{contact} leads back");
    office.notified(&phone);
    assert_eq!(office.shard.subscriptions(), 1);
    contact
}

#[test]
fn dlg_12_our_contact_leads_back_by_the_transport_of_the_dialog() {
    let mut office = Office::new();
    let phone = office.phone("102");
    let contact = contact_of(phone, &mut office);
    assert!(contact.contains("192.0.2.1:5060") && !contact.contains("transport="), "{contact}");

    let mut office = Office::new();
    let phone = office.tcp_phone("102");
    let contact = contact_of(phone, &mut office);
    assert!(contact.contains("192.0.2.1:5060;transport=tcp"), "{contact}");

    let mut office = Office::new();
    let phone = office.phone_v6("102");
    let contact = contact_of(phone, &mut office);
    assert!(contact.contains("@[2001:db8::1]:5060"), "{contact}");
}

#[test]
fn dlg_13_a_host_name_in_a_contact_is_looked_up() {
    let mut office = Office::new();
    let mut phone = office.phone("102");
    let contact = "sip:102@desk.example.org:5071";
    let request = phone.subscribe(URI, "dialog").with("Contact", &format!("<{contact}>"));
    assert_eq!(office.ask(&phone, &request).status(), 200);
    assert!(office.notifies(&phone).is_empty(), "the source address is not the Contact");
    let question = office.questions.pop().expect("a question");
    assert_eq!((question.host.as_str(), question.port), ("desk.example.org", Some(5071)));

    office.happen(Input::Resolved {
        question,
        targets: vec![(Transport::Udp, address("198.51.100.7:5071"))],
        fresh_for: Duration::from_secs(60),
    });

    let there = at(&phone, "198.51.100.7:5071");
    assert_eq!(office.notified(&there).uri(), contact);
}

#[test]
fn dlg_14_a_dialog_outlives_a_restart() {
    let mut calls = Calls::new();
    let mut phone = calls.office.phone("102");
    let contact = "sip:102@192.0.2.101:5099";
    let request = routed(&mut phone).with("Contact", &format!("<{contact}>"));
    let response = calls.office.ask(&phone, &request);
    phone.remember(&request, &response);
    let before = calls.office.notified(&phone);
    let until: Vec<_> = calls.office.shard.watchers().map(|view| view.until).collect();

    calls.office.restart(9);

    let after: Vec<_> = calls.office.shard.watchers().map(|view| view.until).collect();
    assert_eq!(after, until);
    let mut last = before;
    for notify in calls.office.notified_all(&phone) {
        assert!(notify.cseq() > last.cseq());
        last = notify;
    }
    let notify = calls.rung(&phone);
    assert!(notify.cseq() > last.cseq());
    assert_eq!(states(&notify.body)[0].1, "early");
    assert_eq!(notify.uri(), contact);
    assert_eq!(notify.list("Route"), ROUTES);
    assert_eq!(notify.sender_tag(), response.to_tag());
    assert_eq!(notify.to_tag(), last.to_tag());
    let refresh = phone.refresh();
    assert_eq!(calls.office.ask(&phone, &refresh).status(), 200);
    let low = phone.refresh().with_cseq(1);
    assert_eq!(calls.office.ask(&phone, &low).status(), 500, "the peer's numbers too");
}
