//! What a follower's answers tell of one key: from when to when it held what, and when each write arrived.
//!
//! An answer shows what the follower held at some instant between the question and the answer. A
//! write arrives once, so two answers with the same content have nothing but that content between them.
//! What changed did so after the last answer without it was asked for, and before the first answer with it
//! came. Whatever else arrived in such a gap was replaced before anybody looked.

use hashbrown::HashMap;

use super::write::Arrival;
use crate::model::{Capabilities, Micros};

/// What an answer showed of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// No value.
    Nothing,
    /// The value of this write, by its index.
    Write(usize),
    /// A value that is of no write of the run.
    Unknown,
}

/// One answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) asked_us: Micros,
    pub(super) answered_us: Micros,
    pub(super) content: Content,
}

/// What an answer shows of the writes of a key that had arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Showing {
    /// The one that arrived last. It hides those before it.
    #[default]
    Last,
    /// The newest of an ordered log, which proves that the older ones had arrived.
    NewestOfLog,
    /// Every one: the state is a list of messages.
    All,
}

impl Showing {
    pub(super) const fn of(capabilities: &Capabilities) -> Self {
        match capabilities {
            Capabilities { append_log: true, .. } => Self::All,
            Capabilities { ordered_log: true, .. } => Self::NewestOfLog,
            _ => Self::Last,
        }
    }
}

/// Consecutive answers with the same content, in one life of the follower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Phase {
    pub(super) content: Content,
    /// When the first of these answers had come: by then it held this.
    pub(super) shown_us: Micros,
    /// When the first of them was asked for.
    asked_us: Micros,
    /// When the last of them was asked for: until then it held nothing else.
    pub(super) last_asked_us: Micros,
    /// How many times it had died before.
    pub(super) life: usize,
    /// Whether it died while it answered: it may have held this no more when the answer came.
    pub(super) is_dying: bool,
}

/// When a follower died: it may have lost everything from the first instant, and has by the second.
pub(super) type Death = (Micros, Micros);

/// The answers of one follower for one key, which was asked for anew only after each answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Looks {
    phases: Vec<Phase>,
    /// By a write's index: the phase in which it was first shown.
    first: HashMap<usize, usize>,
    /// By phase: the newest place shown so far, counted from 1; empty before [`Looks::rank`].
    newest: Vec<usize>,
    /// What an answer shows; known with [`Looks::rank`].
    showing: Showing,
    /// When each answer was asked for, ascending.
    asked_us: Vec<Micros>,
}

/// A write to follow.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sought {
    /// Its index.
    pub(super) write: usize,
    /// Its place among the writes of its key, counted from 1; 0 if that is not known.
    pub(super) place: usize,
    /// When its client sent it.
    pub(super) started_us: Micros,
}

impl Looks {
    /// Takes note of the next answer of a follower that died at these times.
    pub(super) fn push(&mut self, look: Look, deaths: &[Death]) {
        let Look { asked_us, answered_us, content } = look;
        self.asked_us.push(asked_us);
        let life = deaths.iter().filter(|(_, gone_us)| *gone_us < asked_us).count();
        let is_dying = deaths.iter().any(|(from_us, gone_us)| *from_us <= answered_us && *gone_us >= asked_us);
        let phase = Phase { content, shown_us: answered_us, asked_us, last_asked_us: asked_us, life, is_dying };
        let is_same = |last: &&mut Phase| (last.content, last.life, last.is_dying) == (content, life, is_dying);
        if let Some(last) = self.phases.last_mut().filter(is_same) {
            last.last_asked_us = asked_us;
            return;
        }
        if let Content::Write(write) = content {
            self.first.entry(write).or_insert(self.phases.len());
        }
        self.phases.push(phase);
    }

    /// Learns what answers show, and the order of writes; `place` counts from 1 and is 0 where it is not known.
    pub(super) fn rank(&mut self, place: impl Fn(usize) -> usize, showing: Showing) {
        self.showing = showing;
        let mut newest = 0;
        let shown = self.phases.iter().map(|phase| {
            if let Content::Write(write) = phase.content {
                newest = newest.max(place(write));
            }
            newest
        });
        self.newest = shown.collect();
    }

    /// Whether what arrived stays, whatever arrives after it.
    pub(super) fn keeps_all(&self) -> bool {
        self.showing == Showing::All
    }

    /// What was shown, in order.
    pub(super) fn phases(&self) -> &[Phase] {
        &self.phases
    }

    /// The phase in which a write was first shown.
    pub(super) fn phase_of(&self, write: usize) -> Option<usize> {
        self.first.get(&write).copied()
    }

    /// The phase that first shows a write that is newer, or as new.
    fn phase_of_newer(&self, place: usize) -> Option<usize> {
        let phase = self.newest.partition_point(|newest| *newest < place);
        (place > 0 && phase < self.newest.len()).then_some(phase)
    }

    /// Whether a write was never shown, and a newer one was.
    pub(super) fn is_hidden(&self, sought: Sought) -> bool {
        self.showing != Showing::All
            && self.phase_of(sought.write).is_none()
            && self.phase_of_newer(sought.place).is_some()
    }

    /// The phase that first proves that a write had arrived.
    fn proof_of(&self, sought: Sought) -> Option<usize> {
        let newer = self.phase_of_newer(sought.place).filter(|_| self.showing == Showing::NewestOfLog);
        self.phase_of(sought.write).into_iter().chain(newer).min()
    }

    /// When the last answer was asked for; [`Micros`] before any run if there was none.
    pub(super) fn last_asked_us(&self) -> Micros {
        self.asked_us.last().copied().unwrap_or(BEFORE)
    }

    /// When a write first arrived. Nothing changes any more from `settled_us` on, if that is known.
    pub(super) fn arrival(&self, sought: Sought, deaths: &[Death], settled_us: Option<Micros>) -> Arrival {
        let proof = self.proof_of(sought);
        let latest_us = proof.map(|phase| self.phases[phase].shown_us.max(sought.started_us));
        let gap_us = match proof.filter(|phase| self.phases[*phase].content == Content::Write(sought.write)) {
            Some(phase) => Some(self.gap_before(phase)),
            None => self.first_gap(sought.started_us, settled_us),
        };
        // What arrived before a death and was not seen may have come a second time after it.
        let died = deaths.iter().filter(|(from_us, gone_us)| {
            *gone_us > sought.started_us && latest_us.is_none_or(|latest_us| *from_us < latest_us)
        });
        let died_us = died.map(|(from_us, _)| self.asked_before(*from_us)).min();
        let earliest_us = gap_us.into_iter().chain(died_us).min().map(|at_us| at_us.max(sought.started_us));
        Arrival { earliest_us: earliest_us.or(latest_us), latest_us }
    }

    /// From when on what a phase shows may have been there.
    pub(super) fn gap_before(&self, phase: usize) -> Micros {
        let asked_us = self.phases[phase].asked_us;
        // One answer may show several messages of a list: they were asked for at one time.
        let before = self.phases[..phase].iter().rfind(|before| before.last_asked_us < asked_us);
        before.map_or(BEFORE, |before| before.last_asked_us)
    }

    /// From when on something that was sent at a moment may have come and gone unseen; `None` if it
    /// cannot have.
    fn first_gap(&self, started_us: Micros, settled_us: Option<Micros>) -> Option<Micros> {
        let next = self.phases.partition_point(|phase| phase.shown_us < started_us);
        // What comes is not replaced by nothing.
        let mut later = (next..self.phases.len()).filter(|phase| self.phases[*phase].content != Content::Nothing);
        if let Some(phase) = later.next().filter(|_| self.showing != Showing::All) {
            return Some(self.gap_before(phase));
        }
        let last_us = self.last_asked_us();
        settled_us.is_none_or(|settled_us| last_us < settled_us).then_some(last_us)
    }

    /// When the last answer was asked for that was asked for before a moment.
    fn asked_before(&self, at_us: Micros) -> Micros {
        let count = self.asked_us.partition_point(|asked_us| *asked_us < at_us);
        count.checked_sub(1).and_then(|last| self.asked_us.get(last)).copied().unwrap_or(BEFORE)
    }
}

/// Before any run.
pub(super) const BEFORE: Micros = Micros::MIN;

#[cfg(test)]
mod tests {
    use super::*;

    const START: Sought = Sought { write: 1, place: 0, started_us: Micros::ZERO };

    /// Answers given as asked, answered and what was shown: a write, or nothing where that is 0.
    fn looks(answers: &[(i64, i64, usize)]) -> Looks {
        let mut looks = Looks::default();
        for (asked, answered, write) in answers {
            let content = if *write == 0 { Content::Nothing } else { Content::Write(*write) };
            looks.push(Look { asked_us: Micros::new(*asked), answered_us: Micros::new(*answered), content }, &[]);
        }
        looks
    }

    fn ends(arrival: Arrival) -> (Option<i64>, Option<i64>) {
        (arrival.earliest_us.map(Micros::get), arrival.latest_us.map(Micros::get))
    }

    fn arrival(looks: &Looks, sought: Sought) -> (Option<i64>, Option<i64>) {
        ends(looks.arrival(sought, &[], Some(Micros::new(1_000))))
    }

    #[test]
    fn a_write_arrives_between_the_last_question_without_it_and_the_first_answer_with_it() {
        let looks = looks(&[(10, 12, 0), (20, 22, 0), (30, 32, 1), (40, 42, 1), (1_000, 1_001, 1)]);
        assert_eq!(arrival(&looks, START), (Some(20), Some(32)));
        // Nobody had it before it was sent.
        assert_eq!(arrival(&looks, Sought { started_us: Micros::new(25), ..START }), (Some(25), Some(32)));
    }

    #[test]
    fn what_the_first_answer_shows_arrived_after_it_was_sent() {
        assert_eq!(arrival(&looks(&[(50, 60, 1)]), START), (Some(0), Some(60)));
    }

    #[test]
    fn a_late_answer_makes_the_interval_long_and_not_wrong() {
        let looks = looks(&[(10, 12, 0), (20, 900, 1), (910, 911, 1)]);
        assert_eq!(arrival(&looks, START), (Some(10), Some(900)));
    }

    #[test]
    fn a_write_that_was_not_seen_may_have_come_wherever_something_changed() {
        let seen = looks(&[(10, 11, 0), (20, 21, 2), (30, 31, 2), (40, 41, 3), (1_000, 1_001, 3)]);
        assert_eq!(arrival(&seen, START), (Some(10), None));
        assert_eq!(arrival(&seen, Sought { started_us: Micros::new(35), ..START }), (Some(35), None));
        // From then on nothing changes, and the last question is asked when all has settled.
        assert_eq!(arrival(&seen, Sought { started_us: Micros::new(50), ..START }), (None, None));
        let open = looks(&[(10, 11, 0), (20, 21, 2)]);
        assert_eq!(arrival(&open, Sought { started_us: Micros::new(50), ..START }), (Some(50), None));
    }

    #[test]
    fn in_a_log_a_newer_write_proves_an_older_one_and_elsewhere_it_hides_it() {
        let mut seen = looks(&[(10, 11, 0), (20, 21, 2), (1_000, 1_001, 2)]);
        let sought = Sought { place: 1, ..START };
        seen.rank(|write| write, Showing::Last);
        assert_eq!((arrival(&seen, sought), seen.is_hidden(sought)), ((Some(10), None), true));
        seen.rank(|write| write, Showing::NewestOfLog);
        assert_eq!(arrival(&seen, sought), (Some(10), Some(21)));
        let newer = Sought { write: 3, place: 3, ..sought };
        assert_eq!((arrival(&seen, newer), seen.is_hidden(newer)), ((Some(10), None), false));
    }

    #[test]
    fn a_list_shows_every_message_and_hides_none() {
        // Messages 2 and 3 come between two questions, 1 is never there.
        let mut seen = looks(&[(10, 11, 0), (20, 21, 2), (20, 21, 3), (30, 31, 3), (40, 41, 4), (1_000, 1_001, 4)]);
        seen.rank(|write| write, Showing::All);
        let of = |write| Sought { write, place: write, ..START };
        assert_eq!(
            [2, 3, 4].map(|write| arrival(&seen, of(write))),
            [(Some(10), Some(21)), (Some(10), Some(21)), (Some(30), Some(41))]
        );
        assert_eq!((arrival(&seen, of(1)), seen.is_hidden(of(1))), ((None, None), false));
    }

    #[test]
    fn a_follower_that_died_may_have_had_a_write_before() {
        let seen = looks(&[(10, 11, 0), (20, 21, 0), (80, 81, 0), (90, 91, 1), (1_000, 1_001, 1)]);
        let with = |deaths: &[(i64, i64)], started: i64| {
            let deaths: Vec<Death> = deaths.iter().map(|(a, b)| (Micros::new(*a), Micros::new(*b))).collect();
            let sought = Sought { started_us: Micros::new(started), ..START };
            ends(seen.arrival(sought, &deaths, Some(Micros::new(1_000))))
        };
        assert_eq!(with(&[(30, 35)], 0), (Some(20), Some(91)));
        assert_eq!(with(&[(30, 35)], 50), (Some(80), Some(91)));
        assert_eq!(with(&[(95, 99)], 0), (Some(80), Some(91)));
    }
}
