//! Route, Record-Route and Path (RFC 3261 §20.30, §20.34, RFC 3327).

use crate::base::limits::LIST_VALUES_MAX;
use crate::sip::grammar;
use crate::sip::header::name_addr::NameAddr;
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

impl Headers {
    /// The Record-Route values in order, each exactly as written.
    pub fn record_routes(&self) -> Result<Vec<&str>, Malformed> {
        self.route_values(HeaderId::RecordRoute, "a Record-Route value")
    }

    /// The Route values in order, each exactly as written.
    pub fn routes(&self) -> Result<Vec<&str>, Malformed> {
        self.route_values(HeaderId::Route, "a Route value")
    }

    /// The Path values in order, each exactly as written.
    pub fn paths(&self) -> Result<Vec<&str>, Malformed> {
        self.route_values(HeaderId::Path, "a Path value")
    }

    fn route_values(&self, id: HeaderId, what: &'static str) -> Result<Vec<&str>, Malformed> {
        let mut routes = Vec::new();
        for value in self.values(id).flat_map(grammar::list) {
            if NameAddr::whole(value).is_none() || routes.len() >= LIST_VALUES_MAX {
                return Err(self.fault(value, what));
            }
            let text = std::str::from_utf8(value).map_err(|_| self.fault(value, what))?;
            routes.push(text);
        }
        Ok(routes)
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    #[test]
    fn routes_are_kept_as_written_and_in_order() {
        let h = headers(
            "Record-Route: \"a, b\" <sip:p1;lr>;x=\"1,2\" , <sip:p2;lr>\r\n\
             Record-Route: <sip:[2001:db8::1]:5060;lr;ftag=1>\r\n",
        );
        assert_eq!(
            h.record_routes().unwrap(),
            ["\"a, b\" <sip:p1;lr>;x=\"1,2\"", "<sip:p2;lr>", "<sip:[2001:db8::1]:5060;lr;ftag=1>"]
        );
        assert!(h.routes().unwrap().is_empty());
    }

    #[test]
    fn a_route_that_cannot_be_followed_is_refused() {
        for bad in ["<sip:p1>,", "<sip:p1", "", "<sip:p1>,,<sip:p2>"] {
            let h = headers(&format!("Route: {bad}\r\n"));
            assert!(h.routes().is_err(), "{bad}");
        }
    }
}
