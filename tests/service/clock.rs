//! The clock of the machine is stepped and slewed under a running agent, and while none runs.

use std::process::Command;
use std::time::Duration;

use fanal::sip::{Request, Status};

use crate::common::home::{Home, LOOPBACK, Served};
use crate::phone::{Phone, body, dialog_info, version};
use crate::watcher::Watcher;

const YEAR: f64 = 365.25 * 86_400.0;

const SETTINGS: &str = "[server]\ndomains = [\"example.com\"]\n[store]\npath = \"data\"\n";

/// An agent whose wall clock a test sets.
struct Machine {
    home: Home,
    shim: String,
}

impl Machine {
    /// `None`, said why, where nothing can be compiled.
    fn new(name: &str) -> Option<Machine> {
        let home = Home::new(name);
        let shim = home.path("clock.so").display().to_string();
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/service/clock.c");
        let built = Command::new("cc").args(["-shared", "-fPIC", "-o", &shim, source]).output();
        match built {
            Ok(output) if output.status.success() => Some(Machine { home, shim }),
            other => {
                println!("skipped: a clock of its own needs a C compiler: {other:?}");
                None
            }
        }
    }

    /// The clock is so many seconds ahead of what it is.
    fn is_ahead(&self, seconds: f64) {
        let next = self.home.write("next", &seconds.to_string());
        std::fs::rename(next, self.home.path("offset")).expect("renamed");
    }

    fn serve(&self, listen: &str) -> Served {
        let mut command = self.home.serving(&[listen], LOOPBACK, SETTINGS);
        command.env("LD_PRELOAD", &self.shim).env("OFFSET", self.home.path("offset"));
        self.home.served(&mut command)
    }
}

/// The seconds a NOTIFY says are left.
fn left(notify: &Request) -> u64 {
    let text = String::from_utf8_lossy(notify.raw()).into_owned();
    let (_, after) = text.split_once("Subscription-State: active;expires=").expect("active");
    after.split(['\r', ';']).next().and_then(|digits| digits.parse().ok()).expect("seconds")
}

#[test]
fn a_clock_that_is_stepped_or_slewed_changes_no_lamp_and_no_lifetime() {
    let Some(machine) = Machine::new("stepped") else { return };
    machine.is_ahead(0.0);
    let served = machine.serve("udp:127.0.0.1:0");
    let address = served.doors["udp4"];
    let mut watcher = Watcher::new(Phone::new(address));
    let phone = Phone::new(address);
    let slew = (1..10).map(|step| f64::from(step) * 0.05);
    let steps = [3600.0, -3600.0, 10.0 * YEAR, -30.0 * YEAR, 0.0];
    for (round, ahead) in steps.into_iter().chain(slew).enumerate() {
        let call = format!("c{round}-101");
        let document = dialog_info("101", "early", 0).replace("c1-101", &call);
        phone.publish("101", &document.replace("\"d1\"", &format!("\"d{round}\"")));
        assert!(body(&watcher.phone.request()).contains(&call));
        machine.is_ahead(ahead);
        assert!(watcher.phone.hear_within(Duration::from_millis(300)).is_none(), "{ahead}");
        assert!(watcher.refresh());
        let refreshed = watcher.phone.request();
        assert!((590..=600).contains(&left(&refreshed)), "{ahead}: {}", left(&refreshed));
        assert!(body(&refreshed).contains(&call), "{ahead}");
    }
}

#[test]
fn a_clock_that_is_set_forward_by_years_while_nobody_runs_ends_what_was() {
    let Some(machine) = Machine::new("forward") else { return };
    machine.is_ahead(-20.0 * YEAR);
    let served = machine.serve("udp:127.0.0.1:0");
    let address = served.doors["udp4"];
    let mut watcher = Watcher::new(Phone::new(address));
    Phone::new(address).publish("101", &dialog_info("101", "early", 0));
    watcher.phone.request();
    drop(served);

    machine.is_ahead(0.0);
    let _again = machine.serve(&format!("udp:{address}"));
    let answer = watcher.answer().expect("an answer");
    assert_eq!(answer.status(), Status(481), "so that it subscribes anew");
    let watcher = Watcher::new(Phone::new(address));
    Phone::new(address).publish("101", &dialog_info("101", "confirmed", 0));
    assert!(body(&watcher.phone.request()).contains("confirmed"));
}

#[test]
fn a_clock_that_is_set_back_by_years_while_nobody_runs_prolongs_nothing() {
    let Some(machine) = Machine::new("back") else { return };
    machine.is_ahead(0.0);
    let served = machine.serve("udp:127.0.0.1:0");
    let address = served.doors["udp4"];
    let mut watcher = Watcher::new(Phone::new(address));
    Phone::new(address).publish("101", &dialog_info("101", "early", 0));
    let before = version(&watcher.phone.request());
    drop(served);

    // A machine without a battery, before it has heard of the time.
    machine.is_ahead(-50.0 * YEAR);
    let _again = machine.serve(&format!("udp:{address}"));
    let told = watcher.phone.request();
    assert!(body(&told).contains("early") && version(&told) > before);
    assert!(left(&told) <= 3600, "{} s are left of 600", left(&told));
    assert!(watcher.refresh());
    assert!((590..=600).contains(&left(&watcher.phone.request())));
    // What is said now is newer than what was said in the future.
    Phone::new(address).publish("101", &dialog_info("101", "terminated", 0));
    assert!(body(&watcher.phone.request()).contains("terminated"));
}
