//! Parts of a body are within the body.
#![no_main]

use fanal::doc::multipart;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(parts) = multipart::split(octets, "b") else { return };
    let total: usize = parts.iter().map(|part| part.octets.len()).sum();
    assert!(total <= octets.len());
    for part in &parts {
        let _ = (part.media(), part.charset(), part.is_optional());
    }
});
