//! Event and Allow-Events (RFC 6665 §8.2).

use crate::sip::grammar::{self, Parameters};
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// The event package, its template and parameters.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Package and templates as written: `presence`, `presence.winfo`; compared byte by byte.
    pub package: &'a str,
    parameters: Parameters<'a>,
    text: &'a [u8],
}

impl<'a> Event<'a> {
    /// The `id` parameter, which tells two subscriptions of one dialog apart.
    pub fn id(&self) -> Option<&'a str> {
        self.parameter("id").flatten()
    }

    /// A parameter by its name in any case: `None` if absent, `Some(None)` if without a value.
    pub fn parameter(&self, name: &str) -> Option<Option<&'a str>> {
        self.parameters.value(name)
    }

    /// All parameters in order; quoted values keep their quotes.
    pub fn parameters(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + use<'a> {
        self.parameters.iter()
    }

    /// The whole value as written; empty if it is no UTF-8.
    pub fn text(&self) -> &'a str {
        grammar::ascii(self.text)
    }
}

impl Headers {
    /// Event; `None` if absent, which is not the same as wrong (RFC 6665 §8.2.1).
    pub fn event(&self) -> Result<Option<Event<'_>>, Malformed> {
        const WHAT: &str = "one Event package";
        let Some(value) = self.single(HeaderId::Event, WHAT)? else {
            return Ok(None);
        };
        let (rest, package) = grammar::token(value).map_err(|e| self.unread(e, WHAT))?;
        let (rest, parameters) = Parameters::parse(rest).map_err(|e| self.unread(e, WHAT))?;
        match grammar::trimmed(rest) {
            [] => Ok(Some(Event { package, parameters, text: value })),
            junk => Err(self.fault(junk, WHAT)),
        }
    }

    /// The packages a peer says it knows.
    pub fn allow_events(&self) -> impl Iterator<Item = &str> {
        self.values(HeaderId::AllowEvents)
            .flat_map(grammar::list)
            .map(grammar::ascii)
            .filter(|package| !package.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    #[test]
    fn a_package_has_templates_an_id_and_any_parameters() {
        let h = headers("o: dialog.winfo ;id=7; sla;include-session-description\r\n");
        let event = h.event().unwrap().unwrap();
        assert_eq!(event.package, "dialog.winfo");
        assert_eq!(event.id(), Some("7"));
        assert_eq!(event.parameter("SLA"), Some(None));
        assert_eq!(event.parameter("call-id"), None);
        assert!(event.text().ends_with("session-description"));
    }

    #[test]
    fn a_missing_event_is_not_a_wrong_one() {
        assert!(headers("").event().unwrap().is_none());
        for bad in [
            "o:\r\n",
            "o: presence, dialog\r\n",
            "o: presence\r\nEvent: presence\r\n",
            "o: presence;;id=1\r\n",
            "o: presence dialog\r\n",
        ] {
            assert!(headers(bad).event().is_err(), "{bad}");
        }
    }

    #[test]
    fn allowed_events_are_a_list() {
        let h = headers("u: presence, dialog\r\nAllow-Events: ,reg\r\n");
        let list: Vec<_> = h.allow_events().collect();
        assert_eq!(list, ["presence", "dialog", "reg"]);
    }
}
