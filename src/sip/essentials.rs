//! What every request has, read once: Via, From, To, Call-ID and CSeq (RFC 3261 §8.1.1).
//!
//! Each is asked for several times on the way of a request through the house. It is kept as
//! ranges of the octets; what could not be read is not kept, and whoever asks for it reads it
//! again and finds the fault.

use crate::sip::header::name_addr::NameAddrRanges;
use crate::sip::header::via::ViaRanges;
use crate::sip::message::{Headers, Range};

/// Where the parts of these headers stand; `None` where one cannot be read.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Essentials {
    pub via: Option<ViaRanges>,
    /// Whether something stands below the topmost Via, readable or not.
    pub has_second_via: bool,
    pub from: Option<NameAddrRanges>,
    pub to: Option<NameAddrRanges>,
    pub call_id: Option<Range>,
    pub cseq: Option<(u32, Range)>,
}

impl Headers {
    /// Reads them, so that they need not be read again.
    pub(crate) fn read_essentials(&mut self) {
        self.essentials = Some(Essentials {
            via: self.via().ok().map(|via| ViaRanges::of(&via, self)),
            has_second_via: self.has_second_via(),
            from: self.from().ok().map(|from| NameAddrRanges::of(&from, self)),
            to: self.to().ok().map(|to| NameAddrRanges::of(&to, self)),
            call_id: self.call_id_octets().ok().map(|call_id| self.range(call_id)),
            cseq: self.cseq_octets().ok().map(|(number, method)| (number, self.range(method))),
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    #[test]
    fn what_is_read_once_is_what_is_read_each_time() {
        for lines in [
            "Via: SIP/2.0/UDP h:5070;rport;branch=z9;maddr=m;x=\"y\" , SIP/2.0/TCP [::1]\r\n\
             f: \"A\" <sip:a@h>;x;tag=\"1\"\r\nTo: sip:b@h;tag=\r\ni: c@d\r\nCSeq: 7 X\r\n",
            "Via: SIP / 2.0 / UDP h ; branch = 1 ; rport = 9\r\nFrom: <sip:a@h>;tag\r\n\
             To: Some Body <sip:b@h> ; tag = t\r\nCall-ID: \"\"\r\nCSeq: 0 X\r\n",
            "Via: junk\r\nFrom: <\r\nTo: >\r\nCall-ID: a b\r\nCSeq: X\r\n",
            "",
        ] {
            let once = headers(lines);
            assert!(once.essentials.is_some());
            let mut each_time = once.clone();
            each_time.essentials = None;
            let seen = |h: &crate::sip::Headers| {
                format!(
                    "{:?} {:?} {:?} {:?} {:?}",
                    h.via(),
                    h.from(),
                    h.to(),
                    h.call_id(),
                    h.cseq()
                )
            };
            assert_eq!(seen(&once), seen(&each_time));
        }
    }
}
