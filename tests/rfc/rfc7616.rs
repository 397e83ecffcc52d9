//! RFC 7616, RFC 8760 and RFC 3261 §22: digest, as the agent asks for it and reads it.

use fanal::auth::Algorithm;
use fanal::auth::Users;
use fanal::base::identity::Aor;

use crate::common::digest::{Challenge, Credentials};
use crate::common::documents::presence;
use crate::common::{Got, Office, Phone, Req};

const URI: &str = "sip:alice@example.com";

/// An office and alice's phone, which was challenged once.
fn challenged(algorithm: &str) -> (Office, Phone, Challenge) {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let request = phone.subscribe(URI, "presence");
    let refused = office.ask(&phone, &request);
    assert_eq!(refused.status(), 401);
    let challenge = Challenge::of(&refused, algorithm);
    (office, phone, challenge)
}

fn credentials(challenge: &Challenge, request: &Req) -> Credentials {
    Credentials::new("alice", "secret", challenge, request)
}

fn ask(office: &mut Office, phone: &Phone, request: &Req, credentials: &Credentials) -> Got {
    office.ask(phone, &request.clone().with("Authorization", &credentials.line()))
}

/// What becomes of a SUBSCRIBE with these credentials after a change.
fn bent(change: impl Fn(&mut Credentials)) -> Got {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    let request = phone.subscribe(URI, "presence");
    let mut credentials = credentials(&challenge, &request);
    change(&mut credentials);
    ask(&mut office, &phone, &request, &credentials)
}

/// What becomes of a SUBSCRIBE whose Authorization line is written differently.
fn rewritten(change: impl Fn(&str) -> String) -> Got {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    let request = phone.subscribe(URI, "presence");
    let line = credentials(&challenge, &request).line();
    let changed = change(&line);
    assert_ne!(changed, line, "the line is another");
    office.ask(&phone, &request.with("Authorization", &changed))
}

fn stale(response: &Got) -> bool {
    assert_eq!(response.status(), 401, "{response:?}");
    let challenges = Challenge::all(response);
    let stale = challenges.iter().filter(|one| one.text("stale").eq_ignore_ascii_case("true"));
    let count = stale.count();
    assert!(count == 0 || count == challenges.len(), "all or none: {response:?}");
    count > 0
}

#[test]
fn dig_01_notifier_compositor_and_registrar_challenge_with_401() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let requests = [
        phone.subscribe(URI, "presence"),
        phone.publish(URI, "presence", &presence(URI, "open")),
        phone.register(),
    ];
    for request in requests {
        let refused = office.ask(&phone, &request);
        assert_eq!(refused.status(), 401, "{}", request.method);
        assert!(refused.has("WWW-Authenticate"));
        assert!(!refused.has("Proxy-Authenticate"));
    }
    assert!(office.wire.is_empty(), "and nothing more");
}

#[test]
fn dig_01_proxy_credentials_are_not_ours() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    let request = phone.subscribe(URI, "presence");
    let line = credentials(&challenge, &request).line();
    let request = request.with("Proxy-Authorization", &line);
    assert_eq!(office.ask(&phone, &request).status(), 401);
}

#[test]
fn dig_02_a_challenge_is_complete_and_quoted_as_phones_expect() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let request = phone.subscribe(URI, "presence");
    let refused = office.ask(&phone, &request);
    let challenges = Challenge::all(&refused);
    assert!(!challenges.is_empty());
    for challenge in challenges {
        assert_eq!(challenge.scheme, "Digest", "Basic is never offered");
        assert_eq!(challenge.raw("realm"), "\"example.com\"");
        for quoted in ["realm", "nonce", "qop"] {
            let raw = challenge.raw(quoted);
            assert!(raw.len() > 2 && raw.starts_with('"') && raw.ends_with('"'), "{quoted}={raw}");
        }
        assert!(challenge.text("qop").split(',').any(|one| one.trim() == "auth"));
        for bare in ["algorithm", "stale"] {
            assert!(!challenge.raw(bare).contains('"'), "{bare}={}", challenge.raw(bare));
        }
        assert!(!challenge.raw("algorithm").is_empty());
    }
}

#[test]
fn dig_02_basic_is_never_accepted() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    for basic in ["Basic YWxpY2U6c2VjcmV0", "basic YWxpY2VAZXhhbXBsZS5jb206c2VjcmV0", "Basic"] {
        let request = phone.subscribe(URI, "presence").with("Authorization", basic);
        assert_eq!(office.ask(&phone, &request).status(), 401, "{basic}");
    }
    assert_eq!(office.shard.subscriptions(), 0);
}

#[test]
fn dig_03_each_algorithm_has_a_challenge_of_its_own_the_preferred_one_first() {
    let (mut office, mut phone, _) = challenged("SHA-256");
    let request = phone.subscribe(URI, "presence");
    let refused = office.ask(&phone, &request);
    let order = |refused: &Got| -> Vec<String> {
        Challenge::all(refused).iter().map(|one| one.text("algorithm").to_owned()).collect()
    };
    assert_eq!(order(&refused), ["SHA-256", "MD5"]);
    assert_eq!(refused.all("WWW-Authenticate").count(), 2, "one header each");

    let mut users = Users::default();
    users.add("alice", "example.com", Aor::from_parts("alice", "example.com"), "secret");
    let all = Algorithm::ALL.to_vec();
    let mut office = Office::with_users(|config| config.digest.algorithms = all, users);
    let request = phone.subscribe(URI, "presence");
    let refused = office.ask(&phone, &request);
    assert_eq!(order(&refused), ["SHA-512-256", "SHA-256", "MD5"]);
    for (count, algorithm) in (1..).zip(order(&refused)) {
        let challenge = Challenge::of(&refused, &algorithm);
        let request = phone.subscribe(URI, "presence");
        let credentials = credentials(&challenge, &request).counted(count);
        let answer = ask(&mut office, &phone, &request, &credentials);
        assert_eq!(answer.status(), 200, "{algorithm}");
    }
}

#[test]
fn dig_03_every_offered_algorithm_is_accepted() {
    for algorithm in ["SHA-256", "MD5"] {
        let (mut office, mut phone, challenge) = challenged(algorithm);
        let request = phone.subscribe(URI, "presence");
        let credentials = credentials(&challenge, &request);
        assert_eq!(ask(&mut office, &phone, &request, &credentials).status(), 200, "{algorithm}");
        let mut wrong = credentials.counted(2);
        wrong.password = "wrong".to_owned();
        let request = phone.subscribe(URI, "presence");
        assert_eq!(ask(&mut office, &phone, &request, &wrong).status(), 401, "{algorithm}");
    }
}

#[test]
fn dig_03_what_was_not_offered_is_not_accepted() {
    for algorithm in ["SHA-512-256", "MD4", "SHA-1"] {
        let answer = bent(|credentials| credentials.algorithm = algorithm.to_owned());
        assert_eq!(answer.status(), 401, "{algorithm}");
    }
}

#[test]
fn dig_03_without_a_word_the_algorithm_is_md5() {
    let (mut office, mut phone, challenge) = challenged("MD5");
    let request = phone.subscribe(URI, "presence");
    let line = credentials(&challenge, &request).line().replace(", algorithm=MD5", "");
    let answer = office.ask(&phone, &request.with("Authorization", &line));
    assert_eq!(answer.status(), 200, "RFC 2617 phones name none");
}

#[test]
fn dig_04_quotes_where_phones_put_them_are_no_fault() {
    for (bare, quoted) in [
        ("qop=auth", "qop=\"auth\""),
        ("nc=00000001", "nc=\"00000001\""),
        ("algorithm=SHA-256", "algorithm=\"SHA-256\""),
        ("algorithm=SHA-256", "algorithm=sha-256"),
        ("Digest username", "DIGEST  username"),
        (", qop=auth", " , QOP = auth"),
        (", nc=", ",opaque=\"x\",nc="),
    ] {
        let answer = rewritten(|line| line.replace(bare, quoted));
        assert_eq!(answer.status(), 200, "{quoted}");
    }
}

#[test]
fn dig_04_nc_is_eight_hex_digits() {
    for count in ["nc=1", "nc=000000001", "nc=0000000g", "nc=", "nc=-0000001"] {
        let status = rewritten(|line| line.replace("nc=00000001", count)).status();
        assert!(status == 401 || status == 400, "{count}: {status}");
    }
}

#[test]
fn dig_04_every_part_of_the_credentials_counts() {
    assert_eq!(bent(|_| {}).status(), 200, "as they are");
    type Bend = fn(&mut Credentials);
    let bends: [(&str, Bend); 7] = [
        ("username", |credentials| credentials.username = "bob2".to_owned()),
        ("password", |credentials| credentials.password = "Secret".to_owned()),
        ("method", |credentials| credentials.method = "PUBLISH".to_owned()),
        ("realm", |credentials| credentials.realm = "example.net".to_owned()),
        ("nonce", |credentials| credentials.nonce = "invented".to_owned()),
        ("empty password", |credentials| credentials.password.clear()),
        ("empty username", |credentials| credentials.username.clear()),
    ];
    for (name, bend) in bends {
        assert_eq!(bent(bend).status(), 401, "{name}");
    }
    for (from, to) in [("qop=auth", "qop=auth-conf"), ("cnonce=\"0a", "cnonce=\"1a")] {
        let status = rewritten(|line| line.replace(from, to)).status();
        assert!(status == 401 || status == 400, "{to}: {status}");
    }
    let flipped = rewritten(|line| {
        let (head, tail) = line.split_once("response=\"").expect("a response");
        let first = if tail.starts_with('0') { '1' } else { '0' };
        format!("{head}response=\"{first}{}", &tail[1..])
    });
    assert_eq!(flipped.status(), 401);
}

#[test]
fn dig_05_an_old_nonce_with_the_right_digest_is_stale() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    office.pass_secs(299);
    let request = phone.subscribe(URI, "presence");
    let young = credentials(&challenge, &request);
    assert_eq!(ask(&mut office, &phone, &request, &young).status(), 200);
    office.notified(&phone);

    office.pass_secs(400);
    let request = phone.subscribe(URI, "presence");
    let old = credentials(&challenge, &request).counted(2);
    let refused = ask(&mut office, &phone, &request, &old);
    assert!(stale(&refused));
    let fresh = Challenge::of(&refused, "SHA-256");
    assert_ne!(fresh.text("nonce"), challenge.text("nonce"));

    let request = phone.subscribe(URI, "presence");
    let answer = ask(&mut office, &phone, &request, &credentials(&fresh, &request));
    assert_eq!(answer.status(), 200, "without asking anybody for a password");
}

#[test]
fn dig_05_a_wrong_digest_is_never_stale() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    for wait in [0, 600] {
        office.pass_secs(wait);
        let request = phone.subscribe(URI, "presence");
        let mut wrong = credentials(&challenge, &request);
        wrong.password = "wrong".to_owned();
        let refused = ask(&mut office, &phone, &request, &wrong);
        assert!(!stale(&refused), "after {wait} s");
        let mut nobody = credentials(&challenge, &request).counted(5);
        nobody.username = "nobody".to_owned();
        let request = phone.subscribe(URI, "presence");
        assert!(!stale(&ask(&mut office, &phone, &request, &nobody)), "after {wait} s");
    }
}

#[test]
fn dig_06_credentials_are_used_once() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    let body = presence(URI, "open");
    let first = phone.publish(URI, "presence", &body);
    let line = credentials(&challenge, &first).line();
    let first = first.with("Authorization", &line);
    assert_eq!(office.ask(&phone, &first).status(), 200);

    let replayed = phone.publish(URI, "presence", &body).with("Authorization", &line);
    assert_ne!(replayed.branch(), first.branch());
    let refused = office.ask(&phone, &replayed);

    assert_eq!(refused.status(), 401);
    assert_ne!(Challenge::of(&refused, "SHA-256").text("nonce"), challenge.text("nonce"));
    assert_eq!(office.shard.publications(), 1);
}

#[test]
fn dig_06_a_recorded_datagram_is_worth_nothing_later() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    let first = phone.publish(URI, "presence", &presence(URI, "open"));
    let line = credentials(&challenge, &first).line();
    let first = first.with("Authorization", &line);
    let accepted = office.ask(&phone, &first);
    assert_eq!(accepted.status(), 200);

    office.pass_secs(20);
    let again = office.ask(&phone, &first);
    assert_eq!(again.parcel.octets, accepted.parcel.octets, "a repeat is no replay");

    office.pass_secs(20);
    assert_eq!(office.ask(&phone, &first).status(), 401, "its transaction is over");
    office.pass_secs(500);
    assert_eq!(office.ask(&phone, &first).status(), 401, "its nonce, too");
    assert_eq!(office.shard.publications(), 1);
}

#[test]
fn dig_06_counts_may_jump_and_overtake_each_other_a_little() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    let mut status = |count: u32| {
        let request = phone.subscribe(URI, "presence");
        let credentials = credentials(&challenge, &request).counted(count);
        ask(&mut office, &phone, &request, &credentials).status()
    };
    assert_eq!([status(1), status(3), status(2)], [200, 200, 200]);
    assert_eq!([status(2), status(3), status(1)], [401, 401, 401], "each once");
    assert_eq!([status(1000), status(990)], [200, 200]);
    assert_eq!(status(900), 401, "more than 64 behind");
    assert_eq!([status(u32::MAX), status(u32::MAX)], [200, 401]);
    assert_eq!(status(0), 401, "counting begins at 1");
}

#[test]
fn dig_07_auth_int_protects_the_body() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    if !challenge.text("qop").contains("auth-int") {
        println!("skipped: auth-int is not offered");
        return;
    }
    let request = phone.subscribe(URI, "presence");
    let mut empty = credentials(&challenge, &request);
    empty.qop = "auth-int".to_owned();
    assert_eq!(ask(&mut office, &phone, &request, &empty).status(), 200, "the empty body");

    let publish = phone.publish(URI, "presence", &presence(URI, "open"));
    let mut whole = credentials(&challenge, &publish).counted(2);
    whole.qop = "auth-int".to_owned();
    let changed = publish.clone().with_body(&presence(URI, "Open"));
    assert_eq!(ask(&mut office, &phone, &changed, &whole).status(), 401, "one octet changed");
    let publish = publish.again("another");
    whole.count = 3;
    assert_eq!(ask(&mut office, &phone, &publish, &whole).status(), 200);
}

#[test]
fn dig_08_the_old_form_is_read_but_never_for_publish() {
    let (mut office, mut phone, challenge) = challenged("MD5");
    let request = phone.register();
    let mut old = credentials(&challenge, &request);
    old.qop.clear();
    assert_eq!(ask(&mut office, &phone, &request, &old).status(), 200);
    let request = phone.register();
    assert_eq!(ask(&mut office, &phone, &request, &old).status(), 401, "its nonce is used up");

    let (mut office, mut phone, challenge) = challenged("MD5");
    let publish = phone.publish(URI, "presence", &presence(URI, "open"));
    let mut old = credentials(&challenge, &publish);
    old.qop.clear();
    assert_eq!(ask(&mut office, &phone, &publish, &old).status(), 401);
    assert_eq!(office.shard.publications(), 0);
}

#[test]
fn dig_09_the_uri_of_the_credentials_need_not_be_the_request_uri() {
    for uri in ["sip:example.com", "sip:example.com:5060;transport=udp", "sip:192.0.2.1", URI] {
        let (mut office, mut phone, challenge) = challenged("SHA-256");
        let request = phone.subscribe("sip:alice@192.0.2.1:5060", "presence");
        let mut credentials = credentials(&challenge, &request);
        credentials.uri = uri.to_owned();
        assert_eq!(ask(&mut office, &phone, &request, &credentials).status(), 200, "{uri}");
    }
}

#[test]
fn dig_09_the_uri_of_the_credentials_is_one_we_serve() {
    for uri in ["sip:other.org", "sip:alice@other.org", "sip:198.51.100.7"] {
        let status = bent(|credentials| credentials.uri = uri.to_owned()).status();
        assert!(status == 400 || status == 401, "{uri}: {status}");
    }
}

#[test]
fn dig_09_the_digest_is_made_with_the_uri_that_is_given() {
    let answer =
        rewritten(|line| line.replace("uri=\"sip:alice@example.com\"", "uri=\"sip:example.net\""));
    assert_eq!(answer.status(), 401);
}

/// Credentials that were overheard do not serve for another presentity.
#[test]
fn dig_09_the_uri_of_the_credentials_means_who_is_asked_for() {
    for uri in ["sip:bob@example.com", "sip:alice@example.net"] {
        let answer = bent(|credentials| credentials.uri = uri.to_owned());
        assert_eq!(answer.status(), 400, "{uri}: {answer:?}");
    }
}

#[test]
fn dig_10_a_username_stands_for_the_aor_it_was_given() {
    let mut users = Users::default();
    users.add("ali", "example.com", Aor::from_parts("alice", "example.com"), "secret");
    let mut office = Office::with_users(|_| {}, users);
    let mut phone = office.phone("ali");
    let request = phone.subscribe("sip:bob@example.com", "presence");
    let challenge = Challenge::of(&office.ask(&phone, &request), "SHA-256");
    let mut count = 0;
    let mut status = |office: &mut Office, request: &Req| {
        count += 1;
        let credentials = Credentials::new("ali", "secret", &challenge, request).counted(count);
        ask(office, &phone, request, &credentials).status()
    };
    let mut second = phone.clone();
    let subscribe = second.subscribe("sip:bob@example.com", "presence");
    assert_eq!(status(&mut office, &subscribe), 200);
    let watchers: Vec<_> =
        office.shard.watchers().map(|view| view.watcher.aor().expect("one").to_string()).collect();
    assert_eq!(watchers, ["alice@example.com"]);
    let publish = second.publish(URI, "presence", &presence(URI, "open"));
    assert_eq!(status(&mut office, &publish), 200);
    let ali = "sip:ali@example.com";
    let publish = second.publish(ali, "presence", &presence(ali, "open"));
    assert_eq!(status(&mut office, &publish), 403, "the name is not the address");
    let register = second.register().with_to("<sip:alice@example.com>");
    assert_eq!(status(&mut office, &register), 200);
    let register = second.register().with_to("<sip:ali@example.com>");
    assert_eq!(status(&mut office, &register), 403);
}

#[test]
fn dig_11_a_stranger_learns_not_who_exists() {
    let shape = |username: &str, password: &str| {
        let (mut office, mut phone, challenge) = challenged("SHA-256");
        let request = phone.subscribe(URI, "presence");
        let credentials = Credentials::new(username, password, &challenge, &request);
        let refused = ask(&mut office, &phone, &request, &credentials);
        let nonce = Challenge::of(&refused, "SHA-256").text("nonce").to_owned();
        String::from_utf8_lossy(&refused.parcel.octets).replace(&nonce, "NONCE")
    };
    let wrong = shape("alice", "wrong");
    assert!(wrong.starts_with("SIP/2.0 401 ") && wrong.contains("NONCE"));
    assert_eq!(shape("nobody", "wrong"), wrong);
    assert_eq!(shape("bob", "wrong"), wrong);
}

#[test]
fn dig_12_only_credentials_for_our_realm_are_used() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    let request = phone.subscribe(URI, "presence");
    let ours = credentials(&challenge, &request);
    let mut foreign = ours.clone();
    foreign.realm = "elsewhere.org".to_owned();
    foreign.password = "other".to_owned();
    let both = request
        .also("Authorization", &foreign.line())
        .also("Authorization", "Acme token=1, \"odd")
        .also("Authorization", "Basic YWxpY2U6c2VjcmV0")
        .also("Authorization", &ours.line());
    assert_eq!(office.ask(&phone, &both).status(), 200);

    let request = phone.subscribe(URI, "presence");
    let foreign_alone = request.also("Authorization", &foreign.line());
    assert_eq!(office.ask(&phone, &foreign_alone).status(), 401);
    let request = phone.subscribe(URI, "presence").with("Authorization", "Acme token=1");
    assert_eq!(office.ask(&phone, &request).status(), 401);
}

#[test]
fn dig_13_ack_and_cancel_are_never_challenged() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let ack = phone.request("ACK", URI);
    office.deliver(&phone.line, ack.to_text());
    assert!(office.wire.is_empty());
    let cancel = phone.request("CANCEL", URI);
    assert_eq!(office.ask(&phone, &cancel).status(), 481);
}

#[test]
fn dig_14_a_nonce_outlives_a_restart_or_goes_stale() {
    let (mut office, mut phone, challenge) = challenged("SHA-256");
    office.restart(9);
    let request = phone.subscribe(URI, "presence");
    let answer = ask(&mut office, &phone, &request, &credentials(&challenge, &request));
    assert!(answer.status() == 200 || stale(&answer), "never a wrong password: {answer:?}");
}

#[test]
fn dig_14_no_two_nonces_are_alike() {
    let mut office = Office::with_passwords();
    let mut phone = office.phone("alice");
    let mut nonces = std::collections::HashSet::new();
    for _ in 0..200 {
        let request = phone.subscribe(URI, "presence");
        let nonce = Challenge::of(&office.ask(&phone, &request), "MD5").text("nonce").to_owned();
        assert!(nonce.len() >= 16);
        assert!(nonces.insert(nonce));
    }
}

#[test]
fn dig_15_a_username_may_hold_quotes_and_an_at() {
    let mut users = Users::default();
    let alice = Aor::from_parts("alice", "example.com");
    users.add("alice@example.com", "example.com", alice.clone(), "secret");
    users.add("a\"b", "example.com", alice, "secret");
    let mut office = Office::with_users(|_| {}, users);
    let mut phone = office.phone("alice");
    for (username, written) in [("alice@example.com", "alice@example.com"), ("a\"b", "a\\\"b")] {
        let request = phone.subscribe(URI, "presence");
        let challenge = Challenge::of(&office.ask(&phone, &request), "SHA-256");
        let request = phone.subscribe(URI, "presence");
        let credentials = Credentials::new(username, "secret", &challenge, &request);
        let line = credentials.line();
        let line =
            line.replace(&format!("username=\"{username}\""), &format!("username=\"{written}\""));
        let answer = office.ask(&phone, &request.with("Authorization", &line));
        assert_eq!(answer.status(), 200, "{username}");
    }
}
