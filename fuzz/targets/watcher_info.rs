//! A watcher information document that is read is written so that it reads back the same.
#![no_main]

use fanal::doc::WatcherInfo;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(document) = WatcherInfo::read(octets, None) else { return };
    let written = document.write();
    let again = WatcherInfo::read(written.as_bytes(), None)
        .unwrap_or_else(|fault| panic!("what we write is read: {fault}\n{written}"));
    assert_eq!(again.write(), written);
});
