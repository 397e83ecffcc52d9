//! RFC 4475 and RFC 5118: what the office answers to the torture messages.

use std::fs;
use std::path::Path;

use fanal::notifier::OnTimeout;
use fanal::shard::Door;
use fanal::shard::config::Authentication;

use crate::common::phone::Line;
use crate::common::{Got, Office, Phone};

fn octets(file: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    fs::read(folder.join(file)).expect(file)
}

/// An office that serves the domains and has the addresses the torture messages name.
fn office() -> Office {
    Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.notifier.on_timeout = OnTimeout::Remove;
        config.server.domains = ["example.com", "example.org", "example.net", "company.com"]
            .map(str::to_owned)
            .to_vec();
        for local in ["[2001:db8::10]:5060", "[2001:db8::10]:5070", "[2001:db8::192.0.2.1]:5060"] {
            let local = local.parse().expect("an address");
            config.doors.push(Door { local, ..config.doors[2].clone() });
        }
    })
}

/// All that is sent for one datagram, whoever it goes to.
fn sent_for(office: &mut Office, octets: &[u8]) -> Vec<Got> {
    office.deliver(&Line::udp("192.0.2.101:5060"), octets);
    office.wire.drain(..).map(Got::new).collect()
}

/// The one answer to a torture message.
fn answer(file: &str) -> Got {
    let mut sent = sent_for(&mut office(), &octets(file));
    assert_eq!(sent.len(), 1, "{file}: {sent:#?}");
    sent.remove(0)
}

fn every_file() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture");
    let mut files: Vec<String> = ["rfc4475", "rfc5118"]
        .into_iter()
        .flat_map(|suite| {
            fs::read_dir(folder.join(suite)).expect(suite).map(move |entry| {
                format!("{suite}/{}", entry.expect("an entry").file_name().to_string_lossy())
            })
        })
        .collect();
    files.sort();
    assert!(files.len() >= 60, "{files:?}");
    files
}

#[test]
fn tor_01_valid_messages_are_answered_by_their_method() {
    for (file, status) in [
        ("wsinv", 405),
        ("intmeth", 501),
        ("esc01", 405),
        ("escnull", 200),
        ("esc02", 501),
        ("lwsdisp", 200),
        ("longreq", 405),
        ("dblreq", 200),
        ("semiuri", 200),
        ("transports", 200),
        ("mpart01", 405),
        ("inv2543", 405),
    ] {
        assert_eq!(answer(&format!("rfc4475/{file}.sip")).status(), status, "{file}");
    }
}

#[test]
fn tor_01_vias_of_a_torture_come_back() {
    let tortuous = answer("rfc4475/wsinv.sip");
    assert_eq!(tortuous.list("Via").len(), 3, "{tortuous:?}");
    let transports = answer("rfc4475/transports.sip");
    assert_eq!(transports.list("Via").len(), 5, "{transports:?}");
    assert!(transports.list("Via")[3].contains("UNKNOWN"), "{transports:?}");
    let long = answer("rfc4475/longreq.sip");
    assert_eq!(long.list("Via").len(), 34, "{long:?}");
}

#[test]
fn tor_01_two_nul_contacts_are_two() {
    assert_eq!(answer("rfc4475/escnull.sip").list("Contact").len(), 2);
}

#[test]
fn tor_01_the_second_request_of_a_datagram_is_nobody() {
    let mut office = office();
    let sent = sent_for(&mut office, &octets("rfc4475/dblreq.sip"));
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert!(sent[0].header("CSeq").ends_with(" REGISTER"));
    office.pass_secs(33);
    assert!(office.wire.is_empty(), "no INVITE was refused");
}

#[test]
fn tor_02_invalid_messages_are_400() {
    for file in [
        "badinv01",
        "clerr",
        "ncl",
        "scalar02",
        "quotbal",
        "ltgtruri",
        "lwsruri",
        "escruri",
        "regbadct",
        "badaspec",
        "baddn",
        "mismatch01",
        "insuf",
        "multi01",
        "mcl01",
    ] {
        let mut office = office();
        let sent = sent_for(&mut office, &octets(&format!("rfc4475/{file}.sip")));
        assert_eq!(sent.len(), 1, "{file}: {sent:#?}");
        assert_eq!(sent[0].status(), 400, "{file}: {:?}", sent[0]);
        assert_eq!(office.shard.presentities(), 0, "{file} changes nothing");
    }
}

#[test]
fn tor_02_small_sins_are_refused_or_forgiven() {
    for (file, forgiven) in [("lwsstart", 405), ("trws", 200), ("baddate", 405)] {
        let status = answer(&format!("rfc4475/{file}.sip")).status();
        assert!(status == 400 || status == forgiven, "{file}: {status}");
    }
}

#[test]
fn tor_02_what_is_no_sip_request_is_not_answered_as_one() {
    for got in sent_for(&mut office(), &octets("rfc4475/test.sip")) {
        assert_eq!(got.status(), 400, "{got:?}");
    }
}

/// A phone whose first NOTIFY waits for its answer.
fn waiting() -> (Office, Phone, Got) {
    let mut office = office();
    let mut phone = office.phone("102");
    let request = phone.subscribe("sip:101@example.com", "dialog");
    assert_eq!(office.ask(&phone, &request).status(), 200);
    let notify = office.notifies(&phone).remove(0);
    (office, phone, notify)
}

/// A response of the torture as the answer to a NOTIFY: with its Via, and its CSeq if told so.
fn patched(file: &str, notify: &Got, cseq: bool) -> Vec<u8> {
    let raw = octets(file);
    let end = raw.windows(4).position(|four| four == b"\r\n\r\n").expect("a blank line");
    let first = raw.split(|&octet| octet == b'\n').next().expect("a line");
    let head = String::from_utf8_lossy(&raw[first.len() + 1..end]).into_owned();
    let mut out = first.to_vec();
    out.extend_from_slice(format!("\nVia: {}\r\n", notify.header("Via")).as_bytes());
    let mut folded = false;
    for line in head.split("\r\n") {
        let name = line.split(':').next().unwrap_or_default().trim().to_ascii_lowercase();
        folded = if line.starts_with([' ', '\t']) { folded } else { name == "via" || name == "v" };
        if folded || (cseq && name == "cseq") {
            continue;
        }
        out.extend_from_slice(format!("{line}\r\n").as_bytes());
    }
    if cseq {
        out.extend_from_slice(format!("CSeq: {}\r\n", notify.header("CSeq")).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&raw[end + 4..]);
    out
}

/// How many copies of the NOTIFY come in the next four seconds: three if nothing was heard.
fn repeats(office: &mut Office, phone: &Phone) -> usize {
    office.pass_millis(3_900);
    office.notifies(phone).len()
}

#[test]
fn tor_03_unusable_responses_are_dropped() {
    let (mut office, phone, _) = waiting();
    assert_eq!(repeats(&mut office, &phone), 3, "the measure itself");

    for (file, cseq) in [("scalarlg", false), ("bigcode", true)] {
        let (mut office, phone, notify) = waiting();
        let response = patched(&format!("rfc4475/{file}.sip"), &notify, cseq);
        office.deliver(&phone.line, &response);
        assert_eq!(repeats(&mut office, &phone), 3, "{file} was heard");
        assert_eq!(office.shard.subscriptions(), 1, "{file}");
    }
    let (mut office, phone, _) = waiting();
    office.deliver(&phone.line, octets("rfc4475/bcast.sip"));
    assert_eq!(repeats(&mut office, &phone), 3);
    let elsewhere =
        office.wire.iter().filter(|parcel| parcel.hop.address().to_string().starts_with("255"));
    assert_eq!(elsewhere.count(), 0, "nothing goes to the broadcast address");
}

#[test]
fn tor_03_reasons_may_be_strange_or_missing() {
    let (mut office, phone, notify) = waiting();
    office.deliver(&phone.line, patched("rfc4475/unreason.sip", &notify, true));
    assert_eq!(repeats(&mut office, &phone), 0, "answered");
    assert_eq!(office.shard.subscriptions(), 1);

    let (mut office, phone, notify) = waiting();
    office.deliver(&phone.line, patched("rfc4475/noreason.sip", &notify, true));
    assert!(repeats(&mut office, &phone) <= 1, "a 100 makes repeats rare");
    office.pass_secs(5);
    assert!(!office.notifies(&phone).is_empty(), "and does not end them");
}

#[test]
fn tor_04_each_has_the_status_of_its_fault() {
    for (file, statuses) in [
        ("badvers", &[505][..]),
        ("mismatch02", &[501, 400]),
        ("unkscm", &[416]),
        ("novelsc", &[416, 404]),
        ("unksm2", &[400]),
        ("bext01", &[420]),
        ("invut", &[415, 405]),
        ("zeromf", &[200]),
        ("sdp01", &[405, 406]),
    ] {
        let status = answer(&format!("rfc4475/{file}.sip")).status();
        assert!(statuses.contains(&status), "{file}: {status}");
    }
}

#[test]
fn tor_04_unknown_extensions_are_named_those_of_proxies_are_not() {
    let refused = answer("rfc4475/bext01.sip");
    assert_eq!(refused.list("Unsupported"), ["nothingSupportsThis", "nothingSupportsThisEither"]);
}

#[test]
fn tor_04_an_unknown_scheme_of_credentials_is_challenged_again() {
    let mut office = Office::with_passwords();
    // It is shorter than a challenge, and nobody is sent more than came from there: when it is
    // sent again, enough has come.
    let octets = octets("rfc4475/regaut01.sip");
    let mut tries = (0..3).map(|_| sent_for(&mut office, &octets));
    let sent = tries.find(|sent| !sent.is_empty()).expect("an answer");
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].status(), 401);
    assert!(sent[0].has("WWW-Authenticate"));
}

#[test]
fn tor_06_an_empty_branch_is_shared_by_nobody() {
    let mut office = office();
    let raw = octets("rfc4475/badbranch.sip");
    let text = String::from_utf8(raw).expect("text");
    let other = text
        .replace("192.0.2.1;", "192.0.2.77;")
        .replace("badbranch.sadonfo23i420jv0as0derf3j3n", "another-call")
        .replace("tag=33242", "tag=other");
    for (source, octets, call_id) in [
        ("192.0.2.1:5060", &text, "badbranch.sadonfo23i420jv0as0derf3j3n"),
        ("192.0.2.77:5060", &other, "another-call"),
    ] {
        office.deliver(&Line::udp(source), octets);
        let sent: Vec<Got> = office.wire.drain(..).map(Got::new).collect();
        assert_eq!(sent.len(), 1, "{source}");
        assert!([200, 400].contains(&sent[0].status()), "{:?}", sent[0]);
        assert_eq!(sent[0].header("Call-ID"), call_id);
    }
}

#[test]
fn tor_07_parameters_stay_where_they_were_written() {
    let outside = answer("rfc4475/cparam01.sip");
    assert_eq!(outside.status(), 200);
    assert!(outside.header("Contact").contains("<sip:+19725552222@gw1.example.net>"));
    let inside = answer("rfc4475/cparam02.sip");
    assert_eq!(inside.status(), 200);
    assert!(inside.header("Contact").contains("<sip:+19725552222@gw1.example.net;unknownparam>"));
    let escaped = answer("rfc4475/regescrt.sip");
    assert_eq!(escaped.status(), 200);
    assert!(escaped.header("Contact").contains("?Route=%3Csip:sip.example.com%3E>"), "{escaped:?}");
}

#[test]
fn tor_08_ipv6_addresses_are_read() {
    for (file, status) in [
        ("ipv6-good", 200),
        ("port-unambiguous", 200),
        ("ipv6-bad", 400),
        ("via-received-param-with-delim", 481),
        ("via-received-param-no-delim", 200),
        ("ipv6-in-sdp", 400),
        ("mult-ip-in-sdp", 405),
        ("mult-ip-in-header", 481),
        ("ipv4-mapped-ipv6", 405),
        ("ipv6-bug-abnf-3-colons", 200),
        ("ipv6-correct-abnf-2-colons", 200),
    ] {
        let got = answer(&format!("rfc5118/{file}.sip"));
        assert_eq!(got.status(), status, "{file}: {got:?}");
    }
}

#[test]
fn tor_08_a_port_needs_a_bracket_before_it() {
    assert_eq!(answer("rfc5118/port-ambiguous.sip").status(), 404, "no address of ours");
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        let local = "[2001:db8::10:5070]:5060".parse().expect("an address");
        config.doors.push(Door { local, ..config.doors[2].clone() });
    });
    let sent = sent_for(&mut office, &octets("rfc5118/port-ambiguous.sip"));
    assert_eq!(sent[0].status(), 200, "5070 belongs to the address");
}

#[test]
fn tor_08_addresses_of_both_kinds_come_back_in_order() {
    let got = answer("rfc5118/mult-ip-in-header.sip");
    let vias = got.list("Via");
    assert_eq!(vias.len(), 3);
    assert!(vias[0].contains("[2001:db8::9:1]:6050"));
    assert!(vias[1].contains(" 192.0.2.1;"));
    assert!(vias[2].contains("[2001:db8::9:255]") && vias[2].contains("received=192.0.2.200"));
}

#[test]
fn tor_09_brackets_stand_where_a_host_stands_and_not_in_received() {
    let mut office = Office::new();
    let mut phone = office.phone_v6("102");
    let request = phone.subscribe("sip:101@example.com", "dialog");
    let response = office.ask(&phone, &request);
    assert_eq!(response.status(), 200);
    assert_eq!(response.via("received"), Some(phone.address().ip().to_string().as_str()));
    assert!(response.header("Contact").contains("@[2001:db8::1]:5060"));

    let notify = office.notified(&phone);
    assert_eq!(notify.uri(), format!("sip:102@[{}]:5060", phone.address().ip()));
    assert!(notify.header("Via").starts_with("SIP/2.0/UDP [2001:db8::1]:5060;"));

    let mut delimited = phone.request("OPTIONS", "sip:example.com");
    delimited.via = delimited.via.replace(";rport", ";received=[2001:db8::99]");
    assert_eq!(office.ask(&phone, &delimited).status(), 200, "read with brackets, too");
}

/// A torture message as another method; responses stay as they are.
fn as_method(raw: &[u8], method: &str) -> Vec<u8> {
    let end = raw.iter().position(|&octet| octet == b' ').unwrap_or(0);
    let old = raw[..end].to_vec();
    let mut out = method.as_bytes().to_vec();
    let mut rest = &raw[end..];
    while !rest.is_empty() {
        if !old.is_empty() && rest.starts_with(&old) {
            out.extend_from_slice(method.as_bytes());
            rest = &rest[old.len()..];
        } else {
            out.push(rest[0]);
            rest = &rest[1..];
        }
    }
    out
}

fn as_response(raw: &[u8]) -> Vec<u8> {
    let end = raw.iter().position(|&octet| octet == b'\r').unwrap_or(0);
    [b"SIP/2.0 200 OK", &raw[end..]].concat()
}

/// Delivers an octet string by UDP and by TCP as a message of its own.
fn torment(office: &mut Office, octets: &[u8]) {
    office.deliver(&Line::udp("192.0.2.101:5060"), octets);
    office.deliver(&Line::tcp("192.0.2.101:40000", 3), octets);
}

/// After all that the office serves as ever, and forgets what it should.
fn healthy(mut office: Office, file: &str) {
    office.wire.clear();
    let mut phone = office.phone("102");
    let notify = office.subscribe(&mut phone, "sip:unharmed@example.com", "dialog");
    assert!(notify.body.contains("<dialog-info"), "{file}");
    office.pass_secs(90_000);
    assert_eq!(office.shard.subscriptions(), 0, "{file}");
    assert_eq!(office.shard.transactions(), 0, "{file}");
    assert_eq!(office.shard.presentities(), 0, "{file}");
}

#[test]
fn tor_10_every_torture_in_every_dress_leaves_the_office_healthy() {
    for file in every_file() {
        let raw = octets(&file);
        let mut office = office();
        for method in ["SUBSCRIBE", "NOTIFY", "PUBLISH", "REGISTER", "OPTIONS", "CANCEL", "ACK"] {
            let mut dressed = as_method(&raw, method);
            torment(&mut office, &dressed);
            let event = b"\r\nEvent: presence\r\nExpires: 600\r\n";
            let line = dressed.windows(2).position(|two| two == b"\r\n").unwrap_or(0);
            dressed.splice(line..(line + 2).min(dressed.len()), event.iter().copied());
            torment(&mut office, &dressed);
        }
        torment(&mut office, &as_response(&raw));
        healthy(office, &file);
    }
}

#[test]
fn tor_10_every_prefix_of_every_torture_leaves_the_office_healthy() {
    for file in every_file() {
        let raw = octets(&file);
        let mut office = office();
        for end in 0..raw.len() {
            office.deliver(&Line::udp("192.0.2.101:5060"), &raw[..end]);
        }
        let (subscribe, publish) = (as_method(&raw, "SUBSCRIBE"), as_method(&raw, "PUBLISH"));
        let (notify, response) = (as_method(&raw, "NOTIFY"), as_response(&raw));
        for dressed in [subscribe, publish, notify, response] {
            for end in (0..dressed.len()).step_by(7) {
                torment(&mut office, &dressed[..end]);
            }
        }
        healthy(office, &file);
    }
}
