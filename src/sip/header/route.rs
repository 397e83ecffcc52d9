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
