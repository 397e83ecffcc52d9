//! What calendars need of the agent behind them.

use std::future::Future;
use std::pin::Pin;

use crate::base::identity::Aor;
use crate::base::time::Wall;
use crate::base::uri::Uri;
use crate::event::status::feed::Fact;
use crate::event::{Channel, Topic};
use crate::sip::Refusal;

/// Something that is there after a while.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The agent as calendars see it.
pub trait Agent: Send + Sync + 'static {
    /// The domain meant where none is named.
    fn domain(&self) -> String;
    /// The time.
    fn now(&self) -> Wall;
    /// Whom an address means, where it is served.
    fn address(&self, uri: &Uri) -> Result<Aor, Refusal>;
    /// Tells the shard of a person; `None` if it does not answer in time.
    fn say(&self, of: Uri, fact: Fact) -> Later<Option<Result<(), Refusal>>>;
    /// Of whom something is said by channels of a topic.
    fn said_by(&self, topic: Topic) -> Later<Vec<(Aor, Channel)>>;
    /// A number between 0 and 1, another one each time.
    fn chance(&self) -> f64;
}
