//! Dialog-info documents as sent: schema-valid whatever the dialogs hold (RFC 4235 §4.4).

use std::borrow::Borrow;

use super::body::Body;
use super::dialog_info::{Dialog, DialogInfo, Extent, Identity, Participant, Target};
use super::element::Element;
use super::ids::IdSpace;
use super::lexical::uri;
use super::namespace::Namespace;
use super::vocabulary::admit;
use super::write::{DECLARATION, XmlWriter};
use crate::base::media::MediaType;

impl DialogInfo {
    /// A full document of these dialogs, with slots for version and entity.
    pub fn body(dialogs: impl Iterator<Item: Borrow<Dialog>>) -> Body {
        DialogInfo::body_of(Extent::Full, dialogs, &[])
    }

    /// A document of these dialogs and extensions, with slots for version and entity.
    pub fn body_of(
        state: Extent,
        dialogs: impl Iterator<Item: Borrow<Dialog>>,
        extensions: &[Element],
    ) -> Body {
        let mut out = XmlWriter::new(Namespace::DialogInfo);
        let mut ids = IdSpace::default();
        for dialog in dialogs {
            out.space("  ");
            write_dialog(dialog.borrow(), &mut ids, &mut out);
            out.space("\n");
        }
        for element in extensions.iter().filter_map(|e| foreign(e, &mut ids)) {
            out.space("  ");
            out.element(&element);
            out.space("\n");
        }
        let (declarations, inside) = out.finish();
        let state = match state {
            Extent::Full => "full",
            Extent::Partial => "partial",
        };
        let lead = format!("{DECLARATION}<dialog-info{declarations} version=\"");
        let mid = format!("\" state=\"{state}\" entity=\"");
        let rest = format!("\">\n{inside}</dialog-info>\n");
        Body::with_slots(MediaType::DialogInfo, lead.into(), true, mid.into(), true, rest.into())
    }
}

fn write_dialog(dialog: &Dialog, ids: &mut IdSpace, out: &mut XmlWriter) {
    out.open("dialog");
    out.attribute("id", &dialog.id);
    let direction = dialog.direction.map(|direction| direction.as_text().to_owned());
    let attributes = [
        ("call-id", &dialog.call_id),
        ("local-tag", &dialog.local_tag),
        ("remote-tag", &dialog.remote_tag),
        ("direction", &direction),
    ];
    for (name, value) in attributes {
        if let Some(value) = value {
            out.attribute(name, value);
        }
    }
    out.inside();
    write_state(dialog, out);
    if let Some(duration) = dialog.duration {
        out.leaf("duration", &duration.to_string());
    }
    let carried = [
        dialog.replaces.as_deref().and_then(replaces),
        dialog.referred_by.as_deref().and_then(referred_by),
        dialog.route_set.as_deref().and_then(route_set),
    ];
    for element in carried.into_iter().flatten() {
        out.element(&element);
    }
    for (name, participant) in [("local", &dialog.local), ("remote", &dialog.remote)] {
        if let Some(participant) = participant {
            write_participant(name, participant, ids, out);
        }
    }
    for element in dialog.extensions.iter().filter_map(|e| foreign(e, ids)) {
        out.element(&element);
    }
    out.close("dialog");
}

fn write_state(dialog: &Dialog, out: &mut XmlWriter) {
    out.open("state");
    if let Some(event) = dialog.event {
        out.attribute("event", event.as_text());
    }
    if let Some(code) = dialog.code.filter(|code| (100..=699).contains(code)) {
        out.attribute("code", &code.to_string());
    }
    out.inside();
    out.text(dialog.state.as_text());
    out.close("state");
}

fn write_participant(name: &str, who: &Participant, ids: &mut IdSpace, out: &mut XmlWriter) {
    out.open(name);
    out.inside();
    if let Some(identity) = &who.identity {
        write_identity(identity, out);
    }
    if let Some(target) = &who.target {
        write_target(target, out);
    }
    if let Some(description) = who.session_description.as_deref().and_then(session_description) {
        out.element(&description);
    }
    if let Some(cseq) = who.cseq {
        out.leaf("cseq", &cseq.to_string());
    }
    for element in who.extensions.iter().filter_map(|e| foreign(e, ids)) {
        out.element(&element);
    }
    out.close(name);
}

fn write_identity(identity: &Identity, out: &mut XmlWriter) {
    out.open("identity");
    if let Some(display) = &identity.display {
        out.attribute("display-name", display);
    }
    out.inside();
    out.text(&uri(&identity.uri));
    out.close("identity");
}

fn write_target(target: &Target, out: &mut XmlWriter) {
    out.open("target");
    out.attribute("uri", &target.uri);
    if target.params.is_empty() {
        return out.empty();
    }
    out.inside();
    for (name, value) in &target.params {
        out.open("param");
        out.attribute("pname", name);
        out.attribute("pval", value);
        out.empty();
    }
    out.close("target");
}

fn foreign(element: &Element, ids: &mut IdSpace) -> Option<Element> {
    match element.name.namespace {
        Namespace::DialogInfo | Namespace::None => None,
        _ => admit(element, ids),
    }
}

fn replaces(element: &Element) -> Option<Element> {
    let mut written = Element::new(Namespace::DialogInfo, "replaces");
    for name in ["call-id", "local-tag", "remote-tag"] {
        written = written.with(name, element.attribute(name)?);
    }
    Some(written)
}

fn referred_by(element: &Element) -> Option<Element> {
    let written = Element::new(Namespace::DialogInfo, "referred-by");
    let display = element.attribute("display-name").or_else(|| element.attribute("display"));
    let written = match display {
        Some(display) => written.with("display-name", display),
        None => written,
    };
    let referrer = element.token();
    (!referrer.is_empty()).then(|| written.with_text(&uri(&referrer)))
}

fn route_set(element: &Element) -> Option<Element> {
    let hops = element.elements().filter(|e| e.is(&Namespace::DialogInfo, "hop"));
    let hops: Vec<String> = hops.map(Element::token).collect();
    let mut written = Element::new(Namespace::DialogInfo, "route-set");
    for hop in &hops {
        written = written.with_child(Element::new(Namespace::DialogInfo, "hop").with_text(hop));
    }
    (!hops.is_empty()).then_some(written)
}

fn session_description(element: &Element) -> Option<Element> {
    // RFC 4235 §4.1.6.3: the type is required; SDP is what phones mean.
    let media = element.attribute("type").unwrap_or("application/sdp");
    let written = Element::new(Namespace::DialogInfo, "session-description").with("type", media);
    Some(written.with_text(&element.text()))
}
