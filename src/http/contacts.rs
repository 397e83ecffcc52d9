//! How somebody is reached: contacts of the settings and those that devices published, as far as
//! a watcher may see them, the best first.

use std::collections::HashMap;

use super::config::{Channel, Config, Contact};
use crate::base::identity::Aor;
use crate::base::uri::Uri;
use crate::doc::filter;
use crate::doc::permissions::Permissions;
use crate::doc::pidf::{self, Basic, Presence, Tuple};
use crate::doc::{Element, Namespace};

/// The contacts that the settings name, by person.
#[derive(Debug, Default)]
pub struct Contacts(HashMap<Aor, Vec<Contact>>);

/// One way to reach somebody, as a watcher may see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// The address.
    pub uri: String,
    /// The greater first.
    pub priority: u8,
    /// Whose it is, such as a department.
    pub name: Option<String>,
}

impl Contacts {
    /// Of settings that were checked; who names no domain is of this one.
    pub fn of(config: &Config, domain: &str) -> Contacts {
        let mut all: HashMap<Aor, Vec<Contact>> = HashMap::new();
        for (person, contacts) in &config.contacts {
            let bare = person.trim_start_matches("sip:");
            let text =
                if bare.contains('@') { bare.to_owned() } else { format!("{bare}@{domain}") };
            let Ok(uri) = Uri::parse(&format!("sip:{text}")) else { continue };
            let aor = Aor::from_parts(&uri.canonical_user(), &uri.canonical_host());
            all.entry(aor).or_default().extend(contacts.iter().cloned());
        }
        Contacts(all)
    }

    /// The ways to reach a person by a channel that these permissions show, the best first; of two
    /// alike the one that stands first in the settings.
    pub fn ways(
        &self,
        aor: &Aor,
        channel: Channel,
        document: &Presence,
        permissions: Option<&Permissions>,
    ) -> Vec<Way> {
        let named = self.0.get(aor).map_or(&[][..], Vec::as_slice);
        let named: Vec<&Contact> = named.iter().filter(|one| one.channel() == channel).collect();
        let shown = match permissions {
            // As services of the person, so that whoever hides a class hides its contacts.
            Some(permissions) => shown(&named, permissions),
            None => vec![true; named.len()],
        };
        let named = named.into_iter().zip(shown).filter(|(_, is_shown)| *is_shown);
        let mut ways: Vec<Way> = named
            .map(|(Contact { uri, priority, name, .. }, _)| Way {
                uri: uri.clone(),
                priority: *priority,
                name: name.clone(),
            })
            .collect();
        ways.extend(
            document
                .tuples
                .iter()
                .filter_map(published)
                .filter(|way| Channel::of(&way.uri) == Some(channel)),
        );
        let itself = Way { uri: aor.to_uri(), priority: 0, name: None };
        if ways.is_empty() && channel != Channel::Mail {
            ways.push(itself); // Whoever may see a person knows this one.
        }
        ways.sort_by_key(|way| std::cmp::Reverse(way.priority));
        let mut known: Vec<String> = Vec::new();
        ways.retain(|way| {
            let is_new = !known.contains(&way.uri);
            known.push(way.uri.clone());
            is_new
        });
        ways
    }
}

/// Which contacts of the settings are left of them as services.
fn shown(contacts: &[&Contact], permissions: &Permissions) -> Vec<bool> {
    let tuple = |(nth, contact): (usize, &&Contact)| Tuple {
        id: format!("c{nth}"),
        basic: Some(Basic::Open),
        extensions: contact
            .class
            .iter()
            .map(|class| Element::new(Namespace::Rpid, "class").with_text(class))
            .collect(),
        contact: Some(pidf::Contact { uri: contact.uri.clone(), priority: None }),
        ..Tuple::default()
    };
    let tuples = contacts.iter().enumerate().map(tuple).collect();
    let left = filter::presence(&Presence { tuples, ..Presence::default() }, permissions);
    let is_left = |nth: usize| {
        left.tuples.iter().any(|tuple| tuple.id == format!("c{nth}") && tuple.contact.is_some())
    };
    (0..contacts.len()).map(is_left).collect()
}

/// The contact of a service that can be reached.
fn published(tuple: &Tuple) -> Option<Way> {
    let contact = tuple.contact.as_ref().filter(|_| tuple.basic == Some(Basic::Open))?;
    let priority = contact.priority.as_deref().and_then(|text| text.trim().parse::<f32>().ok());
    // From 0 to 1 there, from 0 to 100 here.
    let priority = (priority.unwrap_or(0.0).clamp(0.0, 1.0) * 100.0) as u8;
    Some(Way { uri: contact.uri.trim().to_owned(), priority, name: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doc::rules::{Choice, Provided};

    fn contacts() -> Contacts {
        let text = "[contact]\n101 = [{ uri = \"tel:+1555\", class = \"private\", priority = 90 },\n\
                    { uri = \"sip:101@a\", name = \"Desk\" }, { uri = \"mailto:a@a\" }]\n";
        let config: Config = toml::from_str(text).expect("settings");
        config.check().expect("good settings");
        Contacts::of(&config, "a")
    }

    fn uris(permissions: Option<&Permissions>, channel: Channel, text: &str) -> Vec<String> {
        let document = Presence::read(text.as_bytes(), None).expect("a document");
        let aor = Aor::from_canonical("101@a");
        let ways = contacts().ways(&aor, channel, &document, permissions);
        ways.into_iter().map(|way| way.uri).collect()
    }

    fn document(contact: &str) -> String {
        format!(
            "<presence xmlns='urn:ietf:params:xml:ns:pidf' entity='sip:101@a'><tuple id='t'>\
             <status><basic>open</basic></status>{contact}</tuple></presence>"
        )
    }

    #[test]
    fn the_best_comes_first_and_none_comes_twice() {
        let text = document("<contact priority='0.8'>sip:101@10.0.0.1</contact>");
        let all = ["tel:+1555", "sip:101@10.0.0.1", "sip:101@a"];
        assert_eq!(uris(None, Channel::Voice, &text), all);
        let text = document("<contact priority='1'>tel:+1555</contact>");
        assert_eq!(uris(None, Channel::Voice, &text), ["tel:+1555", "sip:101@a"]);
        assert_eq!(uris(None, Channel::Mail, &text), ["mailto:a@a"]);
        assert_eq!(uris(None, Channel::Chat, &text), ["sip:101@a"], "nothing else is known");
    }

    #[test]
    fn a_class_that_is_hidden_hides_its_contacts() {
        let mut some = Permissions::nothing();
        some.add(&Provided::Services(Choice::All));
        some.narrowing.hidden_classes.insert("private".to_owned());
        let text = document("");
        assert_eq!(uris(Some(&some), Channel::Voice, &text), ["sip:101@a"]);
        some.narrowing.no_contacts = true;
        assert_eq!(uris(Some(&some), Channel::Mail, &text), [""; 0]);
    }
}
