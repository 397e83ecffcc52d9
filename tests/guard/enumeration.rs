//! Whether somebody exists is no stranger's business: whoever is meant, the answers are the same
//! to the octet.

use fanal::shard::config::Presentities;

use crate::common::digest::{Challenge, Credentials};
use crate::common::documents::presence;
use crate::common::office::users;
use crate::common::{Got, Office, Phone, Req};

/// Somebody who exists and somebody who does not, with names of one length.
const BOTH: [&str; 2] = ["alice", "nobod"];

fn offices() -> [Office; 2] {
    let with = |presentities| {
        Office::with_users(|config| config.server.presentities = presentities, users())
    };
    [with(Presentities::Any), with(Presentities::Known)]
}

/// Every kind of request about a user, from a stranger.
fn requests(phone: &mut Phone, user: &str) -> Vec<Req> {
    let uri = format!("sip:{user}@example.com");
    let mut requests = vec![
        phone.subscribe(&uri, "presence"),
        phone.subscribe(&uri, "dialog").with("Expires", "0"),
        phone.subscribe(&uri, "nonsense"),
        phone.subscribe(&uri, "presence").without("Contact"),
        phone.subscribe(&uri, "presence").with("Require", "magic"),
        phone.publish(&uri, "presence", &presence(&uri, "open")),
        phone.publish(&uri, "presence", "").with("SIP-If-Match", "0123456789abcdef"),
        phone.register_bare().with_to(&format!("<{uri}>")),
        phone.register().with_to(&format!("<{uri}>")).with("Contact", "*").with("Expires", "0"),
        phone.request("OPTIONS", &uri),
        phone.request("NOTIFY", &uri).with("Event", "presence"),
        phone.request("MESSAGE", &uri),
        phone.request("INVITE", &uri),
        phone.request("BYE", &uri).with_to(&format!("<{uri}>;tag=1")),
        phone.request("NONSENSE", &uri),
    ];
    let lines = ["Digest", "Digest username=\"x\", realm=\"example.com\"", "Basic eDp5", "x"];
    for line in lines {
        requests.push(phone.subscribe(&uri, "presence").with("Authorization", line));
    }
    requests
}

/// An answer with what differs by chance, its length kept, and the user left out.
fn bare(answer: &Got, user: &str) -> String {
    let text = String::from_utf8_lossy(&answer.parcel.octets).replace(user, "USER");
    let mut bare = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_hexdigit()) {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_hexdigit()).len();
        match digits >= 16 {
            true => bare.push_str(&"#".repeat(digits)),
            false => bare.push_str(&word[..digits]),
        }
        bare.push_str(&word[digits..]);
    }
    bare
}

#[test]
fn a_request_without_a_password_is_answered_alike_for_a_user_and_for_nobody() {
    for mut office in offices() {
        let answers = BOTH.map(|user| {
            // The same phone to the last branch.
            let mut phone =
                Phone::new("eve", crate::common::phone::Line::udp("192.0.2.66:5060"), 66);
            let requests = requests(&mut phone, user);
            requests
                .iter()
                .map(|request| bare(&office.ask(&phone, request), user))
                .collect::<Vec<String>>()
        });
        let [known, unknown] = answers;
        assert_eq!(known.len(), unknown.len());
        for (known, unknown) in known.iter().zip(&unknown) {
            assert_eq!(known, unknown);
        }
        assert!(known.iter().filter(|answer| answer.starts_with("SIP/2.0 401")).count() > 5);
    }
}

#[test]
fn a_wrong_password_is_answered_alike_for_a_user_and_for_nobody() {
    for algorithm in ["SHA-256", "MD5"] {
        for mut office in offices() {
            // More often than anybody is listened to.
            let answers = BOTH.map(|user| {
                let line = format!("192.0.2.{}:5060", if user == "alice" { 66 } else { 67 });
                let mut phone = Phone::new("eve", crate::common::phone::Line::udp(&line), 66);
                (0..15)
                    .map(|_| {
                        let uri = format!("sip:{user}@example.com");
                        let request = phone.subscribe(&uri, "presence");
                        let challenge = Challenge::of(&office.ask(&phone, &request), algorithm);
                        let request = phone.subscribe(&uri, "presence");
                        let wrong = Credentials::new(user, "wrong", &challenge, &request);
                        let request = request.with("Authorization", &wrong.line());
                        bare(&office.ask(&phone, &request), user).replace(&line[..10], "SOURCE")
                    })
                    .collect::<Vec<String>>()
            });
            let [known, unknown] = answers;
            assert_eq!(known, unknown);
            assert!(known[0].starts_with("SIP/2.0 401") && known[14].starts_with("SIP/2.0 403"));
        }
    }
}

/// How long the agent takes for a request with a wrong password of this user: the median of many,
/// in turns with the other's, so that whatever else is going on meets both.
#[test]
fn a_wrong_password_takes_as_long_for_a_user_as_for_nobody() {
    const TIMES: usize = 1_000;
    let mut office = Office::with_users(
        |config| {
            config.digest.failures_max = 0;
            config.digest.failures_of_source_max = 0;
            config.digest.strangers_max = 0;
        },
        users(),
    );
    let mut phone = Phone::new("eve", crate::common::phone::Line::udp("192.0.2.66:5060"), 66);
    let mut taken = BOTH.map(|_| Vec::new());
    for _ in 0..TIMES {
        for (user, taken) in BOTH.iter().zip(&mut taken) {
            let uri = format!("sip:{user}@example.com");
            let request = phone.subscribe(&uri, "presence");
            let challenge = Challenge::of(&office.ask(&phone, &request), "SHA-256");
            let request = phone.subscribe(&uri, "presence");
            let wrong = Credentials::new(user, "wrong", &challenge, &request);
            let text = request.with("Authorization", &wrong.line()).to_text();
            #[expect(clippy::disallowed_methods, reason = "what is measured is time")]
            let begin = std::time::Instant::now();
            office.deliver(&phone.line, text);
            taken.push(begin.elapsed());
            office.wire.clear();
        }
    }
    let [known, unknown] = taken.map(|mut spans| {
        spans.sort_unstable();
        spans[TIMES / 2].as_nanos() as f64
    });
    println!("{known} ns for a user, {unknown} ns for nobody");
    let ratio = known / unknown;
    assert!((0.8..1.25).contains(&ratio), "{known} ns for a user, {unknown} ns for nobody");
}
