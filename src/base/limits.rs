//! Every bound of the program: name, unit, default and reason.
//!
//! What an operator could need to move is a setting whose default stands here; the rest is
//! fixed by a protocol or by good sense.

use std::time::Duration;

mod edges;

pub use edges::*;

/// Largest SIP message read, in octets; beyond it a datagram is answered 513 and a stream closed.
/// A UDP datagram cannot be larger (RFC 3261 §18.1.1).
pub const MESSAGE_OCTETS_MAX: usize = 65_535;

/// Largest header section of a message, in octets. Proxies add a few hundred octets a hop; 70
/// hops of Via and Record-Route fit.
pub const HEADER_OCTETS_MAX: usize = 32 * 1024;

/// Most header fields of one message. The longest seen in the field has 45.
pub const HEADER_FIELDS_MAX: usize = 256;

/// Largest body of a PUBLISH, in octets; beyond it 413. Real documents stay below 12,000.
pub const BODY_OCTETS_MAX: usize = 64 * 1024;

/// Deepest nesting of an XML document. Presence documents use up to nine levels.
pub const XML_DEPTH_MAX: usize = 32;

/// Most elements of one XML document.
pub const XML_ELEMENTS_MAX: usize = 4096;

/// Most attributes of one XML element.
pub const XML_ATTRIBUTES_MAX: usize = 64;

/// Most namespaces declared where an element stands; beyond it the document is refused. Each
/// prefix is looked for among them. Real documents declare up to twelve.
pub const XML_NAMESPACES_MAX: usize = 64;

/// Longest name of an XML element or attribute with its prefix, in octets; beyond it the
/// document is refused. The longest in the schemas has 24.
pub const XML_NAME_OCTETS_MAX: usize = 256;

/// Most message classes of one message summary. RFC 3458 knows seven.
pub const SUMMARY_CLASSES_MAX: usize = 32;

/// Most parts of a multipart body; beyond it the body is refused. A list of 15 lamps has 16.
pub const PARTS_MAX: usize = 64;

/// Most header lines of one part of a multipart body. Five are usual.
pub const PART_HEADERS_MAX: usize = 16;

/// Publications of one presentity in one package; the next initial one is refused with 403.
/// A person has a handful of devices, a shared line a dozen; a PBX publishes each call alone.
pub const PUBLICATIONS_MAX: usize = 64;

/// Subscriptions to one presentity; the next is refused with 403. One hotline in a large
/// company has 5,000.
pub const WATCHERS_MAX: usize = 10_000;

/// Subscriptions of one user who proved a password, as one shard counts them; the next is refused
/// with 403. An attendant with 500 lamps on two phones has 1,000, and reboots them both.
pub const SUBSCRIPTIONS_OF_USER_MAX: usize = 4096;

/// The same of all users from one address. A branch of 500 phones behind one NAT has 10,000.
pub const SUBSCRIPTIONS_OF_SOURCE_MAX: usize = 20_000;

/// Subscriptions granted within [`STORM_WITHIN`] that are no storm however few there are in all.
/// After a power cut more come in a second.
pub const STORM_GRANTS_MIN: usize = 1_000;

/// It is a storm if more than one in so many of all subscriptions is granted within
/// [`STORM_WITHIN`]. Of those that live for an hour and are spread well, one in 180 is.
pub const STORM_ONE_IN: usize = 50;

/// How long grants are counted together.
pub const STORM_WITHIN: Duration = Duration::from_secs(10);

/// By how much lifetimes granted in a storm are shortened at most, in percent, each by another
/// share: then the next storm is spread over a quarter of an hour, and the one after it over more.
pub const STORM_SPREAD: u8 = 25;

/// Most that this can be set to: a phone that was promised an hour should not ask each minute.
pub const STORM_SPREAD_MAX: u8 = 50;

/// Contacts of one AoR; the next is refused with 403.
pub const BINDINGS_MAX: usize = 16;

/// Least lifetime of a subscription or publication; shorter is refused with 423. At 60 s, 1,000
/// watchers cost at most 17 refreshes a second.
pub const EXPIRES_MIN: Duration = Duration::from_secs(60);

/// Longest lifetime granted to a subscription or publication; longer is shortened.
pub const EXPIRES_MAX: Duration = Duration::from_secs(86_400);

/// Lifetime of a publication or subscription that did not ask for one (RFC 3856 §6.4).
pub const EXPIRES_DEFAULT: Duration = Duration::from_secs(3600);

/// Longest lifetime granted to a registration; longer is shortened.
pub const REGISTRATION_EXPIRES_MAX: Duration = Duration::from_secs(7200);

/// How long a digest nonce serves; older is answered 401 with `stale=true`. Long enough for a
/// phone's whole start, short enough that what was recorded is soon worthless.
pub const NONCE_LIFE: Duration = Duration::from_secs(300);

/// Shortest life of a nonce that can be set. Shorter, and a phone over a slow link never gets in.
pub const NONCE_LIFE_MIN: Duration = Duration::from_secs(10);

/// Longest life of a nonce that can be set.
pub const NONCE_LIFE_MAX: Duration = Duration::from_secs(86_400);

/// Nonces whose spent counts are remembered by one owner; beyond it the oldest goes stale before
/// its life ends. 65,536 nonces of 5 minutes are 218 new ones a second, at 50 octets each.
pub const NONCES_MAX: usize = 65_536;

/// How far below the highest nonce count a lower one may come late, in counts: requests overtake
/// each other on the way, but not by so many.
pub const NONCE_COUNT_WINDOW: u32 = 64;

/// How long failures under a nonce still count after it was issued: an address may be somebody
/// else's by then. What is older is not looked at.
pub const NONCE_COUNTED_FOR: Duration = Duration::from_secs(86_400);

/// Wrong passwords for one user name from one address within [`AUTH_FAILURES_WITHIN`]; then the
/// name is refused from there with 403. A phone that was given a wrong one tries it for each lamp.
pub const AUTH_FAILURES_MAX: u32 = 10;

/// Wrong passwords from one address within [`AUTH_FAILURES_WITHIN`]; then everybody from there who
/// did not prove a password before is refused with 403. Ten such phones behind one NAT.
pub const AUTH_FAILURES_OF_SOURCE_MAX: u32 = 100;

/// The time within which failures are counted.
pub const AUTH_FAILURES_WITHIN: Duration = Duration::from_secs(60);

/// How long credentials are refused without a look at them.
pub const AUTH_REFUSED_FOR: Duration = Duration::from_secs(300);

/// Longest time that can be set for either of them.
pub const AUTH_SPAN_MAX: Duration = Duration::from_secs(86_400);

/// Addresses, and names from addresses, whose failures one owner remembers; beyond it the oldest
/// are forgotten. Each has heard from us, so nobody can make them up.
pub const AUTH_SOURCES_MAX: usize = 8192;

/// Requests from one address that prove nothing and are answered within
/// [`AUTH_STRANGERS_WITHIN`]; further ones are not. After a power cut 500 phones behind one NAT
/// are challenged for 20 lamps each.
pub const AUTH_STRANGERS_MAX: u32 = 10_000;

/// The time within which they are counted, and the octets of each address that may be spent on
/// answers to it.
pub const AUTH_STRANGERS_WITHIN: Duration = Duration::from_secs(10);

/// Failures of one address told in the log within [`AUTH_FAILURES_WITHIN`]; the rest is counted.
pub const AUTH_FAILURES_TOLD: u32 = 20;

/// How long it is remembered that a user proved the password from an address.
pub const AUTH_PROVEN_FOR: Duration = Duration::from_secs(2 * 86_400);

/// Users who proved a password from an address, remembered by one owner; beyond it the oldest are
/// forgotten, and refused where their address is.
pub const AUTH_PROVEN_MAX: usize = 65_536;

/// Credentials for our realm looked at in one request; a client has one (RFC 8760 §2.4), one
/// behind proxies perhaps two.
pub const CREDENTIALS_MAX: usize = 4;

/// Rules of the operator. Each is looked at for every new subscription.
pub const POLICY_RULES_MAX: usize = 10_000;

/// Lifetime of a registration that did not ask for one (RFC 3261 §10.2).
pub const REGISTRATION_EXPIRES_DEFAULT: Duration = Duration::from_secs(3600);

/// Least lifetime of a registration; shorter is refused with 423.
pub const REGISTRATION_EXPIRES_MIN: Duration = Duration::from_secs(60);

/// Most that `REGISTRATION_EXPIRES_MIN` can be set to: who asks for an hour or more is never
/// told that it is too brief (RFC 3261 §10.3 step 7).
pub const REGISTRATION_EXPIRES_MIN_MAX: Duration = Duration::from_secs(3600);

/// How long a call may be trying, proceeding or early before it is withdrawn: nobody lets a
/// phone ring for three minutes, but publishers do lose calls.
pub const PRE_ANSWER_MAX: Duration = Duration::from_secs(180);

/// Requests above this size go by a stream if the peer offers one (RFC 3261 §18.1.1), octets.
pub const DATAGRAM_REQUEST_OCTETS_MAX: usize = 1300;

/// Longest URI read, in octets. The longest seen carry a GRUU and stay below 400.
pub const URI_OCTETS_MAX: usize = 8 * 1024;

/// Most parameters of one set of credentials or one challenge. A digest has twelve.
pub const AUTH_PARAMETERS_MAX: usize = 32;

/// Most values of one list header (Via, Route, Contact), over all its lines. Seventy hops fit.
pub const LIST_VALUES_MAX: usize = 128;

/// Option tags that an answer says are not known; the first are. Real requests name one or two.
pub const OPTION_TAGS_MAX: usize = 16;

/// How long a watcher that does not answer is left alone before the first probe; each further
/// wait is twice the last.
pub const PROBE_FIRST: Duration = Duration::from_secs(30);

/// How many CSeq numbers are written to the store ahead, so that none repeats after a crash.
pub const CSEQ_AHEAD: u32 = 100;

/// The connection number of flows that did not outlive a restart; no live connection has it.
pub const CONNECTION_OF_A_FORMER_LIFE: u64 = u64::MAX;

/// How long after its end a subscription waits for a way to send the last NOTIFY: a name that
/// takes longer to look up is not worth waiting for. As timer F.
pub const LAST_WORD_MAX: Duration = Duration::from_secs(32);

/// What ended this long before a restart is not taken back: what ended since then is still told
/// to those who watch.
pub const RESTORED_LATE_MAX: Duration = Duration::from_secs(60);

/// Most addresses taken for one name.
pub const TARGETS_MAX: usize = 16;

/// Longest wait between two probes: an office that was cut off for a night has its lamps back
/// within ten minutes.
pub const PROBE_MAX: Duration = Duration::from_secs(600);

/// Least quiet a watcher can ask for by Retry-After: 0 would be a loop.
pub const QUIET_MIN: Duration = Duration::from_secs(5);

/// Calls of one publication; beyond it the publication is refused with 413. A queue of a call
/// centre has some dozens.
pub const CALLS_MAX: usize = 256;

/// Octets of all live publications of one presentity in one package; beyond it 413. It bounds
/// what one composition costs and how long a NOTIFY can become; 64 devices with 2 kB each fit.
pub const PUBLISHED_OCTETS_MAX: usize = 128 * 1024;

/// Server transactions of one shard that are remembered; beyond it the oldest answers are
/// forgotten before timer J. At 300 octets each they stay below [`SERVER_OCTETS_MAX`]: 12,000
/// requests a second are remembered for all of timer J, 80,000 for as long as matters.
pub const SERVER_TRANSACTIONS_MAX: usize = 400_000;

/// Memory for the answers of one shard that may be asked for again, in octets; beyond it the
/// oldest are forgotten, too. Most answers need not come near it.
pub const SERVER_OCTETS_MAX: usize = 128 * 1024 * 1024;

/// How long an answer is remembered at the least; while all are younger, new requests are refused
/// with 503. A phone that was not answered asks again after 0.5, 1.5 and 3.5 seconds.
pub const SERVER_ANSWER_AGE_MIN: Duration = Duration::from_secs(5);

/// Refusals of INVITE that are repeated until their ACK; the next is sent once. Nobody should call
/// a presence agent.
pub const SERVER_REFUSALS_MAX: usize = 4096;

/// Subscriptions of one user to one presentity in one package; the next is refused with 403, so
/// that nobody can fill the places of others. A person has a handful of phones.
pub const SUBSCRIPTIONS_OF_ONE_MAX: usize = 32;

/// After how long without a touch on any device somebody is idle.
pub const IDLE_AFTER: Duration = Duration::from_secs(300);

/// After how long without a touch on any device somebody is away.
pub const AWAY_AFTER: Duration = Duration::from_secs(600);

/// How long "do not disturb" lasts that names no end: a forgotten one costs an hour of calls.
pub const MANUAL_DND: Duration = Duration::from_secs(3600);

/// How long "busy" lasts that names no end.
pub const MANUAL_BUSY: Duration = Duration::from_secs(86_400);

/// How long "be right back" lasts that names no end.
pub const MANUAL_BRB: Duration = Duration::from_secs(1800);

/// How long any other state set by hand lasts that names no end.
pub const MANUAL_OTHER: Duration = Duration::from_secs(7 * 86_400);

/// Longest that a state set by hand may last.
pub const MANUAL_MAX: Duration = Duration::from_secs(30 * 86_400);

/// How long a source may be out of touch before what it knew counts as unknown. A PBX restarts
/// in less.
pub const LOST_AFTER: Duration = Duration::from_secs(90);

/// Leases of one source, the earliest count. A calendar of a busy week has 60 entries.
pub const LEASES_MAX: usize = 256;

/// Channels that may speak of one person; what comes by one more is refused. A few calendars, the
/// flags of a few phones, and room.
pub const CHANNELS_MAX: usize = 64;

/// Leases that are tried, the weightiest first, to find the one that makes a status what it is.
pub const REASONS_TRIED_MAX: usize = 64;

/// Names of devices whose profile is remembered; then all are looked at anew.
pub const DEVICE_NAMES_MAX: usize = 256;

/// Contacts of one person in the settings.
pub const CONTACTS_MAX: usize = 16;

/// Longest number or address that calls of a person go to instead, in octets.
pub const FORWARD_TO_OCTETS_MAX: usize = 255;

/// Longest note of a person, in octets; more is cut. A text message has 160 characters.
pub const NOTE_OCTETS_MAX: usize = 1024;

/// Alternate contacts shown for one person; the first count.
pub const ALTERNATES_MAX: usize = 8;

/// Absences to come that are told in advance; the nearest count.
pub const COMING_MAX: usize = 4;

/// Longest presence document for a phone, in octets: its note is cut to fit.
pub const PHONE_DOCUMENT_OCTETS_MAX: usize = 1000;

/// Rules of one person's document; beyond it the document is refused. A person with a rule for
/// each of some hundred colleagues fits.
pub const RULES_OF_DOCUMENT_MAX: usize = 1024;

/// Largest policy of an organisation, in octets.
pub const POLICY_OCTETS_MAX: usize = 1024 * 1024;

/// Watchers of one presentity in one package that wait for a decision after their subscription
/// ended; beyond it the one that waits longest gives up. They cost nobody a subscription, so they
/// are few.
pub const WAITING_WATCHERS_MAX: usize = 256;

/// Of those, the ones of one watcher.
pub const WAITING_OF_ONE_MAX: usize = 4;

/// Presentities of one shard that somebody waits for whose subscription is over; further ones are
/// not waited for. Whoever asks for everybody there is fills nothing else.
pub const WAITED_FOR_MAX: usize = 10_000;

/// How long a watcher waits for a decision after its subscription ended (RFC 3857 §4.7.1): a
/// person comes back from leave.
pub const WAITING_WATCHER_MAX: Duration = Duration::from_secs(30 * 86_400);

/// How long the end of a watcher is told to who asks who watches. Longer than any request is
/// repeated (64*T1) and than they are paced.
pub const ENDED_WATCHER_TOLD: Duration = Duration::from_secs(64);

/// Ends of watchers remembered; the oldest is forgotten first. Who missed one reads the next full
/// list.
pub const ENDED_WATCHERS_MAX: usize = 1024;

/// Longest name of a document of rules, in octets, where one is written by other ways than a file:
/// file systems take 255, and a temporary name is longer.
pub const RULE_NAME_OCTETS_MAX: usize = 64;

/// Documents of rules of one person; the next is refused. User agents write one, or one for each
/// of a person's devices.
pub const RULE_DOCUMENTS_MAX: usize = 16;

/// Views of one presentity in one package, beside that of everything, whose last documents are
/// remembered; those of further views carry no timestamps, so that a hidden change moves nothing.
/// Family, friends, colleagues and strangers are four.
pub const VIEWS_KEPT_MAX: usize = 32;

/// Largest calendar read, in octets; a larger one is not read at all. Twenty years of a busy
/// person are some megabytes.
pub const ICAL_OCTETS_MAX: usize = 16 * 1024 * 1024;

/// Longest value of a calendar, in octets; what is folded behind it is left out. Only attachments
/// and descriptions are longer, and neither is looked at.
pub const ICAL_LINE_OCTETS_MAX: usize = 16 * 1024;

/// Events of one calendar; further ones are left out.
pub const ICAL_EVENTS_MAX: usize = 50_000;

/// Dates listed one by one (RDATE, EXDATE) for one event; further ones are left out.
pub const ICAL_DATES_MAX: usize = 4096;

/// Time zones that come with one calendar; further ones are left out.
pub const ICAL_ZONES_MAX: usize = 256;

/// How deep components of a calendar stand in one another; a deeper one is not read at all.
pub const ICAL_DEPTH_MAX: usize = 8;

/// Attendees of one event that are looked at for the owner of the calendar.
pub const ICAL_ATTENDEES_MAX: usize = 2048;

/// Days and times that are looked at for one event that recurs; what would begin later is left out.
/// Ten years of a daily event that is counted from its beginning take 7,300.
pub const ICAL_STEPS_OF_EVENT_MAX: usize = 100_000;

/// The same for all events of a calendar together: a second of one core at most.
pub const ICAL_STEPS_MAX: usize = 4_000_000;

/// Spans one event has within what is looked at; further ones are left out. What recurs every hour
/// has 336 in a fortnight.
pub const ICAL_SPANS_OF_EVENT_MAX: usize = 512;

/// Spans of one calendar within what is looked at; the earliest count.
pub const ICAL_SPANS_MAX: usize = 4096;

/// Complaints about single entries of a calendar that are remembered.
pub const ICAL_FAULTS_MAX: usize = 16;
