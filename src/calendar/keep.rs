//! Keeps all feeds and all hours as the settings have them, and takes back what they have no more.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::warn;

use super::agent::Agent;
use super::config::{self, Config, Week, person};
use super::fact;
use super::feed::{Feed, Tools};
use crate::base::identity::Aor;
use crate::base::limits::{CALENDAR_RENEWED_EVERY, FEED_FETCHES_MAX};
use crate::base::uri::Uri;
use crate::event::status::feed::{Entry, Fact, Said, Span};
use crate::event::{Channel, Topic};

/// All calendars of an agent. Dropped, nobody looks at them any more.
pub struct Keeper {
    settings: UnboundedSender<Config>,
}

/// What is kept at the moment.
struct House {
    tools: Tools,
    feeds: HashMap<(String, String), Kept>,
    hours: Option<JoinHandle<()>>,
    /// By which the hours were set up.
    known_hours: (String, Vec<config::Hours>),
}

/// A feed that is looked at.
struct Kept {
    settings: (config::Feed, String),
    look_now: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Keeper {
    /// Begins to look.
    pub fn start(runtime: &Handle, agent: Arc<dyn Agent>, config: Config) -> Keeper {
        let (settings, received) = unbounded_channel();
        let tools = Tools { agent, fetches: Arc::new(Semaphore::new(FEED_FETCHES_MAX)) };
        let house = House {
            tools,
            feeds: HashMap::new(),
            hours: None,
            known_hours: (String::new(), Vec::new()),
        };
        runtime.spawn(house.keep(received));
        let keeper = Keeper { settings };
        keeper.adopt(config);
        keeper
    }

    /// Takes other settings over, and looks at every calendar now.
    pub fn adopt(&self, config: Config) {
        // It ends with the runtime alone.
        let _ = self.settings.send(config);
    }
}

impl House {
    async fn keep(mut self, mut received: UnboundedReceiver<Config>) {
        while let Some(config) = received.recv().await {
            self.adopt(config).await;
        }
        for (_, kept) in self.feeds.drain() {
            kept.task.abort();
        }
        self.hours.into_iter().for_each(|task| task.abort());
    }

    async fn adopt(&mut self, config: Config) {
        let wanted = self.wanted(&config);
        let gone: Vec<_> = self
            .feeds
            .extract_if(|key, kept| wanted.get(key).is_none_or(|(_, own)| *own != kept.settings))
            .collect();
        for (_, kept) in gone {
            kept.task.abort();
            // Whatever it was about to say is said before it is taken back.
            drop(kept.task.await);
        }
        let hours = (config.zone.clone(), config.hours.clone());
        let have_changed = hours != self.known_hours;
        if have_changed && let Some(task) = self.hours.take() {
            task.abort();
            drop(task.await);
        }
        let weeks = weeks(&config, &self.tools.agent.domain());
        self.take_back(&wanted, &weeks).await;
        for (key, (feed, settings)) in wanted {
            if let Some(kept) = self.feeds.get(&key) {
                kept.look_now.notify_one();
                continue;
            }
            let look_now = Arc::new(Notify::new());
            let task = tokio::spawn(feed.keep(self.tools.clone(), Arc::clone(&look_now)));
            self.feeds.insert(key, Kept { settings, look_now, task });
        }
        if have_changed || self.hours.is_none() {
            self.known_hours = hours;
            self.hours =
                (!weeks.is_empty()).then(|| tokio::spawn(recur(self.tools.clone(), weeks)));
        }
    }

    /// Feeds by user and name, each with what it is set up by.
    fn wanted(
        &self,
        config: &Config,
    ) -> BTreeMap<(String, String), (Feed, (config::Feed, String))> {
        let domain = self.tools.agent.domain();
        let each = (1..).zip(&config.feeds).filter_map(|(number, settings)| {
            let user = person(&settings.user, &domain).ok()?;
            let key = (settings.user.clone(), settings.name.clone());
            let zone = settings.zone(&config.zone);
            let feed = Feed { number, settings: settings.clone(), user, zone };
            Some((key, (feed, (settings.clone(), config.zone.clone()))))
        });
        each.collect()
    }

    /// Takes back what is said by feeds and hours that the settings have no more, or had before
    /// this start.
    async fn take_back<T>(
        &self,
        wanted: &BTreeMap<T, (Feed, (config::Feed, String))>,
        weeks: &Weeks,
    ) {
        let agent = &self.tools.agent;
        let mut kept: HashSet<(Aor, Channel)> = HashSet::new();
        for (feed, _) in wanted.values() {
            let aor = agent.address(&feed.user).ok();
            kept.extend(aor.map(|aor| (aor, Topic::Feed.number(feed.channel()))));
        }
        for (user, _) in weeks {
            kept.extend(agent.address(user).ok().map(|aor| (aor, Topic::Hours.only())));
        }
        for topic in [Topic::Feed, Topic::Hours] {
            for (aor, channel) in agent.said_by(topic).await {
                if !kept.contains(&(aor.clone(), channel)) {
                    let Ok(user) = Uri::parse(&aor.to_uri()) else { continue };
                    agent.say(user, Fact::nothing(channel)).await;
                }
            }
        }
    }
}

/// The hours of each person.
type Weeks = Vec<(Uri, Vec<Week>)>;

fn weeks(config: &Config, domain: &str) -> Weeks {
    let mut weeks: Vec<(Uri, Vec<Week>)> = Vec::new();
    for hours in &config.hours {
        let Ok(week) = hours.week(&config.zone) else { continue };
        for user in hours.users.iter().filter_map(|user| person(user, domain).ok()) {
            match weeks.iter_mut().find(|(known, _)| *known == user) {
                Some((_, own)) => own.push(week.clone()),
                None => weeks.push((user, vec![week.clone()])),
            }
        }
    }
    weeks
}

/// Tells the hours of everybody, now and whenever time has gone on.
async fn recur(tools: Tools, weeks: Weeks) {
    let mut told: Vec<Option<Vec<(Entry, Span)>>> = vec![None; weeks.len()];
    loop {
        let now = tools.agent.now();
        for ((user, weeks), told) in weeks.iter().zip(&mut told) {
            let entries = fact::entries(weeks, now);
            if told.as_ref() == Some(&entries) {
                continue;
            }
            match tools.agent.say(user.clone(), Said::WHEN_ASKED.hours(&entries)).await {
                Some(Ok(())) => *told = Some(entries),
                Some(Err(refusal)) => {
                    warn!(event = "hours_refused", status = refusal.status().code());
                }
                None => {}
            }
        }
        sleep(CALENDAR_RENEWED_EVERY).await;
    }
}
