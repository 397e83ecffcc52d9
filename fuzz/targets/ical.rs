//! A calendar is read or refused with a line that is in it, and what it holds within a window is
//! bounded, in order and within the window.
#![no_main]

use std::time::Duration;

use fanal::base::limits::ICAL_SPANS_MAX;
use fanal::base::time::Wall;
use fanal::doc::ical::{Calendar, Look};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|octets: &[u8]| {
    let lines = octets.iter().filter(|octet| **octet == b'\n').count() + 1;
    let calendar = match Calendar::read(octets) {
        Ok(calendar) => calendar,
        Err(fault) => {
            assert!((1..=lines).contains(&fault.line), "{fault}");
            return;
        }
    };
    assert!(calendar.faults().iter().all(|fault| (1..=lines).contains(&fault.line)));
    for millis in [0, 1_772_444_467_000, u64::MAX] {
        let from = Wall::from_unix_millis(millis);
        let until = from + Duration::from_secs(14 * 86_400);
        let agenda = calendar.agenda(&Look { from, until, zone: None, owner: None });
        assert!(agenda.spans.len() <= ICAL_SPANS_MAX && agenda.spans.is_sorted());
        for span in &agenda.spans {
            assert!(span.from < span.until && span.until > from && span.from < until);
        }
    }
});
