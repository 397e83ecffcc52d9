//! A dialog-info document that is read is written so that it reads back the same.
#![no_main]

use fanal::doc::DialogInfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = DialogInfo::read(octets, None) else { return };
    let write = |document: &DialogInfo| {
        let body = DialogInfo::body(document.dialogs.iter());
        let octets = body.to_bytes(7, "sip:101@example.com");
        assert_eq!(body.octets(7, "sip:101@example.com"), octets.len());
        octets
    };
    let written = write(&document);
    let again = DialogInfo::read(&written, None).unwrap_or_else(|fault| {
        panic!("what we write is read: {fault}\n{}", String::from_utf8_lossy(&written))
    });
    assert_eq!(write(&again), written);
});
