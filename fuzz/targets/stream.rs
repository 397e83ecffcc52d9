//! A stream cut at any place frames the same messages.
#![no_main]

use bytes::Bytes;
use fanal::sip::stream::{Frame, Framer, Limits};
use libfuzzer_sys::fuzz_target;

fn frames<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (Vec<Option<Bytes>>, bool) {
    let mut framer = Framer::new(Limits::default());
    let mut found = Vec::new();
    for piece in pieces {
        framer.push(piece);
        loop {
            match framer.next() {
                Ok(None) => break,
                Ok(Some(Frame::Message(message))) => found.push(Some(message)),
                Ok(Some(Frame::Ping)) => found.push(None),
                Err(_) => return (found, false),
            }
        }
    }
    (found, true)
}

fuzz_target!(|octets: &[u8]| {
    let Some((&cut, octets)) = octets.split_first() else { return };
    let whole = frames(std::iter::once(octets));
    let cut = frames(octets.chunks(usize::from(cut).max(1)));
    assert_eq!(whole, cut);
});
