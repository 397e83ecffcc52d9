//! Messages cut from a stream (RFC 3261 §18.3), and the pings between them (RFC 5626 §4.4.1).

use std::sync::LazyLock;

use bytes::{Bytes, BytesMut};
use memchr::memmem;

use crate::base::limits::{HEADER_OCTETS_MAX, MESSAGE_OCTETS_MAX};
use crate::sip::parse::{self, Malformed};
use crate::sip::status::Status;

/// Cuts a stream into messages. After a fault the stream has no known boundary any more: the
/// fault is answered, the connection closed.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    state: State,
}

/// How much of a message is held before it is refused.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The whole message, in octets.
    pub message_octets: usize,
    /// Start line and headers, in octets.
    pub header_octets: usize,
}

/// What a stream carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// One message, for [`parse::message`].
    Message(Bytes),
    /// A double CR LF, answered with one CR LF.
    Ping,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Between two messages, or inside a header section whose first `searched` octets hold no end.
    Head { searched: usize },
    /// A whole header section is there, and announces this much in all.
    Body { message_octets: usize },
    /// Nothing after this can be trusted.
    Lost(Malformed),
}

static HEAD_END: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(b"\r\n\r\n"));

impl Default for Limits {
    fn default() -> Limits {
        Limits { message_octets: MESSAGE_OCTETS_MAX, header_octets: HEADER_OCTETS_MAX }
    }
}

impl Framer {
    /// For a new connection.
    pub fn new(limits: Limits) -> Framer {
        Framer { limits, buffer: BytesMut::new(), state: State::Head { searched: 0 } }
    }

    /// Takes what was read.
    pub fn push(&mut self, octets: &[u8]) {
        self.buffer.extend_from_slice(octets);
    }

    /// The next frame, `None` until more is read; a fault stays a fault.
    #[allow(clippy::should_implement_trait, reason = "None is not the end here")]
    pub fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        let outcome = self.advance();
        if let Err(fault) = outcome {
            self.state = State::Lost(fault);
        }
        outcome
    }

    /// Whether a message has begun and not ended: such a connection is not idle but stuck.
    pub fn is_mid_message(&self) -> bool {
        match self.state {
            State::Head { .. } => self.buffer.iter().any(|b| !matches!(b, b'\r' | b'\n')),
            State::Body { .. } => true,
            State::Lost(_) => false,
        }
    }

    /// What was pushed and not yet given out; after a fault, what is to be answered.
    pub fn pending(&self) -> &[u8] {
        &self.buffer
    }

    fn advance(&mut self) -> Result<Option<Frame>, Malformed> {
        loop {
            match self.state {
                State::Lost(fault) => return Err(fault),
                State::Head { searched: 0 } if self.buffer.starts_with(b"\r") => {
                    match self.between() {
                        Some(frame) => return Ok(frame),
                        None => continue,
                    }
                }
                State::Head { searched } => match self.end_of_head(searched)? {
                    Some(message_octets) => self.state = State::Body { message_octets },
                    None => return Ok(None),
                },
                State::Body { message_octets } if self.buffer.len() < message_octets => {
                    return Ok(None);
                }
                State::Body { message_octets } => {
                    self.state = State::Head { searched: 0 };
                    let message = self.buffer.split_to(message_octets).freeze();
                    return Ok(Some(Frame::Message(message)));
                }
            }
        }
    }

    /// Line ends between messages: two are a ping, one is nothing, half a pair is waited for.
    /// `None` if something was skipped.
    fn between(&mut self) -> Option<Option<Frame>> {
        match &self.buffer[..] {
            [b'\r', b'\n', b'\r', b'\n', ..] => {
                let _ = self.buffer.split_to(4);
                Some(Some(Frame::Ping))
            }
            [b'\r'] | [b'\r', b'\n'] | [b'\r', b'\n', b'\r'] => Some(None),
            [b'\r', b'\n', ..] => {
                let _ = self.buffer.split_to(2);
                None
            }
            _ => {
                let _ = self.buffer.split_to(1);
                None
            }
        }
    }

    /// How long the message is, once its header section is whole.
    fn end_of_head(&mut self, searched: usize) -> Result<Option<usize>, Malformed> {
        let from = searched.saturating_sub(3);
        let rest = self.buffer.get(from..).unwrap_or_default();
        let Some(found) = HEAD_END.find(rest) else {
            if self.buffer.len() > self.limits.header_octets {
                return Err(self.too_large("a smaller header section"));
            }
            let searched = self.buffer.len();
            self.state = State::Head { searched };
            return Ok(None);
        };
        let head_octets = from + found + 4;
        if head_octets > self.limits.header_octets {
            return Err(self.too_large("a smaller header section"));
        }
        let head = self.buffer.get(..head_octets).unwrap_or_default();
        let body_octets = parse::announced_octets(head)?;
        head_octets
            .checked_add(body_octets)
            .filter(|octets| *octets <= self.limits.message_octets)
            .map(Some)
            .ok_or_else(|| self.too_large("a smaller message"))
    }

    fn too_large(&self, what: &'static str) -> Malformed {
        Malformed { offset: self.buffer.len(), what, status: Status::MESSAGE_TOO_LARGE }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "OPTIONS sip:h SIP/2.0\r\nl: 3\r\n\r\nabc";

    fn framer() -> Framer {
        Framer::new(Limits::default())
    }

    fn all(framer: &mut Framer) -> Vec<Frame> {
        std::iter::from_fn(|| framer.next().expect("no fault")).collect()
    }

    fn message(text: &str) -> Frame {
        Frame::Message(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn messages_joined_in_one_read_are_cut() {
        let mut framer = framer();
        framer.push(ONE.repeat(3).as_bytes());
        assert_eq!(all(&mut framer), [message(ONE), message(ONE), message(ONE)]);
        assert!(!framer.is_mid_message());
    }

    #[test]
    fn a_message_split_at_every_octet_is_joined() {
        let mut framer = framer();
        for octet in &ONE.as_bytes()[..ONE.len() - 1] {
            framer.push(&[*octet]);
            assert_eq!(framer.next(), Ok(None));
            assert!(framer.is_mid_message());
        }
        framer.push(b"c");
        assert_eq!(all(&mut framer), [message(ONE)]);
    }

    #[test]
    fn a_double_line_end_is_a_ping_and_a_single_one_is_nothing() {
        let mut framer = framer();
        framer.push(b"\r\n\r");
        assert_eq!(framer.next(), Ok(None));
        assert!(!framer.is_mid_message());
        framer.push(b"\n\r\n");
        framer.push(ONE.as_bytes());
        assert_eq!(all(&mut framer), [Frame::Ping, message(ONE)]);
    }

    #[test]
    fn a_length_that_is_missing_wrong_or_told_twice_loses_the_stream() {
        for head in [
            "OPTIONS sip:h SIP/2.0\r\n\r\n",
            "OPTIONS sip:h SIP/2.0\r\nl: five\r\n\r\n",
            "OPTIONS sip:h SIP/2.0\r\nl: -5\r\n\r\n",
            "OPTIONS sip:h SIP/2.0\r\nl: 5\r\nContent-Length: 6\r\n\r\n",
        ] {
            let mut framer = framer();
            framer.push(head.as_bytes());
            let fault = framer.next().unwrap_err();
            assert_eq!(fault.status, Status::BAD_REQUEST, "{head}");
            assert_eq!(framer.pending(), head.as_bytes());
            framer.push(ONE.as_bytes());
            assert_eq!(framer.next(), Err(fault), "{head}");
        }
    }

    #[test]
    fn a_fault_that_leaves_the_length_known_leaves_the_stream() {
        let bad = "OPTIONS  sip:h\r\nno colon\r\nContent-Length :\r\n 0\r\n\r\n";
        let mut framer = framer();
        framer.push(bad.as_bytes());
        framer.push(ONE.as_bytes());
        assert_eq!(all(&mut framer), [message(bad), message(ONE)]);
    }

    #[test]
    fn the_largest_message_and_one_octet_more() {
        let limits = Limits { message_octets: ONE.len(), header_octets: ONE.len() - 3 };
        let mut framer = Framer::new(limits);
        framer.push(ONE.as_bytes());
        assert_eq!(all(&mut framer), [message(ONE)]);
        framer.push(ONE.replace("l: 3", "l: 4").as_bytes());
        assert_eq!(framer.next().map_err(|fault| fault.status), Err(Status::MESSAGE_TOO_LARGE));
        let mut framer = Framer::new(limits);
        framer.push("x".repeat(ONE.len() - 2).as_bytes());
        assert_eq!(framer.next().map_err(|fault| fault.status), Err(Status::MESSAGE_TOO_LARGE));
    }
}
