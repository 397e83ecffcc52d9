//! What is done with the documents of a person's rules, and what comes of it: the words between
//! the API and whoever keeps the files.

use bytes::Bytes;

/// What is to be done with the documents of one person.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filing {
    /// Look at all of them.
    Look,
    /// Put one in its place.
    Put {
        /// Its name.
        document: String,
        /// The whole of it.
        octets: Bytes,
        /// If that is so.
        provided: Provided,
    },
    /// Take one away.
    Remove {
        /// Its name.
        document: String,
        /// If that is so.
        provided: Provided,
    },
}

/// What must be so of a document before anything is done with it (RFC 9110 §13.1).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum Provided {
    /// Nothing.
    #[default]
    Always,
    /// That it is there.
    There,
    /// That it is not there.
    Absent,
    /// That it is one of these.
    Is(Vec<String>),
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Filed {
    /// All documents, by name.
    All(Vec<Paper>),
    /// It is in its place, kept, and in force.
    Put {
        /// The document.
        paper: Paper,
        /// Whether there was none before.
        is_new: bool,
    },
    /// It is gone.
    Removed,
}

/// One document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Paper {
    /// Its name.
    pub document: String,
    /// The whole of it.
    pub octets: Bytes,
    /// Another for every other text.
    pub tag: String,
}

/// Why nothing came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unfiled {
    /// Persons have no rules of their own here: no folder is set for them.
    Nowhere,
    /// There is no such document.
    NoSuch,
    /// It is not as it was thought to be.
    Changed,
    /// It stands in two files, of which only the operator can take one away.
    Twice,
    /// It cannot be in force: the line, from 1, and what is wrong there.
    Wrong {
        /// From 1.
        line: usize,
        /// What is wrong and what to write instead.
        what: String,
    },
    /// The disk does not take it.
    Unkept,
}

impl Provided {
    /// Whether a document with this tag, or none, will do.
    pub fn holds(&self, tag: Option<&str>) -> bool {
        match (self, tag) {
            (Provided::Always, _) | (Provided::There, Some(_)) | (Provided::Absent, None) => true,
            (Provided::Is(tags), Some(tag)) => tags.iter().any(|known| known == tag),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_holds_of_what_is_there() {
        let of = |tags: &[&str]| Provided::Is(tags.iter().map(|&tag| tag.to_owned()).collect());
        for (provided, there, absent) in [
            (Provided::Always, true, true),
            (Provided::There, true, false),
            (Provided::Absent, false, true),
            (of(&["x", "a"]), true, false),
            (of(&["x"]), false, false),
        ] {
            assert_eq!((provided.holds(Some("a")), provided.holds(None)), (there, absent));
        }
    }
}
