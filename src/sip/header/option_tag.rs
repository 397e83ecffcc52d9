//! Option tags: Require, Supported, Proxy-Require (RFC 3261 §20.29, §20.32, §20.37); and the
//! product names.

use crate::sip::grammar;
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;

impl Headers {
    /// What the request insists on.
    pub fn require(&self) -> impl Iterator<Item = &str> {
        self.option_tags(HeaderId::Require)
    }

    /// What the peer understands.
    pub fn supported(&self) -> impl Iterator<Item = &str> {
        self.option_tags(HeaderId::Supported)
    }

    /// What the request insists on from proxies.
    pub fn proxy_require(&self) -> impl Iterator<Item = &str> {
        self.option_tags(HeaderId::ProxyRequire)
    }

    /// Whether the peer understands an extension; option tags are tokens, and so in any case.
    pub fn supports(&self, tag: &str) -> bool {
        self.supported().any(|there| there.eq_ignore_ascii_case(tag))
    }

    /// User-Agent, or Server in an answer.
    pub fn user_agent(&self) -> Option<&str> {
        let value = self.value(HeaderId::UserAgent).or_else(|| self.value(HeaderId::Server))?;
        std::str::from_utf8(value).ok()
    }

    fn option_tags(&self, id: HeaderId) -> impl Iterator<Item = &str> {
        self.values(id)
            .flat_map(grammar::list)
            .filter(|tag| !tag.is_empty())
            // Nobody supports what cannot be read; but it must not pass for nothing.
            .map(|tag| std::str::from_utf8(tag).unwrap_or("?"))
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    #[test]
    fn option_tags_come_from_all_fields() {
        let h = headers("Require: eventlist, foo\r\nRequire: path\r\nk: Replaces,\r\n");
        assert_eq!(h.require().collect::<Vec<_>>(), ["eventlist", "foo", "path"]);
        assert!(h.supports("replaces"));
        assert_eq!(h.supported().count(), 1);
        assert_eq!(h.proxy_require().count(), 0);
    }

    #[test]
    fn the_product_is_that_of_the_agent_or_the_server() {
        assert_eq!(headers("User-Agent: A 1\r\nServer: B\r\n").user_agent(), Some("A 1"));
        assert_eq!(headers("Server: B\r\n").user_agent(), Some("B"));
    }
}
