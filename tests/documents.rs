//! Every document of the corpus is read or refused as its row says.

use fanal::doc::{DialogInfo, DocumentError, Kind, Presence, Summary, multipart};

#[path = "corpus/docs/mod.rs"]
mod corpus;

use corpus::Sample;

/// Reads a sample, writes it, and reads what was written: the second writing is the first.
fn outcome(sample: &Sample) -> Result<(), DocumentError> {
    match sample.kind.as_str() {
        "dialog-info" => {
            let info = DialogInfo::read(&sample.octets, None)?;
            let body = DialogInfo::body_of(info.state, info.dialogs.iter(), &info.extensions);
            let sent = body.to_bytes(1, "sip:alice@example.com");
            let again = DialogInfo::read(&sent, None).expect("what we write");
            let body = DialogInfo::body_of(again.state, again.dialogs.iter(), &again.extensions);
            assert_eq!(body.to_bytes(1, "sip:alice@example.com"), sent, "{}", sample.file);
        }
        "message-summary" => {
            let summary = Summary::read(&sample.octets)?;
            let again = Summary::read(summary.write().as_bytes()).expect("what we write");
            assert_eq!(again.write(), summary.write(), "{}", sample.file);
        }
        "multipart" => {}
        _ => {
            let presence = Presence::read(&sample.octets, None)?;
            let sent = presence.write();
            let again = Presence::read(sent.as_bytes(), None).expect("what we write");
            assert_eq!(again.write(), sent, "{}", sample.file);
        }
    }
    Ok(())
}

fn check(samples: &[Sample]) {
    let mut wrong = Vec::new();
    for sample in samples {
        let verdict = match outcome(sample) {
            Ok(()) => "read".to_owned(),
            Err(DocumentError { kind: Kind::Malformed, .. }) => "malformed".to_owned(),
            Err(DocumentError { kind: Kind::Invalid, .. }) => "invalid".to_owned(),
            Err(error) => error.to_string(),
        };
        if verdict != sample.verdict {
            wrong.push(format!("{}: {verdict} instead of {}", sample.file, sample.verdict));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn our_documents_are_read_or_refused_as_their_row_says() {
    let samples = corpus::own();
    assert!(samples.len() > 40, "{} samples", samples.len());
    check(&samples);
}

#[test]
fn shared_documents_are_read_or_refused_as_their_row_says() {
    check(&corpus::fetched());
}

#[test]
fn a_signed_list_has_a_list_inside() {
    let samples = corpus::own();
    let signed = samples.iter().find(|sample| sample.kind == "multipart").expect("one");
    let outer = multipart::split(&signed.octets, "l3WMZaaL8NpQWGnQ4mlU").expect("two parts");
    assert_eq!(outer.len(), 2);
    let value = outer[0].header("Content-Type").expect("a type");
    let boundary = multipart::parameter(value, "boundary").expect("a boundary");
    let inner = multipart::split(outer[0].octets, boundary).expect("parts");
    let documents = inner.iter().filter(|part| part.media() == fanal::base::media::MediaType::Pidf);
    for part in documents {
        Presence::read(part.octets, part.charset()).expect("a presence document");
    }
    assert!(inner.len() > 2, "{}", inner.len());
}

#[test]
fn no_document_cut_or_altered_anywhere_stops_the_reader() {
    for sample in corpus::own() {
        for at in 0..sample.octets.len() {
            let mut cut = sample.octets.clone();
            cut.truncate(at);
            let mut altered = sample.octets.clone();
            altered[at] ^= 0x13;
            for octets in [cut, altered] {
                // Whatever comes out, it comes out.
                let _ = outcome(&Sample { octets, kind: sample.kind.clone(), ..empty() });
            }
        }
    }
}

fn empty() -> Sample {
    Sample { file: String::new(), kind: String::new(), verdict: String::new(), octets: Vec::new() }
}
