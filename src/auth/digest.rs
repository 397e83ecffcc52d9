//! Digest authentication of requests (RFC 7616, RFC 8760, RFC 3261 §22).
//!
//! Whoever does not know a password learns nothing from the answer: an unknown user and a wrong
//! password cost the same work and get the same challenge. Who tries too often is not listened to.

use std::sync::Arc;

use super::algorithm::{Algorithm, HexDigest};
use super::answer::{Answer, quoted};
use super::config::{Config, NoQop};
use super::guard::{Guard, Report, Tried};
use super::nonce::{Issued, NonceCheck, Nonces, Source};
use super::users::Users;
use crate::base::flow::Flow;
use crate::base::identity::Aor;
use crate::base::limits::CREDENTIALS_MAX;
use crate::base::mint::{Mint, Secret};
use crate::base::time::Now;
use crate::base::uri::Uri;
use crate::sip::{Malformed, Method, Refusal, Request};

/// The phrase of the 403 for whom is not listened to.
const TOO_MANY_FAILURES: &str = "Too Many Authentication Failures";

/// Challenges, and judges the answers of one realm.
pub struct Digest {
    config: Config,
    secret: Secret,
    nonces: Nonces,
    guard: Guard,
    users: Arc<Users>,
    /// Stands for the secret of a user nobody knows, so that the work is the same.
    decoys: Vec<(Algorithm, HexDigest)>,
    failed: u64,
    refused: u64,
}

/// How far the `uri` of credentials reaches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    /// It is none of ours, or of somebody whom the request is not about.
    Nowhere,
    /// It names whom the request is about: the credentials serve at one owner only.
    One,
    /// It names nobody: the credentials serve for everybody, so only the owner who issued the
    /// nonce can tell whether they served before.
    Anyone,
}

/// What one set of credentials is worth.
enum Judged {
    Proven(Aor),
    /// The password is right, or was not looked at; the nonce is not.
    Stale,
    Wrong,
    /// Not looked at: too many were wrong.
    Refused,
}

/// A request with credentials.
struct Asked<'r> {
    request: &'r Request,
    flow: Flow,
    /// Where it came from.
    source: Source,
}

/// Credentials that do not do.
struct Failure<'a> {
    asked: &'a Asked<'a>,
    issued: Issued,
    user: &'a str,
    tried: Tried,
}

impl Digest {
    /// With a realm, a secret that outlives restarts, and the users. `origin` is another for each
    /// owner who has the same secret.
    pub fn new(config: Config, secret: Secret, origin: u32, users: Arc<Users>) -> Digest {
        Digest {
            nonces: Nonces::new(&secret, origin, config.nonce_life),
            guard: Guard::new(&config, secret),
            decoys: decoys(&config, &secret),
            config,
            secret,
            users,
            failed: 0,
            refused: 0,
        }
    }

    /// From now on, these settings and users count. Nonces and what was spent on them stay.
    pub fn adopt(&mut self, config: Config, users: Arc<Users>) {
        self.nonces.live_for(config.nonce_life);
        self.guard.adopt(&config);
        self.decoys = decoys(&config, &self.secret);
        self.config = config;
        self.replace_users(users);
    }

    /// From now on, these users count. Who failed may try again.
    pub fn replace_users(&mut self, users: Arc<Users>) {
        self.users = users;
        self.guard.forgive();
    }

    /// Wrong credentials so far, and those that were not looked at.
    pub fn failures(&self) -> (u64, u64) {
        (self.failed, self.refused)
    }

    /// Who sent this request, proven by a password; otherwise the challenge to send. `reach`
    /// tells how far the `uri` of credentials reaches: it must be one of ours, but may differ from
    /// the Request-URI, which proxies rewrite (RFC 8760 §2.6).
    pub fn verify(
        &mut self,
        now: Now,
        mint: &mut Mint,
        request: &Request,
        flow: Flow,
        reach: impl Fn(&Uri) -> Reach,
    ) -> Result<Aor, Refusal> {
        self.nonces.advance(now);
        let source = self.nonces.source(flow.peer().ip());
        let asked = Asked { request, flow, source };
        let mut stale = false;
        for answer in self.answers(request)? {
            match self.judge(now, &asked, &answer, &reach)? {
                Judged::Proven(aor) => return Ok(aor),
                Judged::Stale => stale = true,
                Judged::Wrong => {}
                Judged::Refused => return Err(Refusal::Forbidden(TOO_MANY_FAILURES)),
            }
        }
        Err(self.challenge(now, mint, source, stale))
    }

    /// A 401 with one challenge for each algorithm (RFC 8760 §2.3). `stale` tells the client
    /// that its password was right and only the nonce too old.
    fn challenge(&self, now: Now, mint: &mut Mint, source: Source, stale: bool) -> Refusal {
        let realm = quoted(&self.config.realm);
        let nonce = self.nonces.mint(now, mint, source);
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
        asked: &Asked<'_>,
        answer: &Answer<'_>,
        reach: impl Fn(&Uri) -> Reach,
    ) -> Result<Judged, Refusal> {
        let Asked { request, source, .. } = *asked;
        let reach = Uri::parse(&answer.uri).map_or(Reach::Nowhere, |uri| reach(&uri));
        if reach == Reach::Nowhere {
            let what = "a uri served here in Authorization";
            return Err(Malformed::at(0, what).into());
        }
        // Who never heard a challenge of ours may be anybody and may guess forever: nothing is
        // looked at. A client that answers somebody else's nonce tries again with ours.
        let issued = self.nonces.read(&answer.nonce);
        let Some(issued) = issued.filter(|issued| self.nonces.is_recent(now, *issued)) else {
            return Ok(Judged::Stale);
        };
        let tried = [source, issued.source()].map(|from| self.guard.tried(from, &answer.username));
        if tried.iter().any(|tried| self.guard.refuses(now.instant, *tried)) {
            self.refused += 1;
            return Ok(Judged::Refused);
        }
        let [_, tried] = tried;
        let failure = Failure { asked, issued, user: &answer.username, tried };
        if answer.protection.is_none() && !self.allows_no_qop(request.method()) {
            self.slip(now, &failure, "no_qop");
            return Ok(Judged::Wrong);
        }
        let decoy =
            answer.algorithm.and_then(|algorithm| Some((algorithm, self.decoy(algorithm)?)));
        let Some((algorithm, decoy)) = decoy else {
            self.slip(now, &failure, "algorithm");
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
            let reason = if user.is_some() { "wrong_password" } else { "unknown_user" };
            self.fail(now, &failure, reason);
            return Ok(Judged::Wrong);
        };
        let aor = user.aor.clone();
        if reach == Reach::Anyone && !self.nonces.is_from_here(issued) {
            return Ok(Judged::Stale);
        }
        let count = answer.protection.as_ref().map(|p| p.count);
        Ok(match self.nonces.check(now, issued, count) {
            NonceCheck::Fresh => {
                self.guard.proved(now.instant, tried);
                Judged::Proven(aor)
            }
            // Told as stale even if replayed: some phones start counting anew with an old nonce,
            // and to a thief it tells nothing new.
            NonceCheck::Stale | NonceCheck::Replayed => Judged::Stale,
        })
    }

    /// A password was wrong: counted, and told.
    fn fail(&mut self, now: Now, failure: &Failure<'_>, reason: &'static str) {
        self.failed += 1;
        let (is_told, refused) = self.guard.failed(now.instant, failure.tried);
        if is_told {
            failure.report(reason).failed();
        }
        if let Some(who) = refused.filter(|_| failure.is_where_it_says()) {
            failure.report(reason).refused(who);
        }
    }

    /// No password was looked at, since the client does not speak as it must: told.
    fn slip(&mut self, now: Now, failure: &Failure<'_>, reason: &'static str) {
        if self.guard.slipped(now.instant, failure.tried) {
            failure.report(reason).failed();
        }
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

impl<'a> Failure<'a> {
    /// A stream cannot come from a forged address; a datagram comes from where it says if its
    /// sender heard what was sent there.
    fn is_where_it_says(&self) -> bool {
        let Failure { asked, issued, .. } = self;
        asked.flow.transport().is_reliable() || issued.source() == asked.source
    }

    fn report(&self, reason: &'static str) -> Report<'a> {
        Report {
            method: self.asked.request.method_text(),
            user: self.user,
            source: self.asked.flow.peer().ip().to_canonical(),
            transport: self.asked.flow.transport(),
            reason: if self.is_where_it_says() { reason } else { "nonce_of_another" },
        }
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
    use crate::auth::algorithm::tests::hashes;
    use crate::auth::client::Answerer;
    use crate::base::flow::{ConnectionId, ListenerId, Transport};
    use crate::base::limits::{AUTH_FAILURES_MAX, AUTH_REFUSED_FOR, NONCE_LIFE};
    use crate::base::time::{Moment, Wall};
    use crate::sip::{Message, Response, parse};

    const REALM: &str = "example.com";

    /// A server, and what a client needs to talk to it.
    struct Office {
        digest: Digest,
        mint: Mint,
        now: Now,
        flow: Flow,
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
                digest: Digest::new(config, Secret::new([7; 16]), 1, Arc::new(users)),
                mint: Mint::new([1; 32]),
                now,
                flow: datagrams("192.0.2.9:5060"),
                cnonce: 0,
            }
        }

        fn verify(&mut self, request: &Request) -> Result<Aor, Refusal> {
            let reach = |uri: &Uri| match uri.host_text() {
                "example.com" | "192.0.2.1" if uri.user().is_some() => Reach::One,
                "example.com" => Reach::Anyone,
                _ => Reach::Nowhere,
            };
            self.digest.verify(self.now, &mut self.mint, request, self.flow, reach)
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

    fn datagrams(peer: &str) -> Flow {
        Flow::Udp { listener: ListenerId(0), peer: peer.parse().expect("an address") }
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
        let nobody = office.digest.nonces.source([192, 0, 2, 1].into());
        let stale = office.digest.challenge(office.now, &mut office.mint, nobody, true);
        let Refusal::Unauthorized(stale) = stale else { panic!("no challenge") };
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
        after.digest.nonces = Nonces::new(&Secret::new([8; 16]), 1, NONCE_LIFE);
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

    /// How many hashes a set of credentials costs.
    fn cost(office: &mut Office, request: &Request) -> u32 {
        let before = hashes();
        let _ = office.verify(request);
        hashes() - before
    }

    #[test]
    fn a_known_and_an_unknown_user_cost_the_same_hashes() {
        let mut office = Office::new();
        let md5 = "md5=3d78807defe7de2157e2b0b6573a855f";
        let mut users = Users::read(&format!("old realm={REALM} {md5}\n")).expect("a user");
        users.add("ali", REALM, Aor::from_canonical("alice@example.com"), "secret");
        office.digest.replace_users(Arc::new(users));
        for (algorithm, request) in [("SHA-256", SUBSCRIBE), ("MD5", SUBSCRIBE), ("MD5", PUBLISH)] {
            let mut costs = Vec::new();
            for (name, password) in
                [("ali", "secret"), ("ali", "wrong"), ("nobody", "wrong"), ("old", "wrong")]
            {
                let mut who = Answerer::new(name, password);
                let credentials = office.credentials(&mut who, algorithm, &request);
                costs.push(cost(&mut office, &request.with(&[&credentials])));
            }
            assert!(costs[0] > 0 && costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
        }
    }

    #[test]
    fn a_nonce_of_nobody_tells_a_guesser_nothing() {
        let mut office = Office::new();
        for (username, password) in [("ali", "secret"), ("ali", "wrong"), ("nobody", "wrong")] {
            let mut guesser = Answerer::new(username, password);
            let credentials = office.credentials(&mut guesser, "MD5", &SUBSCRIBE);
            let (before, after) = credentials.split_once("nonce=\"").expect("a nonce");
            let foreign = format!("{before}nonce=\"00{}", &after[2..]);
            let request = SUBSCRIBE.with(&[&foreign]);
            assert_eq!(cost(&mut office, &request), 0, "{username}");
            assert!(office.is_stale(&request), "{username}");
        }
        assert_eq!(office.digest.failures(), (0, 0));
    }

    /// One wrong password for a name; the status.
    fn guess(office: &mut Office, username: &str, request: &Asked) -> u16 {
        let mut guesser = Answerer::new(username, "wrong");
        let credentials = office.credentials(&mut guesser, "MD5", request);
        status(office.verify(&request.with(&[&credentials])))
    }

    #[test]
    fn who_fails_too_often_is_refused_without_a_look() {
        const REGISTER: Asked =
            Asked { method: "REGISTER", digest_uri: "sip:example.com", body: "" };
        for (username, request) in
            [("ali", SUBSCRIBE), ("ali", PUBLISH), ("ali", REGISTER), ("nobody", SUBSCRIBE)]
        {
            let mut office = Office::new();
            for _ in 0..AUTH_FAILURES_MAX {
                assert_eq!(guess(&mut office, username, &request), 401);
            }
            let mut right = Answerer::new(username, "secret");
            let credentials = office.credentials(&mut right, "MD5", &request);
            let request_with = request.with(&[&credentials]);
            assert_eq!(cost(&mut office, &request_with), 0);
            assert_eq!(status(office.verify(&request_with)), 403);
            assert_eq!(office.digest.failures(), (u64::from(AUTH_FAILURES_MAX), 2));
            assert_eq!(guess(&mut office, "odd", &request), 401, "another name");
            office.now = office.now.after(AUTH_REFUSED_FOR);
            let credentials = office.credentials(&mut right, "MD5", &request);
            let later = status(office.verify(&request.with(&[&credentials])));
            assert_eq!(later, if username == "ali" { 200 } else { 401 });
        }
    }

    #[test]
    fn new_passwords_may_be_tried_at_once() {
        let mut office = Office::new();
        for _ in 0..=AUTH_FAILURES_MAX {
            guess(&mut office, "ali", &SUBSCRIBE);
        }
        assert_eq!(guess(&mut office, "ali", &SUBSCRIBE), 403);
        let users = Arc::clone(&office.digest.users);
        office.digest.replace_users(users);
        assert_eq!(guess(&mut office, "ali", &SUBSCRIBE), 401);
    }

    #[test]
    fn a_forged_address_locks_nobody_out_and_hides_nobody() {
        let mut office = Office::new();
        let (guesser, victim) = (datagrams("203.0.113.6:5060"), datagrams("192.0.2.9:5060"));
        for _ in 0..AUTH_FAILURES_MAX {
            office.flow = guesser;
            let mut wrong = Answerer::new("ali", "wrong");
            let credentials = office.credentials(&mut wrong, "MD5", &SUBSCRIBE);
            office.flow = victim;
            assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&credentials]))), 401);
        }
        let credentials = office.credentials(&mut alice(), "MD5", &SUBSCRIBE);
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&credentials]))), 200, "the victim");
        // Whoever heard the challenges is the one who is refused, wherever it claims to be.
        office.flow = guesser;
        assert_eq!(guess(&mut office, "ali", &SUBSCRIBE), 403);
        let mut right = alice();
        let credentials = office.credentials(&mut right, "MD5", &SUBSCRIBE);
        office.flow = datagrams("198.51.100.1:5060");
        assert_eq!(status(office.verify(&SUBSCRIBE.with(&[&credentials]))), 403);
    }

    #[test]
    fn a_new_connection_is_no_new_chance() {
        let mut office = Office::new();
        let connection = |number: u64| Flow::Stream {
            transport: Transport::Tcp,
            listener: ListenerId(1),
            connection: ConnectionId(number),
            peer: ([192, 0, 2, 9], 40_000 + u16::try_from(number).expect("few")).into(),
        };
        for number in 0..u64::from(AUTH_FAILURES_MAX) {
            office.flow = connection(number);
            assert_eq!(guess(&mut office, "ali", &SUBSCRIBE), 401);
        }
        office.flow = connection(99);
        assert_eq!(guess(&mut office, "ali", &SUBSCRIBE), 403);
    }

    #[test]
    fn credentials_that_name_nobody_serve_only_where_their_nonce_was_issued() {
        const ANYONE: Asked = Asked { digest_uri: "sip:example.com", ..SUBSCRIBE };
        let (mut here, mut there) = (Office::new(), Office::new());
        let other = Config { realm: REALM.to_owned(), ..Config::default() };
        let users = Arc::clone(&there.digest.users);
        there.digest = Digest::new(other, Secret::new([7; 16]), 2, users);
        for (request, elsewhere) in [(ANYONE, 401), (SUBSCRIBE, 200)] {
            let credentials = here.credentials(&mut alice(), "MD5", &request);
            let request = request.with(&[&credentials]);
            assert_eq!(status(here.verify(&request)), 200);
            assert_eq!(status(here.verify(&request)), 401, "replayed");
            there.digest.nonces.advance(here.now);
            assert_eq!(status(there.verify(&request)), elsewhere);
        }
        let credentials = here.credentials(&mut alice(), "MD5", &ANYONE);
        assert!(there.is_stale(&ANYONE.with(&[&credentials])), "no wrong password");
    }
}
