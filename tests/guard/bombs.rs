//! What the worst octets cost beside ordinary ones: whatever is sent, an octet of it costs a
//! bounded share of an ordinary octet's time, so that nobody is slowed by little.
//!
//! `cargo test --release --test guard bombs -- --nocapture` prints what each costs.

use std::time::{Duration, Instant};

use fanal::base::limits::{BODY_OCTETS_MAX, HEADER_OCTETS_MAX};

use crate::common::Office;
use crate::common::documents::{call, presence};

const URI: &str = "sip:101@example.com";

/// An octet may cost so many times what one of an ordinary PUBLISH costs. Something that grows with
/// the square of its length costs hundreds of times as much.
/// Without the compiler's help the share of the smallest steps is larger.
const WORST: f64 = if cfg!(debug_assertions) { 40.0 } else { 8.0 };

/// How often each is measured; the least counts, since everything else was in its way.
const TIMES: usize = 7;

/// So many repetitions of a text as fit into so many octets.
fn fill(octets: usize, mut piece: impl FnMut(usize) -> String) -> String {
    let mut text = String::new();
    for number in 0.. {
        let next = piece(number);
        if text.len() + next.len() > octets {
            return text;
        }
        text += &next;
    }
    text
}

fn pidf(inside: &str, declared: &str) -> String {
    format!(
        "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{URI}\"{declared}>\
         <tuple id=\"t1\"><status><basic>open</basic></status></tuple>{inside}</presence>"
    )
}

fn dialogs(inside: &str) -> String {
    format!(
        "<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"0\" state=\"full\" \
         entity=\"{URI}\">{inside}</dialog-info>"
    )
}

/// Bodies of PUBLISH by name, and the event they are of.
fn bodies() -> Vec<(&'static str, &'static str, String)> {
    const ROOM: usize = BODY_OCTETS_MAX - 2500;
    let spaces =
        |count: usize| -> String { (0..count).map(|n| format!(" xmlns:n{n}=\"u{n}\"")).collect() };
    let deep = {
        let open: String = (0..28)
            .map(|n| format!("<x{}>", spaces(60).replace("xmlns:n", &format!("xmlns:d{n}n"))))
            .collect();
        let inside = fill(ROOM.saturating_sub(open.len() + 600), |_| "<a/>".to_owned());
        pidf(&format!("{open}{inside}{}", "</x>".repeat(28)), "")
    };
    vec![
        ("empty elements", "presence", pidf(&fill(ROOM, |_| "<a/>".into()), "")),
        ("elements of a far prefix", "presence", {
            pidf(&fill(ROOM - 1200, |_| "<n0:a/>".into()), &spaces(60))
        }),
        ("elements under many prefixes", "presence", deep),
        ("attributes", "presence", {
            let many: String = (0..64).map(|n| format!(" a{n}=\"\"")).collect();
            pidf(&fill(ROOM, |_| format!("<a{many}/>")), "")
        }),
        ("attributes of many prefixes", "presence", {
            let many: String = (0..60).map(|n| format!(" n{n}:a=\"\"")).collect();
            pidf(&fill(ROOM - 1200, |_| format!("<a{many}/>")), &spaces(60))
        }),
        ("one long text", "presence", { pidf(&format!("<note>{}</note>", "x".repeat(ROOM)), "") }),
        ("references", "presence", {
            pidf(&format!("<note>{}</note>", fill(ROOM, |_| "&#x41;".into())), "")
        }),
        ("notes", "presence", pidf(&fill(ROOM, |_| "<note>a</note>".into()), "")),
        ("tuples", "presence", {
            pidf(&fill(ROOM, |n| format!("<tuple id=\"i{n}\"><status/></tuple>")), "")
        }),
        ("tuples of one name", "presence", {
            pidf(&fill(ROOM, |_| "<tuple id=\"t1\"><status/></tuple>".into()), "")
        }),
        ("persons", "presence", {
            let person = |n| {
                format!(
                    "<d:person xmlns:d=\"urn:ietf:params:xml:ns:pidf:data-model\" id=\"p{n}\"/>"
                )
            };
            pidf(&fill(ROOM, person), "")
        }),
        ("deep", "presence", pidf(&fill(ROOM, |_| "<a>".into()), "")),
        ("comments", "presence", pidf(&fill(ROOM, |_| "<!---->".into()), "")),
        ("no end", "presence", format!("<a {}", fill(ROOM, |n| format!("a{n}=\"\" ")))),
        ("calls", "dialog", {
            dialogs(&fill(ROOM, |n| format!("<dialog id=\"d{n}\"><state>early</state></dialog>")))
        }),
        ("256 calls", "dialog", {
            let call = |n| {
                format!(
                    "<dialog id=\"d{n}\" call-id=\"c{n}\" local-tag=\"l\" remote-tag=\"r{n}\">\
                     <state>early</state></dialog>"
                )
            };
            dialogs(&(0..256).map(call).collect::<String>())
        }),
        ("calls of one name", "dialog", {
            let one = "<dialog id=\"d\"><state>early</state></dialog>";
            dialogs(&one.repeat(256))
        }),
        ("lines of a summary", "message-summary", {
            format!("Messages-Waiting: yes\r\n{}", fill(ROOM, |n| format!("X{n}: 1/2 (0/0)\r\n")))
        }),
    ]
}

/// Header lines by name.
fn headers() -> Vec<(&'static str, String)> {
    const ROOM: usize = HEADER_OCTETS_MAX - 1500;
    vec![
        ("short lines", fill(ROOM, |_| "a:\r\n".into())),
        ("256 lines", "X: y\r\n".repeat(230)),
        ("one long line", format!("X: {}\r\n", "y".repeat(ROOM))),
        ("folded lines", format!("X: {}\r\n", fill(ROOM, |_| "y\r\n ".into()))),
        ("Vias", format!("Via: {}x\r\n", fill(ROOM, |_| "SIP/2.0/UDP h,".into()))),
        ("Via lines", "v:SIP/2.0/UDP h\r\n".repeat(200)),
        ("routes", format!("Record-Route: {}<sip:h>\r\n", fill(ROOM, |_| "<sip:h>,".into()))),
        ("required", format!("Require: {}x\r\n", fill(ROOM, |_| "x,".into()))),
        ("accepted", format!("Accept: {}a/b\r\n", fill(ROOM, |_| "a/b,".into()))),
        ("contacts", format!("Contact: {}<sip:h>\r\n", fill(ROOM, |_| "<sip:h>,".into()))),
        ("parameters", format!("Event: presence{}\r\n", fill(ROOM, |n| format!(";p{n}")))),
        ("quoted", format!("Contact: \"{}\" <sip:h>\r\n", "\\\"".repeat(ROOM / 2))),
        ("open quote", format!("Contact: \"{}\r\n", "\\a".repeat(ROOM / 2))),
        ("credentials", {
            let one = "Authorization: Digest realm=\"example.com\",username=\"a\",nonce=\"b\"\r\n";
            one.repeat(200)
        }),
        (
            "asserted",
            format!("P-Asserted-Identity: {}<sip:h>\r\n", fill(ROOM, |_| "<sip:a@h>,".into())),
        ),
    ]
}

/// Nanoseconds for each octet: the least of some tries, with one watcher to be told.
fn cost(text: &str) -> (f64, usize) {
    let mut least = Duration::MAX;
    for _ in 0..TIMES {
        let mut office = Office::new();
        let mut pbx = office.pbx();
        for event in ["presence", "dialog"] {
            let request = pbx.subscribe(URI, event);
            assert_eq!(office.ask(&pbx, &request).status(), 200);
        }
        office.wire.clear();
        #[expect(clippy::disallowed_methods, reason = "what is measured is time")]
        let begin = Instant::now();
        office.deliver(&pbx.line, text);
        least = least.min(begin.elapsed());
        assert!(!office.wire.is_empty(), "it is answered: {}", &text[..200]);
    }
    (least.as_nanos() as f64 / text.len() as f64, text.len())
}

/// The status of the answer to it.
fn status(text: &str) -> u16 {
    let mut office = Office::new();
    let pbx = office.pbx();
    office.ask_raw(&pbx, text).first().map_or(0, |answer| answer.status())
}

#[test]
fn no_octet_costs_much_more_than_an_ordinary_one() {
    let mut office = Office::new();
    let mut pbx = office.pbx();
    let mut ordinary = 0.0_f64;
    for (event, body) in
        [("presence", presence(URI, "open")), ("dialog", call(URI, "c1", "confirmed"))]
    {
        let text = pbx.publish(URI, event, &body).to_text();
        let (each, octets) = cost(&text);
        println!("{each:>8.1} ns an octet, {octets:>6} octets: ordinary {event}");
        ordinary = ordinary.max(each);
    }
    let mut costs = Vec::new();
    for (name, event, body) in bodies() {
        let text = pbx.publish(URI, event, &body).to_text();
        costs.push((name, status(&text), cost(&text)));
    }
    for (name, lines) in headers() {
        let mut request = pbx.subscribe(URI, "presence").to_text();
        let at = request.find("Max-Forwards").expect("a header");
        request.insert_str(at, &lines);
        costs.push((name, status(&request), cost(&request)));
    }
    costs.sort_by(|a, b| b.2.0.total_cmp(&a.2.0));
    for (name, status, (each, octets)) in &costs {
        println!("{each:>8.1} ns an octet, {octets:>6} octets: {name}, answered {status}");
    }
    let (name, _, (worst, _)) = costs[0];
    assert!(worst < ordinary * WORST, "{name}: {worst:.1} ns an octet, ordinary {ordinary:.1}");
}
