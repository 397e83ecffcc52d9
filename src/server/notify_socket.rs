//! Telling the service manager how we are: one datagram for each word (sd_notify(3)).

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use super::clock;

/// How often the status is told where nobody asks for a sign of life.
const STATUS_EVERY: Duration = Duration::from_secs(30);

/// Signs of life in the time after which the service manager would give us up.
const PINGS_IN_TIME: u32 = 3;

/// The way to the service manager; to nobody where there is none.
pub struct NotifySocket {
    manager: Option<(UnixDatagram, SocketAddr)>,
    /// After which time without a sign of life we are given up; `None` if never.
    given_up_after: Option<Duration>,
}

impl NotifySocket {
    /// As the environment says: `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID`.
    pub fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> NotifySocket {
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let micros = number("WATCHDOG_USEC").filter(|micros| *micros > 0 && is_ours);
        NotifySocket {
            manager: variable("NOTIFY_SOCKET").and_then(|name| reach(&name).ok()),
            given_up_after: micros.map(Duration::from_micros),
        }
    }

    /// Whether anybody listens.
    pub fn is_heard(&self) -> bool {
        self.manager.is_some()
    }

    /// How often to give a sign of life, or to tell the status if none is asked for.
    pub fn interval(&self) -> Duration {
        self.given_up_after.map_or(STATUS_EVERY, |span| span / PINGS_IN_TIME)
    }

    /// The start, or a reload, is done.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// Settings are being read anew.
    pub fn reloading(&self) {
        let micros = clock::monotonic_micros();
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}\nSTATUS=Reloading"));
    }

    /// The end begins.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=Draining");
    }

    /// Everything turns.
    pub fn alive(&self, status: &str) {
        match self.given_up_after {
            Some(_) => self.tell(&format!("WATCHDOG=1\nSTATUS={status}")),
            None => self.tell(&format!("STATUS={status}")),
        }
    }

    fn tell(&self, words: &str) {
        let Some((socket, manager)) = &self.manager else { return };
        // A manager that does not listen any more is no reason to stop serving phones.
        let _ = socket.send_to_addr(words.as_bytes(), manager);
    }
}

/// A path, or a name in the abstract namespace, which is written with `@`.
fn reach(name: &OsString) -> io::Result<(UnixDatagram, SocketAddr)> {
    let manager = match name.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    // A sign of life that blocks would be none.
    socket.set_nonblocking(true)?;
    Ok((socket, manager))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A service manager with a name of its own, and the way to it.
    fn manager(name: &str, watchdog: &[(&str, String)]) -> (UnixDatagram, NotifySocket) {
        let name = format!("fanal-test-{name}-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("a name");
        let manager = UnixDatagram::bind_addr(&address).expect("bound");
        manager.set_nonblocking(true).expect("set");
        let socket = NotifySocket::from_environment(|variable| match variable {
            "NOTIFY_SOCKET" => Some(format!("@{name}").into()),
            other => watchdog.iter().find(|(n, _)| *n == other).map(|(_, v)| v.into()),
        });
        (manager, socket)
    }

    fn heard(manager: &UnixDatagram) -> Option<String> {
        let mut octets = [0; 512];
        let count = manager.recv(&mut octets).ok()?;
        Some(String::from_utf8_lossy(&octets[..count]).into_owned())
    }

    #[test]
    fn each_word_is_one_datagram() {
        let usec = ("WATCHDOG_USEC", "30000000".to_owned());
        let (manager, socket) = manager("words", &[usec]);
        assert!(socket.is_heard());
        assert_eq!(socket.interval(), Duration::from_secs(10));
        socket.ready("Serving");
        assert_eq!(heard(&manager).as_deref(), Some("READY=1\nSTATUS=Serving"));
        socket.alive("3 subscriptions");
        assert_eq!(heard(&manager).as_deref(), Some("WATCHDOG=1\nSTATUS=3 subscriptions"));
        socket.reloading();
        let words = heard(&manager).expect("a word");
        let micros = words.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").expect(&words);
        let micros = micros.split('\n').next().and_then(|digits| digits.parse::<u64>().ok());
        assert!(micros.is_some_and(|micros| micros > 0), "{words}");
        socket.stopping();
        assert!(heard(&manager).is_some_and(|words| words.starts_with("STOPPING=1\n")));
        assert_eq!(heard(&manager), None);
    }

    #[test]
    fn a_watchdog_of_another_process_is_not_ours() {
        let usec = ("WATCHDOG_USEC", "30000000".to_owned());
        let (manager, socket) = manager("pid", &[usec, ("WATCHDOG_PID", "1".to_owned())]);
        assert_eq!(socket.interval(), STATUS_EVERY);
        socket.alive("well");
        assert_eq!(heard(&manager).as_deref(), Some("STATUS=well"));
    }

    #[test]
    fn without_a_manager_nobody_is_told() {
        let socket = NotifySocket::from_environment(|_| None);
        assert!(!socket.is_heard());
        socket.ready("Serving");
        let absent = |name: &str| (name == "NOTIFY_SOCKET").then(|| "/nonexistent/socket".into());
        NotifySocket::from_environment(absent).ready("Serving");
    }
}
