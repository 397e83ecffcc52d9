//! Records as lines of JSON, for people and their tools, and back. docs/reliability.md says what
//! each field is.

use std::net::{IpAddr, SocketAddr};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::base::flow::Transport;
use crate::base::identity::{Aor, EntityTag, Identity};
use crate::base::media::MediaType;
use crate::base::mint::LocalTag;
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::dialog::DialogParts;
use crate::event::Channel;
use crate::event::profile::Profile;
use crate::event::status::Lease;
use crate::registrar::Binding;
use crate::shard::Record;
use crate::shard::record::{FlowRecord, PublicationRecord, SubscriptionRecord};

/// The form of the lines. It grows when a field changes its meaning.
const FORM: u32 = 1;

/// One line.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Line {
    Store(StoreLine),
    Publication(PublicationLine),
    Subscription(Box<SubscriptionLine>),
    Bindings(BindingsLine),
    Said(SaidLine),
}

/// The first line: which installation this is.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoreLine {
    form: u32,
    secret: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PublicationLine {
    aor: String,
    number: u32,
    package: String,
    tag: String,
    until: String,
    updated: String,
    publisher: String,
    media: String,
    charset: Option<String>,
    body: Octets,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SubscriptionLine {
    aor: String,
    package: String,
    event: String,
    media: String,
    #[serde(default)]
    profile: Profile,
    entity: String,
    watcher: WatcherLine,
    until: String,
    version: u32,
    dialog: DialogLine,
    flow: FlowLine,
    origin: IpAddr,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum WatcherLine {
    Unasked,
    User(String),
    Peer { address: IpAddr, asserted: Option<String> },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DialogLine {
    tag: String,
    cseq: u32,
    remote_cseq: u32,
    target: String,
    route: Vec<String>,
    call_id: String,
    local: Octets,
    remote: Octets,
    remote_tag: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct FlowLine {
    transport: String,
    local: SocketAddr,
    peer: SocketAddr,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingsLine {
    aor: String,
    bindings: Vec<BindingLine>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BindingLine {
    contact: String,
    contact_text: String,
    call_id: String,
    cseq: u32,
    until: String,
    q: Option<u16>,
    instance: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SaidLine {
    aor: String,
    channel: Channel,
    says: Vec<Lease>,
}

/// Octets: a text if they are one.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Octets {
    Text(String),
    Base64 { base64: String },
}

/// What a line says.
#[derive(PartialEq, Debug)]
pub enum Said {
    /// The secret of the installation.
    Secret([u8; 16]),
    /// A record.
    Record(Box<Record>),
}

/// The first line.
pub fn first_line(secret: &[u8; 16]) -> String {
    let secret = format!("{:032x}", u128::from_be_bytes(*secret));
    text(&Line::Store(StoreLine { form: FORM, secret }))
}

/// A record as a line.
pub fn line(record: &Record) -> String {
    text(&match record {
        Record::Publication(record) => Line::Publication(publication_line(record)),
        Record::Subscription(record) => Line::Subscription(Box::new(subscription_line(record))),
        Record::Bindings { aor, bindings } => Line::Bindings(BindingsLine {
            aor: aor.to_string(),
            bindings: bindings.iter().map(binding_line).collect(),
        }),
        Record::Said { aor, channel, says } => {
            Line::Said(SaidLine { aor: aor.to_string(), channel: *channel, says: says.clone() })
        }
    })
}

fn text(line: &Line) -> String {
    serde_json::to_string(line).expect("texts and numbers")
}

/// Reads a line; what is wrong with it otherwise.
pub fn read(line: &str) -> Result<Said, String> {
    let line: Line = serde_json::from_str(line).map_err(|fault| fault.to_string())?;
    let record = match line {
        Line::Store(StoreLine { form, .. }) if form > FORM => {
            return Err(format!("the form is {form}; this version of the program reads {FORM}"));
        }
        Line::Store(StoreLine { secret, .. }) => {
            let is_whole = secret.len() == 32;
            let bits = u128::from_str_radix(&secret, 16).ok().filter(|_| is_whole);
            let bits = bits.ok_or("\"secret\" is not 32 hexadecimal digits")?;
            return Ok(Said::Secret(bits.to_be_bytes()));
        }
        Line::Publication(line) => Record::Publication(publication(line)?),
        Line::Subscription(line) => Record::Subscription(Box::new(subscription(*line)?)),
        Line::Bindings(line) => {
            let bindings: Result<_, String> = line.bindings.into_iter().map(binding).collect();
            Record::Bindings { aor: Aor::from_canonical(&line.aor), bindings: bindings? }
        }
        Line::Said(SaidLine { aor, channel, says }) => {
            Record::Said { aor: Aor::from_canonical(&aor), channel, says }
        }
    };
    Ok(Said::Record(Box::new(record)))
}

fn publication_line(record: &PublicationRecord) -> PublicationLine {
    PublicationLine {
        aor: record.aor.to_string(),
        number: record.number,
        package: record.package.clone(),
        tag: record.tag.to_string(),
        until: record.until.to_string(),
        updated: record.updated.to_string(),
        publisher: record.publisher.clone(),
        media: record.media.to_string(),
        charset: record.charset.clone(),
        body: Octets::of(&record.body),
    }
}

fn publication(line: PublicationLine) -> Result<PublicationRecord, String> {
    Ok(PublicationRecord {
        aor: Aor::from_canonical(&line.aor),
        number: line.number,
        package: line.package,
        tag: EntityTag::from_text(&line.tag).ok_or("\"tag\" is no entity-tag of ours")?,
        until: wall(&line.until)?,
        updated: wall(&line.updated)?,
        publisher: line.publisher,
        media: MediaType::from_text(&line.media),
        charset: line.charset,
        body: line.body.octets()?.into(),
    })
}

fn subscription_line(record: &SubscriptionRecord) -> SubscriptionLine {
    let dialog = &record.dialog;
    SubscriptionLine {
        aor: record.aor.to_string(),
        package: record.package.clone(),
        event: record.event.clone(),
        media: record.media.to_string(),
        profile: record.profile,
        entity: record.entity.clone(),
        watcher: match &record.watcher {
            Identity::Unasked => WatcherLine::Unasked,
            Identity::User(aor) => WatcherLine::User(aor.to_string()),
            Identity::Peer { address, asserted } => WatcherLine::Peer {
                address: *address,
                asserted: asserted.as_ref().map(Aor::to_string),
            },
        },
        until: record.until.to_string(),
        version: record.version,
        dialog: DialogLine {
            tag: dialog.tag.to_text(),
            cseq: dialog.cseq,
            remote_cseq: dialog.remote_cseq,
            target: dialog.target.clone(),
            route: dialog.route.clone(),
            call_id: dialog.call_id.clone(),
            local: Octets::of(&dialog.local),
            remote: Octets::of(&dialog.remote),
            remote_tag: dialog.remote_tag.clone(),
        },
        flow: FlowLine {
            transport: record.flow.transport.to_string(),
            local: record.flow.local,
            peer: record.flow.peer,
        },
        origin: record.origin,
    }
}

fn subscription(line: SubscriptionLine) -> Result<SubscriptionRecord, String> {
    let SubscriptionLine { dialog, flow, .. } = line;
    let tag = LocalTag::from_text(dialog.tag.as_bytes()).ok_or("\"tag\" is no tag of ours")?;
    let transport = Transport::from_text(&flow.transport).ok_or("\"transport\" is not served")?;
    Ok(SubscriptionRecord {
        aor: Aor::from_canonical(&line.aor),
        package: line.package,
        event: line.event,
        media: MediaType::from_text(&line.media),
        profile: line.profile,
        entity: line.entity,
        watcher: match line.watcher {
            WatcherLine::Unasked => Identity::Unasked,
            WatcherLine::User(aor) => Identity::User(Aor::from_canonical(&aor)),
            WatcherLine::Peer { address, asserted } => {
                Identity::Peer { address, asserted: asserted.map(|aor| Aor::from_canonical(&aor)) }
            }
        },
        until: wall(&line.until)?,
        version: line.version,
        dialog: DialogParts {
            tag,
            cseq: dialog.cseq,
            remote_cseq: dialog.remote_cseq,
            target: dialog.target,
            route: dialog.route,
            call_id: dialog.call_id,
            local: dialog.local.octets()?,
            remote: dialog.remote.octets()?,
            remote_tag: dialog.remote_tag,
        },
        flow: FlowRecord { transport, local: flow.local, peer: flow.peer },
        origin: line.origin,
    })
}

fn binding_line(binding: &Binding) -> BindingLine {
    let Binding { contact, contact_text, call_id, cseq, until, q, instance, flow: _ } = binding;
    BindingLine {
        contact: contact.as_str().to_owned(),
        contact_text: contact_text.clone(),
        call_id: call_id.clone(),
        cseq: *cseq,
        until: until.to_string(),
        q: *q,
        instance: instance.clone(),
    }
}

fn binding(line: BindingLine) -> Result<Binding, String> {
    let contact = Uri::parse(&line.contact).map_err(|fault| format!("\"contact\": {fault}"))?;
    Ok(Binding {
        contact,
        contact_text: line.contact_text,
        call_id: line.call_id,
        cseq: line.cseq,
        until: wall(&line.until)?,
        q: line.q,
        instance: line.instance,
        flow: None,
    })
}

fn wall(text: &str) -> Result<Wall, String> {
    Wall::from_date_time(text).ok_or_else(|| format!("{text:?} is no time"))
}

impl Octets {
    fn of(octets: &[u8]) -> Octets {
        match std::str::from_utf8(octets) {
            Ok(text) => Octets::Text(text.to_owned()),
            Err(_) => Octets::Base64 { base64: STANDARD.encode(octets) },
        }
    }

    fn octets(self) -> Result<Vec<u8>, String> {
        match self {
            Octets::Text(text) => Ok(text.into_bytes()),
            Octets::Base64 { base64 } => {
                STANDARD.decode(base64).map_err(|fault| format!("\"base64\": {fault}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::codec::samples;

    #[test]
    fn a_record_is_read_from_its_line_as_it_was() {
        for record in samples::all() {
            let line = line(&record);
            assert!(!line.contains('\n'));
            assert_eq!(read(&line), Ok(Said::Record(Box::new(record))), "{line}");
        }
        assert_eq!(read(&first_line(&[9; 16])), Ok(Said::Secret([9; 16])));
    }

    #[test]
    fn what_is_no_line_says_why() {
        let fault = |line: &str| read(line).expect_err("no line");
        assert!(fault("{}").contains("kind"));
        assert!(fault(r#"{"kind":"store","form":2,"secret":""}"#).contains("the form is 2"));
        assert!(fault(r#"{"kind":"store","form":1,"secret":"12"}"#).contains("32 hexadecimal"));
        let line = line(&samples::all()[0]);
        let parts = [("\"until\":\"2", "\"until\":\"x"), ("\"number\"", "\"nummer\"")];
        for (was, is) in parts {
            assert!(read(&line.replacen(was, is, 1)).is_err());
        }
    }
}
