//! A policy is read or refused with a line that is in it, and never makes a decision fail.
#![no_main]

use fanal::base::identity::{Aor, Identity};
use fanal::base::time::Wall;
use fanal::policy::organisation::Policy;
use fanal::policy::{Asking, Organisation, PersonRules, explain};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let policy = match Policy::read(text) {
        Ok(policy) => policy,
        Err(fault) => {
            assert!((1..=text.lines().count() + 1).contains(&fault.line), "{fault}");
            return;
        }
    };
    let organisation = Organisation { policy: Some(policy), ..Organisation::default() };
    let alice = Aor::from_canonical("alice@example.com");
    for watcher in [Identity::Unasked, Identity::User(Aor::from_canonical("bob@example.com"))] {
        for millis in [0, 1_772_444_467_000, u64::MAX] {
            let asking = Asking::new(&alice, &watcher, Wall::from_unix_millis(millis));
            let _ = explain(&PersonRules::Absent, &organisation, &asking);
        }
    }
});
