//! One connection: messages cut from the stream, everything that waits written at once.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use memchr::{memchr, memmem};
use socket2::{Domain, Protocol, Socket, Type};

use super::outbox::Outbox;

/// Room for what comes; a message longer than that ends the connection.
const BUFFER_OCTETS: usize = 1024 * 1024;

/// Reads in a row, so that no connection starves the others.
const READS: usize = 4;

/// A connection that is not made within this time is not made.
const CONNECT: Duration = Duration::from_secs(5);

/// A connection to the server.
pub struct Stream {
    socket: TcpStream,
    octets: Vec<u8>,
    filled: usize,
}

impl Stream {
    /// Connects.
    pub fn open(local: Option<SocketAddr>, server: SocketAddr) -> io::Result<Stream> {
        let socket = Socket::new(Domain::for_address(server), Type::STREAM, Some(Protocol::TCP))?;
        if let Some(local) = local {
            socket.bind(&local.into())?;
        }
        socket.connect_timeout(&server.into(), CONNECT)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        Ok(Stream { socket: socket.into(), octets: Vec::new(), filled: 0 })
    }

    /// The socket.
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Hands over the messages that are whole. Ends with `false` when the connection does.
    pub fn receive(&mut self, mut hear: impl FnMut(&[u8])) -> io::Result<bool> {
        if self.octets.is_empty() {
            self.octets = vec![0; BUFFER_OCTETS];
        }
        for _ in 0..READS {
            let free = self.octets.get_mut(self.filled..).unwrap_or_default();
            let room = free.len();
            if room == 0 {
                return Ok(false);
            }
            let read = match self.socket.read(free) {
                Ok(0) => return Ok(false),
                Ok(read) => read,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return Ok(true),
                    io::ErrorKind::Interrupted => continue,
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return Ok(false),
                    _ => return Err(error),
                },
            };
            self.filled += read;
            let filled = self.octets.get(..self.filled).unwrap_or_default();
            let used = cut(filled, &mut hear);
            self.octets.copy_within(used..self.filled, 0);
            self.filled -= used;
            if read < room {
                break;
            }
        }
        Ok(true)
    }

    /// Writes as far as there is room. Ends with `false` when the connection has ended.
    pub fn send(&mut self, outbox: &mut Outbox) -> io::Result<bool> {
        while !outbox.is_empty() {
            match self.socket.write(outbox.octets()) {
                Ok(written) => outbox.sent(written),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => break,
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => return Ok(false),
                    _ => return Err(error),
                },
            }
        }
        Ok(true)
    }
}

/// Hands over each whole message; says how many octets were used.
fn cut(octets: &[u8], hear: &mut impl FnMut(&[u8])) -> usize {
    let mut used = 0;
    loop {
        let rest = octets.get(used..).unwrap_or_default();
        // Line ends between messages keep the path open.
        let blank = rest.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
        let rest = rest.get(blank..).unwrap_or_default();
        let Some(message) = message_octets(rest).and_then(|octets| rest.get(..octets)) else {
            return used + blank;
        };
        hear(message);
        used += blank + message.len();
    }
}

/// Octets of the first message, header and body; `None` while its header is not whole.
fn message_octets(octets: &[u8]) -> Option<usize> {
    let head = memmem::find(octets, b"\r\n\r\n")? + 4;
    let mut rest = octets.get(..head)?;
    let mut body = 0;
    while let Some(end) = memchr(b'\n', rest) {
        let line = rest.get(..end)?;
        rest = rest.get(end + 1..)?;
        let Some(colon) = memchr(b':', line) else { continue };
        let name = line.get(..colon)?.trim_ascii();
        if name.eq_ignore_ascii_case(b"Content-Length") || name.eq_ignore_ascii_case(b"l") {
            let digits = str::from_utf8(line.get(colon + 1..)?.trim_ascii()).ok()?;
            body = digits.parse().ok()?;
            break;
        }
    }
    head.checked_add(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_wherever_the_stream_was() {
        let stream = b"\r\n\r\nA b SIP/2.0\r\nContent-Length: 3\r\n\r\nabcSIP/2.0 200 OK\r\n\
            l : 0\r\n\r\n\r\nC d SIP/2.0\r\nX: y\r\n\r\n";
        for split in 0..stream.len() {
            let mut heard = Vec::new();
            let mut hear = |octets: &[u8]| heard.push(octets.to_vec());
            let used = cut(&stream[..split], &mut hear);
            cut(&stream[used..], &mut hear);
            assert_eq!(heard.len(), 3, "{split}");
            assert!(heard[0].ends_with(b"\r\n\r\nabc"), "{split}");
            assert!(heard[2].starts_with(b"C d"), "{split}");
        }
    }

    #[test]
    fn a_length_that_is_none_waits_for_ever() {
        let mut hear = |_: &[u8]| panic!("not a message");
        assert_eq!(cut(b"A b SIP/2.0\r\nContent-Length: x\r\n\r\n", &mut hear), 0);
        let most = format!("A b SIP/2.0\r\nl: {}\r\n\r\n", usize::MAX);
        assert_eq!(cut(most.as_bytes(), &mut hear), 0);
    }
}
