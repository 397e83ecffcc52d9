//! Ids of one document: every `xs:ID` lawful and unique.

use std::collections::HashMap;

use super::element::is_space;
use super::lexical::is_id;

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
        if !is_id(id) || self.taken.contains_key(id) {
            return false;
        }
        self.taken.insert(id.to_owned(), 2);
        true
    }
}

fn lawful_id(wanted: &str, letter: char) -> String {
    let wanted = wanted.trim_matches(is_space);
    if is_id(wanted) {
        return wanted.to_owned();
    }
    let mut id = String::with_capacity(wanted.len().saturating_add(1));
    if !wanted.chars().next().is_some_and(|c| is_id(c.encode_utf8(&mut [0; 4]))) {
        id.push(letter);
    }
    if wanted.is_empty() {
        id.push('1');
    }
    for c in wanted.chars() {
        let continues = is_id(&format!("_{c}"));
        id.push(if continues { c } else { '_' });
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_kept_if_it_can_be() {
        let mut ids = IdSpace::default();
        let claimed = ["svc", "1000", "svc", "", "svc-2", "caf\u{e9}", "a b"];
        let claimed = claimed.map(|wanted| ids.claim(wanted, 't'));
        assert_eq!(claimed, ["svc", "t1000", "svc-2", "t1", "svc-2-2", "caf_", "a_b"]);
    }

    #[test]
    fn an_id_taken_is_not_taken_twice() {
        let mut ids = IdSpace::default();
        assert!(ids.take("a") && !ids.take("a") && !ids.take("1"));
        assert_eq!(ids.claim("a", 't'), "a-2");
    }

    #[test]
    fn many_equal_ids_are_told_apart_in_linear_time() {
        let mut ids = IdSpace::default();
        let last = (0..50_000).map(|_| ids.claim("a", 't')).last();
        assert_eq!(last.as_deref(), Some("a-50000"));
    }
}
