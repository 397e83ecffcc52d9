//! Presence documents as sent: schema-valid whatever the value holds (RFC 3863 §4.4, RFC 4479).

use bytes::Bytes;

use super::body::Body;
use super::element::{Attribute, Element, Name};
use super::ids::IdSpace;
use super::lexical::{is_date_time, is_language, is_priority, uri};
use super::namespace::Namespace;
use super::pidf::{Contact, Device, Note, Person, Presence, Tuple};
use super::vocabulary::admit;
use super::write::{DECLARATION, XmlWriter, escape_attribute};
use crate::base::media::MediaType;

impl Presence {
    /// The whole document, with the entity of this value.
    pub fn write(&self) -> String {
        let (declarations, inside) = self.serialise();
        let entity = uri(&self.entity);
        let entity = escape_attribute(&entity);
        format!("{DECLARATION}<presence{declarations} entity=\"{entity}\">\n{inside}</presence>\n")
    }

    /// The document with a slot for the entity.
    pub fn body(&self) -> Body {
        let (declarations, inside) = self.serialise();
        let mid = format!("{DECLARATION}<presence{declarations} entity=\"");
        let rest = format!("\">\n{inside}</presence>\n");
        Body::with_slots(MediaType::Pidf, Bytes::new(), false, mid.into(), true, rest.into())
    }

    /// Gives every tuple, person and device an id that is lawful and unique in `ids`. The same
    /// values in the same order get the same ids.
    pub fn rekey(&mut self, ids: &mut IdSpace) {
        for tuple in &mut self.tuples {
            tuple.id = ids.claim(&tuple.id, 't');
        }
        for person in &mut self.persons {
            person.id = ids.claim(&person.id, 'p');
        }
        for device in &mut self.devices {
            device.id = ids.claim(&device.id, 'd');
        }
    }

    fn serialise(&self) -> (String, String) {
        let mut ids = IdSpace::default();
        let tuples: Vec<_> = self.tuples.iter().map(|t| (ids.claim(&t.id, 't'), t)).collect();
        let persons: Vec<_> = self.persons.iter().map(|p| (ids.claim(&p.id, 'p'), p)).collect();
        let named = self.devices.iter().filter(|device| device.device_id.is_some());
        let devices: Vec<_> = named.map(|d| (ids.claim(&d.id, 'd'), d)).collect();
        let mut out = XmlWriter::new(Namespace::Pidf);
        for (id, tuple) in tuples {
            tuple.write(&id, &mut ids, &mut out);
        }
        for note in &self.notes {
            out.space("  ");
            note.write(&Name::new(Namespace::Pidf, "note"), &mut out);
            out.space("\n");
        }
        for (id, person) in persons {
            person.write(&id, &mut ids, &mut out);
        }
        for (id, device) in devices {
            device.write(&id, &mut ids, &mut out);
        }
        for element in self.extensions.iter().filter_map(|e| foreign(e, &Namespace::Pidf, &mut ids))
        {
            out.space("  ");
            out.element(&element);
            out.space("\n");
        }
        out.finish()
    }
}

impl Tuple {
    fn write(&self, id: &str, ids: &mut IdSpace, out: &mut XmlWriter) {
        out.space("  ");
        out.open("tuple");
        out.attribute("id", id);
        out.inside();
        self.write_status(ids, out);
        for element in self.extensions.iter().filter_map(|e| foreign(e, &Namespace::Pidf, ids)) {
            out.element(&element);
        }
        if let Some(contact) = &self.contact {
            contact.write(out);
        }
        for note in &self.notes {
            note.write(&Name::new(Namespace::Pidf, "note"), out);
        }
        if let Some(timestamp) = lawful(&self.timestamp) {
            out.leaf("timestamp", timestamp);
        }
        out.close("tuple");
        out.space("\n");
    }

    fn write_status(&self, ids: &mut IdSpace, out: &mut XmlWriter) {
        out.open("status");
        let extensions: Vec<_> = self
            .status_extensions
            .iter()
            .filter_map(|element| foreign(element, &Namespace::Pidf, ids))
            .collect();
        if self.basic.is_none() && extensions.is_empty() {
            return out.empty();
        }
        out.inside();
        if let Some(basic) = self.basic {
            out.leaf("basic", basic.as_text());
        }
        for element in &extensions {
            out.element(element);
        }
        out.close("status");
    }
}

impl Contact {
    fn write(&self, out: &mut XmlWriter) {
        out.open("contact");
        if let Some(priority) = self.priority.as_deref().filter(|text| is_priority(text)) {
            out.attribute("priority", priority);
        }
        out.inside();
        out.text(&uri(&self.uri));
        out.close("contact");
    }
}

impl Note {
    fn write(&self, name: &Name, out: &mut XmlWriter) {
        out.open_name(name);
        if let Some(language) = self.language.as_deref().filter(|tag| is_language(tag)) {
            let name = Name::new(Namespace::Xml, "lang");
            out.attribute_of(&Attribute { name, value: language.into() });
        }
        out.inside();
        out.text(&self.text);
        out.close_name(name);
    }
}

impl Person {
    fn write(&self, id: &str, ids: &mut IdSpace, out: &mut XmlWriter) {
        let name = Name::new(Namespace::DataModel, "person");
        open_with_id(&name, id, out);
        write_elements(&self.elements, ids, out);
        write_notes(&self.notes, &self.timestamp, out);
        out.close_name(&name);
        out.space("\n");
    }
}

impl Device {
    fn write(&self, id: &str, ids: &mut IdSpace, out: &mut XmlWriter) {
        let name = Name::new(Namespace::DataModel, "device");
        open_with_id(&name, id, out);
        write_elements(&self.elements, ids, out);
        let urn = Name::new(Namespace::DataModel, "deviceID");
        out.open_name(&urn);
        out.inside();
        out.text(&uri(self.device_id.as_deref().unwrap_or_default()));
        out.close_name(&urn);
        write_notes(&self.notes, &self.timestamp, out);
        out.close_name(&name);
        out.space("\n");
    }
}

fn lawful(timestamp: &Option<String>) -> Option<&str> {
    timestamp.as_deref().filter(|text| is_date_time(text))
}

/// The schemas let elements of any other namespace in, but none without a namespace.
fn foreign(element: &Element, home: &Namespace, ids: &mut IdSpace) -> Option<Element> {
    let namespace = &element.name.namespace;
    if namespace == home || *namespace == Namespace::None {
        return None;
    }
    admit(element, ids)
}

fn open_with_id(name: &Name, id: &str, out: &mut XmlWriter) {
    out.space("  ");
    out.open_name(name);
    out.attribute("id", id);
    out.inside();
}

fn write_elements(elements: &[Element], ids: &mut IdSpace, out: &mut XmlWriter) {
    for element in elements.iter().filter_map(|e| foreign(e, &Namespace::DataModel, ids)) {
        out.element(&element);
    }
}

fn write_notes(notes: &[Note], timestamp: &Option<String>, out: &mut XmlWriter) {
    for note in notes {
        note.write(&Name::new(Namespace::DataModel, "note"), out);
    }
    if let Some(timestamp) = lawful(timestamp) {
        let name = Name::new(Namespace::DataModel, "timestamp");
        out.open_name(&name);
        out.inside();
        out.text(timestamp);
        out.close_name(&name);
    }
}
