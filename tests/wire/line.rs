//! A phone on a connection.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use fanal::sip::stream::{Frame, Framer, Limits};
use fanal::sip::{Message, Request, Response, parse};

use crate::phone::{PATIENCE, Sketch, fresh, ok, options, subscribe_lines};

/// A phone that speaks on a connection.
pub struct Line {
    pub stream: TcpStream,
    framer: Framer,
}

impl Line {
    pub fn connect(agent: SocketAddr) -> Line {
        Line::over(TcpStream::connect(agent).expect("connected"))
    }

    /// The next connection to a listener; `None` if none comes in time.
    pub fn accept(listener: &TcpListener, patience: Duration) -> Option<Line> {
        listener.set_nonblocking(true).expect("set");
        let step = Duration::from_millis(5);
        for _ in 0..patience.as_millis() / step.as_millis() {
            if let Ok((stream, _)) = listener.accept() {
                stream.set_nonblocking(false).expect("set");
                return Some(Line::over(stream));
            }
            std::thread::sleep(step);
        }
        None
    }

    fn over(stream: TcpStream) -> Line {
        stream.set_nodelay(true).expect("set");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        Line { stream, framer: Framer::new(Limits::default()) }
    }

    pub fn local(&self) -> SocketAddr {
        self.stream.local_addr().expect("connected")
    }

    pub fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.stream.write_all(octets.as_ref()).expect("sent");
    }

    /// Octets as they come; none when the other side closed.
    pub fn octets(&mut self) -> Vec<u8> {
        let mut octets = vec![0; 65_535];
        let count = self.stream.read(&mut octets).expect("something in time");
        octets.truncate(count);
        octets
    }

    pub fn hear(&mut self) -> Message {
        loop {
            match self.framer.next().expect("frames") {
                Some(Frame::Message(octets)) => return parse::message(octets).expect("a message"),
                Some(Frame::Ping) => {}
                None => {
                    let octets = self.octets();
                    assert!(!octets.is_empty(), "closed while something was waited for");
                    self.framer.push(&octets);
                }
            }
        }
    }

    pub fn response(&mut self) -> Response {
        loop {
            match self.hear() {
                Message::Response(response) => return response,
                Message::Request(request) => self.answer(&request),
            }
        }
    }

    pub fn request(&mut self) -> Request {
        loop {
            if let Message::Request(request) = self.hear() {
                self.answer(&request);
                return request;
            }
        }
    }

    pub fn answer(&mut self, request: &Request) {
        let peer = self.stream.peer_addr().expect("connected");
        self.send(ok(request, peer));
    }

    /// A request outside a dialog that anybody answers.
    pub fn options(&self, call_id: &str) -> String {
        options("TCP", self.local(), call_id)
    }

    /// A SUBSCRIBE to the calls of `user`, to be told on this line.
    pub fn subscribe(&self, user: &str) -> String {
        Sketch {
            method: "SUBSCRIBE",
            uri: &format!("sip:{user}@example.com"),
            transport: "TCP",
            sent_by: self.local(),
            from: "watcher",
            to_tag: None,
            call_id: &format!("s{}", fresh()),
            cseq: 1,
            lines: &subscribe_lines(&format!("sip:watcher@{};transport=tcp", self.local()), 600),
            body: "",
        }
        .text()
    }
}
