//! The real binary in a home of its own, as a person or a service manager starts it.
#![allow(clippy::disallowed_methods, reason = "a real program takes real time")]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longer than anything here takes on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A folder of its own, and commands run as if it were home.
pub struct Home {
    pub folder: PathBuf,
}

/// A command under way, and the lines it has printed.
pub struct Running {
    pub child: Child,
    pub lines: Receiver<String>,
}

/// An agent being served.
pub struct Served {
    pub running: Running,
    /// By transport and family, such as `udp4`.
    pub doors: HashMap<String, SocketAddr>,
    /// Where its HTTP side listens.
    pub http: Option<SocketAddr>,
}

impl Home {
    pub fn new(name: &str) -> Home {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("fanal-cli-{name}-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        Home { folder }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file");
        path.display().to_string()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fanal"));
        command
            .args(args)
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", &self.folder)
            .env("XDG_STATE_HOME", self.path("state"))
            .env("XDG_CACHE_HOME", self.path("cache"))
            .stdin(Stdio::null());
        if matches!(args.first(), Some(&("serve" | "check"))) {
            command.env("FANAL_HTTP__LISTEN", "127.0.0.1:0");
        }
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    /// Runs a command that must end well; what it printed.
    pub fn done(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).expect("text")
    }

    pub fn start(&self, args: &[&str]) -> Running {
        let mut child = self.command(args).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let lines = lines_of(child.stdout.take().expect("piped"));
        Running { child, lines }
    }

    /// Serves with settings, on free ports of every transport there is.
    pub fn serve(&self, trusted: &str, settings: &str) -> Served {
        let mut listen = vec!["udp:127.0.0.1:0", "tcp:127.0.0.1:0"];
        if has_ipv6() {
            listen.extend(["udp:[::1]:0", "tcp:[::1]:0"]);
        }
        self.serve_at(&listen, trusted, settings)
    }

    pub fn serve_at(&self, listen: &[&str], trusted: &str, settings: &str) -> Served {
        let mut command = self.serving(listen, trusted, settings);
        self.served(command.arg("--ephemeral"))
    }

    /// The command that serves with settings, which stand in `fanal.toml`.
    pub fn serving(&self, listen: &[&str], trusted: &str, settings: &str) -> Command {
        let text = format!("[transport]\nlisten = {listen:?}\ntrusted = {trusted}\n{settings}");
        let config = self.write("fanal.toml", &text);
        self.command(&["serve", "--config", &config])
    }

    /// Starts an agent and waits until it serves.
    pub fn served(&self, command: &mut Command) -> Served {
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the binary runs");
        let lines = lines_of(child.stderr.take().expect("piped"));
        let mut running = Running { child, lines };
        let (mut doors, mut http) = (HashMap::new(), None);
        loop {
            let line = running.json();
            match line["event"].as_str() {
                Some("serving") => break,
                Some("http_listening") => {
                    http = line["address"].as_str().and_then(|text| text.parse().ok());
                }
                Some("listening") => {
                    let address = line["address"].as_str().expect("an address");
                    let address: SocketAddr = address.parse().expect("an address");
                    let family = if address.is_ipv6() { 6 } else { 4 };
                    let transport = line["transport"].as_str().expect("a transport");
                    doors.insert(format!("{transport}{family}"), address);
                }
                _ => {}
            }
        }
        Served { running, doors, http }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Running {
    /// The next line printed.
    pub fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }

    pub fn json(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"))
    }

    /// Lines until one of this event.
    pub fn event(&mut self, event: &str) -> Value {
        loop {
            let line = self.json();
            if line["event"] == event {
                return line;
            }
        }
    }

    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args(["-s", name, &pid]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// What it ends with.
    pub fn ended(&mut self) -> i32 {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code().expect("an exit code");
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Served {
    /// A door, as `--server` takes it.
    pub fn server(&self, door: &str) -> String {
        let address = self.doors.get(door).unwrap_or_else(|| panic!("no {door}"));
        format!("{}:{address}", door.trim_end_matches(['4', '6']))
    }
}

pub fn lines_of(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (sender, lines) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

pub fn has_ipv6() -> bool {
    TcpListener::bind("[::1]:0").is_ok()
}

/// An address that nobody listens at.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address")
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code")
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Who needs no password in these tests.
pub const LOOPBACK: &str = "[\"127.0.0.0/8\", \"::1\"]";
