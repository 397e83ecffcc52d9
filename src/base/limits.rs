//! Every bound of the program: name, unit, default and reason.
//!
//! What an operator could need to move is a setting whose default stands here; the rest is
//! fixed by a protocol or by good sense.

use std::time::Duration;

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

/// Datagrams taken from or given to the kernel in one call. 64 is where the gain levels off.
pub const DATAGRAM_BATCH: usize = 64;

/// Messages a shard takes in one turn from each of its sockets and from its inbox. A turn
/// composes each document once, so longer turns save work; at 10 µs a message one is done in a
/// few milliseconds.
pub const TURN_INPUTS: usize = 256;

/// Messages waiting for a shard; beyond it requests are answered 503 by the edge. At 10 µs a
/// message the last one waits 80 ms.
pub const INBOX_MESSAGES: usize = 8192;

/// From this many waiting messages on, requests outside a dialog are answered 503: the rest of
/// the inbox is for watchers who are here already, and for answers.
pub const INBOX_MESSAGES_NEW: usize = 6144;

/// Datagrams waiting for a socket that the kernel takes nothing from; beyond it they are dropped,
/// as the network itself might.
pub const DATAGRAMS_QUEUED_MAX: usize = 65_536;

/// What the kernel is asked to hold for each socket, in octets, each way. It may grant less.
pub const SOCKET_BUFFER_OCTETS: usize = 4 * 1024 * 1024;

/// Datagrams of answers, dialogs and PUBLISHes that wait for a shard which has more to do than it
/// can; beyond it they are lost, as on the network, or a few of them answered 503.
pub const LOBBY_MESSAGES: usize = 16_384;

/// The same for who comes anew, in the first second: a burst is worked off.
pub const LOBBY_MESSAGES_NEW: usize = 16_384;

/// The same when the pressure lasts: what is not served soon is not even kept, for keeping it
/// would take the time of those who are.
pub const LOBBY_MESSAGES_NEW_LASTING: usize = 256;

/// How long there must have been somebody in the lobby for the pressure to last.
pub const LOBBY_LASTING: Duration = Duration::from_secs(1);

/// How long who comes anew may wait. Then the phone is about to ask again (T1 is 500 ms), and it is
/// the repeat that is served.
pub const LOBBY_WAIT_MAX: Duration = Duration::from_millis(400);

/// Octets of either that wait.
pub const LOBBY_OCTETS_MAX: usize = 16 * 1024 * 1024;

/// One in so many datagrams served from the lobby is of who comes anew, if any waits: whoever is
/// here goes first, but nobody is shut out by a flood of answers that belong to nothing.
pub const LOBBY_ANEW_EVERY: u32 = 4;

/// Datagrams that a shard under pressure takes from the kernel in one turn: then what matters can
/// be told from what does not. The rest is the kernel's to hold, or to drop.
pub const LOBBY_TAKEN_A_TURN: usize = 16_384;

/// Datagrams a shard under pressure serves in one turn: fewer than else, so that it looks at what
/// comes before the kernel has no room for it.
pub const TURN_INPUTS_PRESSED: usize = 128;

/// Requests a turn that are answered 503 because there is no room. To answer all of them would
/// take the time of those that are served: reading one costs 0.6 µs, refusing it 3.
pub const REFUSALS_A_TURN: usize = 8;

/// How long a peer is told to stay away when there is no room, at the least.
pub const BUSY_RETRY: Duration = Duration::from_secs(2);

/// How much longer at the most, so that not all come back together.
pub const BUSY_RETRY_SPREAD: Duration = Duration::from_secs(8);

/// How long it has to be quiet before the next time of pressure is told in the log.
pub const PRESSURE_TOLD_EVERY: Duration = Duration::from_secs(60);

/// Most listening addresses.
pub const LISTENERS_MAX: usize = 64;

/// Most shards. More owners than cores only wait for each other.
pub const SHARDS_MAX: usize = 256;

/// How long the store waits after a write began before it begins the next, when there is much to
/// write: what came meanwhile goes in one write, and nobody is woken for each change alone.
pub const STORE_PAUSE: Duration = Duration::from_micros(250);

/// The same where answers do not wait for the store: a crash costs what came in this time.
pub const STORE_PAUSE_RELAXED: Duration = Duration::from_millis(50);

/// Changes handed to the store and not yet kept; beyond it requests that would have to be kept
/// are refused with 503 until half of them are. Some seconds of work for a slow disk.
pub const STORE_BACKLOG_MAX: usize = 100_000;

/// The same in octets: what a disk that takes nothing may cost in memory before requests are
/// refused. 100,000 changes are 64 MB as a rule; bodies can be larger.
pub const STORE_BACKLOG_OCTETS_MAX: usize = 256 * 1024 * 1024;

/// Octets of the journal from which on it is folded into the base, or as many as the base has, if
/// that is more: then each fold at most doubles what is written. Read again at a start in 100 ms.
pub const STORE_FOLD_OCTETS: u64 = 64 * 1024 * 1024;

/// Octets of the journal from which on it is folded however large the base is.
pub const STORE_FOLD_OCTETS_MAX: u64 = 256 * 1024 * 1024;

/// Segments of the journal from which on it is folded, however small they are: a process that is
/// started again and again begins one each time.
pub const STORE_FOLD_SEGMENTS: usize = 16;

/// How long to wait before the journal is folded again after that failed.
pub const STORE_FOLD_RETRY: Duration = Duration::from_secs(60);

/// Octets of records in one frame of the base: what one damaged octet costs at most.
pub const STORE_BASE_FRAME_OCTETS: usize = 16 * 1024;

/// How far CSeq numbers and document versions go on after a repair: above everything that may
/// have been sent since the last word that could be read.
pub const STORE_REPAIR_AHEAD: u32 = 1_000_000;

/// Room for changes that is kept for the next ones, in octets; more is given back.
pub const STORE_BUFFER_OCTETS: usize = 1024 * 1024;

/// How long to wait before a commit that failed is tried again; each further wait is twice the
/// last, up to [`STORE_RETRY_MAX`].
pub const STORE_RETRY_FIRST: Duration = Duration::from_millis(100);

/// Longest wait between two tries of a commit.
pub const STORE_RETRY_MAX: Duration = Duration::from_secs(5);

/// How often a busy shard leaves its counters where they are read; an idle one does it before it
/// sleeps.
pub const COUNTERS_EVERY: Duration = Duration::from_secs(1);

/// How long an agent that is told to end lets watchers answer: four NOTIFYs over UDP. Whoever did
/// not answer by then is sent the newest state after the restart.
pub const DRAIN_PATIENCE: Duration = Duration::from_secs(5);

/// Longest such time that can be set: a service manager kills after 90 s.
pub const DRAIN_PATIENCE_MAX: Duration = Duration::from_secs(60);

/// How often shards are asked whether their watchers know everything. An answer looks at every
/// subscription.
pub const SETTLED_ASKED_EVERY: Duration = Duration::from_millis(50);

/// How long an agent that is told to end may take besides waiting for watchers; then it ends with
/// whatever it is doing.
pub const STOP_MAX: Duration = Duration::from_secs(4);

/// How long a shard that is told to stop waits for the store to keep what messages wait for.
pub const DRAIN_MAX: Duration = Duration::from_secs(2);

/// Most stream connections; the next is closed at once. One phone has one.
pub const CONNECTIONS_MAX: usize = 20_000;

/// Most stream connections of one host; the next is closed at once. A whole branch office may
/// come from behind one address.
pub const CONNECTIONS_OF_HOST_MAX: usize = 4_000;

/// Octets waiting to be written to one connection; a peer that lets more pile up is cut off. A
/// state told to 5,000 watchers behind one proxy is 5 MB.
pub const CONNECTION_QUEUE_OCTETS_MAX: usize = 16 * 1024 * 1024;

/// How long a connection may be silent; far above 64*T1, so that no transaction is cut short.
pub const CONNECTION_IDLE_MAX: Duration = Duration::from_secs(3600);

/// How long a connection may take nothing of what waits to be written to it.
pub const CONNECTION_STALLED_MAX: Duration = Duration::from_secs(30);

/// How long a message may take to arrive on a stream, from its first octet to its last.
pub const STREAM_MESSAGE_MAX: Duration = Duration::from_secs(30);

/// How long a connection may take to open.
pub const DIAL_MAX: Duration = Duration::from_secs(2);

/// Messages waiting in any inbox from which on streams are not read: who sends on them can wait,
/// unlike a datagram.
pub const INBOX_MESSAGES_PRESSED: usize = 2048;

/// What ended this long before a restart is not taken back: what ended since then is still told
/// to those who watch.
pub const RESTORED_LATE_MAX: Duration = Duration::from_secs(60);

/// How long a name may take to be found, SRV and addresses together. A watcher waits for it.
pub const LOOKUP_MAX: Duration = Duration::from_secs(8);

/// Names looked up at the same time; others wait for their turn.
pub const LOOKUPS_AT_ONCE: usize = 64;

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

/// Names of sources in paths of the HTTP API, in octets.
pub const SOURCE_NAME_OCTETS_MAX: usize = 64;

/// Tokens of the HTTP API.
pub const TOKENS_MAX: usize = 256;

/// Members of a group that is asked for as one.
pub const GROUP_MEMBERS_MAX: usize = 256;

/// Contacts of one person in the settings.
pub const CONTACTS_MAX: usize = 16;

/// HTTP connections at once; one more waits until another ends.
pub const HTTP_CONNECTIONS_MAX: usize = 256;

/// Largest body of an HTTP request, in octets; a larger one is refused with 413. A calendar of 256
/// entries has about 30,000.
pub const HTTP_BODY_OCTETS_MAX: usize = 65_536;

/// How long an HTTP connection may take for its next request head.
pub const HTTP_HEADER_WAIT: Duration = Duration::from_secs(30);

/// How long an HTTP request may take, from its head to its answer.
pub const HTTP_REQUEST_MAX: Duration = Duration::from_secs(30);

/// How long the HTTP side waits for a shard.
pub const HTTP_ANSWER_MAX: Duration = Duration::from_secs(10);

/// How long nothing is accepted when the system gives no socket.
pub const HTTP_ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// HTTP requests a second of one token, on average.
pub const HTTP_RATE: u32 = 100;

/// HTTP requests of one token at once after a quiet time.
pub const HTTP_BURST: u32 = 200;

/// HTTP requests a second of all together who show no token, on average: probes, and guesses.
pub const HTTP_STRANGERS_RATE: u32 = 20;

/// HTTP requests at once of all together who show no token.
pub const HTTP_STRANGERS_BURST: u32 = 60;

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

/// Calendars that are fetched. At the usual interval they cost four requests a second.
pub const CALENDAR_FEEDS_MAX: usize = 1000;

/// Tables of hours that recur.
pub const CALENDAR_HOURS_MAX: usize = 1000;

/// How often a calendar is looked at unless settings say otherwise.
pub const FEED_POLL: Duration = Duration::from_secs(5 * 60);

/// How often at most.
pub const FEED_POLL_MIN: Duration = Duration::from_secs(10);

/// How often at least.
pub const FEED_POLL_MAX: Duration = Duration::from_secs(86_400);

/// Longest wait between two attempts at a calendar that cannot be read, unless it is looked at more
/// rarely anyway. Each wait is twice the last.
pub const FEED_BACK_OFF_MAX: Duration = Duration::from_secs(3600);

/// How long what a calendar said last counts while it cannot be read; then it is taken back. A
/// night's maintenance is shorter; after a day people have changed their plans.
pub const FEED_LOST_AFTER: Duration = Duration::from_secs(86_400);

/// How far ahead calendars and hours are told, so that an absence is known in advance.
pub const CALENDAR_AHEAD: Duration = Duration::from_secs(14 * 86_400);

/// How far back hours are followed, for the beginning of a long time off.
pub const HOURS_BACK: Duration = Duration::from_secs(14 * 86_400);

/// How often what is ahead is told anew though nothing changed.
pub const CALENDAR_RENEWED_EVERY: Duration = Duration::from_secs(3600);

/// How long fetching a calendar may take, redirects and all.
pub const FEED_FETCH_MAX: Duration = Duration::from_secs(30);

/// How often a calendar may have moved on the way to it.
pub const FEED_REDIRECTS_MAX: usize = 5;

/// Calendars fetched at the same time.
pub const FEED_FETCHES_MAX: usize = 8;
