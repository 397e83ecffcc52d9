//! A URI that is read is written as it was, is equal to itself, and has a stable canonical form.
#![no_main]

use fanal::base::uri::Uri;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(uri) = Uri::parse(text) else { return };
    assert_eq!(uri.as_str(), text);
    assert!(uri == uri.clone());
    let _ = (uri.user(), uri.host(), uri.port(), uri.transport(), uri.is_loose_route());
    let canonical = format!("sip:{}@{}", uri.canonical_user(), uri.canonical_host());
    if let Ok(again) = Uri::parse(&canonical) {
        assert_eq!(again.canonical_host(), uri.canonical_host());
        if again.user().is_some() {
            assert_eq!(again.canonical_user(), uri.canonical_user());
        }
    }
    let _ = uri.bare();
});
