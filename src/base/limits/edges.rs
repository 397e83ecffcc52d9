//! The bounds of the edges: sockets, connections, the store, the HTTP side, calendars that are
//! fetched, the beginning and the end.

use std::time::Duration;

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

/// How often it is decided which share of those who come anew the kernel lets pass while pressure
/// lasts.
pub const SIEVE_EVERY: Duration = Duration::from_millis(100);

/// Of a hundred served, how many more or less are let pass: there is always somebody to serve.
pub const SIEVE_OFFERED_PERCENT: u64 = 125;

/// Of whom lots are drawn for, so many are let pass each time at the least: to read them takes
/// 1.5 % of a core, so it is not them that others wait for.
pub const SIEVE_FREE: u64 = 1000;

/// The least share let pass is one in so many.
pub const SIEVE_SHARE_LEAST: u32 = 256;

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

/// How long a name may take to be found, SRV and addresses together. A watcher waits for it.
pub const LOOKUP_MAX: Duration = Duration::from_secs(8);

/// Names looked up at the same time; others wait for their turn.
pub const LOOKUPS_AT_ONCE: usize = 64;

/// Names of sources in paths of the HTTP API, in octets.
pub const SOURCE_NAME_OCTETS_MAX: usize = 64;

/// Tokens of the HTTP API.
pub const TOKENS_MAX: usize = 256;

/// Members of a group that is asked for as one.
pub const GROUP_MEMBERS_MAX: usize = 256;

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
