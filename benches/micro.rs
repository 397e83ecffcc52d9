//! What the parts of a message's way cost by the clock: `cargo bench --bench micro`.
//!
//! For a look while one changes something; what must not grow is counted in `exact.rs`.

mod office;

use divan::{Bencher, black_box};
use fanal::base::identity::Aor;
use fanal::doc::dialog_info::DialogInfo;
use fanal::doc::pidf::Presence;
use fanal::sip::{Message, parse};
use office::Office;

fn main() {
    divan::main();
}

const PIDF: &str = "<?xml version=\"1.0\"?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
    xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\" \
    xmlns:rpid=\"urn:ietf:params:xml:ns:pidf:rpid\" entity=\"sip:101@example.com\">\
    <tuple id=\"t1\"><status><basic>open</basic></status>\
    <contact priority=\"0.8\">sip:101@192.0.2.7</contact></tuple>\
    <dm:person id=\"p1\"><rpid:activities><rpid:meeting/></rpid:activities>\
    <dm:note>Back at 3</dm:note></dm:person></presence>";

fn body_of(request: bytes::Bytes) -> bytes::Bytes {
    parse::message(request).expect("a message").body()
}

#[divan::bench]
fn parse_a_subscribe(bencher: Bencher) {
    let octets = office::subscribe(101, 102, 1, None, 3600);
    bencher.bench(|| parse::message(black_box(octets.clone())));
}

#[divan::bench]
fn check_a_subscribe(bencher: Bencher) {
    let octets = office::subscribe(101, 102, 1, None, 3600);
    let message = parse::message(octets).expect("a message");
    let Message::Request(request) = message else { panic!("a request") };
    bencher.bench(|| black_box(&request).check());
}

#[divan::bench]
fn match_an_answer(bencher: Bencher) {
    let mut office = Office::new();
    office.subscribe(1, 0..1);
    // A stray answer: it is parsed and matched, and changes nothing.
    let (octets, peer) = (office::stray(), office::phone(0));
    bencher.bench_local(|| office.hand_in(octets.clone(), peer));
}

#[divan::bench]
fn read_a_dialog_document(bencher: Bencher) {
    let body = body_of(office::publish(101, 1, None, "confirmed"));
    bencher.bench(|| DialogInfo::read(black_box(&body), None));
}

#[divan::bench]
fn serialise_a_dialog_document(bencher: Bencher) {
    let body = body_of(office::publish(101, 1, None, "confirmed"));
    let info = DialogInfo::read(&body, None).expect("a document");
    bencher.bench(|| DialogInfo::body(black_box(&info.dialogs).iter()));
}

#[divan::bench]
fn read_a_presence_document(bencher: Bencher) {
    bencher.bench(|| Presence::read(black_box(PIDF.as_bytes()), None));
}

#[divan::bench]
fn serialise_a_presence_document(bencher: Bencher) {
    let document = Presence::read(PIDF.as_bytes(), None).expect("a document");
    bencher.bench(|| black_box(&document).body());
}

#[divan::bench]
fn name_an_aor() -> Aor {
    Aor::from_parts(black_box("101"), black_box("example.com"))
}

/// A publication that changes a call of somebody whom ten watch: composed, serialised, ten
/// NOTIFYs written.
#[divan::bench]
fn one_change_to_ten_watchers(bencher: Bencher) {
    let mut office = Office::new();
    office.subscribe(1, 0..10);
    let mut tag = office.publish(1, None, "confirmed");
    bencher.bench_local(|| {
        tag = office.publish(1, Some(&tag), "confirmed");
        office.answer_all()
    });
}
