//! What devices really send, put before the agent: each gets one quick answer, and the right one.

use std::fs;
use std::path::{Path, PathBuf};

use fanal::shard::config::Authentication;

use crate::common::phone::Line;
use crate::common::{Got, Office};

fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/sip")
}

/// One message of the corpus, read with plain string tools.
struct Sample {
    name: String,
    octets: Vec<u8>,
    method: String,
    host: String,
    event: String,
    has_to_tag: bool,
}

fn samples(folder: &Path) -> Vec<Sample> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the corpus")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sip"))
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| sample(path)).collect()
}

/// A request; responses are not put before the agent.
fn sample(path: &Path) -> Option<Sample> {
    let octets = fs::read(path).expect("a message");
    let text = String::from_utf8_lossy(&octets).into_owned();
    let head = text.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.split("\r\n");
    let start = lines.next().unwrap_or_default();
    if start.starts_with("SIP/2.0") {
        return None;
    }
    let header = |long: &str, short: &str| {
        lines
            .clone()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| {
                let name = name.trim();
                name.eq_ignore_ascii_case(long) || name.eq_ignore_ascii_case(short)
            })
            .map_or(String::new(), |(_, value)| value.trim().to_owned())
    };
    let mut words = start.split_whitespace();
    let method = words.next().unwrap_or_default().to_owned();
    let uri = words.next().unwrap_or_default();
    let rest = uri.split_once(':').map_or("", |(_, rest)| rest);
    let host = rest.rsplit('@').next().unwrap_or_default();
    let host = match host.strip_prefix('[') {
        Some(address) => format!("[{}]", address.split(']').next().unwrap_or_default()),
        None => host.split([';', ':', '?']).next().unwrap_or_default().to_owned(),
    };
    Some(Sample {
        name: path.file_name().expect("a name").to_string_lossy().into_owned(),
        method,
        host,
        event: header("Event", "o").split(';').next().unwrap_or_default().trim().to_owned(),
        has_to_tag: header("To", "t").contains("tag="),
        octets,
    })
}

/// What the agent makes of a message that arrives in an office where the host it was sent to is
/// served.
fn responses(sample: &Sample) -> (Vec<Got>, Vec<Got>) {
    let mut office = Office::with(|config| {
        config.server.auth = Authentication::Off;
        config.server.domains.push(sample.host.clone());
    });
    office.deliver(&Line::udp("192.0.2.101:5060"), &sample.octets);
    let all: Vec<Got> = office.wire.drain(..).map(Got::new).collect();
    all.into_iter().partition(|got| !got.is_request())
}

/// Messages that are refused, and why.
const REFUSED: &[(&str, u16)] = &[
    // No Via at all: printed examples, cut by who printed them.
    ("014-audiocodes-m1000b-PUBLISH-presence.sip", 400),
    ("074-rfc3842-NOTIFY-mwi.sip", 400),
    ("075-rfc3842-SUBSCRIBE-mwi-unsubscribe.sip", 400),
    ("088-rfc5628-SUBSCRIBE-reg-gruu.sip", 400),
    ("120-yealink-vp59-SUBSCRIBE-dialog.sip", 400),
    // Two spaces after the method; a Contact nobody can read; two Max-Forwards.
    ("087-rfc5367-SUBSCRIBE-contained-list.sip", 400),
    ("034-ekiga327-REGISTER-malformed-contact.sip", 400),
    ("114-sipxtack-SUBSCRIBE-mwi-bare-contact.sip", 400),
    // It accepts a type of before RFC 3863 only, of a document that was never settled.
    ("018-cisco-cp8865-SUBSCRIBE-presence.sip", 406),
    // They require extensions of their maker.
    ("059-microsoft-rtc13-SUBSCRIBE-adhoclist-head.sip", 420),
    // They ask for less than a minute.
    ("035-fanvil-x303-REGISTER.sip", 423),
    ("111-sipxecs-pickup-SUBSCRIBE-dialog-expires1.sip", 423),
    ("112-sipxecs-pickup-SUBSCRIBE-dialog-proxied.sip", 423),
    // A Request-URI or To without a user: nobody to watch, nobody to register.
    ("106-sipura-spa9000-SUBSCRIBE-mwi.sip", 404),
    ("057-microsoft-rtc12-REGISTER-host-only.sip", 404),
];

const SERVED: [&str; 3] = ["dialog", "presence", "message-summary"];

fn expected(sample: &Sample) -> u16 {
    if let Some((_, status)) = REFUSED.iter().find(|(name, _)| *name == sample.name) {
        return *status;
    }
    let served = SERVED.contains(&sample.event.as_str());
    match sample.method.as_str() {
        "REGISTER" => 200,
        "NOTIFY" if served => 481,
        "SUBSCRIBE" if sample.has_to_tag => 481,
        "SUBSCRIBE" | "PUBLISH" if served => 200,
        _ => 489,
    }
}

fn check(folder: &Path) {
    let samples = samples(folder);
    assert!(samples.len() > 50, "{} requests", samples.len());
    let mut wrong = Vec::new();
    for sample in samples.iter().filter(|sample| sample.method != "ACK") {
        let (responses, notifies) = responses(sample);
        let expected = expected(sample);
        match responses.as_slice() {
            [one] if one.status() == expected => {}
            others => wrong.push(format!("{}: not {expected} but {others:?}", sample.name)),
        }
        if !(notifies.is_empty() || expected == 200 && sample.method == "SUBSCRIBE") {
            wrong.push(format!("{}: {notifies:?}", sample.name));
        }
        if expected == 489 && !responses.iter().all(|one| one.has("Allow-Events")) {
            wrong.push(format!("{}: no Allow-Events", sample.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_request_of_a_device_gets_the_one_answer_it_should() {
    check(&own_folder());
}

#[test]
fn every_request_of_devices_that_stand_elsewhere_gets_the_one_answer_it_should() {
    // These may be read and not redistributed.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/sip");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    check(&folder);
}
