//! Streams: accepted, dialled, cut into messages, and closed.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, warn};

use super::config::ConnectionLimits;
use super::connection::{Connection, Letter, Queued};
use super::flows::Flows;
use super::inbox::Notice;
use super::steering::Steering;
use crate::base::counters::Counters;
use crate::base::flow::{Flow, Hop, ListenerId};
use crate::base::limits::{
    CONNECTION_IDLE_MAX, CONNECTION_STALLED_MAX, DIAL_MAX, STREAM_MESSAGE_MAX,
};
use crate::shard::{Door, Input};
use crate::sip::stream::{Frame, Framer, Limits};
use crate::sip::{Malformed, parse};
use crate::transaction::Transmit;

/// Octets read in one call.
const READ_OCTETS: usize = 16 * 1024;

/// Calls after which a connection lets others read.
const READS_AT_ONCE: usize = 8;

/// How long a connection waits before it looks again whether the shards have room.
const PRESSED_FOR: Duration = Duration::from_millis(2);

/// How long the answer to what was no message is given to arrive before the connection is gone.
const LINGER_MAX: Duration = Duration::from_secs(1);

/// How long accepting pauses when the system gives no more sockets.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// All streams of the process.
pub struct Streams {
    flows: Flows,
    steering: Arc<Steering>,
    doors: Vec<Door>,
    runtime: Handle,
    tally: Mutex<Counters>,
}

/// How a round of reading ended.
enum Heard {
    /// There may be more.
    Something,
    /// The peer closed, or the connection broke.
    End,
    /// The stream makes no sense any more.
    Nonsense(Malformed),
}

impl Streams {
    /// None yet. Their tasks run on `runtime`.
    pub fn new(
        steering: Arc<Steering>,
        doors: Vec<Door>,
        limits: ConnectionLimits,
        runtime: Handle,
    ) -> Arc<Streams> {
        let (flows, tally) = (Flows::new(limits), Mutex::default());
        Arc::new(Streams { flows, steering, doors, runtime, tally })
    }

    /// Accepts connections from now on.
    pub fn listen(
        self: &Arc<Streams>,
        listener: ListenerId,
        socket: std::net::TcpListener,
    ) -> io::Result<()> {
        let _inside = self.runtime.enter();
        let socket = TcpListener::from_std(socket)?;
        self.runtime.spawn(Arc::clone(self).accept(listener, socket));
        Ok(())
    }

    /// The connection a message is to travel by: one that stands, or one that is dialled now.
    /// `None` if there is none and can be none.
    pub fn connection(self: &Arc<Streams>, hop: &Hop) -> Option<Arc<Connection>> {
        match *hop {
            Hop::Flow(Flow::Stream { connection, .. }) => self.flows.find(connection),
            Hop::Flow(_) => None,
            Hop::Dial { listener, address, .. } => {
                self.flows.find_to(address).or_else(|| self.dial(listener, address))
            }
        }
    }

    /// Queues a message of a shard.
    pub fn queue(&self, connection: &Connection, shard: usize, transmit: Transmit) -> Queued {
        let queued = connection.queue(Letter::of(shard, transmit));
        if queued == Queued::Clogged {
            self.count(|counters| counters.connections_clogged += 1);
            debug!(event = "connection_clogged", peer = %connection.peer);
        }
        queued
    }

    /// What happened on streams, counted.
    pub fn counters(&self) -> Counters {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many connections there are.
    pub fn len(&self) -> usize {
        self.flows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.flows.is_empty()
    }

    async fn accept(self: Arc<Streams>, listener: ListenerId, socket: TcpListener) {
        let mut is_short = false;
        loop {
            let (stream, peer) = match socket.accept().await {
                Ok(accepted) => accepted,
                Err(fault) if is_of_one_peer(&fault) => continue,
                Err(fault) => {
                    if !is_short {
                        warn!(event = "accept_failed", listener = listener.0, reason = %fault);
                    }
                    is_short = true;
                    sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            is_short = false;
            match self.flows.enter(listener, peer) {
                Some(connection) => {
                    self.count(|counters| counters.connections_accepted += 1);
                    connection.open(prepared(stream));
                    self.runtime.spawn(Arc::clone(&self).serve(connection));
                }
                None => {
                    self.count(|counters| counters.connections_refused += 1);
                    debug!(event = "connection_refused", %peer);
                }
            }
        }
    }

    fn dial(
        self: &Arc<Streams>,
        listener: ListenerId,
        address: SocketAddr,
    ) -> Option<Arc<Connection>> {
        let connection = self.flows.enter(listener, address)?;
        self.count(|counters| counters.connections_dialled += 1);
        let streams = Arc::clone(self);
        let dialled = Arc::clone(&connection);
        self.runtime.spawn(async move {
            match timeout(DIAL_MAX, streams.connect(listener, address)).await {
                Ok(Ok(stream)) => {
                    dialled.open(prepared(stream));
                    dialled.flush();
                    streams.serve(dialled).await;
                }
                _ => {
                    debug!(event = "dial_failed", peer = %address);
                    streams.close(&dialled);
                }
            }
        });
        Some(connection)
    }

    /// Connects from the address of a listener, unless that is any.
    async fn connect(&self, listener: ListenerId, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = match address {
            SocketAddr::V4(_) => TcpSocket::new_v4()?,
            SocketAddr::V6(_) => TcpSocket::new_v6()?,
        };
        if let Some(door) = self.doors.get(usize::from(listener.0))
            && !door.local.ip().is_unspecified()
        {
            socket.bind(SocketAddr::new(door.local.ip(), 0))?;
        }
        socket.connect(address).await
    }

    /// Reads and writes a connection until it ends.
    async fn serve(self: Arc<Streams>, connection: Arc<Connection>) {
        let Some(stream) = connection.stream() else { return self.close(&connection) };
        let mut framer = Framer::new(Limits::default());
        let mut watch = Watch::new(Instant::now());
        loop {
            tokio::select! {
                ready = stream.readable() => {
                    let heard = match ready {
                        Ok(()) => self.read(stream, &connection, &mut framer),
                        Err(_) => Heard::End,
                    };
                    watch.heard(Instant::now(), framer.is_mid_message());
                    match heard {
                        Heard::Something => self.ease().await,
                        Heard::End => break,
                        Heard::Nonsense(fault) => {
                            self.dismiss(stream, &connection, &framer, fault).await;
                            break;
                        }
                    }
                }
                () = connection.has_to_write() => connection.flush(),
                () = sleep_until(watch.until(Instant::now())) => {
                    if watch.is_over(Instant::now(), connection.stalled_at()) {
                        break;
                    }
                }
            }
            if connection.is_closed() {
                break;
            }
        }
        self.close(&connection);
    }

    fn read(&self, stream: &TcpStream, connection: &Connection, framer: &mut Framer) -> Heard {
        let mut octets = [0; READ_OCTETS];
        for _ in 0..READS_AT_ONCE {
            match stream.try_read(&mut octets) {
                Ok(0) => return Heard::End,
                Ok(count) => framer.push(octets.get(..count).unwrap_or_default()),
                Err(fault) if fault.kind() == io::ErrorKind::WouldBlock => return Heard::Something,
                Err(_) => return Heard::End,
            }
            let taken = self.take_whole(connection, framer);
            self.steering.ring();
            if let Err(fault) = taken {
                return Heard::Nonsense(fault);
            }
        }
        Heard::Something
    }

    /// Takes what is whole of what was read.
    fn take_whole(&self, connection: &Connection, framer: &mut Framer) -> Result<(), Malformed> {
        while let Some(frame) = framer.next()? {
            match frame {
                Frame::Ping => self.sees_to(connection, connection.pong()),
                Frame::Message(octets) => self.take(connection, &octets),
            }
        }
        Ok(())
    }

    /// One message from a stream goes home. It gets octets of its own: what is kept of it must
    /// not keep all that was read with it.
    fn take(&self, connection: &Connection, octets: &[u8]) {
        let (flow, peer) = (connection.flow(), connection.peer);
        let message = match parse::message(Bytes::copy_from_slice(octets)) {
            Ok(message) => message,
            Err(fault) => return self.answer_malformed(connection, octets, &fault),
        };
        let anywhere = usize::try_from(connection.id.0).unwrap_or(0);
        let anywhere = anywhere.checked_rem(self.steering.inboxes().len()).unwrap_or(0);
        let home = self.steering.home(&message, anywhere);
        let Err(message) = self.steering.deliver(home, message, flow) else { return };
        match self.steering.busy(&message, peer) {
            Some((answer, _)) => {
                self.count(|counters| counters.busy_answered += 1);
                self.reply(connection, answer);
            }
            None => self.count(|counters| counters.busy_dropped += 1),
        }
    }

    fn answer_malformed(&self, connection: &Connection, octets: &[u8], fault: &Malformed) {
        debug!(event = "malformed", peer = %connection.peer, reason = %fault);
        match parse::answer(octets, fault, connection.peer) {
            Some((answer, _)) => {
                self.count(|counters| counters.malformed_answered += 1);
                self.reply(connection, answer);
            }
            None => self.count(|counters| counters.malformed_dropped += 1),
        }
    }

    fn reply(&self, connection: &Connection, octets: Bytes) {
        self.sees_to(connection, connection.queue(Letter::plain(octets)));
    }

    fn sees_to(&self, connection: &Connection, queued: Queued) {
        match queued {
            Queued::First => connection.flush(),
            Queued::Behind => {}
            Queued::Closed | Queued::Clogged => self.count(|counters| counters.unsent += 1),
        }
    }

    /// Answers a stream whose next boundary nobody knows, and lets the answer arrive: a socket
    /// closed with octets unread takes back what it sent last.
    async fn dismiss(
        &self,
        stream: &TcpStream,
        connection: &Connection,
        framer: &Framer,
        fault: Malformed,
    ) {
        self.answer_malformed(connection, framer.pending(), &fault);
        let _ = SockRef::from(stream).shutdown(Shutdown::Write);
        let rest = async {
            let mut octets = [0; 1024];
            while stream.readable().await.is_ok() {
                match stream.try_read(&mut octets) {
                    Ok(0) => return,
                    Err(fault) if fault.kind() != io::ErrorKind::WouldBlock => return,
                    _ => {}
                }
            }
        };
        let _ = timeout(LINGER_MAX, rest).await;
    }

    /// Waits while the shards are pressed: who sends on a stream can be made to wait.
    async fn ease(&self) {
        while self.steering.is_pressed() {
            sleep(PRESSED_FOR).await;
        }
    }

    /// Takes a connection out; requests that were not written are given up.
    fn close(&self, connection: &Connection) {
        self.flows.leave(connection);
        let letters = connection.close();
        self.count(|counters| counters.unsent += letters.len() as u64);
        for (shard, key) in letters.iter().filter_map(Letter::request) {
            if let Some(inbox) = self.steering.inbox(shard) {
                inbox.tell(Notice::Input(Input::Undeliverable(key)));
            }
        }
    }

    fn count(&self, add: impl FnOnce(&mut Counters)) {
        add(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// How long a connection may go on as it does.
struct Watch {
    heard_at: Instant,
    /// Since when a message is incomplete.
    begun_at: Option<Instant>,
    /// Since when so many octets have been written and no more.
    stalled: Option<(Instant, u64)>,
}

impl Watch {
    fn new(now: Instant) -> Watch {
        Watch { heard_at: now, begun_at: None, stalled: None }
    }

    /// Something was read; is the last message incomplete?
    fn heard(&mut self, now: Instant, is_mid_message: bool) {
        self.heard_at = now;
        self.begun_at = is_mid_message.then(|| self.begun_at.unwrap_or(now));
    }

    /// When to look again. Writing that stalls is looked for now and then.
    fn until(&self, now: Instant) -> Instant {
        let idle = self.heard_at + CONNECTION_IDLE_MAX;
        let stuck = self.begun_at.map_or(idle, |begun| begun + STREAM_MESSAGE_MAX);
        idle.min(stuck).min(now + CONNECTION_STALLED_MAX)
    }

    /// Whether it must end; `stalled_at` is how far writing has come if more waits.
    fn is_over(&mut self, now: Instant, stalled_at: Option<u64>) -> bool {
        self.stalled = stalled_at.map(|written| match self.stalled {
            Some((since, before)) if before == written => (since, written),
            _ => (now, written),
        });
        let is_stalled =
            self.stalled.is_some_and(|(since, _)| now >= since + CONNECTION_STALLED_MAX);
        let is_stuck = self.begun_at.is_some_and(|begun| now >= begun + STREAM_MESSAGE_MAX);
        is_stalled || is_stuck || now >= self.heard_at + CONNECTION_IDLE_MAX
    }
}

/// Writes are gathered by us, so the kernel need not wait for more.
fn prepared(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

/// Whether an accept failed because of who called, and the next may work.
fn is_of_one_peer(fault: &io::Error) -> bool {
    matches!(
        fault.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::base::limits::CONNECTION_QUEUE_OCTETS_MAX;
    use crate::base::mint::Secret;
    use crate::shard::served::Served;
    use crate::transport::inbox::inbox;

    const SECOND: Duration = Duration::from_secs(1);

    struct Bench {
        streams: Arc<Streams>,
        address: SocketAddr,
        _runtime: tokio::runtime::Runtime,
    }

    fn bench() -> Bench {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (inbox, _takings) = inbox().expect("a pipe");
        let of_nobody = Served::new(&Default::default(), &[], Arc::default());
        let steering = Steering::new(Secret::new([0; 16]), of_nobody, vec![Arc::new(inbox)]);
        let streams = Streams::new(
            Arc::new(steering),
            Vec::new(),
            ConnectionLimits::default(),
            runtime.handle().clone(),
        );
        let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
        socket.set_nonblocking(true).expect("set");
        let address = socket.local_addr().expect("bound");
        streams.listen(ListenerId(0), socket).expect("listening");
        Bench { streams, address, _runtime: runtime }
    }

    fn wait_until(is_so: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_so() {
            assert!(started.elapsed() < 5 * SECOND, "in time");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_peer_that_does_not_read_is_cut_off() {
        let bench = bench();
        let mut peer = std::net::TcpStream::connect(bench.address).expect("connected");
        let to = peer.local_addr().expect("bound");
        wait_until(|| bench.streams.flows.find_to(to).is_some());
        let connection = bench.streams.flows.find_to(to).expect("there");
        let piece = Bytes::from(vec![b'x'; CONNECTION_QUEUE_OCTETS_MAX / 16]);
        let mut queued = 0;
        while connection.queue(Letter::plain(piece.clone())) != Queued::Clogged {
            connection.flush();
            queued += 1;
        }
        // What the kernel holds comes on top of the bound.
        assert!((16..64).contains(&queued), "{queued}");
        wait_until(|| bench.streams.is_empty());
        peer.set_read_timeout(Some(5 * SECOND)).expect("set");
        let mut rest = Vec::new();
        let _ = peer.read_to_end(&mut rest);
        assert!(rest.len() < queued * piece.len());
    }

    #[test]
    fn a_peer_that_reads_slowly_gets_everything() {
        let bench = bench();
        let mut peer = std::net::TcpStream::connect(bench.address).expect("connected");
        let to = peer.local_addr().expect("bound");
        wait_until(|| bench.streams.flows.find_to(to).is_some());
        let connection = bench.streams.flows.find_to(to).expect("there");
        let pieces: Vec<Bytes> = (0..200u8).map(|n| Bytes::from(vec![n; 50_000])).collect();
        for piece in &pieces {
            connection.queue(Letter::plain(piece.clone()));
        }
        connection.flush();
        assert!(connection.stalled_at().is_some(), "more than the kernel takes at once");
        for piece in &pieces {
            let mut octets = vec![0; piece.len()];
            peer.read_exact(&mut octets).expect("everything");
            assert!(octets == *piece, "as it was queued");
        }
        wait_until(|| connection.stalled_at().is_none());
    }

    #[test]
    fn a_connection_is_watched_for_silence_halves_and_stalls() {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        assert_eq!(watch.until(start), start + CONNECTION_STALLED_MAX);
        assert!(!watch.is_over(start + CONNECTION_IDLE_MAX - SECOND, None));
        assert!(watch.is_over(start + CONNECTION_IDLE_MAX, None));
        // A message that trickles in is measured from its beginning.
        watch.heard(start, true);
        watch.heard(start + STREAM_MESSAGE_MAX - SECOND, true);
        assert!(!watch.is_over(start + STREAM_MESSAGE_MAX - SECOND, None));
        assert!(watch.is_over(start + STREAM_MESSAGE_MAX, None));
        watch.heard(start + STREAM_MESSAGE_MAX, false);
        assert!(!watch.is_over(start + STREAM_MESSAGE_MAX, None));
        // Writing that moves does not stall.
        let mut watch = Watch::new(start);
        assert!(!watch.is_over(start, Some(10)));
        assert!(!watch.is_over(start + CONNECTION_STALLED_MAX, Some(11)));
        assert!(!watch.is_over(start + 2 * CONNECTION_STALLED_MAX - SECOND, Some(11)));
        assert!(watch.is_over(start + 2 * CONNECTION_STALLED_MAX, Some(11)));
    }
}
