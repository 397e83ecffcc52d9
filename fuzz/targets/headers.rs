//! Every typed header over any value: a value or a fault, never a panic.
#![no_main]

use bytes::Bytes;
use fanal::base::media::MediaType;
use fanal::sip::{Contacts, Message, parse};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 24] = [
    "Via", "From", "To", "Call-ID", "CSeq", "Event", "Expires", "Contact", "Record-Route", "Route",
    "Accept", "Content-Type", "Content-Disposition", "Require", "Supported", "SIP-If-Match",
    "Subscription-State", "Retry-After", "Authorization", "WWW-Authenticate",
    "P-Asserted-Identity", "Max-Forwards", "Min-Expires", "Proxy-Authenticate",
];

fuzz_target!(|octets: &[u8]| {
    let Some((&which, value)) = octets.split_first() else { return };
    let name = NAMES[usize::from(which) % NAMES.len()];
    let mut text = format!("SUBSCRIBE sip:a@b SIP/2.0\r\n{name}: ").into_bytes();
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n\r\n");
    let Ok(Message::Request(request)) = parse::message(Bytes::from(text)) else { return };
    let headers = request.headers();
    let source = "192.0.2.7:5060".parse().expect("an address");
    for via in headers.vias().flatten() {
        let _ = fanal::sip::header::via::reply_to(&via, source);
        let _ = (via.branch(), via.rport(), via.received());
    }
    for address in [headers.from(), headers.to()].into_iter().flatten() {
        let _ = (address.uri(), address.tag());
    }
    let _ = (headers.call_id(), headers.cseq(), headers.event(), headers.expires());
    if let Ok(Contacts::List(list)) = headers.contacts() {
        for contact in list {
            let _ = contact.uri();
        }
    }
    let _ = (headers.record_routes(), headers.routes());
    if let Ok(Some(accept)) = headers.accept() {
        let _ = accept.best(&[MediaType::Pidf, MediaType::DialogInfo]);
    }
    if let Ok(Some(content)) = headers.content_type() {
        let _ = (content.media(), content.parameter("boundary"));
    }
    let _ = headers.content_disposition_optional();
    let _ = headers.require().count() + headers.supported().count();
    let _ = (headers.if_match(), headers.subscription_state(), headers.retry_after());
    for credentials in headers.authorizations().chain(headers.challenges()).flatten() {
        for name in ["realm", "nonce", "qop", "nc", "uri", "response", "algorithm"] {
            let _ = credentials.parameter(name);
        }
    }
    let _ = headers.asserted_identities();
});
