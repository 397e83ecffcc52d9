//! A service manager that listens, and the unit it would run us by.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use fanal::server::{Launch, start};
use fanal::store::{self, Kind};
use fanal::transport;

use crate::common::home::{Home, LOOPBACK, PATIENCE};

/// What is heard at a `NOTIFY_SOCKET`.
struct Manager {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Manager {
    fn at(home: &Home) -> Manager {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).expect("bound");
        socket.set_read_timeout(Some(PATIENCE)).expect("set");
        Manager { socket, path }
    }

    fn hear(&self) -> String {
        let mut octets = [0; 1024];
        let count = self.socket.recv(&mut octets).expect("a word in time");
        String::from_utf8_lossy(&octets[..count]).into_owned()
    }

    /// Words until one that begins so; how many signs of life came before it.
    fn hear_until(&self, start: &str) -> (String, usize) {
        let mut beats = 0;
        loop {
            let words = self.hear();
            if words.starts_with(start) {
                return (words, beats);
            }
            assert!(words.starts_with("WATCHDOG=1\n"), "{words}");
            beats += 1;
        }
    }
}

#[test]
fn the_manager_hears_ready_life_reloading_and_stopping_in_order() {
    let home = Home::new("notify");
    let manager = Manager::at(&home);
    let mut command = home.serving(&["udp:127.0.0.1:0"], LOOPBACK, "");
    command.arg("--ephemeral").env("NOTIFY_SOCKET", &manager.path).env("WATCHDOG_USEC", "300000");
    let mut served = home.served(&mut command);
    assert!(manager.hear().starts_with("READY=1\n"));
    assert!(manager.hear().starts_with("WATCHDOG=1\nSTATUS=Serving 0 subscriptions"));

    let server = served.server("udp4");
    let watch = ["watch", "101", "--package", "dialog", "--server", &server];
    let mut watch = home.start(&watch);
    watch.line();
    while !manager.hear().contains("Serving 1 subscriptions to 1 presentities") {}
    served.running.signal("HUP");
    let (words, _) = manager.hear_until("RELOADING=1\n");
    assert!(words.contains("\nMONOTONIC_USEC="), "{words}");
    manager.hear_until("READY=1\n");
    served.running.signal("TERM");
    manager.hear_until("STOPPING=1\n");
    assert_eq!(served.running.ended(), 0);
}

/// As the service manager would find out: the pulse is what its signs of life depend on.
#[test]
fn a_shard_that_does_not_turn_ends_the_signs_of_life() {
    let agent = start(Launch {
        transport: transport::Config {
            listen: vec!["udp:127.0.0.1:0".parse().expect("an address")],
            ..transport::Config::default()
        },
        store: store::Config { kind: Kind::Memory, ..store::Config::default() },
        run: fanal::server::Config { shards: 2 },
        ..Launch::default()
    })
    .expect("an agent");
    let pulse = agent.pulse();
    assert!(pulse.feel(PATIENCE).is_some());
    let (held, wait) = channel::<()>();
    let wait = std::sync::Mutex::new(Some(wait));
    // The first shard that is asked waits until it is let go.
    let other = agent.pulse();
    let asking = std::thread::spawn(move || {
        other.ask(PATIENCE, move |_| {
            if let Some(wait) = wait.lock().expect("not poisoned").take() {
                let _ = wait.recv();
            }
        })
    });
    let until = Instant::now() + PATIENCE;
    let short = Duration::from_millis(200);
    while pulse.feel(short).is_some() {
        assert!(Instant::now() < until, "it is held by now");
    }
    assert_eq!(pulse.feel(short), None, "as long as it is held");
    drop(held);
    asking.join().expect("asked");
    assert!(pulse.feel(PATIENCE).is_some());
}

#[test]
fn the_unit_can_be_read_by_systemd_and_leaves_little_to_be_had() {
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("contrib/systemd/fanal.service");
    let text = fs::read_to_string(&unit).expect("the unit");
    for line in ["Type=notify", "NoNewPrivileges=yes", "ProtectSystem=strict", "WatchdogSec=30s"] {
        assert!(text.lines().any(|found| found == line), "{line}");
    }
    assert!(!text.lines().any(|line| line == "ProcSubset=pid"), "it hides boot_id from the store");
    // The path of the binary need not exist on the machine that tests.
    let home = Home::new("unit");
    let path = home.write("fanal.service", &text.replace("/usr/bin/fanal", "/bin/true"));
    let Ok(verified) = Command::new("systemd-analyze").args(["verify", &path]).output() else {
        println!("skipped: this machine has no systemd-analyze");
        return;
    };
    let told = String::from_utf8_lossy(&verified.stderr);
    let ours: Vec<&str> = told.lines().filter(|line| line.contains("fanal.service")).collect();
    assert!(ours.is_empty(), "{ours:#?}");
}
