//! Where somebody is: left out, made coarse, or forgotten in time (RFC 4119 §2.2.1).

use std::time::Duration;

use super::is_location;
use crate::base::time::Wall;
use crate::doc::date_time;
use crate::doc::element::{Element, Name, Node};
use crate::doc::namespace::Namespace;
use crate::doc::pidf::Presence;

/// Parts of an address that name a town and nothing smaller.
const TOWN: [&str; 4] = ["country", "A1", "A2", "A3"];

/// What a coarse circle has for a radius, in metres.
const COARSE_RADIUS: &str = "10000";

/// An element without any place inside it.
pub(super) fn without(element: &Element) -> Element {
    let mut left = Element { children: Vec::new(), ..element.clone() };
    for child in &element.children {
        match child {
            Node::Text(text) => left.children.push(Node::Text(text.clone())),
            Node::Element(child) if is_location(&child.name) => {}
            Node::Element(child) => left.children.push(Node::Element(without(child))),
        }
    }
    left
}

/// A place no finer than a town: about 10 km. Shapes that cannot be made coarse are left out.
pub(super) fn coarse(element: &Element) -> Option<Element> {
    let local = &*element.name.local;
    match &element.name.namespace {
        Namespace::CivicAddress | Namespace::CivicLocation if local == "civicAddress" => {
            let mut town = Element { children: Vec::new(), ..element.clone() };
            let parts = element.elements().filter(|part| TOWN.contains(&&*part.name.local));
            town.children = parts.cloned().map(Node::Element).collect();
            Some(town)
        }
        Namespace::CivicAddress | Namespace::CivicLocation | Namespace::DataProvider => None,
        Namespace::Geopriv if matches!(local, "method" | "provided-by") => None,
        Namespace::GeoprivPolicy if matches!(local, "note-well" | "external-ruleset") => None,
        Namespace::Other(_) if is_location(&element.name) => shape(element),
        _ => Some(inside(element)),
    }
}

fn inside(element: &Element) -> Element {
    let mut left = Element { children: Vec::new(), ..element.clone() };
    left.children.extend(element.children.iter().filter_map(|child| match child {
        Node::Text(text) => Some(Node::Text(text.clone())),
        Node::Element(child) => coarse(child).map(Node::Element),
    }));
    left
}

/// A point or a circle (RFC 5491 §5.2).
fn shape(element: &Element) -> Option<Element> {
    let bare =
        || Element { attributes: Vec::new(), children: Vec::new(), name: element.name.clone() };
    match &*element.name.local {
        "Point" | "Circle" => {
            let parts = element.elements().filter_map(shape);
            let shape = bare().with("srsName", "urn:ogc:def:crs:EPSG::4326");
            let shape = parts.fold(shape, Element::with_child);
            let has_place = shape.elements().any(|part| &*part.name.local == "pos");
            has_place.then_some(shape)
        }
        "pos" => {
            let text = element.text();
            let mut numbers = text.split_ascii_whitespace().map(tenth);
            let (latitude, longitude) = (numbers.next()??, numbers.next()??);
            Some(bare().with_text(&format!("{latitude} {longitude}")))
        }
        "radius" => Some(bare().with("uom", "urn:ogc:def:uom:EPSG::9001").with_text(COARSE_RADIUS)),
        _ => None,
    }
}

/// A coordinate to a tenth of a degree.
fn tenth(text: &str) -> Option<String> {
    let degrees: f64 = text.parse().ok()?;
    let tenth = (degrees * 10.0).round() / 10.0;
    // -0.0 and 0.0 are one place.
    tenth.is_finite().then(|| format!("{:.1}", tenth + 0.0))
}

/// Forgets every place whose time is over: that which it came with, or that for which the
/// organisation keeps places, counted from the timestamp beside it or else from `heard`. Tells when
/// the next one is to be forgotten.
pub fn expire(
    document: &mut Presence,
    heard: Wall,
    retain: Option<Duration>,
    now: Wall,
) -> Option<Wall> {
    let mut next = None;
    let mut tidy = |elements: &mut Vec<Element>, timestamp: &Option<String>| {
        let said = timestamp.as_deref().and_then(date_time::wall).unwrap_or(heard).min(heard);
        let kept = retain.map(|retain| said + retain);
        elements.retain(|element| {
            if !holds_place(element) {
                return true;
            }
            let end = [kept, expiry(element)].into_iter().flatten().min();
            if end.is_some_and(|end| end <= now) {
                return false;
            }
            next = [next, end].into_iter().flatten().min();
            true
        });
    };
    for tuple in &mut document.tuples {
        tidy(&mut tuple.status_extensions, &tuple.timestamp);
        tidy(&mut tuple.extensions, &tuple.timestamp);
    }
    for person in &mut document.persons {
        tidy(&mut person.elements, &person.timestamp);
    }
    for device in &mut document.devices {
        tidy(&mut device.elements, &device.timestamp);
    }
    tidy(&mut document.extensions, &None);
    next
}

/// Whether a document says anywhere where somebody is.
pub fn names_place(document: &Presence) -> bool {
    let any = |elements: &[Element]| elements.iter().any(holds_place);
    let in_services = || {
        let mut tuples = document.tuples.iter();
        tuples.any(|tuple| any(&tuple.status_extensions) || any(&tuple.extensions))
    };
    any(&document.extensions)
        || in_services()
        || document.persons.iter().any(|person| any(&person.elements))
        || document.devices.iter().any(|device| any(&device.elements))
}

fn holds_place(element: &Element) -> bool {
    is_location(&element.name) || element.elements().any(holds_place)
}

/// The earliest `retention-expiry` in it.
fn expiry(element: &Element) -> Option<Wall> {
    let is_expiry = |name: &Name| &*name.local == "retention-expiry" && is_location(name);
    let own = is_expiry(&element.name).then(|| date_time::wall(&element.token())).flatten();
    element.elements().filter_map(expiry).chain(own).min()
}
