//! What may still change a standby, by what the leader says of its standbys and of its writers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio_postgres::Row;
use tokio_postgres::types::PgLsn;

use super::connected::WRITER;
use crate::model::{Followers, NodeId, Quorum};
use crate::system::session::PendingCopies;

/// Each standby that is connected to the leader: its name, whether it has replayed the log up to `$1`, and for how many
/// seconds it has said nothing. One that has come back may be listed twice for a while.
pub(super) const STANDBYS: &str = "SELECT application_name, \
     coalesce(replay_lsn >= $1, false), \
     coalesce(extract(epoch FROM clock_timestamp() - reply_time), 0)::float8 \
     FROM pg_stat_replication WHERE state IN ('catchup', 'streaming')";

/// A standby as its leader sees it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Standby {
    has_all: bool,
    silent_s: f64,
}

/// Every standby that is connected, by name.
pub(super) fn standbys(rows: &[Row]) -> BTreeMap<String, Standby> {
    let mut standbys: BTreeMap<String, Standby> = BTreeMap::new();
    for row in rows {
        let (name, standby) = (row.get(0), Standby { has_all: row.get(1), silent_s: row.get(2) });
        let known = standbys.entry(name).or_insert(standby);
        known.has_all |= standby.has_all;
        known.silent_s = known.silent_s.min(standby.silent_s);
    }
    standbys
}

/// Asks how many writes the leader is at work on, and what they wait for. Those whose client has given up are among them.
pub(super) fn writers_question() -> String {
    format!(
        "SELECT count(*), count(*) FILTER (WHERE wait_event = 'SyncRep'), count(*) FILTER (WHERE wait_event_type = 'Lock') \
         FROM pg_stat_activity WHERE application_name = '{WRITER}' AND state = 'active'"
    )
}

/// The writes that the leader is at work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Writers {
    all: i64,
    /// Those that are in the log, and wait for their quorum.
    for_standbys: i64,
    /// Those that wait for an earlier write of their key.
    for_a_lock: i64,
}

impl Writers {
    /// What the leader answers to [`writers_question`].
    pub(super) fn of(row: &Row) -> Self {
        Self { all: row.get(0), for_standbys: row.get(1), for_a_lock: row.get(2) }
    }

    /// Those that may yet be written to the log though no standby comes further.
    const fn at_work(self) -> i64 {
        // One that waits for a lock waits for one that waits for standbys, if there is any.
        if self.for_standbys > 0 { self.all - self.for_standbys - self.for_a_lock } else { self.all }
    }

    /// Those that may yet be written to the log, where `complete` standbys have all that is in it.
    fn pending(self, complete: u32, quorum: Quorum) -> u64 {
        // Those that wait for their quorum have it then, and go on in a moment; so do those behind them.
        let pending = if complete >= quorum.get() { self.all } else { self.at_work() };
        u64::try_from(pending).unwrap_or_default()
    }
}

/// The end of the log as it was at some moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct LogEnd {
    /// How many writes had been sent a moment before.
    pub(super) sent: u64,
    /// What the leader was at work on then.
    pub(super) writers: Writers,
    /// The position of the end.
    pub(super) lsn: PgLsn,
}

impl LogEnd {
    /// Whether no write can have come after it, given how many were sent and what the leader is at work on now. Looking for
    /// the end makes the log longer: where that were done again and again, no standby would ever have all of it.
    pub(super) fn is_after_all(&self, sent: u64, writers: Writers) -> bool {
        self.sent == sent && self.writers == writers && writers.at_work() == 0
    }
}

/// What may still change a standby. One that has said nothing for longer than `silent` is out of reach.
pub(super) fn pending(
    followers: Followers,
    quorum: Quorum,
    standbys: &BTreeMap<String, Standby>,
    writers: Writers,
    silent: Duration,
) -> PendingCopies {
    let (mut copies, mut complete, mut unreachable) = (0, 0, BTreeSet::new());
    for follower in NodeId::followers(followers) {
        let name = follower.to_string();
        match standbys.get(&name) {
            Some(standby) if standby.has_all => complete += 1,
            Some(standby) if standby.silent_s <= silent.as_secs_f64() => copies += 1,
            _ => drop(unreachable.insert(name)),
        }
    }
    PendingCopies { copies: copies + writers.pending(complete, quorum), unreachable }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    const NONE: Writers = Writers { all: 0, for_standbys: 0, for_a_lock: 0 };

    /// What is pending at W = 2 with three followers.
    fn of(standbys: &[(&str, bool, f64)], writers: Writers) -> (u64, Vec<String>) {
        let standbys = standbys
            .iter()
            .map(|(name, has_all, silent_s)| ((*name).to_owned(), Standby { has_all: *has_all, silent_s: *silent_s }));
        let limit = Duration::from_secs(3);
        let pending = pending(3.try_into().unwrap(), Quorum::constant(2), &standbys.collect(), writers, limit);
        (pending.copies, pending.unreachable.into_iter().collect())
    }

    #[test]
    fn a_standby_lacks_something_or_is_out_of_reach() {
        assert_eq!(of(&[("f1", true, 0.1), ("f2", true, 0.1), ("f3", true, 9.0)], NONE), (0, vec![]));
        assert_eq!(of(&[("f1", true, 0.1), ("f2", false, 2.9), ("f3", false, 3.1)], NONE), (1, vec!["f3".to_owned()]));
        assert_eq!(of(&[("pg_basebackup", true, 0.0)], NONE).1, ["f1", "f2", "f3"]);
    }

    #[test]
    fn a_write_that_waits_for_a_quorum_out_of_reach_changes_nothing_any_more() {
        let cut_off = [("f1", true, 0.1), ("f2", false, 9.0), ("f3", false, 9.0)];
        let away = vec!["f2".to_owned(), "f3".to_owned()];
        // One waits for its quorum, and two behind it for its key.
        assert_eq!(of(&cut_off, Writers { all: 3, for_standbys: 1, for_a_lock: 2 }), (0, away.clone()));
        // One is not in the log yet.
        assert_eq!(of(&cut_off, Writers { all: 4, for_standbys: 1, for_a_lock: 2 }), (1, away.clone()));
        assert_eq!(of(&cut_off, Writers { all: 1, for_standbys: 0, for_a_lock: 1 }), (1, away));
    }

    #[test]
    fn writes_that_only_wait_leave_the_end_of_the_log_where_it_is() {
        let waiting = Writers { all: 3, for_standbys: 1, for_a_lock: 2 };
        let end = |writers| LogEnd { sent: 23, writers, lsn: PgLsn::from(0) };
        assert!(end(NONE).is_after_all(23, NONE) && end(waiting).is_after_all(23, waiting));
        assert!(!end(waiting).is_after_all(24, waiting));
        // The first has its quorum, and the second has been written.
        assert!(!end(waiting).is_after_all(23, Writers { all: 2, for_standbys: 1, for_a_lock: 1 }));
        // One is about to be written.
        let at_work = Writers { all: 4, ..waiting };
        assert!(!end(at_work).is_after_all(23, at_work));
    }

    #[test]
    fn writes_whose_quorum_is_there_go_on_and_let_others_go_on() {
        let back = [("f1", true, 0.1), ("f2", true, 0.1), ("f3", true, 0.1)];
        assert_eq!(of(&back, Writers { all: 3, for_standbys: 1, for_a_lock: 2 }), (3, vec![]));
    }
}
