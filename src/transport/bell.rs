//! Waking a shard that sleeps: a pipe beside its sockets, written to only if it sleeps.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use smallvec::SmallVec;

/// The rope of a bell: any thread may pull it.
#[derive(Debug)]
pub struct Bell {
    pipe: PipeWriter,
    asleep: Arc<AtomicBool>,
}

/// Who is woken by a bell.
#[derive(Debug)]
pub struct Sleeper {
    pipe: PipeReader,
    asleep: Arc<AtomicBool>,
}

/// A socket waited for.
#[derive(Clone, Copy, Debug)]
pub struct Awaited<'a> {
    /// The socket.
    pub socket: BorrowedFd<'a>,
    /// Whether there is something to be sent once it takes it.
    pub to_send: bool,
}

/// Sockets that can be read, by their place among those waited for, one bit each.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Readable(u64);

impl Readable {
    /// Every socket: it is read without having asked.
    pub const ALL: Readable = Readable(u64::MAX);

    /// The same sockets by other places: the first of these is where place 0 goes, and so on.
    pub fn at(self, places: &[usize]) -> Readable {
        let mut moved = Readable::default();
        for (place, to) in places.iter().enumerate() {
            if self.has(place) {
                moved.add(*to);
            }
        }
        moved
    }

    /// The socket of this place, too.
    pub fn add(&mut self, place: usize) {
        let bit = u32::try_from(place).ok().and_then(|place| 1u64.checked_shl(place));
        self.0 |= bit.unwrap_or(0);
    }

    /// Whether the socket of this place can be read.
    pub fn has(self, place: usize) -> bool {
        u32::try_from(place).ok().and_then(|place| self.0.checked_shr(place)).unwrap_or(0) & 1 == 1
    }
}

/// A bell and its sleeper.
pub fn bell() -> io::Result<(Bell, Sleeper)> {
    let (reader, writer) = io::pipe()?;
    let asleep = Arc::new(AtomicBool::new(false));
    Ok((Bell { pipe: writer, asleep: Arc::clone(&asleep) }, Sleeper { pipe: reader, asleep }))
}

impl Bell {
    /// Wakes the sleeper, if it sleeps or is about to.
    pub fn ring(&self) {
        if self.asleep.swap(false, Ordering::SeqCst) {
            // One octet a sleep at most, so the pipe is never full. Who closed it wants no waking.
            let _ = (&self.pipe).write(&[1]);
        }
    }
}

impl Sleeper {
    /// Sleeps until a socket has something, the bell rings or the span is over; not at all if
    /// `is_idle`, asked after bells are heard, finds work. Rounded up to milliseconds.
    pub fn sleep(
        &mut self,
        sockets: &[Awaited<'_>],
        span: Option<Duration>,
        is_idle: impl FnOnce() -> bool,
    ) -> Readable {
        self.asleep.store(true, Ordering::SeqCst);
        let timeout = if is_idle() { timeout(span) } else { PollTimeout::ZERO };
        let mut waited: SmallVec<[PollFd<'_>; 8]> =
            sockets.iter().map(|awaited| PollFd::new(awaited.socket, interest(awaited))).collect();
        waited.push(PollFd::new(self.pipe.as_fd(), PollFlags::POLLIN));
        let found = poll(&mut waited, timeout);
        self.asleep.store(false, Ordering::SeqCst);
        if !found.is_ok_and(|count| count > 0) {
            return Readable::default();
        }
        let rung = waited.pop().and_then(|pipe| pipe.any()).unwrap_or(false);
        let mut readable = 0u64;
        for (place, waited) in waited.iter().enumerate().take(u64::BITS as usize) {
            // An error is read from the socket like a datagram.
            let sendable = PollFlags::POLLOUT;
            let has_news = waited.revents().is_some_and(|found| !(found - sendable).is_empty());
            readable |= u64::from(has_news) << place;
        }
        drop(waited);
        if rung {
            let mut octets = [0; 16];
            let _ = self.pipe.read(&mut octets);
        }
        Readable(readable)
    }
}

fn interest(awaited: &Awaited<'_>) -> PollFlags {
    match awaited.to_send {
        true => PollFlags::POLLIN | PollFlags::POLLOUT,
        false => PollFlags::POLLIN,
    }
}

fn timeout(span: Option<Duration>) -> PollTimeout {
    let Some(span) = span else { return PollTimeout::NONE };
    let millis = span.as_micros().div_ceil(1000).min(i32::MAX as u128);
    PollTimeout::try_from(millis).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Instant;

    #[test]
    fn a_bell_wakes_a_sleeper_once() {
        let (bell, mut sleeper) = bell().expect("a pipe");
        let long = Some(Duration::from_secs(20));
        let started = Instant::now();
        std::thread::scope(|scope| {
            let ringer = scope.spawn(|| {
                while !bell.asleep.load(Ordering::SeqCst) {
                    std::thread::yield_now();
                }
                bell.ring();
                bell.ring();
            });
            assert_eq!(sleeper.sleep(&[], long, || true), Readable::default());
            ringer.join().expect("rung");
        });
        assert!(started.elapsed() < Duration::from_secs(10));
        let nap = Some(Duration::from_millis(20));
        let started = Instant::now();
        sleeper.sleep(&[], nap, || true);
        assert!(started.elapsed() >= Duration::from_millis(20), "one ring, one waking");
    }

    #[test]
    fn who_has_work_does_not_sleep() {
        let (_bell, mut sleeper) = bell().expect("a pipe");
        let started = Instant::now();
        sleeper.sleep(&[], Some(Duration::from_secs(20)), || false);
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn a_socket_with_a_datagram_is_readable() {
        let (_bell, mut sleeper) = bell().expect("a pipe");
        let sockets: Vec<_> =
            (0..2).map(|_| std::net::UdpSocket::bind("127.0.0.1:0").expect("a socket")).collect();
        sockets[0].send_to(b"x", sockets[1].local_addr().expect("bound")).expect("sent");
        let awaited: Vec<_> =
            sockets.iter().map(|s| Awaited { socket: s.as_fd(), to_send: false }).collect();
        let found = sleeper.sleep(&awaited, Some(Duration::from_secs(20)), || true);
        assert!(!found.has(0) && found.has(1) && !found.has(2) && !found.has(99));
    }
}
