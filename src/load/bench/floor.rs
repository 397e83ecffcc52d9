//! What the kernel alone takes for a NOTIFY and its answer on this machine: 1,000 octets out to
//! many addresses, 300 back, nothing read or written in between.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::datagrams::{Buffers, Datagrams};
use super::gauge::Gauge;
use super::outbox::{Dice, Outbox};
use super::plan::Transport;
use super::wire::Wire;

/// Octets of what stands for a NOTIFY.
const OUT_OCTETS: usize = 1000;

/// Octets of what stands for its answer.
const BACK_OCTETS: usize = 300;

/// Requests in flight.
const WINDOW: usize = 512;

/// Octets read or written at once on a stream.
const CHUNK_OCTETS: usize = 64 * 1024;

/// Before this time nothing is measured.
const WARM_UP: Duration = Duration::from_millis(300);

/// What is in flight after so long a silence is lost.
const SILENCE: u16 = 100;

/// How the server's side sends and receives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Datagrams, many in one call of the kernel.
    Batches,
    /// Datagrams, one in each call.
    Singles,
    /// One connection, as much as there is in each call.
    Stream,
}

impl Way {
    /// All of them.
    pub const ALL: [Way; 3] = [Way::Batches, Way::Singles, Way::Stream];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Way::Batches => "udp_batches",
            Way::Singles => "udp_singles",
            Way::Stream => "tcp_stream",
        }
    }
}

/// What one way takes.
#[derive(Clone, Copy, Debug)]
pub struct Floor {
    /// How.
    pub way: Way,
    /// Requests that were answered.
    pub pairs: u64,
    /// The server's side's time for all of them.
    pub cpu: Duration,
    /// How long it went.
    pub lasted: Duration,
}

impl Floor {
    /// Time for a request and its answer, in microseconds.
    pub fn micros(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.pairs.max(1) as f64
    }
}

/// Measures one way with this many sockets on the phones' side: the server's side is this
/// program once more, so that its time is its own.
pub fn measure(way: Way, sockets: usize, lasts: Duration) -> io::Result<Floor> {
    let mut server = Server(
        Command::new(std::env::current_exe()?)
            .args(["bench", "floor", "--side", way.name(), "--for"])
            .arg(format!("{}ms", lasts.as_millis()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?,
    );
    let ended = || io::Error::other("the other side ended too early");
    let mut told = BufReader::new(server.0.stdout.take().ok_or_else(ended)?);
    let mut line = String::new();
    told.read_line(&mut line)?;
    let address: SocketAddr = line.trim().parse().map_err(|_| ended())?;
    let (transport, links) = match way {
        Way::Stream => (Transport::Tcp, 1),
        _ => (Transport::Udp, sockets),
    };
    let mut wire = Wire::open(address, transport, links)?;
    let locals: Vec<String> = wire.locals().map(|local| local.to_string()).collect();
    let mut telling = server.0.stdin.take().ok_or_else(ended)?;
    writeln!(telling, "{}", locals.join(" "))?;
    echo(&mut wire, links, &mut server.0)?;
    let mut line = String::new();
    told.read_line(&mut line)?;
    let mut numbers = line.split_ascii_whitespace().map(str::parse::<u64>);
    let mut next = || numbers.next().and_then(Result::ok).ok_or_else(ended);
    let (pairs, cpu, lasted) = (next()?, next()?, next()?);
    let (cpu, lasted) = (Duration::from_nanos(cpu), Duration::from_nanos(lasted));
    Ok(Floor { way, pairs, cpu, lasted })
}

/// Does not outlive a run that failed.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended is only collected.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Answers everything until the server's side has ended.
fn echo(wire: &mut Wire, links: usize, server: &mut Child) -> io::Result<()> {
    let back = filled("SIP/2.0 200 OK", BACK_OCTETS);
    let mut dice = Dice::new(1, 0.0);
    let mut outboxes: Vec<Outbox> = (0..links).map(|_| Outbox::default()).collect();
    let mut looked = Instant::now();
    loop {
        wire.wait(Duration::from_millis(20))?;
        while let Some(link) = wire.next_ready() {
            let Some(outbox) = outboxes.get_mut(link) else { continue };
            wire.receive(link, |_| {
                outbox.begin().extend_from_slice(&back);
                outbox.end(&mut dice);
            })?;
        }
        for (link, outbox) in outboxes.iter_mut().enumerate() {
            wire.send(link, outbox)?;
        }
        if looked.elapsed() > Duration::from_millis(100) {
            looked = Instant::now();
            if server.try_wait()?.is_some() {
                return Ok(());
            }
        }
    }
}

/// The server's side: tells its address, is told those of the phones, tells what it took.
pub fn serve(way: Way, lasts: Duration) -> io::Result<()> {
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let mut side = match way {
        Way::Batches => Side::Batches(Box::new(Datagrams::open_to_all(here)?)),
        Way::Singles => Side::Singles(UdpSocket::bind(here)?),
        Way::Stream => Side::Listening(TcpListener::bind(here)?),
    };
    println!("{}", side.address()?);
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let phones: Vec<SocketAddr> =
        line.split_ascii_whitespace().filter_map(|phone| phone.parse().ok()).collect();
    side.begin()?;
    let mut turns = Turns { side, phones, next: 0, buffers: Buffers::default() };
    turns.run(WARM_UP)?;
    let (began, before) = (Instant::now(), Gauge::own().cpu().unwrap_or_default());
    let pairs = turns.run(lasts)?;
    let cpu = Gauge::own().cpu().unwrap_or_default().saturating_sub(before);
    println!("{pairs} {} {}", cpu.as_nanos(), began.elapsed().as_nanos());
    Ok(())
}

enum Side {
    Batches(Box<Datagrams>),
    Singles(UdpSocket),
    Listening(TcpListener),
    Stream(TcpStream),
}

struct Turns {
    side: Side,
    phones: Vec<SocketAddr>,
    next: usize,
    buffers: Buffers,
}

impl Turns {
    /// Keeps the window full for so long; says how many answers came.
    fn run(&mut self, lasts: Duration) -> io::Result<u64> {
        let began = Instant::now();
        let request = filled("NOTIFY sip:p@127.0.0.1 SIP/2.0", OUT_OCTETS);
        let (mut in_flight, mut pairs, mut part) = (0, 0, 0);
        while began.elapsed() < lasts {
            self.send(&request, WINDOW - in_flight)?;
            in_flight = WINDOW;
            let fd = self.side.fd();
            let mut ready = [PollFd::new(fd, PollFlags::POLLIN)];
            if poll(&mut ready, PollTimeout::from(SILENCE))? == 0 {
                in_flight = 0;
                continue;
            }
            let found = self.receive(&mut part)?;
            in_flight = in_flight.saturating_sub(found);
            pairs += found as u64;
        }
        // The next run begins with nothing under way.
        while poll(
            &mut [PollFd::new(self.side.fd(), PollFlags::POLLIN)],
            PollTimeout::from(SILENCE),
        )? > 0
            && self.receive(&mut part)? > 0
        {}
        Ok(pairs)
    }

    fn send(&mut self, request: &[u8], count: usize) -> io::Result<()> {
        let Turns { side, phones, next, .. } = self;
        let mut to = phones.iter().copied().cycle().skip(*next % phones.len().max(1));
        *next = next.wrapping_add(count);
        match side {
            Side::Batches(datagrams) => {
                let (mut outbox, mut dice) = (Outbox::default(), Dice::new(1, 0.0));
                for _ in 0..count {
                    outbox.begin().extend_from_slice(request);
                    outbox.end(&mut dice);
                }
                datagrams.send(&mut outbox, to)?;
            }
            Side::Singles(socket) => {
                for address in to.by_ref().take(count) {
                    socket.send_to(request, address)?;
                }
            }
            Side::Stream(stream) => stream.write_all(&request.repeat(count))?,
            Side::Listening(_) => {}
        }
        Ok(())
    }

    /// Takes the answers that are there; says how many. `part` is what came of the next one.
    fn receive(&mut self, part: &mut usize) -> io::Result<usize> {
        let mut count = 0;
        match &mut self.side {
            Side::Batches(datagrams) => {
                datagrams.receive(&mut self.buffers, |_| count += 1)?;
            }
            Side::Singles(socket) => {
                let mut octets = [0; BACK_OCTETS];
                loop {
                    match socket.recv_from(&mut octets) {
                        Ok(_) => count += 1,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    }
                }
            }
            Side::Stream(stream) => {
                let mut octets = [0; CHUNK_OCTETS];
                *part += stream.read(&mut octets)?;
                count = *part / BACK_OCTETS;
                *part %= BACK_OCTETS;
            }
            Side::Listening(_) => {}
        }
        Ok(count)
    }
}

impl Side {
    fn address(&self) -> io::Result<SocketAddr> {
        match self {
            Side::Batches(datagrams) => datagrams.socket().local_addr(),
            Side::Singles(socket) => socket.local_addr(),
            Side::Listening(listener) => listener.local_addr(),
            Side::Stream(stream) => stream.local_addr(),
        }
    }

    /// The phones are there.
    fn begin(&mut self) -> io::Result<()> {
        match self {
            Side::Listening(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                *self = Side::Stream(stream);
            }
            Side::Singles(socket) => socket.set_nonblocking(true)?,
            _ => {}
        }
        Ok(())
    }

    fn fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Side::Batches(datagrams) => datagrams.socket().as_fd(),
            Side::Singles(socket) => socket.as_fd(),
            Side::Listening(listener) => listener.as_fd(),
            Side::Stream(stream) => stream.as_fd(),
        }
    }
}

/// A message of exactly so many octets.
fn filled(start: &str, octets: usize) -> Vec<u8> {
    let head = format!("{start}\r\nContent-Length: {octets:4}\r\n\r\n");
    let body = octets.saturating_sub(head.len());
    let head = format!("{start}\r\nContent-Length: {body:4}\r\n\r\n");
    let mut message = head.into_bytes();
    message.resize(octets, b'x');
    message
}
