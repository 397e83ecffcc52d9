//! Digest authentication of requests (RFC 7616, RFC 8760, RFC 3261 §22).
//!
//! Whoever does not know a password learns nothing from the answer: an unknown user and a wrong
//! password cost the same work and get the same challenge.

use std::sync::Arc;

use super::algorithm::{Algorithm, HexDigest};
use super::answer::{Answer, quoted};
use super::config::{Config, NoQop};
use super::nonce::{NonceCheck, Nonces};
use super::users::Users;
use crate::base::identity::Aor;
use crate::base::limits::CREDENTIALS_MAX;
use crate::base::mint::{Mint, Secret};
use crate::base::time::Now;
use crate::base::uri::Uri;
use crate::sip::{Malformed, Method, Refusal, Request};

/// Challenges, and judges the answers of one realm.
pub struct Digest {
    config: Config,
    secret: Secret,
    nonces: Nonces,
    users: Arc<Users>,
    /// Stands for the secret of a user nobody knows, so that the work is the same.
    decoys: Vec<(Algorithm, HexDigest)>,
}

/// What one set of credentials is worth.
enum Judged {
    Proven(Aor),
    /// The password is right, the nonce is not.
    Stale,
    Wrong,
}

impl Digest {
    /// With a realm, a secret that outlives restarts, and the users.
    pub fn new(config: Config, secret: Secret, users: Arc<Users>) -> Digest {
        Digest {
            nonces: Nonces::new(&secret, config.nonce_life),
            decoys: decoys(&config, &secret),
            config,
            secret,
            users,
        }
    }

    /// From now on, these settings and users count. Nonces and what was spent on them stay.
    pub fn adopt(&mut self, config: Config, users: Arc<Users>) {
        self.nonces.live_for(config.nonce_life);
        self.decoys = decoys(&config, &self.secret);
        self.config = config;
        self.replace_users(users);
    }

    /// From now on, these users count.
    pub fn replace_users(&mut self, users: Arc<Users>) {
        self.users = users;
    }

    /// Who sent this request, proven by a password; otherwise the challenge to send. `serves`
    /// tells whether a URI is one of ours: the `uri` of the credentials must be, but may differ
    /// from the Request-URI, which proxies rewrite (RFC 8760 §2.6).
    pub fn verify(
        &mut self,
        now: Now,
        mint: &mut Mint,
        request: &Request,
        serves: impl Fn(&Uri) -> bool,
    ) -> Result<Aor, Refusal> {
        self.nonces.advance(now);
        let mut stale = false;
        for answer in self.answers(request)? {
            match self.judge(now, request, &answer, &serves)? {
                Judged::Proven(aor) => return Ok(aor),
                Judged::Stale => stale = true,
                Judged::Wrong => {}
            }
        }
        Err(self.challenge(now, mint, stale))
    }

    /// A 401 with one challenge for each algorithm (RFC 8760 §2.3). `stale` tells the client
    /// that its password was right and only the nonce too old.
    pub fn challenge(&self, now: Now, mint: &mut Mint, stale: bool) -> Refusal {
        let realm = quoted(&self.config.realm);
        let nonce = self.nonces.mint(now, mint);
        let stale = if stale { ", stale=true" } else { "" };
        let challenge = |algorithm: &Algorithm| {
            format!(
                "Digest realm={realm}, nonce=\"{nonce}\"{stale}, algorithm={algorithm}, qop=\"auth\""
            )
        };
        Refusal::Unauthorized(self.config.algorithms.iter().map(challenge).collect())
    }

    /// The answers to challenges of ours. Other schemes and realms are not our business (RFC
    /// 3261 §22.3); the same holds for what cannot be read at all.
    fn answers<'r>(&self, request: &'r Request) -> Result<Vec<Answer<'r>>, Malformed> {
        request
            .headers()
            .authorizations()
            .flatten()
            .filter(|credentials| credentials.is_digest())
            .filter(|credentials| {
                let realm = credentials.parameter("realm");
                realm.is_some_and(|realm| realm == self.config.realm)
            })
            .take(CREDENTIALS_MAX)
            .map(|credentials| Answer::read(&credentials))
            .collect()
    }

    fn judge(
        &mut self,
        now: Now,
        request: &Request,
        answer: &Answer<'_>,
        serves: impl Fn(&Uri) -> bool,
    ) -> Result<Judged, Refusal> {
        let uri = Uri::parse(&answer.uri).ok().filter(serves);
        if uri.is_none() {
            let what = "a uri served here in Authorization";
            return Err(Malformed::at(0, what).into());
        }
        if answer.protection.is_none() && !self.allows_no_qop(request.method()) {
            return Ok(Judged::Wrong);
        }
        let Some(algorithm) = answer.algorithm else {
            return Ok(Judged::Wrong);
        };
        let Some(decoy) = self.decoy(algorithm) else {
            return Ok(Judged::Wrong);
        };
        let user = self.users.user(&answer.username, &self.config.realm);
        let ha1 = user.and_then(|user| user.ha1(algorithm));
        let (method, body) = (request.method_text(), request.body());
        let expected = answer.expected(algorithm, ha1.unwrap_or(&decoy), method, &body);
        // Both are always computed and compared; only then does it matter who is known.
        let equal = algorithm
            .digest_from_text(&answer.response)
            .is_some_and(|response| response == expected);
        let (true, Some(user), Some(_)) = (equal, user, ha1) else {
            return Ok(Judged::Wrong);
        };
        let count = answer.protection.as_ref().map(|p| p.count);
        Ok(match self.nonces.check(now, &answer.nonce, count) {
            NonceCheck::Fresh => Judged::Proven(user.aor.clone()),
            // Told as stale even if replayed: some phones start counting anew with an old nonce,
            // and to a thief it tells nothing new.
            NonceCheck::Stale | NonceCheck::Foreign | NonceCheck::Replayed => Judged::Stale,
        })
    }

    fn allows_no_qop(&self, method: Method) -> bool {
        match self.config.allow_no_qop {
            NoQop::Never => false,
            NoQop::ExceptPublish => method != Method::Publish,
            NoQop::Always => true,
        }
    }

    /// The decoy of an algorithm; `None` if that is not accepted here.
    fn decoy(&self, algorithm: Algorithm) -> Option<HexDigest> {
        let mut decoys = self.decoys.iter();
        decoys.find_map(|(known, ha1)| (*known == algorithm).then_some(*ha1))
    }
}

/// For each algorithm offered, what stands for the secret of a user nobody knows.
fn decoys(config: &Config, secret: &Secret) -> Vec<(Algorithm, HexDigest)> {
    let decoy = |&algorithm: &Algorithm| (algorithm, algorithm.hash(&[b"nobody", secret.octets()]));
    config.algorithms.iter().map(decoy).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::auth::client::Answerer;
    use crate::base::limits::NONCE_LIFE;
    use crate::base::time::{Moment, Wall};
    use crate::sip::{Message, Response, parse};

    const REALM: &str = "example.com";

    /// A server, and what a client needs to talk to it.
    struct Office {
        digest: Digest,
        mint: Mint,
        now: Now,
        cnonce: u64,
    }

    impl Office {
        fn new() -> Office {
            Office::with(Config::default())
        }

        fn with(config: Config) -> Office {
            config.check().expect("good settings");
            let mut users = Users::default();
            let alice = Aor::from_canonical("alice@example.com");
            users.add("ali", REALM, alice, "secret");
            let odd = Aor::from_canonical("odd@example.com");
            users.add("a\"b\\c@lab", REALM, odd, "secret");
            let config = Config { realm: REALM.to_owned(), ..config };
            let now =
                Now { instant: Moment::ORIGIN, wall: Wall::from_unix_millis(1_772_444_467_000) };
            Office {
                digest: Digest::new(config, Secret::new([7; 16]), Arc::new(users)),
                mint: Mint::new([1; 32]),
                now,
                cnonce: 0,
            }
        }

        fn verify(&mut self, request: &Request) -> Result<Aor, Refusal> {
            let serves = |uri: &Uri| matches!(uri.host_text(), "example.com" | "192.0.2.1");
            self.digest.verify(self.now, &mut self.mint, request, serves)
        }

        /// The challenges to a request.
        fn challenges(&mut self, request: &Request) -> Vec<String> {
            match self.verify(request) {
                Err(Refusal::Unauthorized(challenges)) => challenges,
                other => panic!("not challenged: {other:?}"),
            }
        }

        /// Credentials for a fresh challenge, the one of `algorithm`.
        fn credentials(&mut self, who: &mut Answerer, algorithm: &str, request: &Asked) -> String {
            let challenges = self.challenges(&request.with(&[]));
            let wanted = format!("algorithm={algorithm},");
            let challenge = challenges.into_iter().filter(|text| text.contains(&wanted));
            self.cnonce += 1;
            who.answer(
                &response(challenge.collect()),
                request.method,
                request.digest_uri,
                request.body.as_bytes(),
                self.cnonce,
            )
            .expect("an answer")
            .1
        }

        fn is_stale(&mut self, request: &Request) -> bool {
            let challenges = self.challenges(request);
            challenges.iter().all(|text| text.contains("stale=true"))
        }
    }

    /// A request to be.
    #[derive(Clone)]
    struct Asked {
        method: &'static str,
        digest_uri: &'static str,
        body: &'static str,
    }

    const SUBSCRIBE: Asked =
        Asked { method: "SUBSCRIBE", digest_uri: "sip:102@example.com", body: "" };

    const PUBLISH: Asked =
        Asked { method: "PUBLISH", digest_uri: "sip:102@example.com", body: "<presence/>" };

    impl Asked {
        fn with(&self, authorizations: &[&str]) -> Request {
            let lines: String =
                authorizations.iter().map(|value| format!("Authorization: {value}\r\n")).collect();
            let Asked { method, body, .. } = self;
            let octets = body.len();
            let text = format!(
                "{method} sip:102@192.0.2.1:5060 SIP/2.0\r\n\
                 Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKnashds\r\n\
                 From: <sip:alice@example.com>;tag=1\r\nTo: <sip:102@example.com>\r\n\
                 Call-ID: 1\r\nCSeq: 1 {method}\r\n{lines}Content-Length: {octets}\r\n\r\n{body}"
            );
            match parse::message(text.into()).expect("a message") {
                Message::Request(request) => request,
                Message::Response(_) => panic!("a request became a response"),
            }
        }
    }

    fn response(challenges: Vec<String>) -> Response {
        let lines: String =
            challenges.iter().map(|value| format!("WWW-Authenticate: {value}\r\n")).collect();
        let text = format!(
            "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKnashds\r\n\
             From: <sip:a@b>;tag=1\r\nTo: <sip:a@b>;tag=2\r\nCall-ID: 1\r\nCSeq: 1 X\r\n\
             {lines}Content-Length: 0\r\n\r\n"
        );
        match parse::message(text.into()).expect("a message") {
            Message::Response(response) => response,
            Message::Request(_) => panic!("a response became a request"),
        }
    }

    fn alice() -> Answerer {
        Answerer::new("ali", "secret")
    }

    fn status(outcome: Result<Aor, Refusal>) -> u16 {
        outcome.map_or_else(|refusal| refusal.status().0, |_| 200)
    }

    /// The response in the form of RFC 2069.
    fn without_qop(office: &mut Office, request: &Asked) -> String {
        let challenges = office.challenges(&request.with(&[]));
        let (_, rest) = challenges[0].split_once("nonce=\"").expect("a nonce");
        let nonce = rest.split('"').next().expect("its end");
        let old = format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\"");
        alice()
            .answer(&response(vec![old]), request.method, request.digest_uri, b"", 1)
            .expect("an answer")
            .1
    }

    #[test]
    fn a_challenge_has_its_parameters_quoted_as_they_must_be() {
        let mut office = Office::new();
        let challenges = office.challenges(&SUBSCRIBE.with(&[]));
        assert_eq!(challenges.len(), 2, "one value for each algorithm");
        for (challenge, algorithm) in challenges.iter().zip(["SHA-256", "MD5"]) {
            assert!(challenge.starts_with("Digest realm=\"example.com\", nonce=\""));
            let end = format!("\", algorithm={algorithm}, qop=\"auth\"");
            assert!(challenge.ends_with(&end), "{challenge}");
        }
        let Refusal::Unauthorized(stale) =
            office.digest.challenge(office.now, &mut office.mint, true)
        else {
            panic!("no challenge");
        };
        assert!(stale[0].contains(", stale=true, "));
    }

    #[test]
    fn the_provisioned_aor_is_who_proved_the_password() {
        for algorithm in ["SHA-256", "MD5"] {
            let mut office = Office::new();
            let credentials = office.credentials(&mut alice(), algorithm, &SUBSCRIBE);
            let who = office.verify(&SUBSCRIBE.with(&[&credentials]));
            assert_eq!(who.expect("proven").as_str(), "alice@example.com");
        }
    }

    #[test]
    fn sha_512_256_serves_where_it_is_configured_and_only_there() {
        let mut office =
            Office::with(Config { algorithms: Algorithm::ALL.to_vec(), ..Config::default() });
        let credentials = office.credentials(&mut alice(), "SHA-512-256", &SUBSCRIBE);
        assert!(office.verify(&SUBSCRIBE.with(&[&credentials])).is_ok());
        office.digest.decoys.remove(0);
        let credentials = office.credentials(&mut alice(), "SHA-512-256", &SUBSCRIBE);
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&credentials]))), 401);
    }

    #[test]
    fn an_unknown_user_and_a_wrong_password_look_alike() {
        let mut office = Office::new();
        for (username, password) in [("ali", "wrong"), ("nobody", "secret")] {
            let mut stranger = Answerer::new(username, password);
            let credentials = office.credentials(&mut stranger, "SHA-256", &SUBSCRIBE);
            let challenges = office.challenges(&SUBSCRIBE.with(&[&credentials]));
            assert_eq!(challenges.len(), 2);
            assert!(!challenges[0].contains("stale"), "{challenges:?}");
        }
    }

    #[test]
    fn an_old_nonce_is_stale_only_if_the_password_is_right() {
        for (password, stale) in [("secret", true), ("wrong", false)] {
            let mut office = Office::new();
            let mut client = Answerer::new("ali", password);
            let credentials = office.credentials(&mut client, "MD5", &SUBSCRIBE);
            office.now = office.now.after(Duration::from_secs(301));
            assert_eq!(office.is_stale(&SUBSCRIBE.with(&[&credentials])), stale);
        }
    }

    #[test]
    fn a_nonce_of_another_secret_is_stale_and_no_wrong_password() {
        let (mut before, mut after) = (Office::new(), Office::new());
        after.digest.nonces = Nonces::new(&Secret::new([8; 16]), NONCE_LIFE);
        let credentials = before.credentials(&mut alice(), "MD5", &SUBSCRIBE);
        assert!(after.is_stale(&SUBSCRIBE.with(&[&credentials])));
    }

    #[test]
    fn a_replay_is_refused_and_a_further_count_is_not() {
        let mut office = Office::new();
        let mut client = alice();
        let first = office.credentials(&mut client, "SHA-256", &PUBLISH);
        let mut next = |count| {
            let uri = PUBLISH.digest_uri;
            client.again("PUBLISH", uri, b"", count).expect("more").1
        };
        let (second, third) = (next(2), next(3));
        for fresh in [&first, &third, &second] {
            assert_eq!(status(office.verify(&PUBLISH.with(&[fresh]))), 200);
        }
        for replayed in [&first, &second, &third] {
            assert!(office.is_stale(&PUBLISH.with(&[replayed])));
        }
    }

    #[test]
    fn qop_may_be_quoted_and_nc_has_eight_digits() {
        let mut office = Office::new();
        let credentials = office.credentials(&mut alice(), "MD5", &SUBSCRIBE);
        let quoted = credentials
            .replace("qop=auth", "qop=\"auth\"")
            .replace("nc=00000001", "nc=\"00000001\"")
            .replace("algorithm=MD5", "algorithm=\"md5\"");
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&quoted]))), 200);
        for nc in ["1", "000000001", "0000000g", "+0000001", "\"\""] {
            let odd = credentials.replace("nc=00000001", &format!("nc={nc}"));
            assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&odd]))), 400, "{nc}");
        }
    }

    #[test]
    fn credentials_without_what_they_need_are_malformed() {
        let mut office = Office::new();
        let credentials = office.credentials(&mut alice(), "MD5", &SUBSCRIBE);
        for name in ["username=", "nonce=", " uri=", "response=", " nc=", "cnonce="] {
            let blank: String = name.chars().map(|c| if c == '=' { c } else { 'x' }).collect();
            let without = credentials.replacen(name, &blank.replace("xx", "zx"), 1);
            let refused = status(office.verify(&SUBSCRIBE.with(&[&without])));
            assert_eq!(refused, 400, "{without}");
        }
        let odd = credentials.replace("qop=auth", "qop=token");
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&odd]))), 400);
    }

    #[test]
    fn auth_int_covers_the_body() {
        let mut office = Office::new();
        let challenge = |office: &mut Office| {
            let challenges = office.challenges(&PUBLISH.with(&[]));
            response(vec![challenges[0].replace("\"auth\"", "\"auth-int\"")])
        };
        let (uri, body) = (PUBLISH.digest_uri, PUBLISH.body.as_bytes());
        let answer = alice().answer(&challenge(&mut office), "PUBLISH", uri, body, 1);
        let (_, value) = answer.expect("an answer");
        assert!(value.contains("qop=auth-int"));
        let changed = Asked { body: "<presence />", ..PUBLISH };
        assert_eq!(status(office.verify(&changed.with(&[&value]))), 401);
        assert_eq!(status(office.verify(&PUBLISH.with(&[&value]))), 200);

        let answer = alice().answer(&challenge(&mut office), "SUBSCRIBE", uri, b"", 1);
        let (_, value) = answer.expect("an answer");
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&value]))), 200);
    }

    #[test]
    fn without_qop_a_nonce_serves_once_and_never_for_publish() {
        let mut office = Office::new();
        let old = without_qop(&mut office, &SUBSCRIBE);
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&old]))), 200);
        assert!(office.is_stale(&SUBSCRIBE.with(&[&old])));
        let old = without_qop(&mut office, &PUBLISH);
        assert_eq!(status(office.verify(&PUBLISH.with(&[&old]))), 401);

        for (allow_no_qop, method, code) in
            [(NoQop::Never, SUBSCRIBE, 401), (NoQop::Always, PUBLISH, 200)]
        {
            let mut office = Office::with(Config { allow_no_qop, ..Config::default() });
            let old = without_qop(&mut office, &method);
            assert_eq!(status(office.verify(&method.with(&[&old]))), code);
        }
    }

    #[test]
    fn the_uri_may_differ_from_the_request_uri_but_must_be_served() {
        for (digest_uri, code) in [
            ("sip:example.com", 200),
            ("sip:102@192.0.2.1:5060", 200),
            ("sip:other.org", 400),
            ("/index.html", 400),
        ] {
            let mut office = Office::new();
            let request = Asked { digest_uri, ..SUBSCRIBE };
            let credentials = office.credentials(&mut alice(), "MD5", &request);
            let outcome = office.verify(&request.with(&[&credentials]));
            assert_eq!(status(outcome), code, "{digest_uri}");
        }
    }

    #[test]
    fn credentials_for_others_are_no_business_of_ours() {
        let mut office = Office::new();
        let ours = office.credentials(&mut alice(), "MD5", &SUBSCRIBE);
        let others = ours.replace("example.com\", nonce", "other.org\", nonce");
        let strange = "NoOneKnowsThisScheme opaque-data=here";
        let basic = "Basic YWxpOnNlY3JldA==";
        for foreign in [&others, strange, basic] {
            let refused = office.verify(&SUBSCRIBE.with(&[foreign]));
            assert_eq!(status(refused), 401, "{foreign}");
        }
        let all = SUBSCRIBE.with(&[&others, strange, basic, &ours]);
        assert_eq!(status(office.verify(&all)), 200);
    }

    #[test]
    fn a_username_is_hashed_without_its_escapes() {
        let mut office = Office::new();
        let mut client = Answerer::new("a\"b\\c@lab", "secret");
        let credentials = office.credentials(&mut client, "SHA-256", &SUBSCRIBE);
        assert!(credentials.contains(r#"username="a\"b\\c@lab""#));
        let who = office.verify(&SUBSCRIBE.with(&[&credentials]));
        assert_eq!(who.expect("proven").as_str(), "odd@example.com");
    }

    #[test]
    fn replaced_users_count_at_once() {
        let mut office = Office::new();
        let credentials = office.credentials(&mut alice(), "MD5", &SUBSCRIBE);
        office.digest.replace_users(Arc::new(Users::default()));
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&credentials]))), 401);
    }
}
