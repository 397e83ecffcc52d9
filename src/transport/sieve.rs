//! What the kernel itself turns away while far more asks for something new than can be served:
//! reading a datagram only to drop it costs a tenth of serving it.
//!
//! A classic BPF program before the socket lets pass all that may be of somebody who is here
//! already, and draws lots for the rest. It has no loops and knows no header, so it judges by the
//! request line: our Contact names a port, and so does the request within a dialog that follows
//! it (RFC 3261 §12.2.1.1), while an address-of-record as a rule names none. Who names one anyway
//! is read and judged as without a sieve.

use std::io;
use std::net::UdpSocket;

use memchr::memchr2;
use socket2::{SockFilter, SockRef};

use crate::base::limits::{SIEVE_EVERY, SIEVE_FREE, SIEVE_OFFERED_PERCENT, SIEVE_SHARE_LEAST};
use crate::base::time::Moment;

/// The share of requests for something new that are let pass.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Share(u32);

impl Share {
    /// Every one of them.
    pub const ALL: Share = Share(u32::MAX);

    /// So few that there is little left to read, and enough that nobody is shut out for good.
    const LEAST: Share = Share(u32::MAX / SIEVE_SHARE_LEAST + 1);

    /// How many of a hundred, rounded up.
    pub fn percent(self) -> u64 {
        (u64::from(self.0) * 100).div_ceil(u64::from(u32::MAX))
    }

    /// This share times `wanted / had`, changed by no more than a factor of two up or four down:
    /// one interval may have been an odd one.
    fn scaled(self, wanted: u64, had: u64) -> Share {
        let now = u64::from(self.0);
        let next = now.saturating_mul(wanted).checked_div(had).unwrap_or(u64::MAX);
        let next = next.clamp(now / 4, now * 2);
        Share(u32::try_from(next).unwrap_or(u32::MAX)).max(Share::LEAST)
    }
}

impl Default for Share {
    fn default() -> Share {
        Share::ALL
    }
}

/// Decides how fine the sieve is, from what came through it and what of that was served.
#[derive(Default)]
pub struct Sieve {
    share: Share,
    /// What lots were drawn for.
    came: u64,
    /// What else came anew.
    besides: u64,
    /// Of what lots were drawn for.
    served: u64,
    turned_away: bool,
    since: Option<Moment>,
}

impl Sieve {
    /// This came anew.
    pub fn note_came(&mut self, octets: &[u8]) {
        match is_drawn(octets) {
            true => self.came += 1,
            false => self.besides += 1,
        }
    }

    /// This came anew and is served.
    pub fn note_served(&mut self, octets: &[u8]) {
        self.served += u64::from(is_drawn(octets));
    }

    /// Somebody who came anew found no room, or waited too long.
    pub fn note_turned_away(&mut self) {
        self.turned_away = true;
    }

    /// The share to let pass from now on, if it changes.
    pub fn adjust(&mut self, now: Moment) -> Option<Share> {
        let since = *self.since.get_or_insert(now);
        if now < since + SIEVE_EVERY {
            return None;
        }
        let before = self.share;
        if self.turned_away || before != Share::ALL {
            // A little more than is served, so that there is always somebody to serve. And as
            // many as pass without lots, or cost hardly anything: what then takes the time is not
            // them, and fewer of them would only be fewer served.
            let wanted = (self.served * SIEVE_OFFERED_PERCENT).div_ceil(100);
            let wanted = wanted.max(self.besides).max(SIEVE_FREE);
            self.share = before.scaled(wanted, self.came);
        }
        *self = Sieve { share: self.share, since: Some(now), ..Sieve::default() };
        (self.share != before).then_some(self.share)
    }

    /// The share let pass at the moment.
    pub fn share(&self) -> Share {
        self.share
    }

    /// When it is to be adjusted though nothing comes: a sieve is not forgotten in its place.
    pub fn due(&self) -> Option<Moment> {
        (self.share != Share::ALL).then_some(self.since? + SIEVE_EVERY)
    }
}

/// Whether lots are drawn for this: what the program says, in words.
fn is_drawn(octets: &[u8]) -> bool {
    let Some(uri) = octets.get(URI - TEXT..URI - TEXT + usize::from(URI_OCTETS)) else {
        return false;
    };
    octets.starts_with(b"REGI")
        || octets.starts_with(b"SUBS")
            && memchr2(b':', b' ', uri).is_some_and(|end| uri.get(end) == Some(&b' '))
}

/// Puts a sieve that lets this share pass before a socket, or takes it away.
pub fn place(socket: &UdpSocket, share: Share) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match share {
        Share::ALL => socket.detach_filter(),
        share => socket.attach_filter(&program(share)),
    }
}

// Of linux/bpf_common.h.
const LOAD_WORD: u16 = 0x20;
const LOAD_OCTET: u16 = 0x30;
const LOAD_LENGTH: u16 = 0x80;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;
/// What returns this is kept whole.
const WHOLE: u32 = u32::MAX;
/// Where a load finds not octets but lots (linux/filter.h).
const LOTS: u32 = 0xffff_f038;

/// Where the text begins: the program sees the UDP header, too.
const TEXT: usize = 8;
/// Where a Request-URI goes on behind its scheme.
const URI: usize = TEXT + "SUBSCRIBE sip:".len();
/// Octets of it in which a port is looked for. A jump leaves out at most 255 instructions.
const URI_OCTETS: u8 = 72;

fn program(share: Share) -> Vec<SockFilter> {
    let word = |text: &[u8; 4]| u32::from_be_bytes(*text);
    let (text, uri) = (TEXT as u32, URI as u32);
    let step = |code, value| SockFilter::new(code, 0, 0, value);
    let mut program = vec![
        // A load beyond the end would lose the datagram.
        step(LOAD_LENGTH, 0),
        SockFilter::new(IF_AT_LEAST, 1, 0, uri + u32::from(URI_OCTETS)),
        step(RETURN, WHOLE),
        step(LOAD_WORD, text),
        SockFilter::new(IF_EQUAL, 2, 0, word(b"SUBS")),
        // To the lots: a registrar cannot know who is here already.
        SockFilter::new(IF_EQUAL, 3 * URI_OCTETS + 2, 0, word(b"REGI")),
        step(RETURN, WHOLE),
    ];
    for left in (1..=URI_OCTETS).rev() {
        let over = 3 * left - 2;
        program.extend([
            step(LOAD_OCTET, uri + u32::from(URI_OCTETS - left)),
            // A port: to the next return.
            SockFilter::new(IF_EQUAL, over, 0, u32::from(b':')),
            // The end of the URI: to the lots.
            SockFilter::new(IF_EQUAL, over, 0, u32::from(b' ')),
        ]);
    }
    program.extend([
        step(RETURN, WHOLE),
        step(LOAD_WORD, LOTS),
        SockFilter::new(IF_GREATER, 0, 1, share.0),
        step(RETURN, 0),
        step(RETURN, WHOLE),
    ]);
    program
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(millis: u64) -> Moment {
        Moment::ORIGIN + Duration::from_millis(millis)
    }

    fn request(line: &str) -> String {
        format!("{line} SIP/2.0\r\nVia: SIP/2.0/UDP host;branch=z9hG4bK1\r\n{:200}", "")
    }

    fn interval(sieve: &mut Sieve, millis: u64, came: u64, served: u64) -> Option<u64> {
        let text = request("REGISTER sip:example.com");
        (0..came).for_each(|_| sieve.note_came(text.as_bytes()));
        (0..served).for_each(|_| sieve.note_served(text.as_bytes()));
        if served < came {
            sieve.note_turned_away();
        }
        sieve.adjust(at(millis)).map(Share::percent)
    }

    #[test]
    fn it_lets_pass_a_little_more_than_is_served_and_opens_when_less_comes() {
        let mut sieve = Sieve::default();
        assert_eq!(interval(&mut sieve, 0, 0, 0), None);
        assert_eq!(interval(&mut sieve, 50, 4000, 1000), None, "too early to tell");
        assert_eq!(interval(&mut sieve, 100, 6000, 3000), Some(50));
        assert_eq!(interval(&mut sieve, 200, 5000, 4000), None, "as it should be");
        assert_eq!(interval(&mut sieve, 300, 10_000, 1), Some(13), "no faster than to a quarter");
        assert_eq!(interval(&mut sieve, 400, 1000, 1000), Some(16));
        assert_eq!(interval(&mut sieve, 500, 0, 0), Some(32));
        assert_eq!(sieve.due(), Some(at(600)));
        assert_eq!(interval(&mut sieve, 600, 0, 0), Some(63));
        assert_eq!(interval(&mut sieve, 700, 0, 0), Some(100));
        assert_eq!((sieve.due(), interval(&mut sieve, 800, 100, 100)), (None, None));
    }

    #[test]
    fn nobody_is_shut_out_for_good() {
        let mut sieve = Sieve::default();
        let shares: Vec<_> = (0..20).map(|n| interval(&mut sieve, n * 100, 10_000, 0)).collect();
        assert_eq!(shares.iter().flatten().last(), Some(&Share::LEAST.percent()));
        let opened = (20..40).find(|n| interval(&mut sieve, n * 100, 0, 0) == Some(100));
        assert_eq!(opened, Some(27), "eight times twice as many");
    }

    #[test]
    fn few_who_are_not_served_are_let_pass_for_they_are_not_what_takes_the_time() {
        let mut sieve = Sieve::default();
        assert_eq!(interval(&mut sieve, 0, 0, 0), None);
        let share = (1..20).find_map(|n| interval(&mut sieve, n * 100, SIEVE_FREE, 10));
        assert_eq!(share, None);
        assert_eq!(interval(&mut sieve, 2000, 4 * SIEVE_FREE, 10), Some(25));
    }

    #[test]
    fn a_flood_that_passes_without_lots_shuts_out_nobody_for_whom_they_are_drawn() {
        let mut sieve = Sieve::default();
        let shares = (0..20).filter_map(|round| {
            (0..10_000).for_each(|_| sieve.note_came(b"OPTIONS sip:101@example.com SIP/2.0\r\n"));
            interval(&mut sieve, round * 100, 10_000, 10)
        });
        assert_eq!(shares.collect::<Vec<_>>(), [] as [u64; 0]);
        let shares = (20..40).filter_map(|round| {
            (0..10).for_each(|_| sieve.note_came(b"OPTIONS sip:101@example.com SIP/2.0\r\n"));
            interval(&mut sieve, round * 100, 10_000, 5000)
        });
        assert_eq!(shares.take(1).collect::<Vec<_>>(), [63], "by what is served");
    }

    /// What of a hundred each of these comes through a sieve of one in sixteen.
    fn through(host: &str, text: &[u8]) -> usize {
        let [here, there] = [(); 2].map(|()| UdpSocket::bind((host, 0)).expect("a socket"));
        place(&there, Share(u32::MAX / 16)).expect("a sieve");
        let to = there.local_addr().expect("bound");
        for _ in 0..100 {
            here.send_to(text, to).expect("sent");
        }
        place(&there, Share::ALL).expect("no sieve");
        here.send_to(b"last", to).expect("sent");
        there.set_read_timeout(Some(Duration::from_secs(10))).expect("a timeout");
        let mut octets = [0; 1000];
        let mut count = 0;
        while there.recv(&mut octets).expect("one more") != 4 {
            count += 1;
        }
        count
    }

    #[test]
    fn lots_are_drawn_of_who_comes_anew_and_of_nobody_else() {
        let long = "x".repeat(usize::from(URI_OCTETS));
        let cases = [
            ("SUBSCRIBE sip:101@192.0.2.1:5060".to_owned(), false),
            ("SUBSCRIBE sip:192.0.2.1:5060;transport=udp".to_owned(), false),
            ("SUBSCRIBE sip:101@[2001:db8::1]".to_owned(), false),
            ("SUBSCRIBE sips:101@example.com".to_owned(), false),
            (format!("SUBSCRIBE sip:{long}"), false),
            (format!("SUBSCRIBE sip:{}", &long[1..]), true),
            ("NOTIFY sip:101@example.com".to_owned(), false),
            ("PUBLISH sip:101@example.com".to_owned(), false),
            ("OPTIONS sip:example.com".to_owned(), false),
            ("SIP/2.0 200 OK".to_owned(), false),
            ("SUBSCRIBE sip:101@example.com".to_owned(), true),
            ("SUBSCRIBE sip:101@192.0.2.1;user=phone".to_owned(), true),
            ("REGISTER sip:example.com:5060".to_owned(), true),
        ];
        let mut hosts = vec!["127.0.0.1"];
        hosts.extend(UdpSocket::bind("[::1]:0").is_ok().then_some("::1"));
        for (line, lots) in cases {
            let text = request(&line);
            assert_eq!(is_drawn(text.as_bytes()), lots, "{line}");
            for host in &hosts {
                let count = through(host, text.as_bytes());
                // Of a fair lot, one in more than 10^14 rounds is outside.
                assert!(if lots { count < 40 } else { count == 100 }, "{count} of {line}");
            }
        }
        // Too short to be looked into: as long as that, and one octet more.
        for more in [0, 1] {
            let octets = URI - TEXT + usize::from(URI_OCTETS) - 1 + more;
            let text = &request("SUBSCRIBE sip:101@example.com")[..octets];
            assert_eq!(is_drawn(text.as_bytes()), more == 1);
            assert_eq!(through("127.0.0.1", text.as_bytes()) == 100, more == 0);
        }
    }
}
