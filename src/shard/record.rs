//! What must survive a restart.

use bytes::Bytes;

use crate::base::flow::Transport;
use crate::base::identity::{Aor, EntityTag, Identity};
use crate::base::media::MediaType;
use crate::base::time::Wall;
use crate::dialog::DialogParts;
use crate::event::Channel;
use crate::event::profile::Profile;
use crate::event::status::Lease;
use crate::registrar::Binding;

/// One thing to be found again after a restart. Packages go by name, so that a new package
/// does not renumber old ones.
#[derive(Clone, PartialEq, Debug)]
pub enum Record {
    /// A publication with its body.
    Publication(PublicationRecord),
    /// A subscription with its dialog.
    Subscription(Box<SubscriptionRecord>),
    /// All contacts of one AoR.
    Bindings {
        /// Whose contacts they are.
        aor: Aor,
        /// The contacts.
        bindings: Vec<Binding>,
    },
    /// What one channel says of a person.
    Said {
        /// Whom it speaks of.
        aor: Aor,
        /// Which channel.
        channel: Channel,
        /// What it says.
        says: Vec<Lease>,
    },
}

/// A publication.
#[derive(Clone, PartialEq, Debug)]
pub struct PublicationRecord {
    /// Whose state it is part of.
    pub aor: Aor,
    /// Its number within the presentity.
    pub number: u32,
    /// Its package.
    pub package: String,
    /// Its current name.
    pub tag: EntityTag,
    /// When it ends.
    pub until: Wall,
    /// When its body came: of two words on one thing the newer counts.
    pub updated: Wall,
    /// Who published it.
    pub publisher: String,
    /// The type of its body.
    pub media: MediaType,
    /// The charset its Content-Type named.
    pub charset: Option<String>,
    /// Its body, as it came.
    pub body: Bytes,
}

/// A subscription.
#[derive(Clone, PartialEq, Debug)]
pub struct SubscriptionRecord {
    /// What is watched.
    pub aor: Aor,
    /// In which package.
    pub package: String,
    /// The Event header of its NOTIFYs.
    pub event: String,
    /// The type its bodies are written in.
    pub media: MediaType,
    /// The profile of its device.
    pub profile: Profile,
    /// The presentity as the watcher wrote it.
    pub entity: String,
    /// Who watches.
    pub watcher: Identity,
    /// Its dialog. The CSeq is one that no NOTIFY has had: numbers are written ahead.
    pub dialog: DialogParts,
    /// A document version that no NOTIFY has had, written ahead likewise.
    pub version: u32,
    /// When it ends.
    pub until: Wall,
    /// The path the watcher was last heard on.
    pub flow: FlowRecord,
    /// The address of the phone itself, beyond any proxies.
    pub origin: std::net::IpAddr,
}

/// A path, told without the numbers of a process that is no more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowRecord {
    /// Its transport.
    pub transport: Transport,
    /// Our address on it.
    pub local: std::net::SocketAddr,
    /// The peer's.
    pub peer: std::net::SocketAddr,
}

/// The name of a record.
#[derive(Clone, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum RecordKey {
    /// A publication: its AoR and number.
    Publication(Aor, u32),
    /// A subscription: its AoR and our dialog tag.
    Subscription(Aor, u64),
    /// The contacts of an AoR.
    Bindings(Aor),
    /// What one channel says of a person.
    Said(Aor, Channel),
}

/// A change to what must survive.
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// A new record, or a new version of one.
    Put(Record),
    /// A publication lives on with the same body: its new name and end.
    Lease {
        /// Which.
        key: RecordKey,
        /// Its new name.
        tag: EntityTag,
        /// Its new end.
        until: Wall,
    },
    /// A subscription was refreshed, and nothing else of it changed.
    Renew {
        /// Which.
        key: RecordKey,
        /// Its new end.
        until: Wall,
        /// The sequence number of the peer's last request.
        remote: u32,
    },
    /// CSeq numbers and document versions below these are used up.
    Reserve {
        /// Which subscription.
        key: RecordKey,
        /// The CSeq to go on from after a restart.
        cseq: u32,
        /// The version to go on from after a restart.
        version: u32,
    },
    /// A record is gone.
    Remove(RecordKey),
}

impl Record {
    /// The record's name.
    pub fn key(&self) -> RecordKey {
        match self {
            Record::Publication(record) => {
                RecordKey::Publication(record.aor.clone(), record.number)
            }
            Record::Subscription(record) => {
                RecordKey::Subscription(record.aor.clone(), record.dialog.tag.unique)
            }
            Record::Bindings { aor, .. } => RecordKey::Bindings(aor.clone()),
            Record::Said { aor, channel, .. } => RecordKey::Said(aor.clone(), *channel),
        }
    }

    /// Whose state it belongs to, and so which shard it is at home in.
    pub fn aor(&self) -> &Aor {
        match self {
            Record::Publication(record) => &record.aor,
            Record::Subscription(record) => &record.aor,
            Record::Bindings { aor, .. } | Record::Said { aor, .. } => aor,
        }
    }
}

impl RecordKey {
    /// Whose state it belongs to.
    pub fn aor(&self) -> &Aor {
        match self {
            RecordKey::Publication(aor, _)
            | RecordKey::Subscription(aor, _)
            | RecordKey::Bindings(aor)
            | RecordKey::Said(aor, _) => aor,
        }
    }
}
