//! A presence document that is read is written so that it reads back the same.
#![no_main]

use fanal::doc::Presence;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = Presence::read(octets, None) else { return };
    let written = document.write();
    let again = Presence::read(written.as_bytes(), None)
        .unwrap_or_else(|fault| panic!("what we write is read: {fault}\n{written}"));
    assert_eq!(again.write(), written);
    let body = document.body();
    assert_eq!(body.octets(0, &document.entity), body.to_bytes(0, &document.entity).len());
});
