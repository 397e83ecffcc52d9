//! What happened, counted: plain integers of one owner, summed up by whoever shows them.

use super::histogram::Histogram;

/// Declares the counters once: the struct, the sum of two, and their names in order.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Counters of one shard or edge. They only grow.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Counters {
            $($(#[doc = $doc])+ pub $name: u64,)+
            /// From a PUBLISH received to the answer to the NOTIFY that told it.
            pub lamp: Histogram,
        }

        impl Counters {
            /// Adds another owner's counters to these.
            pub fn add(&mut self, other: &Counters) {
                $(self.$name += other.$name;)+
                self.lamp.add(&other.lamp);
            }

            /// Every counter with its name and what it counts, in the order of declaration.
            pub fn told(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), concat!($($doc),+).trim_ascii(), self.$name),)+]
            }

            /// Every counter by name, in the order of declaration.
            pub fn entries(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)+]
            }
        }
    };
}

counters! {
    /// Requests received and handed to a transaction user.
    requests,
    /// Requests received again and answered from the transaction.
    retransmissions_received,
    /// Final responses sent, 2xx.
    accepted,
    /// Final responses sent, 3xx to 6xx.
    refused,
    /// Challenges sent (401).
    challenged,
    /// Credentials that were wrong.
    auth_failed,
    /// Credentials not looked at because too many were wrong before (403).
    auth_refused,
    /// Requests that prove nothing and were not answered: too many came from there, or the answer
    /// would have had more octets than the request.
    strangers_unanswered,
    /// Responses that belong to no transaction of ours.
    stray_responses,
    /// Messages that could be answered 400 or its kin, but not understood.
    malformed_answered,
    /// Messages dropped because not even an answer could be built.
    malformed_dropped,
    /// PUBLISH requests accepted.
    publications_accepted,
    /// Publications that ended because their time was over.
    publications_expired,
    /// Statements about people accepted by other ways than PUBLISH.
    facts_accepted,
    /// Calls withdrawn because they were in a state before the answer for too long.
    calls_capped,
    /// Subscriptions begun, fetches included.
    subscriptions_begun,
    /// Subscriptions refreshed.
    subscriptions_refreshed,
    /// Subscriptions ended, for whatever reason.
    subscriptions_ended,
    /// Subscriptions suspended because a NOTIFY stayed unanswered.
    subscriptions_suspended,
    /// Suspended subscriptions that were heard of again.
    subscriptions_resumed,
    /// NOTIFY requests sent, repeats not counted.
    notifies,
    /// NOTIFY requests repeated because no answer came.
    notifies_repeated,
    /// NOTIFY requests answered 2xx.
    notifies_answered,
    /// NOTIFY requests answered 3xx to 6xx.
    notifies_refused,
    /// NOTIFY requests never answered, or that could not be sent.
    notifies_failed,
    /// States a watcher never saw because a newer one replaced them while waiting.
    states_superseded,
    /// NOTIFY requests above 1300 octets that went by datagram because no stream was offered.
    large_by_datagram,
    /// REGISTER requests accepted.
    registrations_accepted,
    /// Documents composed.
    documents_composed,
    /// Bodies serialised.
    bodies_serialised,
    /// Messages received on the socket of one shard and taken home to another.
    steered,
    /// Requests answered 503 at the edge because an inbox was full.
    busy_answered,
    /// Messages dropped because there was no room: of newcomers, and answers to a full inbox.
    busy_dropped,
    /// Datagrams that the kernel did not hand over: no room, or too many new requests.
    datagrams_lost,
    /// Times the kernel was told to turn away a share of the new requests.
    sieves_placed,
    /// Messages that could not be sent: no route, no connection, a queue at its bound.
    unsent,
    /// HTTP requests answered.
    http_requests,
    /// HTTP requests answered 4xx or 5xx.
    http_refused,
    /// Stream connections accepted.
    connections_accepted,
    /// Stream connections dialled.
    connections_dialled,
    /// Stream connections turned away because there are too many.
    connections_refused,
    /// Stream connections closed because the peer did not read what it was sent.
    connections_clogged,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_add_up_by_name() {
        let mut sum = Counters { notifies: 2, ..Counters::default() };
        sum.add(&Counters { notifies: 3, requests: 1, ..Counters::default() });
        assert!(sum.entries().contains(&("notifies", 5)));
        assert!(sum.entries().contains(&("requests", 1)));
    }
}
