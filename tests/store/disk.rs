//! Disks that are full or may not be written.

use std::fs::{self, Permissions};
use std::net::UdpSocket;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fanal::shard::{Record, Store};
use fanal::store::{Embedded, care};

use crate::records::*;

/// A small disk of its own, gone with the test.
struct Disk(Directory);

impl Disk {
    /// `None`, said why, where nobody may mount.
    fn new(name: &str, kilobytes: u32) -> Option<Disk> {
        let directory = Directory::new(name);
        fs::create_dir_all(&directory.0).expect("made");
        let size = format!("size={kilobytes}k");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(&directory.0)
            .output();
        match mount {
            Ok(output) if output.status.success() => Some(Disk(directory)),
            other => {
                println!("skipped: a small disk needs root: {other:?}");
                None
            }
        }
    }

    fn path(&self) -> &Path {
        &self.0.0
    }

    fn remount(&self, how: &str) {
        let how = format!("remount,{how}");
        let mounted = Command::new("mount").args(["-o", &how]).arg(self.path()).status();
        assert!(mounted.expect("mount").success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

#[test]
fn a_full_disk_keeps_what_was_promised_and_goes_on_when_there_is_room() {
    let Some(disk) = Disk::new("full", 512) else { return };
    let data = disk.path().join("data");
    let mut store = Embedded::open(&data).expect("a store");
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![1; 300 * 1024]).expect("room");
    let mut promised = Vec::new();
    let fault = loop {
        let n = u32::try_from(promised.len()).expect("few");
        let mut record = publication("101", n);
        record.body = vec![b'x'; 3001].into();
        match store.commit(&[put_publication(&record)]) {
            Ok(()) => promised.push(Record::Publication(record)),
            Err(fault) => break fault.what,
        }
    };
    assert!(fault.contains("fanal.journal.") && fault.contains("No space left"), "{fault}");
    assert!(promised.len() > 10);

    // A start beside a full disk finds everything.
    drop(store);
    let mut store = Embedded::open(&data).expect("a start needs no room");
    let found = all(&mut store);
    assert!(promised.iter().all(|record| found.contains(record)));

    // Room again.
    fs::remove_file(&filler).expect("removed");
    let last = publication("103", 1);
    store.commit(&[put_publication(&last)]).expect("room");
    store.compact().expect("room");
    drop(store);
    let found = all(&mut Embedded::open(&data).expect("a store"));
    assert!(promised.iter().all(|record| found.contains(record)));
    assert!(found.contains(&Record::Publication(last)));
}

#[test]
fn a_fold_on_a_full_disk_changes_nothing() {
    let Some(disk) = Disk::new("fold", 512) else { return };
    let data = disk.path().join("data");
    let mut store = Embedded::open(&data).expect("a store");
    for n in 0..60 {
        let mut record = publication("101", n);
        record.body = vec![b'x'; 3000].into();
        store.commit(&[put_publication(&record)]).expect("room");
    }
    fs::write(disk.path().join("filler"), vec![1; 230 * 1024]).expect("room");
    let fault = store.compact().expect_err("no room").what;
    assert!(fault.contains("fanal.base.new") && fault.contains("No space left"), "{fault}");
    assert!(!data.join("fanal.base.new").exists(), "it gives back what it took");
    store.commit(&[put_publication(&publication("102", 1))]).expect("room for a little");
    drop(store);
    assert_eq!(all(&mut Embedded::open(&data).expect("a store")).len(), 61);
}

#[test]
fn a_directory_that_may_not_be_written_is_an_error_that_says_what_to_do() {
    let says = |data: &Path| {
        let fault = Embedded::open(data).expect_err("not writable").what;
        assert!(fault.contains(&data.display().to_string()), "{fault}");
        assert!(fault.contains("store.path"), "{fault}");
    };
    if let Some(disk) = Disk::new("readonly", 512) {
        let data = disk.path().join("data");
        drop(Embedded::open(&data).expect("a store"));
        disk.remount("ro");
        says(&data);
        says(&disk.path().join("new"));
        disk.remount("rw");
        drop(Embedded::open(&data).expect("a store again"));
        return;
    }
    let directory = Directory::new("readonly-mode");
    drop(directory.open());
    fs::remove_file(directory.0.join("fanal.lock")).expect("removed");
    fs::set_permissions(&directory.0, Permissions::from_mode(0o500)).expect("set");
    match fs::write(directory.0.join("probe"), "") {
        Ok(()) => println!("skipped: this user may write anywhere"),
        Err(_) => says(&directory.0),
    }
    fs::set_permissions(&directory.0, Permissions::from_mode(0o700)).expect("set");
}

#[test]
fn an_agent_on_a_full_disk_refuses_with_503_and_goes_on_by_itself() {
    let Some(disk) = Disk::new("agent", 512) else { return };
    let data = disk.path().join("data");
    let mut agent = Agent::start(&data);
    let (_, none) = agent.publish_until("200");
    assert_eq!(none, 0);
    let filler = disk.path().join("filler");
    fs::write(&filler, vec![1; 440 * 1024]).expect("room");
    let (refusal, kept) = agent.publish_until("503");
    assert!(refusal.contains("\r\nRetry-After: "), "{refusal}");
    assert!(kept > 0);
    let promised = kept as u64 + 1;

    // A death beside the full disk loses nothing, and the next start is one.
    drop(agent);
    let publications = || care::check(&data).expect("readable").publications;
    assert!(publications() >= promised, "{} of {promised}", publications());
    let mut agent = Agent::start(&data);
    agent.publish_until("503");
    fs::remove_file(&filler).expect("removed");
    agent.publish_until("200");
    agent.publish_until("200");
    drop(agent);
    assert!(publications() >= promised + 2, "{} of {promised}", publications());
}

/// An agent that keeps its data on a disk.
struct Agent {
    process: Child,
    phone: UdpSocket,
    sent: u32,
}

impl Agent {
    fn start(data: &Path) -> Agent {
        let listen = UdpSocket::bind("127.0.0.1:0").and_then(|free| free.local_addr());
        let listen = listen.expect("a free port");
        let process = Command::new(env!("CARGO_BIN_EXE_fanal"))
            .arg("serve")
            .env_clear()
            .env("FANAL_STORE__PATH", data)
            .env("FANAL_TRANSPORT__LISTEN", format!("udp:{listen}"))
            .env("FANAL_AUTH__MODE", "off")
            .env("FANAL_HTTP__LISTEN", "127.0.0.1:0")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary runs");
        let phone = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        phone.connect(listen).expect("a local address");
        phone.set_read_timeout(Some(Duration::from_millis(50))).expect("set");
        Agent { process, phone, sent: 0 }
    }

    /// Publishes for one user after the other until an answer of this status comes; that answer,
    /// and how many were answered 200.
    fn publish_until(&mut self, status: &str) -> (String, usize) {
        let own = self.phone.local_addr().expect("bound");
        let (end, mut kept) = (Instant::now() + Duration::from_secs(20), 0);
        while Instant::now() < end {
            self.sent += 1;
            let n = self.sent;
            let body = "Messages-Waiting: yes\r\nVoice-Message: 2/8\r\n";
            let publish = format!(
                "PUBLISH sip:u{n}@localhost SIP/2.0\r\nVia: SIP/2.0/UDP {own};branch=z9hG4bK{n}\r\n\
                 From: <sip:u{n}@localhost>;tag=1\r\nTo: <sip:u{n}@localhost>\r\nCall-ID: {n}\r\n\
                 CSeq: 1 PUBLISH\r\nMax-Forwards: 70\r\nEvent: message-summary\r\n\
                 Expires: 3600\r\nContent-Type: application/simple-message-summary\r\n\
                 Content-Length: {}\r\n\r\n{body}",
                body.len(),
            );
            // Nobody may listen yet.
            let _ = self.phone.send(publish.as_bytes());
            let mut octets = [0; 65_536];
            if let Ok(length) = self.phone.recv(&mut octets) {
                let answer = String::from_utf8_lossy(&octets[..length]).into_owned();
                if answer.starts_with(&format!("SIP/2.0 {status}")) {
                    return (answer, kept);
                }
                kept += usize::from(answer.starts_with("SIP/2.0 200"));
            }
        }
        panic!("no {status} came");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
