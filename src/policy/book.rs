//! Everything decisions are made by, as one value: a change makes a new book, and a book that
//! cannot be read wholly never takes the place of one that was.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::decide::{Asking, Decision, decide};
use super::explain::{Explanation, explain};
use super::layers::Layers;
use super::organisation::{Organisation, Policy};
use super::rules::place::Place;
use super::rules::{PersonRules, RuleSet, Rules};
use crate::base::identity::Aor;
use crate::base::limits::RULE_DOCUMENTS_MAX;

/// The policy of the organisation and the rules of all persons.
#[derive(Clone, Debug, Default)]
pub struct Book {
    organisation: Organisation,
    persons: HashMap<Aor, Arc<Person>>,
    /// Whether there is more than the operator's rules, or may be.
    is_read: bool,
}

/// What one person wrote.
#[derive(Clone, Debug, Default)]
struct Person {
    /// By name; `None` for one that cannot be read.
    documents: BTreeMap<String, Option<RuleSet>>,
    /// All of them together.
    rules: PersonRules,
}

/// What could not be read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// The document; `None` for the policy of the organisation.
    pub place: Option<Place>,
    /// From 1.
    pub line: usize,
    /// What is wrong and what to write instead.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Fault { place, line, what } = self;
        match place {
            Some(place) => write!(f, "{}:{line}: {what}", place.path()),
            None => write!(f, "line {line}: {what}"),
        }
    }
}

impl Book {
    /// The operator's rules alone.
    pub fn new(operator: Rules) -> Book {
        Book { organisation: Organisation::of(operator), ..Book::default() }
    }

    /// Reads a policy and documents of persons. With any fault a running agent keeps the book it
    /// has; one that begins uses this one: nothing is shown of those whose rules cannot be read.
    pub fn read<'a>(
        operator: Rules,
        policy: Option<&str>,
        documents: impl IntoIterator<Item = (Place, &'a [u8])>,
    ) -> (Book, Vec<Fault>) {
        let mut book = Book { is_read: true, ..Book::new(operator) };
        let mut faults = Vec::new();
        match policy.map(Policy::read).transpose() {
            Ok(policy) => book.organisation.policy = policy,
            Err(fault) => {
                book.organisation.policy = Some(Policy::closed());
                faults.push(Fault { place: None, line: fault.line, what: fault.what });
            }
        }
        for (place, octets) in documents {
            faults.extend(book.put(place, octets).err());
        }
        (book, faults)
    }

    /// Puts a document in its place. One that cannot be read hides everything of its person until
    /// another is put there; who would rather keep what was there puts it into a copy of the book.
    pub fn put(&mut self, place: Place, octets: &[u8]) -> Result<(), Fault> {
        let read = RuleSet::read_as(&place.document, octets).map_err(|fault| {
            let line = usize::try_from(fault.line).unwrap_or(usize::MAX);
            Fault { place: Some(place.clone()), line, what: fault.what }
        });
        let person = Arc::make_mut(self.persons.entry(place.user.clone()).or_default());
        self.is_read = true;
        let is_one_more = !person.documents.contains_key(&place.document);
        if is_one_more && person.documents.len() >= RULE_DOCUMENTS_MAX {
            let what = format!("more than {RULE_DOCUMENTS_MAX} documents of one person");
            return Err(Fault { place: Some(place), line: 1, what });
        }
        let (rules, fault) = match read {
            Ok(rules) => (Some(rules), Ok(())),
            Err(fault) => (None, Err(fault)),
        };
        person.documents.insert(place.document, rules);
        person.join();
        fault
    }

    /// Takes a document away. True if it was there.
    pub fn remove(&mut self, place: &Place) -> bool {
        let Some(person) = self.persons.get_mut(&place.user).map(Arc::make_mut) else {
            return false;
        };
        let was_there = person.documents.remove(&place.document).is_some();
        person.join();
        if person.documents.is_empty() {
            self.persons.remove(&place.user);
        }
        was_there
    }

    /// Whether the operator's rules are all there is, so that nothing depends on the moment and
    /// everybody who may see anything sees everything.
    pub fn is_plain(&self) -> bool {
        !self.is_read
    }

    /// How many persons have rules.
    pub fn persons(&self) -> usize {
        self.persons.len()
    }

    /// What stands above the rules of persons.
    pub fn organisation(&self) -> &Organisation {
        &self.organisation
    }

    /// How long places are kept after they were said; `None` while the publication lasts.
    pub fn retain(&self) -> Option<Duration> {
        self.organisation.policy.as_ref().and_then(|policy| policy.location.retain)
    }

    /// The rules of one person.
    pub fn rules_of(&self, person: &Aor) -> &PersonRules {
        self.persons.get(person).map_or(&PersonRules::Absent, |person| &person.rules)
    }

    /// Decides on a watcher.
    pub fn decide(&self, asking: &Asking<'_>) -> Decision {
        decide(self.rules_of(asking.presentity), &self.organisation, asking)
    }

    /// What each layer leaves of what a watcher may see.
    pub fn layers(&self, asking: &Asking<'_>) -> Layers {
        Layers::of(self.rules_of(asking.presentity), &self.organisation, asking)
    }

    /// Decides, and says why.
    pub fn explain(&self, asking: &Asking<'_>) -> (Decision, Explanation) {
        explain(self.rules_of(asking.presentity), &self.organisation, asking)
    }
}

impl Person {
    fn join(&mut self) {
        let mut all = RuleSet::default();
        for document in self.documents.values() {
            let Some(rules) = document else {
                self.rules = PersonRules::Unreadable;
                return;
            };
            all = all.join(rules.clone());
        }
        self.rules = match self.documents.is_empty() {
            true => PersonRules::Absent,
            false => PersonRules::Rules(all),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::identity::Identity;
    use crate::base::time::Wall;
    use crate::doc::rules::SubHandling;

    fn document(handling: &str) -> String {
        format!(
            "<ruleset xmlns='urn:ietf:params:xml:ns:common-policy' \
             xmlns:pr='urn:ietf:params:xml:ns:pres-rules'><rule id='a'><actions>\
             <pr:sub-handling>{handling}</pr:sub-handling></actions></rule></ruleset>"
        )
    }

    fn place(user: &str, document: &str) -> Place {
        Place { user: Aor::from_canonical(user), document: document.to_owned() }
    }

    fn handling(book: &Book, presentity: &str) -> SubHandling {
        let presentity = Aor::from_canonical(presentity);
        let bob = Identity::User(Aor::from_canonical("bob@a.test"));
        book.decide(&Asking::new(&presentity, &bob, Wall::default())).handling
    }

    #[test]
    fn each_person_has_rules_of_their_own_and_all_documents_count() {
        let (index, more) = (document("polite-block"), document("confirm"));
        let documents = [
            (place("alice@a.test", "index"), index.as_bytes()),
            (place("alice@a.test", "more"), more.as_bytes()),
        ];
        let (mut book, faults) = Book::read(Rules::default(), None, documents);
        assert_eq!(faults, []);
        assert_eq!(handling(&book, "alice@a.test"), SubHandling::PoliteBlock);
        assert_eq!(handling(&book, "carol@a.test"), SubHandling::Allow);
        assert!(book.remove(&place("alice@a.test", "index")));
        assert_eq!(handling(&book, "alice@a.test"), SubHandling::Confirm);
        assert!(book.remove(&place("alice@a.test", "more")));
        assert!(!book.remove(&place("alice@a.test", "more")));
        assert_eq!(handling(&book, "alice@a.test"), SubHandling::Allow);
    }

    #[test]
    fn a_document_that_cannot_be_read_hides_its_person_alone() {
        let good = document("allow");
        let documents = [
            (place("alice@a.test", "index"), good.as_bytes()),
            (place("alice@a.test", "more"), &b"<ruleset>\n"[..]),
            (place("carol@a.test", "index"), good.as_bytes()),
        ];
        let (mut book, faults) = Book::read(Rules::default(), None, documents);
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1);
        assert!(told[0].starts_with("pres-rules/users/sip:alice@a.test/more:2: "), "{told:?}");
        assert_eq!(handling(&book, "alice@a.test"), SubHandling::Confirm);
        assert_eq!(handling(&book, "carol@a.test"), SubHandling::Allow);
        book.put(place("alice@a.test", "more"), good.as_bytes()).expect("readable now");
        assert_eq!(handling(&book, "alice@a.test"), SubHandling::Allow);
    }

    #[test]
    fn a_policy_that_cannot_be_read_shows_nothing_to_anybody() {
        let good = document("allow");
        let documents = [(place("alice@a.test", "index"), good.as_bytes())];
        let (book, faults) = Book::read(Rules::default(), Some("[policy]\nx = 1\n"), documents);
        assert_eq!(
            faults.first().map(|fault| (fault.place.is_none(), fault.line)),
            Some((true, 2))
        );
        assert_eq!(handling(&book, "alice@a.test"), SubHandling::Confirm);
        assert_eq!(handling(&book, "carol@a.test"), SubHandling::Confirm);
    }

    #[test]
    fn the_documents_of_one_person_are_bounded() {
        let mut book = Book::default();
        let good = document("allow");
        for number in 0..RULE_DOCUMENTS_MAX {
            let place = place("alice@a.test", &format!("d{number}"));
            book.put(place, good.as_bytes()).expect("within bounds");
        }
        assert!(book.put(place("alice@a.test", "one-more"), good.as_bytes()).is_err());
        assert!(book.put(place("alice@a.test", "d0"), good.as_bytes()).is_ok());
        assert_eq!(handling(&book, "alice@a.test"), SubHandling::Allow);
    }
}
