//! Subscription-State (RFC 6665 §8.2.3).

use crate::sip::grammar::{self, Parameters};
use crate::sip::message::Headers;
use crate::sip::name::HeaderId;
use crate::sip::parse::Malformed;

/// What a notifier says of a subscription.
#[derive(Clone, Copy, Debug)]
pub struct SubscriptionState<'a> {
    /// `active`, `pending`, `terminated`, or an extension.
    pub state: &'a str,
    /// Seconds left.
    pub expires: Option<u32>,
    /// Why it ended.
    pub reason: Option<&'a str>,
    /// Seconds to wait before trying again.
    pub retry_after: Option<u32>,
}

impl Headers {
    /// Subscription-State, `None` if absent.
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState<'_>>, Malformed> {
        const WHAT: &str = "a Subscription-State";
        let Some(value) = self.single(HeaderId::SubscriptionState, WHAT)? else {
            return Ok(None);
        };
        let (rest, state) = grammar::token(value).map_err(|e| self.unread(e, WHAT))?;
        let (rest, parameters) = Parameters::parse(rest).map_err(|e| self.unread(e, WHAT))?;
        if let [_, ..] = grammar::trimmed(rest) {
            return Err(self.fault(rest, WHAT));
        }
        let number = |name| parameters.value(name).flatten()?.parse().ok();
        Ok(Some(SubscriptionState {
            state,
            expires: number("expires"),
            reason: parameters.value("reason").flatten(),
            retry_after: number("retry-after"),
        }))
    }
}

#[cfg(test)]
mod tests {
    use crate::sip::sample::headers;

    #[test]
    fn a_state_has_its_time_reason_and_pause() {
        let h = headers("Subscription-State: terminated;reason=probation ;retry-after=30\r\n");
        let state = h.subscription_state().unwrap().unwrap();
        assert_eq!(state.state, "terminated");
        assert_eq!(state.reason, Some("probation"));
        assert_eq!((state.retry_after, state.expires), (Some(30), None));
        let h = headers("Subscription-State: active;expires=99999999999\r\n");
        assert_eq!(h.subscription_state().unwrap().unwrap().expires, None);
    }

    #[test]
    fn it_is_one_state_or_none() {
        assert!(headers("").subscription_state().unwrap().is_none());
        let two = headers("Subscription-State: active, pending\r\n");
        assert!(two.subscription_state().is_err());
    }
}
