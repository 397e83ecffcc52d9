//! Where both parsers take a message, they agree on what it says. The known faults of rsip 0.4
//! (tests/rsip_points.rs) are excused by name.
#![no_main]

use bytes::Bytes;
use fanal::sip::{HeaderId, Message, parse};
use libfuzzer_sys::fuzz_target;
use rsip::prelude::*;

fuzz_target!(|octets: &[u8]| {
    // Points 13, 17 and 18: rsip knows neither folding nor Content-Length nor the end of headers.
    let folded = octets.windows(3).any(|w| w[0] == b'\n' && matches!(w[1], b' ' | b'\t'));
    if folded {
        return;
    }
    let Ok(ours) = parse::message(Bytes::copy_from_slice(octets)) else { return };
    let Ok(theirs) = rsip::SipMessage::try_from(octets) else { return };
    let (headers, start_agrees) = match (&ours, &theirs) {
        (Message::Request(a), rsip::SipMessage::Request(b)) => {
            // Point 15: rsip compares method names without case.
            let method = b.method.to_string();
            (a.headers(), a.method_text().eq_ignore_ascii_case(&method))
        }
        (Message::Response(a), rsip::SipMessage::Response(b)) => {
            // Point 24: rsip has names of its own for some codes, but keeps the number.
            (a.headers(), a.status().code() == b.status_code.code())
        }
        _ => panic!("one sees a request, the other a response"),
    };
    assert!(start_agrees, "start lines differ");
    // Points 13 and 18: where a line is odd rsip reads on past the blank line, into the body.
    if headers.iter().count() != theirs.headers().iter().count() {
        return;
    }
    // Point 12: compact names are unknown to rsip, so of two it may see the second.
    let once = headers.values(HeaderId::CallId).count() == 1;
    if once
        && let (Ok(call_id), Ok(other)) = (headers.call_id(), theirs.call_id_header())
    {
        assert_eq!(call_id.trim(), other.value().trim());
    }
    // Point 30: rsip reads only a CSeq with one space and a known method.
    if headers.values(HeaderId::CSeq).count() == 1
        && let (Ok(cseq), Ok(Ok(other))) = (headers.cseq(), theirs.cseq_header().map(|h| h.typed()))
    {
        assert_eq!(cseq.number, other.seq);
    }
});
