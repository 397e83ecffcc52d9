//! Ids of one document: every `xs:ID` lawful and unique.

use std::collections::HashMap;

use super::element::is_space;
use super::lexical::is_ncname;

/// The ids taken in one document.
#[derive(Default, Debug)]
pub struct IdSpace {
    /// Ids taken, and the number to try next for one that is wanted again.
    taken: HashMap<String, u32>,
}

impl IdSpace {
    /// A lawful id nobody else has, as near to the wanted one as can be: `1000` becomes
    /// `t1000`, a second `a` becomes `a-2`, nothing becomes `t1`.
    pub fn claim(&mut self, wanted: &str, letter: char) -> String {
        let lawful = lawful_id(wanted, letter);
        if self.take(&lawful) {
            return lawful;
        }
        loop {
            let next = self.taken.entry(lawful.clone()).or_insert(2);
            let numbered = format!("{lawful}-{next}");
            *next = next.saturating_add(1);
            if self.take(&numbered) {
                return numbered;
            }
        }
    }

    /// Takes an id as it is; whether it was lawful and free.
    pub fn take(&mut self, id: &str) -> bool {
        if !is_ncname(id) || self.taken.contains_key(id) {
            return false;
        }
        self.taken.insert(id.to_owned(), 2);
        true
    }
}

fn lawful_id(wanted: &str, letter: char) -> String {
    let wanted = wanted.trim_matches(is_space);
    if is_ncname(wanted) {
        return wanted.to_owned();
    }
    let mut id = String::with_capacity(wanted.len().saturating_add(1));
    if !wanted
        .chars()
        .next()
        .is_some_and(|c| is_ncname(c.encode_utf8(&mut [0; 4])))
    {
        id.push(letter);
    }
    if wanted.is_empty() {
        id.push('1');
    }
    for c in wanted.chars() {
        let continues = is_ncname(&format!("_{c}"));
        id.push(if continues { c } else { '_' });
    }
    id
}
