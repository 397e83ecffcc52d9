//! Peers that are believed without a password (RFC 3325): by address, in CIDR notation.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A range of addresses, such as `10.1.0.0/16`, `2001:db8::/32` or one address alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cidr {
    network: IpAddr,
    /// Bits of the network, at most 32 or 128.
    prefix: u8,
}

impl Cidr {
    /// Whether an address lies in this range; `::ffff:10.1.2.3` is `10.1.2.3`.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.network, address.to_canonical()) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                first_bits(network.to_bits().into(), 32, self.prefix)
                    == first_bits(address.to_bits().into(), 32, self.prefix)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                first_bits(network.to_bits(), 128, self.prefix)
                    == first_bits(address.to_bits(), 128, self.prefix)
            }
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let fault = |what| CidrError { text: text.to_owned(), what };
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let written: IpAddr = address.parse().map_err(|_| {
            fault("write an address such as 192.0.2.7 or a range such as 10.0.0.0/8")
        })?;
        let written_bits = if written.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => written_bits,
            Some(digits) => {
                plain_number(digits).filter(|&prefix| prefix <= written_bits).ok_or_else(|| {
                    fault("after the slash stands a number of bits, at most 32 or 128")
                })?
            }
        };
        let network = written.to_canonical();
        // An IPv4-mapped range is a range of IPv4 addresses if its prefix says so.
        let prefix = match (written, network) {
            (IpAddr::V6(_), IpAddr::V4(_)) => prefix
                .checked_sub(96)
                .ok_or_else(|| fault("an IPv4-mapped range has at least 96 bits"))?,
            _ => prefix,
        };
        let (bits, width) = match network {
            IpAddr::V4(network) => (u128::from(network.to_bits()), 32),
            IpAddr::V6(network) => (network.to_bits(), 128),
        };
        // 10.1.2.3/8 is more likely a slip of the pen than the wish to trust all of 10.
        if first_bits(bits, width, prefix) != bits {
            return Err(fault("the address has bits beyond the range; make them zero"));
        }
        Ok(Cidr { network, prefix })
    }
}

impl TryFrom<String> for Cidr {
    type Error = CidrError;

    fn try_from(text: String) -> Result<Cidr, CidrError> {
        text.parse()
    }
}

impl From<Cidr> for String {
    fn from(range: Cidr) -> String {
        range.to_string()
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.network, self.prefix)
    }
}

/// Why a text is no range of addresses.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CidrError {
    text: String,
    what: &'static str,
}

impl fmt::Display for CidrError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no range of addresses: {}", self.text.escape_debug(), self.what)
    }
}

impl std::error::Error for CidrError {}

/// The peers that are believed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrustedPeers {
    ranges: Vec<Cidr>,
}

impl TrustedPeers {
    /// These ranges.
    pub fn new(ranges: Vec<Cidr>) -> TrustedPeers {
        TrustedPeers { ranges }
    }

    /// Whether a peer at this address is believed.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Whether nobody is.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

/// The number, with all but its first `prefix` of `width` bits zero.
fn first_bits(bits: u128, width: u8, prefix: u8) -> u128 {
    let below = width.saturating_sub(prefix);
    let kept = u128::MAX.checked_shl(below.into()).unwrap_or(0);
    bits & kept
}

fn plain_number(digits: &str) -> Option<u8> {
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        let range: Cidr = range.parse().expect("a range");
        range.contains(address.parse().expect("an address"))
    }

    #[test]
    fn a_range_ends_where_its_prefix_says() {
        for (range, inside, outside) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.8"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
        ] {
            assert!(contains(range, inside), "{range}");
            assert!(!contains(range, outside), "{range}");
        }
    }

    #[test]
    fn all_addresses_of_a_family_are_one_family() {
        assert!(contains("0.0.0.0/0", "255.255.255.255"));
        assert!(!contains("0.0.0.0/0", "::1"));
        assert!(contains("::/0", "2001:db8::1"));
        assert!(!contains("::/0", "192.0.2.1"));
    }

    #[test]
    fn a_mapped_address_is_its_ipv4_address() {
        assert!(contains("10.0.0.0/8", "::ffff:10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "10.1.2.3"));
        assert!(contains("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
        assert!(!contains("::ffff:10.0.0.0/104", "11.1.2.3"));
        assert!(contains("::ffff:10.1.2.3", "10.1.2.3"));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "::/129",
            "::/300",
            "10.0.0.1/8",
            "2001:db8::1/32",
            "::ffff:10.0.0.0/90",
            "10.0.0.0/8/8",
            "pbx.example.com",
            " 10.0.0.1",
        ] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }

    #[test]
    fn nobody_is_trusted_by_default() {
        let address: IpAddr = "127.0.0.1".parse().expect("an address");
        assert!(!TrustedPeers::default().contains(address));
        let peers = TrustedPeers::new(vec!["127.0.0.0/8".parse().expect("a range")]);
        assert!(peers.contains(address));
    }

    #[test]
    fn ranges_are_settings() {
        #[derive(Deserialize, Serialize)]
        struct Settings {
            trusted: TrustedPeers,
        }
        let text = "trusted = [\"10.0.0.0/8\", \"::1\"]\n";
        let settings: Settings = toml::from_str(text).expect("settings");
        assert!(contains("10.0.0.0/8", "10.9.9.9"));
        assert_eq!(
            toml::to_string(&settings).expect("text"),
            "trusted = [\"10.0.0.0/8\", \"::1/128\"]\n"
        );
        assert!(toml::from_str::<Settings>("trusted = [\"10/8\"]").is_err());
    }
}
