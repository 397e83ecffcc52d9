//! Datagrams lost on this machine, and on whose side.

use crate::transport::lost::{self, Row};

/// Datagrams lost since the sockets were opened.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Drops {
    /// Of the phones.
    pub ours: u64,
    /// Of the server, if it is on this machine.
    pub server: u64,
}

impl Drops {
    /// Of phones at these ports and a server at this one.
    pub fn read(server: u16, ports: &[u16]) -> Drops {
        Drops::among(&lost::rows(), server, ports)
    }

    /// What came since.
    pub fn since(self, before: Drops) -> Drops {
        Drops {
            ours: self.ours.saturating_sub(before.ours),
            server: self.server.saturating_sub(before.server),
        }
    }

    fn among(rows: &[Row], server: u16, ports: &[u16]) -> Drops {
        let mut drops = Drops::default();
        for row in rows {
            let (local, lost) = (row.local.port(), u64::from(row.lost));
            if row.remote == Some(server) && ports.contains(&local) {
                drops.ours += lost;
            } else if local == server && row.remote.is_none() {
                drops.server += lost;
            }
        }
        drops
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_told_apart_by_whose_socket_it_is() {
        let row =
            |port: u16, remote, lost| Row { local: ([127, 0, 0, 1], port).into(), remote, lost };
        let ours = row(4000, Some(5060), 3);
        let others = [row(4001, Some(5060), 100), row(4000, None, 100)];
        let rows = [row(5060, None, 7), ours, others[0], others[1]];
        assert_eq!(Drops::among(&rows, 5060, &[4000]), Drops { ours: 3, server: 7 });
    }
}
