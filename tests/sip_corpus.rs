//! Messages as devices and servers send them: each is read, its headers too, and what is written
//! back means the same.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use fanal::base::uri::Uri;
use fanal::sip::parse;
use fanal::sip::{Contacts, HeaderId, Headers, Message, Status, Writer};

/// Devices that are wrong in a way nobody can mend, and what they are wrong in.
const REFUSED: &[(&str, &str)] = &[
    // No Via: printed examples, cut by who printed them.
    ("014-audiocodes-m1000b-PUBLISH-presence.sip", "Via"),
    ("074-rfc3842-NOTIFY-mwi.sip", "Via"),
    ("075-rfc3842-SUBSCRIBE-mwi-unsubscribe.sip", "Via"),
    ("088-rfc5628-SUBSCRIBE-reg-gruu.sip", "Via"),
    ("120-yealink-vp59-SUBSCRIBE-dialog.sip", "CSeq"),
    // Two spaces after the method.
    ("087-rfc5367-SUBSCRIBE-contained-list.sip", "Request-URI"),
    // `<sip:user@host, sip:5060>`.
    ("034-ekiga327-REGISTER-malformed-contact.sip", "Contact"),
    // An ACK for a SUBSCRIBE, which counts SUBSCRIBE in its CSeq.
    ("099-sipp-ACK-to-407-SUBSCRIBE.sip", "CSeq method"),
    // A Contact without a scheme.
    ("113-sipxtack-NOTIFY-mwi.sip", "scheme"),
    ("114-sipxtack-SUBSCRIBE-mwi-bare-contact.sip", "one Max-Forwards"),
];

fn own_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/sip")
}

/// Messages that may be read and not redistributed stand beside the project, if at all.
fn neighbouring_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/sip")
}

fn messages(folder: &Path) -> Vec<(String, Bytes)> {
    let mut messages = Vec::new();
    for entry in fs::read_dir(folder).expect("the corpus") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "sip") {
            let name = path.file_name().expect("a name").to_string_lossy();
            let octets = fs::read(&path).expect("a message");
            messages.push((name.into_owned(), octets.into()));
        }
    }
    messages.sort();
    messages
}

fn check_all(folder: &Path) {
    let mut wrong = Vec::new();
    let messages = messages(folder);
    assert!(!messages.is_empty(), "{}", folder.display());
    for (name, octets) in messages {
        let expected = REFUSED.iter().find(|(file, _)| *file == name);
        let found = check(octets);
        let is_right = match (&found, expected) {
            (Ok(()), None) => true,
            (Err(reason), Some((_, what))) => reason.contains(what),
            _ => false,
        };
        if !is_right {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn check(octets: Bytes) -> Result<(), String> {
    // Some files are a head whose body was cut by the source, blank line included.
    let octets = match octets.windows(4).any(|four| four == b"\r\n\r\n") {
        true => octets,
        false => [&octets[..], b"\r\n"].concat().into(),
    };
    let message = parse::message(octets).map_err(|e| e.to_string())?;
    match &message {
        Message::Request(request) => request.check(),
        Message::Response(response) => response.check(),
    }
    .map_err(|e| e.to_string())?;
    headers_are_read(message.headers()).map_err(|e| e.to_string())?;
    uris_are_read(message.headers())?;
    means_the_same_when_written(&message);
    Ok(())
}

fn headers_are_read(headers: &Headers) -> Result<(), parse::Malformed> {
    for via in headers.vias() {
        via?;
    }
    headers.contacts()?;
    headers.event()?;
    headers.expires()?;
    headers.record_routes()?;
    headers.routes()?;
    headers.paths()?;
    headers.accept()?;
    headers.content_type()?;
    headers.if_match()?;
    headers.subscription_state()?;
    for credentials in headers.authorizations().chain(headers.challenges()) {
        let credentials = credentials?;
        if credentials.is_digest() {
            assert!(credentials.parameter("realm").is_some());
            assert!(credentials.parameter("nonce").is_some());
        }
    }
    Ok(())
}

fn uris_are_read(headers: &Headers) -> Result<(), String> {
    let mut texts = vec![
        headers.from().expect("checked").uri_text(),
        headers.to().expect("checked").uri_text(),
    ];
    if let Ok(Contacts::List(list)) = headers.contacts() {
        texts.extend(list.iter().map(|contact| contact.uri_text()));
    }
    for text in texts {
        let uri = Uri::parse(text).map_err(|e| format!("{text}: {e}"))?;
        assert_eq!(uri.as_str(), text);
    }
    Ok(())
}

fn means_the_same_when_written(message: &Message) {
    let mut writer = match message {
        Message::Request(request) => Writer::request(request.method_text(), request.uri_text()),
        Message::Response(_) => Writer::request("X", "sip:x"),
    };
    for (name, value) in message.headers().iter() {
        let name = std::str::from_utf8(name).expect("a token");
        if HeaderId::from_name(name.as_bytes()) != HeaderId::ContentLength {
            writer.header(name, value);
        }
    }
    let written = parse::message(writer.finish_body(&message.body())).expect("what we wrote");
    assert_eq!(written.body(), message.body());
    assert_eq!(fields(written.headers()), fields(message.headers()));
    if let (Message::Request(before), Message::Request(after)) = (message, &written) {
        assert_eq!(before.method(), after.method());
        assert_eq!(before.uri_text(), after.uri_text());
        answer_repeats_the_request(before);
    }
}

fn fields(headers: &Headers) -> Vec<(HeaderId, &[u8])> {
    headers.identified().filter(|(id, _)| *id != HeaderId::ContentLength).collect()
}

fn answer_repeats_the_request(request: &fanal::sip::Request) {
    let source = "203.0.113.77:40000".parse().unwrap();
    let answer = Writer::response(request, Status::OK, Some("ours"), source).finish();
    let Ok(Message::Response(answer)) = parse::message(answer) else {
        panic!("a response");
    };
    let (asked, told) = (request.headers(), answer.headers());
    answer.check().expect("a whole answer");
    assert_eq!(asked.vias().count(), told.vias().count());
    let top = told.via().expect("checked");
    assert_eq!(top.branch(), asked.via().expect("checked").branch());
    assert_eq!(top.received(), Some(source.ip()));
    assert_eq!(asked.value(HeaderId::From), told.value(HeaderId::From));
    assert_eq!(asked.call_id(), told.call_id());
    let to_tag = asked.to().expect("checked").tag();
    let told_tag = told.to().expect("checked").tag();
    assert_eq!(told_tag, Some(to_tag.unwrap_or("ours")));
}

#[test]
fn messages_of_the_rfcs_and_of_devices_are_read() {
    check_all(&own_folder());
}

#[test]
fn messages_as_captured_are_read() {
    let folder = neighbouring_folder();
    if !folder.exists() {
        println!("skipped: no ../shared/corpus/sip beside the project");
        return;
    }
    check_all(&folder);
}
