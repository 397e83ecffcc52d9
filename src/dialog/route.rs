//! Route sets (RFC 3261 §12.1.1, §12.2.1.1).

use bytes::BufMut;

use crate::base::uri::Uri;

/// The Record-Route values of the request that created a dialog, in order; never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Route {
    values: Box<[Box<str>]>,
    first_uri: Box<str>,
    strict: bool,
}

impl Route {
    /// From header values in order; `None` if there are none.
    pub fn new<T: AsRef<str>>(values: &[T]) -> Option<Route> {
        let first = values.first()?.as_ref();
        let first_uri = uri_of(first);
        let strict = Uri::parse(first_uri).is_ok_and(|uri| !uri.is_loose_route());
        Some(Route {
            first_uri: first_uri.into(),
            strict,
            values: values.iter().map(|value| value.as_ref().into()).collect(),
        })
    }

    /// The URI of the first hop.
    pub fn first_uri(&self) -> &str {
        &self.first_uri
    }

    /// Whether the first hop is of the old kind that wants to be the Request-URI itself.
    pub fn is_strict(&self) -> bool {
        self.strict
    }

    /// The values in order.
    pub fn values(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(|value| &**value)
    }

    /// Appends the Route lines of a request to `target`.
    pub fn write_lines(&self, target: &str, out: &mut impl BufMut) {
        for value in self.values().skip(usize::from(self.strict)) {
            out.put_slice(b"Route: ");
            out.put_slice(value.as_bytes());
            out.put_slice(b"\r\n");
        }
        if self.strict {
            out.put_slice(b"Route: <");
            out.put_slice(target.as_bytes());
            out.put_slice(b">\r\n");
        }
    }
}

/// The URI within `"Name" <uri>;params`, or the text up to the first parameter.
fn uri_of(value: &str) -> &str {
    match (value.rfind('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value.split(';').next().unwrap_or(value).trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(values: &[&str]) -> String {
        let mut out = Vec::new();
        Route::new(values).expect("values").write_lines("sip:101@192.0.2.7", &mut out);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn a_loose_route_is_sent_as_it_came() {
        assert_eq!(
            lines(&["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]),
            "Route: <sip:p1.example.com;lr>\r\nRoute: <sip:p2.example.com;lr>\r\n"
        );
    }

    #[test]
    fn dlg_03_a_strict_first_hop_moves_the_target_to_the_end() {
        let route = Route::new(&["<sip:p1.example.com>", "<sip:p2.example.com;lr>"]).expect("two");
        assert!(route.is_strict());
        assert_eq!(route.first_uri(), "sip:p1.example.com");
        assert_eq!(
            lines(&["<sip:p1.example.com>", "<sip:p2.example.com;lr>"]),
            "Route: <sip:p2.example.com;lr>\r\nRoute: <sip:101@192.0.2.7>\r\n"
        );
    }

    #[test]
    fn no_values_are_no_route() {
        assert_eq!(Route::new::<&str>(&[]), None);
    }
}
