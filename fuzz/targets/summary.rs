//! A message summary that is read is written so that it reads back the same; sums never wrap.
#![no_main]

use fanal::doc::Summary;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let Ok(summary) = Summary::read(octets) else { return };
    let written = summary.write();
    let again = Summary::read(written.as_bytes()).expect("what we write is read");
    assert_eq!(again.write(), written);
    let _: Summary = [&summary, &again, &summary].into_iter().sum();
});
