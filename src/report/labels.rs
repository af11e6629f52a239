//! A follower's value for a key, in one letter and in words.

use super::number::ms;
use crate::analysis::{Cause, Cell, CellState};
use crate::data::ReplicationOutcome;
use crate::model::{Version, WriteId};

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
        Cause::Overtaken { older_version, newer_version, gap_us, .. } => format!(
            "version {older_version} arrived {} ms after version {newer_version} and replaced it",
            ms(gap_us as f64 / 1000.0)
        ),
        Cause::Lost { version, outcome } => {
            let how = match outcome {
                ReplicationOutcome::Timeout => "timed out",
                ReplicationOutcome::Failed => "failed",
                ReplicationOutcome::Acked | ReplicationOutcome::Pending => "did not arrive",
            };
            format!("the replication of version {version} {how}")
        }
        Cause::Erased { version, acked_us, restarted_us } => format!(
            "version {version} was acknowledged {} ms into the run, and the follower was back empty at {} ms",
            ms(acked_us as f64 / 1000.0),
            ms(restarted_us as f64 / 1000.0)
        ),
        Cause::Lagging { version, arrived_us } => {
            let what = version.map_or_else(|| "the leader's value".to_owned(), |version| format!("version {version}"));
            match arrived_us {
                Some(at_us) => format!("{what} arrived later, {} ms into the run", ms(at_us as f64 / 1000.0)),
                None => format!("{what} was still on its way"),
            }
        }
        Cause::Unknown => "no trace says why".to_owned(),
    }
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
            older_version: Version::new(73),
            newer_version: Version::new(83),
            older_at_us: 900_000,
            newer_at_us: 487_700,
            gap_us: 412_300,
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
        let erased = Cause::Erased { version: Version::new(83), acked_us: 1_000, restarted_us: 2_000 };
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
