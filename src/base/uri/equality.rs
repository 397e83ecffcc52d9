//! When two URIs are one (RFC 3261 §19.1.4, RFC 3966 §4).

use super::grammar::{self, Octet};
use super::{Scheme, Uri};

/// Whether both name the same thing.
pub(super) fn same(one: &Uri, other: &Uri) -> bool {
    if one.scheme() != other.scheme() {
        return false;
    }
    match one.scheme() {
        Scheme::Other => {
            one.scheme_text().eq_ignore_ascii_case(other.scheme_text())
                && one.after_scheme() == other.after_scheme()
        }
        Scheme::Tel => same_number(one, other) && same_parameters(one, other),
        Scheme::Sip | Scheme::Sips | Scheme::Pres => {
            same_part(one.user(), other.user())
                && same_part(one.password(), other.password())
                && same_host(one, other)
                && one.port() == other.port()
                && same_parameters(one, other)
                && same_headers(one.headers_text(), other.headers_text())
        }
    }
}

fn same_part(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => same_text(one, other, false),
        (None, None) => true,
        _ => false,
    }
}

/// RFC 3261 §19.1.4: an escape equals its character unless the character is reserved.
fn same_text(one: &str, other: &str, any_case: bool) -> bool {
    let plain = |octet| match octet {
        Octet::Escaped(b) if !grammar::is_reserved(b) => Octet::Plain(b),
        octet => octet,
    };
    let folded = |octet| match octet {
        Octet::Plain(b) if any_case => Octet::Plain(b.to_ascii_lowercase()),
        octet => octet,
    };
    let octets = |text: &'_ str| -> Vec<Octet> {
        grammar::unescaped(text.as_bytes()).map(plain).map(folded).collect()
    };
    one == other || octets(one) == octets(other)
}

fn same_host(one: &Uri, other: &Uri) -> bool {
    match (one.parts.ip, other.parts.ip) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one.host_text().eq_ignore_ascii_case(other.host_text()),
        _ => false,
    }
}

fn same_number(one: &Uri, other: &Uri) -> bool {
    let digits = |uri: &Uri| -> String {
        let number = uri.user().unwrap_or("");
        let visual = |c: &char| !matches!(c, '-' | '.' | '(' | ')');
        number.chars().filter(visual).map(|c| c.to_ascii_lowercase()).collect()
    };
    digits(one) == digits(other)
}

/// Parameters both have must agree; these must be in both or in none.
fn same_parameters(one: &Uri, other: &Uri) -> bool {
    const COUNTED: [&str; 6] = ["user", "ttl", "method", "maddr", "transport", "phone-context"];
    let agrees = |a: &Uri, b: &Uri| {
        // Of a parameter given twice the first counts, here and there.
        a.parameters().all(|(name, _)| match b.parameter(name) {
            Some(there) => match (a.parameter(name).flatten(), there) {
                (Some(value), Some(there)) => same_text(value, there, true),
                (None, None) => true,
                _ => false,
            },
            None => !COUNTED.iter().any(|c| c.eq_ignore_ascii_case(name)),
        })
    };
    agrees(one, other) && agrees(other, one)
}

/// Headers are never ignored, and their order never counts.
fn same_headers(one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else {
        return one == other;
    };
    let list = |text: &'_ str| -> Vec<(String, String)> {
        let field = |field: &str| {
            let (name, value) = field.split_once('=').unwrap_or((field, ""));
            (name.to_ascii_lowercase(), value.to_owned())
        };
        text.split('&').map(field).collect()
    };
    let (one, mut other) = (list(one), list(other));
    let all_found = one.iter().all(|(name, value)| {
        let same = |(n, v): &(String, String)| n == name && same_text(v, value, false);
        other.iter().position(same).map(|at| other.swap_remove(at)).is_some()
    });
    all_found && other.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        Uri::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn the_examples_of_the_rfc_are_equal_or_not_as_it_says() {
        let equal = [
            ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
            (
                "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
                "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            ),
            (
                "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
                "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            ),
            ("tel:+1-201-555-0123", "tel:+12015550123"),
        ];
        for (one, other) in equal {
            assert_eq!(uri(one), uri(other));
        }
        let unequal = [
            ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
            ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
            ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
            ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
            ("sip:a@h;security=on", "sip:a@h;security=off"),
            ("sip:a%3bb@h", "sip:a;b@h"),
            ("sip:a@h", "sips:a@h"),
            ("sip:a@h", "sip:a@h;maddr=h"),
        ];
        for (one, other) in unequal {
            assert_ne!(uri(one), uri(other));
        }
    }
}
