//! Datagrams that the kernel did not hand over, as it counts them for each socket (proc(5)): there
//! was no room, or a sieve turned them away.

use std::fs;

/// What the kernel counts of one socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// Its port.
    pub local: u16,
    /// The port it is connected to, if it is.
    pub remote: Option<u16>,
    /// Datagrams not handed over since it was opened.
    pub lost: u64,
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
    let remote = Some(port(remote)?).filter(|port| *port != 0);
    Some(Row { local: port(local)?, remote, lost: lost.parse().ok()? })
}

/// The port of an address such as `0100007F:13C4`.
fn port(address: &str) -> Option<u16> {
    u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok()
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
            \x20 2: 0100107F:9C40 0100007F:13C4 01 0:0 00:0 0 0 0 1 2 x 3\n\
            \x20 3: what is this\n";
        let server = Row { local: 5060, remote: None, lost: 7 };
        assert_eq!(table(text), [server, Row { local: 0x9c40, remote: Some(5060), lost: 3 }]);
        assert_eq!(table(""), []);
    }

    #[test]
    fn a_datagram_for_which_there_is_no_room_is_counted() {
        let [here, there] = [(); 2].map(|()| UdpSocket::bind("127.0.0.1:0").expect("a socket"));
        let to = there.local_addr().expect("bound");
        let lost = || rows().iter().find(|row| row.local == to.port()).map(|row| row.lost);
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
