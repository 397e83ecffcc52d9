//! One busy lamp of a phone: a subscription as the watcher knows it.

use fanal::base::time::Moment;

use super::shown::{self, Shown};

/// A lamp and the dialog that feeds it.
pub struct Lamp {
    pub aor: String,
    pub package: &'static str,
    /// Seconds asked for.
    pub expires: u64,
    pub call_id: String,
    pub own_tag: String,
    /// The agent's tag, once there is a dialog.
    pub tag: Option<String>,
    /// Where requests in the dialog go.
    pub target: String,
    pub cseq: u32,
    /// The last NOTIFY accepted.
    pub notify_cseq: u32,
    pub version: Option<u32>,
    pub until: Moment,
    /// What the lamp shows, and the document it came from.
    pub shown: Option<Shown>,
    pub body: String,
    /// It missed something by its own fault, or was out of reach: it may show the past until it
    /// is told again.
    pub is_excused: bool,
    /// A SUBSCRIBE is on its way.
    pub asks: bool,
    /// Alarms set before count no more.
    pub generation: u32,
}

impl Lamp {
    pub fn new(aor: String, package: &'static str, expires: u64) -> Lamp {
        Lamp {
            aor,
            package,
            expires,
            call_id: String::new(),
            own_tag: String::new(),
            tag: None,
            target: String::new(),
            cseq: 0,
            notify_cseq: 0,
            version: None,
            until: Moment::ORIGIN,
            shown: None,
            body: String::new(),
            is_excused: false,
            asks: false,
            generation: 0,
        }
    }

    pub fn uri(&self) -> String {
        format!("sip:{}@example.com", self.aor)
    }

    /// Forgets the dialog; the next SUBSCRIBE begins another.
    pub fn forget(&mut self, unique: String) {
        self.call_id = format!("c{unique}");
        self.own_tag = format!("t{unique}");
        self.tag = None;
        self.target = self.uri();
        self.cseq = 0;
        self.notify_cseq = 0;
        self.version = None;
        self.shown = None;
        self.asks = false;
        self.generation += 1;
    }

    /// Takes a document, unless it is older than the one shown.
    pub fn take(&mut self, body: &str) {
        if self.package == "dialog" && !body.is_empty() {
            let version = Some(shown::version(body));
            if version <= self.version {
                return;
            }
            self.version = version;
        }
        self.shown = Some(Shown::read(self.package, body));
        self.body = body.to_owned();
        self.is_excused = false;
    }
}
