//! What the store kept, sorted by home; what ended long ago is thrown away.

use std::time::Duration;

use tracing::{info, warn};

use crate::base::limits::{EXPIRES_DEFAULT, RESTORED_LATE_MAX};
use crate::base::time::Wall;
use crate::shard::{Change, Fault, Record, Store};

/// Everything kept, by the shard it is at home in. Nothing is granted for more than `longest`.
pub fn load(
    store: &mut dyn Store,
    now: Wall,
    longest: Duration,
    shards: usize,
) -> Result<Vec<Vec<Record>>, Fault> {
    let secret = store.secret();
    let mut records: Vec<Vec<Record>> = (0..shards).map(|_| Vec::new()).collect();
    let mut over = Vec::new();
    store.load(&mut |mut record| {
        if is_over(&record, now) {
            return over.push(Change::Remove(record.key()));
        }
        believe(&mut record, now, longest);
        let home = secret.home(record.aor()).shard(shards);
        if let Some(of_shard) = records.get_mut(home) {
            of_shard.push(record);
        }
    })?;
    if !over.is_empty()
        && let Err(fault) = store.commit(&over)
    {
        // A full disk must not keep the agent from starting: what is over is passed over again.
        warn!(event = "records_not_removed", reason = %fault);
    }
    let found: usize = records.iter().map(Vec::len).sum();
    if found + over.len() > 0 {
        info!(event = "records_found", records = found, over = over.len());
    }
    Ok(records)
}

/// Whether a record ended so long ago that nobody waits to be told. What ended just now ends in
/// its shard, where its watchers are.
fn is_over(record: &Record, now: Wall) -> bool {
    let is_past = |until: Wall| now.since(until) > RESTORED_LATE_MAX;
    match record {
        Record::Publication(publication) => is_past(publication.until),
        Record::Subscription(subscription) => is_past(subscription.until),
        // Its shard knows how long a state lasts that names no end.
        Record::Said { .. } => false,
        Record::Bindings { bindings, .. } => bindings.iter().all(|binding| is_past(binding.until)),
    }
}

/// Corrects what cannot be: the clock was set back while nobody ran. A lamp would be lit for as
/// long as that was, and what is said now would count as older than what was said then.
fn believe(record: &mut Record, now: Wall, longest: Duration) {
    let corrected = |until: Wall| match until > now + longest {
        true => now + EXPIRES_DEFAULT,
        false => until,
    };
    match record {
        Record::Publication(publication) => {
            publication.until = corrected(publication.until);
            publication.updated = publication.updated.min(now);
        }
        Record::Subscription(subscription) => subscription.until = corrected(subscription.until),
        // It may last for as long as it was told to.
        Record::Said { .. } => {}
        Record::Bindings { bindings, .. } => {
            bindings.iter_mut().for_each(|binding| binding.until = corrected(binding.until));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::identity::{Aor, EntityTag};
    use crate::base::media::MediaType;
    use crate::base::mint::Secret;
    use crate::shard::record::PublicationRecord;

    const LONGEST: Duration = Duration::from_secs(7200);

    #[derive(Default)]
    struct Shelf {
        records: Vec<Record>,
        committed: Vec<Change>,
        is_full: bool,
    }

    impl Store for Shelf {
        fn secret(&self) -> Secret {
            Secret::new([7; 16])
        }

        fn load(&mut self, each: &mut dyn FnMut(Record)) -> Result<(), Fault> {
            self.records.clone().into_iter().for_each(each);
            Ok(())
        }

        fn commit(&mut self, batch: &[Change]) -> Result<(), Fault> {
            if self.is_full {
                return Err(Fault { what: "no space left".to_owned() });
            }
            self.committed.extend_from_slice(batch);
            Ok(())
        }
    }

    fn publication(user: &str, until: Wall) -> Record {
        Record::Publication(PublicationRecord {
            aor: Aor::from_parts(user, "example.com"),
            number: 0,
            package: "presence".to_owned(),
            tag: EntityTag(1),
            updated: until,
            until,
            publisher: String::new(),
            media: MediaType::Pidf,
            charset: None,
            body: bytes::Bytes::new(),
        })
    }

    #[test]
    fn a_full_disk_does_not_hinder_the_start() {
        let end = Wall::from_unix_millis(1_000_000_000);
        let late = end + RESTORED_LATE_MAX * 2;
        let records = vec![publication("a", end), publication("b", late)];
        let mut shelf = Shelf { records, is_full: true, ..Shelf::default() };
        let found = load(&mut shelf, late, LONGEST, 1).expect("started all the same");
        assert_eq!(found.iter().map(Vec::len).sum::<usize>(), 1);
    }

    #[test]
    fn what_ended_more_than_a_minute_ago_is_thrown_away() {
        let end = Wall::from_unix_millis(1_000_000_000);
        let [recent, old] = [RESTORED_LATE_MAX, RESTORED_LATE_MAX + Duration::from_millis(1)];
        for (late, found) in [(Duration::ZERO, 1), (recent, 1), (old, 0)] {
            let mut shelf = Shelf { records: vec![publication("a", end)], ..Shelf::default() };
            let records = load(&mut shelf, end + late, LONGEST, 1).expect("loaded");
            assert_eq!(records[0].len(), found, "{late:?}");
            assert_eq!(shelf.committed.len(), 1 - found);
        }
    }

    #[test]
    fn what_a_clock_that_was_set_back_makes_endless_is_shortened() {
        let now = Wall::from_unix_millis(1_000_000_000);
        let hours = |count: u64| now + Duration::from_secs(3600 * count);
        for (until, believed) in [(hours(2), hours(2)), (hours(3), now + EXPIRES_DEFAULT)] {
            let mut shelf = Shelf { records: vec![publication("a", until)], ..Shelf::default() };
            let records = load(&mut shelf, now, LONGEST, 1).expect("loaded");
            let [Record::Publication(publication)] = &records[0][..] else { panic!("one") };
            assert_eq!((publication.until, publication.updated), (believed, now));
        }
    }

    #[test]
    fn every_record_is_found_by_the_shard_it_is_at_home_in() {
        let until = Wall::from_unix_millis(1);
        let all = (0..100).map(|n| publication(&n.to_string(), until)).collect();
        let mut shelf = Shelf { records: all, ..Shelf::default() };
        let records = load(&mut shelf, until, LONGEST, 3).expect("loaded");
        assert_eq!(records.iter().map(Vec::len).sum::<usize>(), 100);
        for (shard, of_shard) in records.iter().enumerate() {
            let home = |record: &Record| Secret::new([7; 16]).home(record.aor()).shard(3);
            assert!(of_shard.iter().all(|record| home(record) == shard));
        }
    }
}
