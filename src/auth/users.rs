//! The users who may prove a password, and the AoR each of them is (RFC 5025 §3.1.1.2).
//!
//! In a file, one user a line: the username, then `realm=`, `aor=`, and one hash for each
//! algorithm. There is no password in it, but a hash is worth one: keep the file to yourself.
//!
//! ```text
//! # the reception
//! 101 realm=example.com aor=reception@example.com sha-256=4f7d.. md5=09a1..
//! ```
//!
//! `aor` may be left out when it is `username@realm`. White space, `#`, `%` and control
//! characters in a username or realm are written as `%HH`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{self, Write};

use crate::auth::algorithm::{Algorithm, HexDigest};
use crate::base::identity::Aor;
use crate::base::uri::Uri;

/// A set of users. Shared whole; a change makes a new set.
#[derive(Clone, Default, Debug)]
pub struct Users {
    /// By realm, then by username.
    realms: BTreeMap<String, BTreeMap<String, User>>,
    /// How many users have each AoR.
    aors: HashMap<Aor, usize>,
}

/// One user. `Debug` shows no hashes.
#[derive(Clone)]
pub struct User {
    /// The name that is proven with the password.
    pub username: String,
    /// Where that name is known; part of every hash.
    pub realm: String,
    /// Who that is.
    pub aor: Aor,
    /// H(A1) by [`slot`].
    ha1s: [Option<HexDigest>; 3],
}

/// A line of a users file that cannot be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsersError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl User {
    /// A user with the hashes of every algorithm. The password is not kept.
    pub fn new(username: &str, realm: &str, aor: Aor, password: &str) -> User {
        let mut user = User::without_hashes(username, realm, aor);
        for algorithm in Algorithm::ALL {
            let ha1 = algorithm.ha1(username, realm, password);
            user.ha1s[slot(algorithm)] = Some(ha1);
        }
        user
    }

    /// H(A1) for an algorithm; `None` if it is not known.
    pub fn ha1(&self, algorithm: Algorithm) -> Option<&HexDigest> {
        self.ha1s[slot(algorithm)].as_ref()
    }

    fn without_hashes(username: &str, realm: &str, aor: Aor) -> User {
        User { username: username.to_owned(), realm: realm.to_owned(), aor, ha1s: [None; 3] }
    }
}

impl Users {
    /// Reads a users file.
    pub fn read(text: &str) -> Result<Users, UsersError> {
        let mut users = Users::default();
        // An editor may have put a byte order mark in front.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (place, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("");
            let fault = |what| UsersError { line: place + 1, what };
            let Some(user) = read_line(line).map_err(fault)? else {
                continue;
            };
            if let Some(before) = users.insert(user) {
                let (username, realm) = (before.username, before.realm);
                return Err(fault(format!(
                    "user \"{username}\" of realm \"{realm}\" was there before; remove one line"
                )));
            }
        }
        Ok(users)
    }

    /// The users file of this set, sorted.
    pub fn write(&self) -> String {
        let mut text = String::new();
        for user in self.list() {
            let User { username, realm, aor, .. } = user;
            let (username, realm) = (escaped(username), escaped(realm));
            write!(text, "{username} realm={realm} aor={aor}").expect("a String takes everything");
            for algorithm in Algorithm::ALL {
                if let Some(ha1) = user.ha1(algorithm) {
                    let key = algorithm.name().to_ascii_lowercase();
                    write!(text, " {key}={}", ha1.as_str()).expect("a String takes everything");
                }
            }
            text.push('\n');
        }
        text
    }

    /// Adds a user by password, or changes an existing one. Gives back who was there before.
    pub fn add(&mut self, username: &str, realm: &str, aor: Aor, password: &str) -> Option<User> {
        self.insert(User::new(username, realm, aor, password))
    }

    /// Puts a user in. Gives back who was there before under the same name.
    pub fn insert(&mut self, user: User) -> Option<User> {
        *self.aors.entry(user.aor.clone()).or_default() += 1;
        let realm = self.realms.entry(user.realm.clone()).or_default();
        let before = realm.insert(user.username.clone(), user);
        self.forget(before.as_ref());
        before
    }

    /// Takes a user out.
    pub fn remove(&mut self, username: &str, realm: &str) -> Option<User> {
        let names = self.realms.get_mut(realm)?;
        let user = names.remove(username);
        if names.is_empty() {
            self.realms.remove(realm);
        }
        self.forget(user.as_ref());
        user
    }

    fn forget(&mut self, user: Option<&User>) {
        let Some(user) = user else { return };
        if let Some(count) = self.aors.get_mut(&user.aor) {
            *count -= 1;
            if *count == 0 {
                self.aors.remove(&user.aor);
            }
        }
    }

    /// The user of this name in this realm.
    pub fn user(&self, username: &str, realm: &str) -> Option<&User> {
        self.realms.get(realm)?.get(username)
    }

    /// Every user, by realm and then by name.
    pub fn list(&self) -> impl Iterator<Item = &User> {
        self.realms.values().flat_map(BTreeMap::values)
    }

    /// A user who could not answer a challenge of one of these algorithms, and which: a client
    /// answers the topmost it knows, so each user needs all that are offered.
    pub fn lacking(&self, algorithms: &[Algorithm]) -> Option<(&User, Algorithm)> {
        self.list().find_map(|user| {
            let lacking = |algorithm: &&Algorithm| user.ha1(**algorithm).is_none();
            algorithms.iter().find(lacking).map(|&algorithm| (user, algorithm))
        })
    }

    /// Whether some user has this AoR.
    pub fn has(&self, aor: &Aor) -> bool {
        self.aors.contains_key(aor)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.realms.values().map(BTreeMap::len).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.realms.is_empty()
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("username", &self.username)
            .field("realm", &self.realm)
            .field("aor", &self.aor)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for UsersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for UsersError {}

/// Where an algorithm's hash is kept.
const fn slot(algorithm: Algorithm) -> usize {
    match algorithm {
        Algorithm::Sha512Cut256 => 0,
        Algorithm::Sha256 => 1,
        Algorithm::Md5 => 2,
    }
}

/// The user of one line; `None` if the line is empty.
fn read_line(line: &str) -> Result<Option<User>, String> {
    let mut words = line.split_whitespace();
    let Some(username) = words.next() else {
        return Ok(None);
    };
    let username = unescaped(username)?;
    let (mut realm, mut aor, mut ha1s) = (None, None, [None; 3]);
    for word in words {
        let (key, value) = word
            .split_once('=')
            .ok_or_else(|| format!("\"{}\" has no value; write key=value", shown(word)))?;
        let repeated = match key {
            "realm" => realm.replace(unescaped(value)?).is_some(),
            "aor" => aor.replace(read_aor(value)?).is_some(),
            _ => {
                let (algorithm, ha1) = read_hash(key, value)?;
                ha1s[slot(algorithm)].replace(ha1).is_some()
            }
        };
        if repeated {
            return Err(format!("\"{key}\" is there twice; remove one"));
        }
    }
    let realm = realm.ok_or("the realm is missing; write realm=example.com")?;
    if ha1s.iter().all(Option::is_none) {
        return Err("no hash is there, so no password can be right; add the user again".to_owned());
    }
    let aor = match aor {
        Some(aor) => aor,
        None if username.contains('@') => read_aor(&username)?,
        None => read_aor(&format!("{username}@{realm}"))?,
    };
    let mut user = User::without_hashes(&username, &realm, aor);
    user.ha1s = ha1s;
    Ok(Some(user))
}

fn read_aor(text: &str) -> Result<Aor, String> {
    let fault = || format!("\"{}\" is no address-of-record; write aor=user@domain", shown(text));
    let rest = text.strip_prefix("sip:").unwrap_or(text);
    let uri = Uri::parse(&format!("sip:{rest}")).map_err(|_| fault())?;
    if uri.user().is_none_or(str::is_empty) {
        return Err(fault());
    }
    let aor = Aor::from_parts(&uri.canonical_user(), &uri.canonical_host());
    Ok(aor)
}

/// One hash. A mistyped one is not shown: it is a secret nearly right.
fn read_hash(key: &str, value: &str) -> Result<(Algorithm, HexDigest), String> {
    let algorithm = Algorithm::from_text(key).ok_or_else(|| {
        let key = shown(key);
        format!("\"{key}\" is unknown; write realm, aor, sha-512-256, sha-256 or md5")
    })?;
    let ha1 = algorithm.digest_from_text(value).ok_or_else(|| {
        format!("the value of {key} is no {algorithm} hash in hexadecimal; add the user again")
    })?;
    Ok((algorithm, ha1))
}

fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for character in name.chars() {
        if !must_be_escaped(character) {
            text.push(character);
            continue;
        }
        for octet in character.encode_utf8(&mut [0; 4]).bytes() {
            write!(text, "%{octet:02X}").expect("a String takes everything");
        }
    }
    text
}

fn must_be_escaped(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(character, '#' | '%' | '\u{feff}')
}

fn unescaped(text: &str) -> Result<String, String> {
    let fault = || {
        format!(
            "\"{}\" is no name; write a percent sign as %25 and other characters as %HH in UTF-8",
            shown(text)
        )
    };
    let mut octets = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            octets.push(*first);
            continue;
        }
        let (digits, after) = rest.split_at_checked(2).ok_or_else(fault)?;
        let octet = digits
            .iter()
            .try_fold(0, |octet, digit| Some(octet << 4 | char::from(*digit).to_digit(16)?));
        let octet = octet.and_then(|octet| u8::try_from(octet).ok());
        octets.push(octet.ok_or_else(fault)?);
        rest = after;
    }
    match String::from_utf8(octets) {
        Ok(name) if !name.is_empty() => Ok(name),
        _ => Err(fault()),
    }
}

/// A word of the file as a message may show it: printable and short.
fn shown(word: &str) -> String {
    const CHARACTERS_MAX: usize = 40;
    let short: String = word.chars().take(CHARACTERS_MAX).collect();
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = "3d78807defe7de2157e2b0b6573a855f";

    fn aor(text: &str) -> Aor {
        Aor::from_canonical(text)
    }

    fn error(text: &str) -> String {
        Users::read(text).expect_err(text).to_string()
    }

    #[test]
    fn a_line_is_a_user_and_the_rest_is_silent() {
        let text = format!(
            "# the office\n\n 101 realm=example.com aor=alice@Example.com md5={MD5} # reception\r\n"
        );
        let users = Users::read(&text).expect("a users file");
        assert_eq!(users.len(), 1);
        let user = users.user("101", "example.com").expect("a user");
        assert_eq!(user.aor, aor("alice@example.com"));
        assert_eq!(user.ha1(Algorithm::Md5).map(HexDigest::as_str), Some(MD5));
        assert!(user.ha1(Algorithm::Sha256).is_none());
        assert!(users.user("101", "example.org").is_none());
        assert!(users.user("alice", "example.com").is_none());
    }

    #[test]
    fn without_an_aor_the_username_names_it() {
        let users = format!("101 realm=example.com md5={MD5}\nbob@lab.test realm=x md5={MD5}");
        let users = Users::read(&users).expect("a users file");
        let aors: Vec<&str> = users.list().map(|user| user.aor.as_str()).collect();
        assert_eq!(aors, ["101@example.com", "bob@lab.test"]);
    }

    #[test]
    fn a_written_file_is_read_back() {
        let mut users = Users::default();
        for username in ["101", "a\"b\\c", "two words", "50%#1", "größe", "x=y", "bob@lab"] {
            users.add(username, "the realm", aor("someone@example.com"), "1234");
        }
        let text = users.write();
        let again = Users::read(&text).expect("a users file");
        assert_eq!(again.write(), text);
        assert_eq!(again.len(), 7);
        for user in users.list() {
            let read = again.user(&user.username, &user.realm).expect("the user");
            assert_eq!(read.aor, user.aor);
            assert_eq!(read.ha1s, user.ha1s);
        }
    }

    #[test]
    fn a_password_becomes_a_hash_for_every_algorithm() {
        let user = User::new(
            "Mufasa",
            "http-auth@example.org",
            aor("mufasa@example.org"),
            "Circle of Life",
        );
        assert_eq!(user.ha1(Algorithm::Md5).map(HexDigest::as_str), Some(MD5));
        assert!(Algorithm::ALL.iter().all(|&algorithm| user.ha1(algorithm).is_some()));
    }

    #[test]
    fn an_error_names_the_line_and_what_to_do() {
        let line = format!("101 realm=a.test md5={MD5}\n");
        for (text, says) in [
            ("101 realm\n", "line 1: \"realm\" has no value"),
            ("101 md5=12 realm=a.test\n", "no MD5 hash"),
            ("101 realm=a.test sha1=12\n", "\"sha1\" is unknown"),
            ("101 realm=a.test\n", "no hash is there"),
            ("10% realm=a.test\n", "%25"),
            ("%FF realm=a.test\n", "UTF-8"),
            (&format!("101 md5={MD5}\n"), "the realm is missing"),
            (&format!("{}{}", line, line), "line 2: user \"101\""),
            (&format!("101 realm=a realm=b md5={MD5}"), "\"realm\" is there twice"),
            (&format!("\n101 realm=a aor=@b md5={MD5}"), "line 2: \"@b\" is no address"),
            (&format!("a%20b realm=a md5={MD5}"), "aor=user@domain"),
        ] {
            let error = error(text);
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn neither_debug_nor_an_error_shows_a_hash() {
        let mut users = Users::default();
        users.add("101", "a.test", aor("101@a.test"), "1234");
        let user = users.user("101", "a.test").expect("the user");
        let ha1 = user.ha1(Algorithm::Md5).expect("a hash").as_str().to_owned();
        assert!(!format!("{users:?}").contains(&ha1));
        let cut = ha1.get(..30).expect("30 digits");
        assert!(!error(&format!("101 realm=a.test md5={cut}")).contains(cut));
    }

    #[test]
    fn a_user_who_lacks_an_offered_algorithm_is_found() {
        let mut users = Users::default();
        users.add("101", "a.test", aor("101@a.test"), "1234");
        assert!(users.lacking(&Algorithm::ALL).is_none());
        let text = format!("{}102 realm=a.test md5={MD5}\n", users.write());
        let users = Users::read(&text).expect("a users file");
        assert!(users.lacking(&[Algorithm::Md5]).is_none());
        let (user, algorithm) = users.lacking(&[Algorithm::Sha256]).expect("a user");
        assert_eq!((user.username.as_str(), algorithm), ("102", Algorithm::Sha256));
    }

    #[test]
    fn a_removed_user_is_gone() {
        let mut users = Users::default();
        assert!(users.add("101", "a.test", aor("101@a.test"), "1234").is_none());
        assert!(users.add("101", "a.test", aor("102@a.test"), "1234").is_some());
        assert!(users.remove("101", "b.test").is_none());
        assert!(users.remove("101", "a.test").is_some());
        assert!(users.remove("101", "a.test").is_none());
        assert!(users.is_empty());
    }
}
