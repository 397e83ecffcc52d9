//! Local names of elements and attributes: nearly all are of a few dozen words, which are not
//! written down again for every document.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// A local name; it is used as the text it is.
#[derive(Clone)]
pub struct Local(Spelling);

#[derive(Clone)]
enum Spelling {
    Known(&'static str),
    Other(Box<str>),
}

/// What the documents read here are made of.
const WORDS: [&str; 76] = [
    // dialog-info (RFC 4235).
    "dialog-info",
    "version",
    "state",
    "entity",
    "dialog",
    "id",
    "call-id",
    "local-tag",
    "remote-tag",
    "direction",
    "event",
    "code",
    "duration",
    "replaces",
    "referred-by",
    "route-set",
    "local",
    "remote",
    "identity",
    "display",
    "target",
    "uri",
    "param",
    "pname",
    "pval",
    "session-description",
    "type",
    "cseq",
    "hop",
    // PIDF and its parts (RFC 3863, RFC 4479, RFC 4480, RFC 4481, RFC 4482, RFC 5196).
    "presence",
    "tuple",
    "status",
    "basic",
    "contact",
    "priority",
    "note",
    "timestamp",
    "lang",
    "person",
    "device",
    "deviceID",
    "activities",
    "activity",
    "mood",
    "class",
    "place-type",
    "place-is",
    "privacy",
    "relationship",
    "service-class",
    "sphere",
    "status-icon",
    "time-offset",
    "user-input",
    "idle-threshold",
    "last-input",
    "from",
    "until",
    "timed-status",
    "card",
    "homepage",
    "icon",
    "map",
    "sound",
    "display-name",
    "servcaps",
    "devcaps",
    "audio",
    "video",
    "busy",
    "away",
    "meeting",
    "on-the-phone",
    "other",
    "unknown",
    "vacation",
];

/// Twice as many places as words at least, so that most are found at once.
const PLACES: usize = 256;

static TABLE: [&str; PLACES] = {
    let mut table = [""; PLACES];
    let mut nth = 0;
    while nth < WORDS.len() {
        let mut place = place_of(WORDS[nth].as_bytes());
        while !table[place].is_empty() {
            place = (place + 1) % PLACES;
        }
        table[place] = WORDS[nth];
        nth += 1;
    }
    table
};

/// Where a word is looked for first; the length, both ends and the middle tell most apart.
const fn place_of(word: &[u8]) -> usize {
    if word.is_empty() {
        return 0;
    }
    let (first, middle, last) = (word[0], word[word.len() / 2], word[word.len() - 1]);
    (word.len() * 37 + first as usize * 7 + middle as usize * 3 + last as usize * 19) % PLACES
}

impl From<&str> for Local {
    fn from(text: &str) -> Local {
        let mut place = place_of(text.as_bytes());
        while let Some(word) = TABLE.get(place).filter(|word| !word.is_empty()) {
            if *word == text {
                return Local(Spelling::Known(word));
            }
            place = (place + 1) % PLACES;
        }
        Local(Spelling::Other(text.into()))
    }
}

impl Deref for Local {
    type Target = str;

    fn deref(&self) -> &str {
        match &self.0 {
            Spelling::Known(word) => word,
            Spelling::Other(text) => text,
        }
    }
}

impl PartialEq for Local {
    fn eq(&self, other: &Local) -> bool {
        **self == **other
    }
}

impl Eq for Local {}

impl Hash for Local {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl PartialOrd for Local {
    fn partial_cmp(&self, other: &Local) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Local {
    fn cmp(&self, other: &Local) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl fmt::Debug for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl fmt::Display for Local {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_known_and_stays_itself() {
        for word in WORDS {
            let local = Local::from(word);
            assert!(matches!(local.0, Spelling::Known(_)), "{word}");
            assert_eq!(&*local, word);
        }
    }

    #[test]
    fn any_other_name_is_kept_as_it_is() {
        for text in ["", "x", "Dialog", "state ", "statf", "dialog-infos", "dnd"] {
            let local = Local::from(text);
            assert!(matches!(local.0, Spelling::Other(_)), "{text}");
            assert_eq!(&*local, text);
            assert_eq!(local, Local::from(text));
        }
    }
}
