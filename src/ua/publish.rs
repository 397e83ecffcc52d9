//! Publishing (RFC 3903 §4) and registering (RFC 3261 §10.2).

use std::time::Duration;

use bytes::Bytes;

use super::agent::Agent;
use super::failure::Failure;
use crate::base::uri::Uri;
use crate::sip::{Contacts, Method};

/// A publication to be made, changed, refreshed or removed.
#[derive(Clone, Debug)]
pub struct Publish<'a> {
    /// Whose state it is.
    pub uri: &'a str,
    /// Which package's.
    pub package: &'a str,
    /// The document and its media type; none refreshes or removes.
    pub document: Option<(&'a str, Bytes)>,
    /// The publication meant; none makes one.
    pub entity_tag: Option<&'a str>,
    /// For how long; nothing removes.
    pub expires: Duration,
}

/// What became of a publication.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// Its name from now on.
    pub entity_tag: Option<String>,
    /// How long it lives.
    pub expires: Duration,
}

/// One contact as the registrar has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Registered {
    /// Its URI.
    pub uri: String,
    /// Seconds left, if told.
    pub expires: Option<u32>,
}

impl Agent {
    /// Publishes, and tells what was granted.
    pub async fn publish(&mut self, publish: &Publish<'_>) -> Result<Published, Failure> {
        let mut ask = self.ask(Method::Publish, publish.uri);
        ask.headers.push(("Event", publish.package.to_owned()));
        ask.headers.push(("Expires", publish.expires.as_secs().to_string()));
        if let Some(tag) = publish.entity_tag {
            ask.headers.push(("SIP-If-Match", tag.to_owned()));
        }
        if let Some((media, body)) = &publish.document {
            ask.body = Some(((*media).to_owned(), body.clone()));
        }
        let response = self.request(&mut ask).await?;
        let headers = response.headers();
        let granted = headers.expires().ok().flatten();
        Ok(Published {
            entity_tag: headers.sip_etag().map(str::to_owned),
            expires: granted.map_or(publish.expires, |s| Duration::from_secs(s.into())),
        })
    }

    /// Registers a contact for a while, or takes it away again with no time at all. The registrar
    /// tells all contacts it has then. Without a contact it only tells them.
    pub async fn register(
        &mut self,
        uri: &str,
        contact: Option<&str>,
        expires: Duration,
    ) -> Result<Vec<Registered>, Failure> {
        // RFC 3261 §10.2: the Request-URI is the domain alone.
        let domain = match Uri::parse(uri) {
            Ok(parsed) => match parsed.port() {
                Some(port) => format!("sip:{}:{port}", parsed.host_text()),
                None => format!("sip:{}", parsed.host_text()),
            },
            Err(_) => uri.to_owned(),
        };
        let mut ask = self.ask(Method::Register, &domain);
        ask.to = format!("<{uri}>");
        match contact {
            None => {}
            Some("*") => ask.headers.push(("Contact", "*".to_owned())),
            Some(contact) => ask.headers.push(("Contact", format!("<{contact}>"))),
        }
        if contact.is_some() {
            ask.headers.push(("Expires", expires.as_secs().to_string()));
        }
        let response = self.request(&mut ask).await?;
        let Ok(Contacts::List(contacts)) = response.headers().contacts() else {
            return Ok(Vec::new());
        };
        let registered = contacts.iter().map(|contact| Registered {
            uri: contact.uri_text().to_owned(),
            expires: contact.parameter("expires").flatten().and_then(|s| s.parse().ok()),
        });
        Ok(registered.collect())
    }
}
