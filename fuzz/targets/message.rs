//! Any octets: a message or a precise refusal, never a panic; what was read is within bounds.
#![no_main]

use bytes::Bytes;
use fanal::sip::{Message, parse};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let source = "192.0.2.7:5060".parse().expect("an address");
    match parse::message(Bytes::copy_from_slice(octets)) {
        Ok(Message::Request(request)) => {
            let _ = request.check();
            let _ = request.uri();
            assert!(request.body().len() <= octets.len());
        }
        Ok(Message::Response(response)) => {
            assert!((100..700).contains(&response.status().code()));
        }
        Err(fault) => {
            assert!(fault.offset <= octets.len());
            if let Some((answer, _)) = parse::answer(octets, &fault, source) {
                // What we answer must itself be a message.
                assert!(parse::message(answer).is_ok());
            }
        }
    }
});
