//! The torture messages of RFC 4475 and RFC 5118, as files, with the verdict of the parser for
//! each in `manifest.tsv`; and every prefix of every one of them.
//!
//! Verdicts: `ok METHOD` or `ok STATUS`, read and complete; a number, what a request is refused
//! with; `dropped`, a response nobody can use.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fanal::sip::parse::{self, Malformed};
use fanal::sip::stream::{Framer, Limits};
use fanal::sip::{HeaderId, Headers, Message, Status, Writer};

struct Row {
    file: String,
    verdict: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/torture")
}

fn rows() -> Vec<Row> {
    let manifest = fs::read_to_string(folder().join("manifest.tsv")).expect("the manifest");
    let row = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        Row { file: columns[0].to_owned(), verdict: columns[3].to_owned() }
    };
    manifest.lines().skip(1).map(row).collect()
}

fn octets(file: &str) -> Bytes {
    fs::read(folder().join(file)).expect(file).into()
}

fn verdict(octets: &Bytes) -> String {
    let is_response = octets.starts_with(b"SIP/");
    match read(octets) {
        Ok(verdict) => format!("ok {verdict}"),
        Err(_) if is_response => "dropped".to_owned(),
        Err(malformed) => malformed.status.code().to_string(),
    }
}

fn read(octets: &Bytes) -> Result<String, Malformed> {
    let message = parse::message(octets.clone())?;
    read_every_header(&message);
    match &message {
        Message::Request(request) => {
            request.check()?;
            request.headers().contacts()?;
            Ok(request.method_text().to_owned())
        }
        Message::Response(response) => {
            response.check()?;
            Ok(response.status().code().to_string())
        }
    }
}

/// Whatever they say, no reader panics.
fn read_every_header(message: &Message) {
    let headers = message.headers();
    for (name, value) in headers.iter() {
        assert!(headers.named(std::str::from_utf8(name).unwrap()).count() > 0);
        assert!(!value.contains(&b'\r') && !value.contains(&b'\n'));
    }
    let _ = headers.vias().filter_map(Result::ok).count();
    let _ = (headers.via(), headers.from(), headers.to());
    let _ = (headers.call_id(), headers.cseq(), headers.max_forwards());
    let _ = (headers.event(), headers.expires(), headers.contacts());
    let _ = (headers.record_routes(), headers.routes(), headers.accept());
    let _ = (headers.content_type(), headers.content_encoding());
    let _ = headers.content_disposition_optional();
    let _ = headers.require().chain(headers.supported()).count();
    let _ = (headers.if_match(), headers.subscription_state());
    let _ = (headers.retry_after(), headers.asserted_identities());
    let _ = headers.authorizations().chain(headers.challenges()).count();
    let _ = headers.value(HeaderId::ContentLength);
    if let Message::Request(request) = message {
        let _ = (request.uri(), request.check());
    }
}

#[test]
fn every_message_gets_its_verdict() {
    let mut wrong = Vec::new();
    for row in rows() {
        let found = verdict(&octets(&row.file));
        if found != row.verdict {
            let detail = read(&octets(&row.file)).map_err(|e| e.to_string());
            wrong.push(format!("{}: {} and not {} ({detail:?})", row.file, found, row.verdict));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_stands_in_the_manifest() {
    let rows = rows();
    for suite in ["rfc4475", "rfc5118"] {
        for entry in fs::read_dir(folder().join(suite)).expect(suite) {
            let name = entry.expect("an entry").file_name();
            let file = format!("{suite}/{}", name.to_string_lossy());
            assert!(rows.iter().any(|row| row.file == file), "{file}");
        }
    }
}

#[test]
fn no_prefix_of_any_message_panics() {
    let source: SocketAddr = "192.0.2.1:5060".parse().unwrap();
    for row in rows() {
        let whole = octets(&row.file);
        for end in 0..whole.len() {
            let prefix = whole.slice(..end);
            match parse::message(prefix.clone()) {
                Ok(message) => read_every_header(&message),
                Err(fault) => {
                    assert!(fault.offset <= prefix.len(), "{} {end}", row.file);
                    let _ = parse::answer(&prefix, &fault, source);
                }
            }
        }
    }
}

#[test]
fn a_stream_of_single_octets_gives_the_messages_a_datagram_gives() {
    for row in rows() {
        let whole = octets(&row.file);
        let mut framer = Framer::new(Limits::default());
        let mut framed = None;
        for octet in whole.iter() {
            framer.push(&[*octet]);
            match framer.next() {
                Ok(Some(frame)) => framed = framed.or(Some(Ok(frame))),
                Ok(None) => {}
                Err(fault) => framed = framed.or(Some(Err(fault))),
            }
        }
        let Some(Ok(fanal::sip::stream::Frame::Message(message))) = framed else {
            continue;
        };
        assert_eq!(verdict(&message), row.verdict, "{}", row.file);
    }
}

#[test]
fn a_refused_request_is_answered_if_it_says_who_asked() {
    let source: SocketAddr = "192.0.2.1:5060".parse().unwrap();
    for row in rows() {
        let raw = octets(&row.file);
        let Err(fault) = parse::message(raw.clone()) else {
            continue;
        };
        let answer = parse::answer(&raw, &fault, source);
        if raw.starts_with(b"SIP/") || row.file.ends_with("/test.sip") {
            assert!(answer.is_none(), "{}", row.file);
            continue;
        }
        let (answer, _) = answer.unwrap_or_else(|| panic!("{}: no answer", row.file));
        let Ok(Message::Response(response)) = parse::message(answer.clone()) else {
            panic!("{}: {answer:?}", row.file);
        };
        assert_eq!(response.status(), fault.status, "{}", row.file);
    }
}

/// A sequence that looks random and is the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % bound.max(1)
    }

    /// One small damage, of the kinds that break parsers.
    fn damage(&mut self, octets: &mut Vec<u8>) {
        const SIGNS: &[u8] = b"\r\n\0 \t:;,<>\"\\@[]%=?*/0\xff";
        let at = self.below(octets.len() + 1);
        let end = (at + self.below(40)).min(octets.len());
        match self.below(5) {
            0 => octets.insert(at, SIGNS[self.below(SIGNS.len())]),
            1 if at < octets.len() => octets[at] = SIGNS[self.below(SIGNS.len())],
            2 => drop(octets.drain(at..end)),
            3 => {
                let copy = octets[at..end].to_vec();
                let there = self.below(octets.len() + 1);
                octets.splice(there..there, copy);
            }
            _ => {
                octets.splice(at..at, *b"\r\n ");
            }
        }
    }
}

#[test]
fn no_damage_makes_a_reader_panic_or_disagree_with_itself() {
    let source: SocketAddr = "192.0.2.1:5060".parse().unwrap();
    for row in rows() {
        let whole = octets(&row.file);
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15 ^ whole.len() as u64);
        for _ in 0..150 {
            let mut damaged = whole.to_vec();
            for _ in 0..=dice.below(4) {
                dice.damage(&mut damaged);
            }
            let damaged = Bytes::from(damaged);
            match parse::message(damaged.clone()) {
                Ok(message) => {
                    read_every_header(&message);
                    agrees_with_itself(&message, source);
                }
                Err(fault) => {
                    assert!(fault.offset <= damaged.len());
                    if let Some((answer, _)) = parse::answer(&damaged, &fault, source) {
                        let answer = parse::message(answer).expect("what we wrote");
                        assert!(matches!(answer, Message::Response(_)));
                    }
                }
            }
        }
    }
}

fn agrees_with_itself(message: &Message, source: SocketAddr) {
    let again = parse::message(message.raw().clone()).expect("what was read is read again");
    assert_eq!(again.body(), message.body());
    assert!(again.headers().iter().eq(message.headers().iter()));
    let Message::Request(request) = message else {
        return;
    };
    let answer = Writer::response(request, Status::OK, Some("t"), source).finish();
    let answer = parse::message(answer).expect("what we wrote");
    if request.check().is_ok() {
        let vias = |headers: &Headers| headers.vias().filter(Result::is_ok).count();
        assert_eq!(vias(answer.headers()), vias(request.headers()));
        assert_eq!(answer.headers().call_id(), request.headers().call_id());
    }
}
