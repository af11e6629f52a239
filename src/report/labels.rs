//! A follower's value for a key, in one letter and in words; and other short names.

use super::number::{count, grouped, ms};
use crate::analysis::{Cause, Cell, CellState};
use crate::config::{Arrivals, KeyOrder, Workload};
use crate::data::ReplicationOutcome;
use crate::model::{Version, WriteId};

/// A system and its version: `labnode 0.1.0`; `redis (Redis 7.0.15)` where the version names the product.
pub(super) fn system(name: &str, version: &str) -> String {
    match version.chars().next() {
        None => name.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{name} {version}"),
        Some(_) => format!("{name} ({version})"),
    }
}

/// A condition of a run: its JSON without quotes, and hashes cut to twelve digits.
pub(crate) fn condition(json: Option<&str>) -> String {
    let text = json.map_or("-", |json| json.trim_matches('"'));
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_hash = digits.len() >= 40 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hash { digits[..12].to_owned() } else { text.to_owned() }
}

/// The keys of a workload: `10 keys`; `10 keys, drawn by Zipf's law with exponent 0.99`.
pub(super) fn keys(workload: &Workload) -> String {
    let keys = count(u64::from(workload.keys.get()), "key");
    match workload.key_order {
        KeyOrder::Rotation => keys,
        KeyOrder::Random => format!("{keys} drawn at random"),
        KeyOrder::Zipf => {
            format!("{keys} drawn by Zipf's law (exponent {})", workload.zipf_exponent.unwrap_or_default())
        }
    }
}

/// When the writes of an open loop start.
pub(super) fn arrivals(workload: &Workload) -> String {
    let rate = grouped(workload.rate_per_s.map_or(0, |rate| u64::from(rate.get())));
    match workload.arrivals.unwrap_or_default() {
        Arrivals::Poisson => format!("writes start at random moments (a Poisson process), {rate} a second on average"),
        Arrivals::Constant => format!("writes start at equal distances, {rate} a second"),
    }
}

/// What the letters in a map stand for, with the letters.
pub(super) const LETTERS: [(&str, &str); 6] = [
    ("L", "lagging: the leader's version is still on its way"),
    ("O", "overtaken: an older write arrived after a newer one"),
    ("X", "lost: the leader's version timed out or failed"),
    ("E", "erased: the follower had the leader's version and was restarted empty"),
    ("F", "foreign: a value the leader never had"),
    ("?", "unexplained: no trace says why"),
];

/// The letter of a differing pair, by its cause.
pub(super) const fn letter(cell: &Cell) -> &'static str {
    match (cell.state, cell.cause) {
        (CellState::Match, _) => "",
        (CellState::Foreign, _) => "F",
        (_, Some(Cause::Lagging { .. })) => "L",
        (_, Some(Cause::Overtaken { .. })) => "O",
        (_, Some(Cause::Lost { .. })) => "X",
        (_, Some(Cause::Erased { .. })) => "E",
        (_, Some(Cause::Unknown) | None) => "?",
    }
}

/// The state's name.
pub(super) const fn state(state: CellState) -> &'static str {
    match state {
        CellState::Match => "match",
        CellState::Stale => "stale",
        CellState::Missing => "missing",
        CellState::Foreign => "foreign",
    }
}

/// The cause's name.
pub(super) const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Overtaken { .. } => "overtaken",
        Cause::Lost { .. } => "lost",
        Cause::Erased { .. } => "erased",
        Cause::Lagging { .. } => "lagging",
        Cause::Unknown => "unexplained",
    }
}

/// How the cause came about.
pub(super) fn explain(cause: Cause) -> String {
    match cause {
        Cause::Overtaken { older_version, newer_version, gap_us, seen_from_outside, .. } => {
            let older = version_or(older_version, "an older write");
            let (newer, gap) = (version_or(newer_version, "the newest"), ms(gap_us.as_ms()));
            if seen_from_outside {
                format!("seen from outside: {older} was seen {gap} ms after {newer}, which it had replaced")
            } else {
                format!("{older} arrived {gap} ms after {newer} and replaced it")
            }
        }
        Cause::Lost { version, outcome } => {
            let how = match outcome {
                ReplicationOutcome::Timeout => "timed out",
                ReplicationOutcome::Failed => "failed",
                ReplicationOutcome::Acked | ReplicationOutcome::Pending => "did not arrive",
            };
            format!("the replication of version {version} {how}")
        }
        Cause::Erased { version, acked_us, restarted_us, seen_from_outside } => {
            let (newest, at) = (version_or(version, "the newest write"), ms(acked_us.as_ms()));
            let had = if seen_from_outside {
                format!("seen from outside: {newest} was there {at} ms into the run")
            } else {
                format!("{newest} was acknowledged {at} ms into the run")
            };
            format!("{had}, and the follower was back empty at {} ms", ms(restarted_us.as_ms()))
        }
        Cause::Lagging { version, arrived_us } => {
            let what = version_or(version, "the leader's value");
            match arrived_us {
                Some(at_us) => format!("{what} arrived later, {} ms into the run", ms(at_us.as_ms())),
                None => format!("{what} was still on its way"),
            }
        }
        Cause::Unknown => "no trace says why".to_owned(),
    }
}

/// `version 83`, or what a write is called whose version is not known.
fn version_or(version: Option<Version>, name: &str) -> String {
    version.map_or_else(|| name.to_owned(), |version| format!("version {version}"))
}

/// What the follower holds against its leader.
pub(super) fn held(cell: &Cell) -> String {
    let one = |version: Option<Version>, write: Option<WriteId>| match (version, write) {
        (Some(version), _) => format!("version {version}"),
        (None, Some(write)) => format!("write {write}"),
        (None, None) => "nothing".to_owned(),
    };
    match cell.state {
        CellState::Foreign => "a value that the leader never had".to_owned(),
        _ => format!(
            "{}, the leader {}",
            one(cell.follower_version, cell.follower_write),
            one(cell.leader_version, cell.leader_write)
        ),
    }
}

/// The whole of it, in a sentence.
pub(super) fn describe(cell: &Cell) -> String {
    let cause = cell.cause.map(|cause| format!(": {}", explain(cause))).unwrap_or_default();
    format!("{} holds for {} {}{cause}", cell.follower, cell.key, held(cell))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Micros;

    #[test]
    fn a_version_that_names_the_product_stands_in_brackets() {
        assert_eq!(system("labnode", "0.1.0"), "labnode 0.1.0");
        assert_eq!(system("redis", "Redis 7.0.15"), "redis (Redis 7.0.15)");
        assert_eq!(system("mine", ""), "mine");
    }

    fn cell(state: CellState, cause: Option<Cause>) -> Cell {
        Cell {
            follower: crate::model::NodeId::Follower(1),
            key: "k3".to_owned(),
            state,
            follower_version: Some(Version::new(73)),
            leader_version: Some(Version::new(83)),
            follower_write: Some(WriteId::new(72)),
            leader_write: Some(WriteId::new(82)),
            cause,
        }
    }

    #[test]
    fn an_overtaken_pair_says_which_write_came_how_late() {
        let cause = Cause::Overtaken {
            older_version: Some(Version::new(73)),
            newer_version: Some(Version::new(83)),
            older_at_us: Micros::new(900_000),
            newer_at_us: Micros::new(487_700),
            gap_us: Micros::new(412_300),
            seen_from_outside: false,
        };
        let cell = cell(CellState::Stale, Some(cause));
        assert_eq!(letter(&cell), "O");
        assert_eq!(
            describe(&cell),
            "f2 holds for k3 version 73, the leader version 83: \
             version 73 arrived 412.3 ms after version 83 and replaced it"
        );
    }

    #[test]
    fn what_readers_saw_says_so() {
        let seen = Cause::Overtaken {
            older_version: None,
            newer_version: None,
            older_at_us: Micros::new(900_000),
            newer_at_us: Micros::new(487_700),
            gap_us: Micros::new(412_300),
            seen_from_outside: true,
        };
        assert_eq!(
            explain(seen),
            "seen from outside: an older write was seen 412.3 ms after the newest, which it had replaced"
        );
        let (acked_us, restarted_us) = (Micros::new(1_000), Micros::new(2_000));
        let erased = Cause::Erased { version: None, acked_us, restarted_us, seen_from_outside: true };
        assert_eq!(
            explain(erased),
            "seen from outside: the newest write was there 1.0 ms into the run, and the follower was back empty at 2.0 ms"
        );
    }

    #[test]
    fn without_versions_writes_are_named_by_their_numbers() {
        let cell =
            Cell { follower_version: None, leader_version: None, ..cell(CellState::Stale, Some(Cause::Unknown)) };
        assert_eq!(describe(&cell), "f2 holds for k3 write 72, the leader write 82: no trace says why");
        let lagging = Cause::Lagging { version: None, arrived_us: None };
        let missing = Cell { state: CellState::Missing, follower_write: None, cause: Some(lagging), ..cell };
        let expected = "f2 holds for k3 nothing, the leader write 82: the leader's value was still on its way";
        assert_eq!(describe(&missing), expected);
    }

    #[test]
    fn every_letter_in_use_is_explained() {
        let lost = Cause::Lost { version: Version::new(83), outcome: ReplicationOutcome::Timeout };
        let (acked_us, restarted_us) = (Micros::new(1_000), Micros::new(2_000));
        let version = Some(Version::new(83));
        let erased = Cause::Erased { version, acked_us, restarted_us, seen_from_outside: false };
        let lagging = Cause::Lagging { version: Some(Version::new(83)), arrived_us: None };
        let cells = [
            cell(CellState::Missing, Some(lost)),
            cell(CellState::Missing, Some(erased)),
            cell(CellState::Stale, Some(lagging)),
            cell(CellState::Foreign, Some(Cause::Unknown)),
            cell(CellState::Stale, Some(Cause::Unknown)),
        ];
        let letters = cells.each_ref().map(letter);
        assert_eq!(letters, ["X", "E", "L", "F", "?"]);
        assert!(letters.iter().all(|letter| LETTERS.iter().any(|(known, _)| known == letter)));
    }
}
