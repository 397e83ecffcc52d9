//! Datagrams that the kernel did not hand over, as it counts them for each socket (proc(5)): there
//! was no room, or a sieve turned them away.

use std::fs;
use std::net::{IpAddr, SocketAddr};

/// What the kernel counts of one socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Where it is bound.
    pub local: SocketAddr,
    /// The port it is connected to, if it is.
    pub remote: Option<u16>,
    /// Datagrams not handed over since it was opened. The kernel's number has 32 bits and begins
    /// anew.
    pub lost: u32,
}

/// Of every datagram socket of this network namespace; none where the kernel does not tell.
pub fn rows() -> Vec<Row> {
    let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
    let texts = tables.into_iter().filter_map(|path| fs::read_to_string(path).ok());
    texts.flat_map(|text| table(&text)).collect()
}

fn table(text: &str) -> Vec<Row> {
    text.lines().skip(1).filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, local, remote, .., lost] = fields.as_slice() else { return None };
    let remote = Some(address(remote)?.port()).filter(|port| *port != 0);
    // It is written as a signed number.
    let lost =
        lost.parse::<u32>().ok().or_else(|| Some(lost.parse::<i32>().ok()?.cast_unsigned()))?;
    Some(Row { local: address(local)?, remote, lost })
}

/// An address such as `0100007F:13C4`: words of the network's order, written as this machine's.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let port = u16::from_str_radix(port, 16).ok()?;
    let word = |place: usize| {
        let digits = host.get(8 * place..8 * place + 8)?;
        u32::from_str_radix(digits, 16).ok().map(u32::to_ne_bytes)
    };
    let ip = match host.len() {
        8 => IpAddr::from(word(0)?),
        32 => {
            let words = [word(0)?, word(1)?, word(2)?, word(3)?];
            IpAddr::from(<[u8; 16]>::try_from(words.as_flattened()).ok()?)
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn rows_are_read_as_the_kernel_writes_them() {
        let text = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   \
            uid  timeout inode ref pointer drops\n\
            \x20 1: 0100007F:13C4 00000000:0000 07 0:0 00:0 0 0 0 1 2 x 7\n\
            \x20 2: 0100107F:9C40 0100007F:13C4 01 0:0 00:0 0 0 0 1 2 x -1\n\
            \x20 3: 00000000000000000000000001000000:13C4 00000000000000000000000000000000:0000 07 0:0 \
            00:0 0 0 0 1 2 x 4\n\
            \x20 4: what is this\n";
        let at = |text: &str| text.parse::<SocketAddr>().expect("an address");
        let rows = [
            Row { local: at("127.0.0.1:5060"), remote: None, lost: 7 },
            Row { local: at("127.16.0.1:40000"), remote: Some(5060), lost: u32::MAX },
            Row { local: at("[::1]:5060"), remote: None, lost: 4 },
        ];
        // The words are written in this machine's order.
        if cfg!(target_endian = "little") {
            assert_eq!(table(text), rows);
        }
        assert_eq!(table(""), []);
    }

    #[test]
    fn a_datagram_for_which_there_is_no_room_is_counted() {
        let [here, there] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a socket"));
        let to = there.local_addr().expect("bound");
        let lost = || rows().iter().find(|row| row.local == to).map(|row| row.lost);
        assert_eq!(lost(), Some(0));
        for _ in 0..10_000 {
            if lost() > Some(0) {
                return;
            }
            here.send_to(&[0; 10_000], to).expect("sent");
        }
        panic!("nothing was lost");
    }
}
