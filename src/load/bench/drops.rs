//! Datagrams the kernel threw away because a socket's buffer was full, as /proc/net counts them.

use std::fs;
use std::net::SocketAddr;

/// Datagrams thrown away since the sockets were opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Drops {
    /// Of the phones.
    pub ours: u64,
    /// Of the server, if it is on this machine.
    pub server: u64,
}

impl Drops {
    /// Of phones at these ports and a server at this address.
    pub fn read(server: SocketAddr, ports: &[u16]) -> Drops {
        let tables = ["/proc/net/udp", "/proc/net/udp6"];
        let texts = tables.into_iter().filter_map(|path| fs::read_to_string(path).ok());
        texts.fold(Drops::default(), |sum, text| sum + Drops::in_table(&text, server.port(), ports))
    }

    /// What came since.
    pub fn since(self, before: Drops) -> Drops {
        Drops {
            ours: self.ours.saturating_sub(before.ours),
            server: self.server.saturating_sub(before.server),
        }
    }

    fn in_table(text: &str, server: u16, ports: &[u16]) -> Drops {
        let mut drops = Drops::default();
        for line in text.lines().skip(1) {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [_, local, remote, .., dropped] = fields.as_slice() else { continue };
            let (Some(local), Some(remote)) = (port(local), port(remote)) else { continue };
            let dropped = dropped.parse::<u64>().unwrap_or(0);
            if remote == server && ports.contains(&local) {
                drops.ours += dropped;
            } else if local == server && remote == 0 {
                drops.server += dropped;
            }
        }
        drops
    }
}

impl std::ops::Add for Drops {
    type Output = Drops;

    fn add(self, other: Drops) -> Drops {
        Drops { ours: self.ours + other.ours, server: self.server + other.server }
    }
}

/// The port of an address such as `0100007F:13C4`.
fn port(address: &str) -> Option<u16> {
    u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_told_apart_by_whose_socket_it_is() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
            uid  timeout inode ref pointer drops\n\
            \x20 1: 0100007F:13C4 00000000:0000 07 0:0 00:0 0 0 0 1 2 x 7\n\
            \x20 2: 0100107F:9C40 0100007F:13C4 01 0:0 00:0 0 0 0 1 2 x 3\n\
            \x20 3: 0100107F:9C41 0100007F:13C4 01 0:0 00:0 0 0 0 1 2 x 100\n\
            \x20 4: 0100007F:9C40 00000000:0000 07 0:0 00:0 0 0 0 1 2 x 100\n";
        assert_eq!(Drops::in_table(table, 5060, &[0x9c40]), Drops { ours: 3, server: 7 });
        assert_eq!(Drops::in_table("", 5060, &[]), Drops::default());
    }
}
