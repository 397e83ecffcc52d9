//! Messages for the tests of this room.

use bytes::Bytes;

use crate::sip::{Headers, Message, Request, Response, parse};

/// A request with the headers every request has, and these lines more.
pub(crate) fn request_with(lines: &str) -> Request {
    request(&format!(
        "SUBSCRIBE sip:alice@example.com SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1;rport\r\n\
         From: <sip:bob@example.com>;tag=1\r\n\
         To: <sip:alice@example.com>\r\n\
         Call-ID: a@b\r\n\
         CSeq: 1 SUBSCRIBE\r\n\
         {lines}\r\n"
    ))
}

/// The headers of a message that has only these lines.
pub(crate) fn headers(lines: &str) -> Headers {
    request(&format!("OPTIONS sip:h SIP/2.0\r\n{lines}\r\n")).headers().clone()
}

pub(crate) fn request(text: &str) -> Request {
    match parse::message(Bytes::copy_from_slice(text.as_bytes())) {
        Ok(Message::Request(request)) => request,
        other => panic!("{text}: {other:?}"),
    }
}

pub(crate) fn response(octets: Bytes) -> Response {
    match parse::message(octets) {
        Ok(Message::Response(response)) => response,
        other => panic!("{other:?}"),
    }
}
