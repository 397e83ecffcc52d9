//! One binding: a contact of an AoR, for a while (RFC 3261 §10).

use crate::base::flow::Flow;
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::sip::{CSeq, Malformed, NameAddr};

/// A contact registered for an AoR.
#[derive(Clone, PartialEq, Debug)]
pub struct Binding {
    /// Where the device wants to be reached, as it wrote it.
    pub contact: Uri,
    /// The Contact value: the URI in angle brackets and its parameters but `expires`.
    pub contact_text: String,
    /// The Call-ID of the request that last set it.
    pub call_id: String,
    /// The CSeq number of that request.
    pub cseq: u32,
    /// When it ends.
    pub until: Wall,
    /// Preference among the contacts of the AoR, in thousandths; `None` if not said.
    pub q: Option<u16>,
    /// `+sip.instance` without quotes, such as `<urn:uuid:..>` (RFC 5626 §4.1).
    pub instance: Option<String>,
    /// The path the registration came by; `None` after a restart.
    pub flow: Option<Flow>,
}

impl Binding {
    /// The Contact value of a response, with the seconds left.
    pub fn contact_line(&self, now: Wall) -> String {
        // Rounded up: one that lives never says 0, which would read as its end.
        let left = self.until.since(now).as_millis().div_ceil(1000);
        format!("{};expires={left}", self.contact_text)
    }

    /// Whether one of the two takes the place of the other: the same device by the same flow of
    /// its own count (RFC 5626 §6), or the same URI (RFC 3261 §19.1.4).
    pub fn is_same(&self, other: &Binding) -> bool {
        let same_flow = self.outbound().is_some_and(|own| other.outbound() == Some(own));
        same_flow || self.contact == other.contact
    }

    /// Which of its flows the device registered (RFC 5626 §4.2).
    pub fn reg_id(&self) -> Option<u32> {
        let parameters = parameters_text(&self.contact_text)?;
        split_outside_quotes(parameters, ';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let is_reg_id = name.trim().eq_ignore_ascii_case("reg-id");
            is_reg_id.then(|| number(value.trim())).flatten()
        })
    }

    /// Whether a request may change this binding: one of the same Call-ID must be later (RFC
    /// 3261 §10.3 steps 6 and 7).
    pub fn yields_to(&self, call_id: &str, cseq: &CSeq<'_>) -> bool {
        self.call_id != call_id || cseq.number > self.cseq
    }

    /// What names the flow of a device, if both are said.
    fn outbound(&self) -> Option<(&str, u32)> {
        let instance = self.instance.as_deref()?;
        Some((instance, self.reg_id()?))
    }
}

/// What a Contact value says of the binding it wants.
pub(super) struct Wanted {
    pub contact: Uri,
    pub contact_text: String,
    /// Seconds from the `expires` parameter; `Some(None)` if it is there but unreadable.
    pub expires: Option<Option<u32>>,
    pub q: Option<u16>,
    pub instance: Option<String>,
}

impl Wanted {
    pub fn read(value: &NameAddr<'_>) -> Result<Wanted, Malformed> {
        let contact = value.uri()?;
        let text = String::from_utf8_lossy(value.text());
        let rest = parameters_text(&text).unwrap_or("");
        let mut contact_text = format!("<{contact}>");
        for parameter in split_outside_quotes(rest, ';') {
            let parameter = parameter.trim();
            let name = parameter.split('=').next().unwrap_or("").trim_end();
            if !parameter.is_empty() && !name.eq_ignore_ascii_case("expires") {
                contact_text.push(';');
                contact_text.push_str(parameter);
            }
        }
        let of = |name| value.parameter(name).flatten();
        Ok(Wanted {
            contact,
            contact_text,
            expires: value.parameter("expires").map(|text| text.and_then(number)),
            q: of("q").and_then(thousandths),
            instance: of("+sip.instance").map(str::to_owned),
        })
    }
}

/// What follows the URI of a name-addr or addr-spec, from the first semicolon on.
fn parameters_text(value: &str) -> Option<&str> {
    let opening = find_outside_quotes(value, '<');
    let after = match opening.and_then(|at| value.get(at..)) {
        Some(bracketed) => bracketed.get(bracketed.find('>')?..)?,
        None => value,
    };
    after.get(after.find(';')?..)
}

fn find_outside_quotes(text: &str, wanted: char) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, character) in text.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if !quoted && character == wanted => return Some(at),
            _ => {}
        }
    }
    None
}

fn split_outside_quotes(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let all = rest?;
        let Some((part, after)) = find_outside_quotes(all, separator)
            .and_then(|at| Some((all.get(..at)?, all.get(at + separator.len_utf8()..)?)))
        else {
            rest = None;
            return Some(all);
        };
        rest = Some(after);
        Some(part)
    })
}

fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

/// A `qvalue` (RFC 3261 §25.1): 0 to 1 with up to three decimals.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    let decimals: u16 = format!("{decimals:0<3}").parse().ok().filter(|_| digits)?;
    match (whole, decimals) {
        ("0", _) => Some(decimals),
        ("1", 0) => Some(1000),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_begin_behind_the_uri() {
        for (value, parameters) in [
            ("<sip:a@b;x=1>;q=0.5", Some(";q=0.5")),
            ("sip:a@b;q=0.5", Some(";q=0.5")),
            ("\"<x>;y\" <sip:a@b> ; q=1", Some("; q=1")),
            ("\"\\\"<\" <sip:a@b>", None),
            ("sip:a@b", None),
        ] {
            assert_eq!(parameters_text(value), parameters, "{value}");
        }
    }

    #[test]
    fn a_semicolon_in_quotes_separates_nothing() {
        let parts: Vec<&str> = split_outside_quotes(";a=\"1;2\\\";3\";b", ';').collect();
        assert_eq!(parts, ["", "a=\"1;2\\\";3\"", "b"]);
    }

    #[test]
    fn a_preference_has_up_to_three_decimals() {
        for (text, value) in [
            ("0", Some(0)),
            ("0.7", Some(700)),
            ("0.125", Some(125)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("1.", Some(1000)),
            ("1.001", None),
            ("0.1234", None),
            ("2", None),
            ("", None),
            (".5", None),
            ("0.+5", None),
        ] {
            assert_eq!(thousandths(text), value, "{text}");
        }
    }
}
