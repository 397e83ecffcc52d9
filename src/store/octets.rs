//! Numbers and texts to octets and back, bounded: what is read may be anything.

use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;

/// Appends values to a buffer.
#[derive(Debug, Default)]
pub struct Out {
    octets: Vec<u8>,
}

impl Out {
    /// Goes on in a buffer that may hold something already.
    pub fn over(octets: Vec<u8>) -> Out {
        Out { octets }
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.octets
    }

    /// What was written so far.
    pub fn as_slice(&self) -> &[u8] {
        &self.octets
    }

    /// How many octets were written so far.
    pub fn len(&self) -> usize {
        self.octets.len()
    }

    /// Forgets what was written and keeps the room for more.
    pub fn clear(&mut self) {
        self.octets.clear();
    }

    /// Gives back room above so many octets.
    pub fn shrink_to(&mut self, octets: usize) {
        self.octets.shrink_to(octets);
    }

    /// Octets as they are.
    pub fn raw(&mut self, value: &[u8]) -> &mut Out {
        self.octets.extend_from_slice(value);
        self
    }

    /// Writes over four octets that were written before.
    pub fn set_u32(&mut self, at: usize, value: u32) {
        self.octets[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }

    /// What `write` writes, with its length before it.
    pub fn sized(&mut self, write: impl FnOnce(&mut Out)) -> &mut Out {
        let at = self.len();
        write(self.u32(0));
        let length = u32::try_from(self.len() - at - 4).expect("messages are far below 4 GiB");
        self.set_u32(at, length);
        self
    }

    /// One octet.
    pub fn u8(&mut self, value: u8) -> &mut Out {
        self.octets.push(value);
        self
    }

    /// Two octets.
    pub fn u16(&mut self, value: u16) -> &mut Out {
        self.octets.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Four octets.
    pub fn u32(&mut self, value: u32) -> &mut Out {
        self.octets.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Eight octets.
    pub fn u64(&mut self, value: u64) -> &mut Out {
        self.octets.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// Sixteen octets.
    pub fn u128(&mut self, value: u128) -> &mut Out {
        self.octets.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A length and that many octets.
    pub fn octets(&mut self, value: &[u8]) -> &mut Out {
        let length = u32::try_from(value.len()).expect("messages are far below 4 GiB");
        self.u32(length);
        self.octets.extend_from_slice(value);
        self
    }

    /// A text.
    pub fn text(&mut self, value: &str) -> &mut Out {
        self.octets(value.as_bytes())
    }

    /// Whether there is a value, then the value.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Out, T)) -> &mut Out {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            write(self, value);
        }
        self
    }

    /// How many values, then each.
    pub fn list<T>(
        &mut self,
        values: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Out, T),
    ) -> &mut Out {
        self.u32(u32::try_from(values.len()).expect("lists are bounded by what made them"));
        for value in values {
            write(self, value);
        }
        self
    }

    /// An address, by family.
    pub fn ip(&mut self, value: IpAddr) -> &mut Out {
        match value {
            IpAddr::V4(ip) => self.u8(4).u32(ip.to_bits()),
            IpAddr::V6(ip) => self.u8(6).u128(ip.to_bits()),
        }
    }

    /// An address and a port.
    pub fn address(&mut self, value: SocketAddr) -> &mut Out {
        let scope = match value {
            SocketAddr::V4(_) => 0,
            SocketAddr::V6(v6) => v6.scope_id(),
        };
        self.ip(value.ip()).u16(value.port()).u32(scope)
    }
}

/// Takes values off the front; `None` when they are not there, and from then on.
#[derive(Clone, Debug)]
pub struct In<'a> {
    rest: &'a [u8],
}

impl<'a> In<'a> {
    /// Over what was written.
    pub fn new(octets: &'a [u8]) -> In<'a> {
        In { rest: octets }
    }

    /// Over what was written with one of these versions; the version and the rest.
    pub fn begin(octets: &'a [u8]) -> Option<(u8, In<'a>)> {
        let (version, rest) = octets.split_first()?;
        Some((*version, In { rest }))
    }

    /// How many octets are left.
    pub fn left(&self) -> usize {
        self.rest.len()
    }

    /// All of it was read.
    pub fn end(&self) -> Option<()> {
        self.rest.is_empty().then_some(())
    }

    /// One octet.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    /// Two octets.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four octets.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight octets.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }

    /// Sixteen octets.
    pub fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_be_bytes)
    }

    /// A length and that many octets.
    pub fn octets(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.u32()?).ok()?;
        let (octets, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(octets)
    }

    /// As [`In::octets`], to keep.
    pub fn bytes(&mut self) -> Option<Bytes> {
        self.octets().map(Bytes::copy_from_slice)
    }

    /// A text.
    pub fn text(&mut self) -> Option<&'a str> {
        self.octets().and_then(|octets| std::str::from_utf8(octets).ok())
    }

    /// A value that may be absent.
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.u8()? {
            0 => Some(None),
            1 => read(self).map(Some),
            _ => None,
        }
    }

    /// Values as many as there are said to be; the octets run out before memory does.
    pub fn list<T>(&mut self, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.u32()?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(read(self)?);
        }
        Some(values)
    }

    /// An address.
    pub fn ip(&mut self) -> Option<IpAddr> {
        match self.u8()? {
            4 => self.u32().map(|bits| std::net::Ipv4Addr::from_bits(bits).into()),
            6 => self.u128().map(|bits| std::net::Ipv6Addr::from_bits(bits).into()),
            _ => None,
        }
    }

    /// An address and a port.
    pub fn address(&mut self) -> Option<SocketAddr> {
        let (ip, port, scope) = (self.ip()?, self.u16()?, self.u32()?);
        let mut address = SocketAddr::new(ip, port);
        if let SocketAddr::V6(v6) = &mut address {
            v6.set_scope_id(scope);
        }
        Some(address)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (octets, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*octets)
    }
}
