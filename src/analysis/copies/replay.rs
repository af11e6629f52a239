//! Plays arrivals, deaths and acknowledgements in order and counts who holds what.
//!
//! A follower holds one write of each key. Where a trace is lost it may be one of several: the
//! candidates. Every count is kept twice, of what is certain and of what is possible.

use super::tally::{AtAck, CountOverTime, Losses, Tally};
use crate::analysis::bounds::Bounds;
use crate::model::{Micros, NodeId};

/// Something that changes what a follower holds, who can be asked, or what clients know.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Event {
    /// A follower took up a write.
    Arrive { follower: usize, key: usize, place: usize },
    /// From now on a follower may have taken up a write, but not after `latest_us`.
    MayArrive { follower: usize, key: usize, place: usize, latest_us: Micros },
    /// By now a follower has received a write, but not before `earliest_us`.
    MustHaveArrived { follower: usize, key: usize, place: usize, earliest_us: Micros },
    /// A follower was seen with the write of a place, counted from 1, or with nothing, which is 0; where it is not
    /// known which, with one of those between two places.
    Shown { follower: usize, key: usize, least: usize, most: usize },
    /// From now on a follower may have lost everything.
    MayEmpty { follower: usize },
    /// By now a follower has lost everything.
    Emptied { follower: usize },
    /// A follower was started, empty.
    Started { follower: usize },
    /// A follower cannot be asked any more.
    Leave { follower: usize },
    /// A follower can be asked again.
    Return { follower: usize },
    /// A client heard that a write has its quorum.
    Acknowledge { key: usize, place: usize },
}

impl Event {
    /// What comes first of one instant. A life begins before anything arrives in it. What an
    /// acknowledgement proves was there before the death that took the follower's trace with it,
    /// whose last life alone is traced. In virtual time the acknowledgement that lets a write start,
    /// and the kill that waits for that start, have the same microsecond.
    pub(super) const fn rank(self) -> u8 {
        match self {
            Self::Started { .. } => 0,
            Self::MayArrive { .. } | Self::MustHaveArrived { .. } => 1,
            Self::MayEmpty { .. } | Self::Emptied { .. } | Self::Leave { .. } | Self::Return { .. } => 2,
            Self::Arrive { .. } | Self::Shown { .. } => 3,
            Self::Acknowledge { .. } => 4,
        }
    }
}

/// What a follower holds of one key: one of several candidates, each the place of a write plus one,
/// 0 for nothing, and when it was taken up at the latest.
#[derive(Debug, Clone)]
struct Held {
    least: usize,
    most: usize,
    /// What was last seen.
    shown: usize,
    candidates: Vec<(usize, Micros)>,
}

impl Held {
    const fn of(candidates: Vec<(usize, Micros)>) -> Self {
        Self { least: 0, most: 0, shown: 0, candidates }
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Write {
    /// How many writes of any key came before it.
    overall: usize,
    copies: Bounds<usize>,
    /// Whether its client hears of its quorum sooner or later.
    will_be_acknowledged: bool,
    is_acknowledged: bool,
    is_overwritten: bool,
}

impl Write {
    fn of((overall, will_be_acknowledged): (usize, bool)) -> Self {
        Self { overall, will_be_acknowledged, ..Self::default() }
    }
}

/// A run that is being played.
pub(crate) struct Replay {
    is_by_version: bool,
    load_us: Micros,
    now_us: Micros,
    /// By key, then place.
    writes: Vec<Vec<Write>>,
    /// By follower, then key.
    held: Vec<Vec<Held>>,
    /// By follower: the newest write that it has certainly, and possibly, received, counted from 1.
    newest: Vec<Bounds<usize>>,
    /// By follower: how many faults keep it from being asked.
    away: Vec<u32>,
    /// By follower: acknowledged writes that it does not hold.
    lacking: Vec<Bounds<u64>>,
    acknowledged: u64,
    by_copies: Vec<Bounds<u64>>,
    tally: Tally,
}

impl Replay {
    /// `writes` says by key, then place, how many writes of any key came before each, and whether it
    /// will be acknowledged.
    pub(crate) fn new(followers: usize, writes: Vec<Vec<(usize, bool)>>, is_by_version: bool, load_us: Micros) -> Self {
        let nothing = || Held::of(vec![(0, Micros::MIN)]);
        Self {
            is_by_version,
            load_us,
            now_us: Micros::ZERO,
            held: (0..followers).map(|_| (0..writes.len()).map(|_| nothing()).collect()).collect(),
            newest: vec![Bounds::default(); followers],
            away: vec![0; followers],
            lacking: vec![Bounds::default(); followers],
            acknowledged: 0,
            by_copies: vec![Bounds::default(); followers + 1],
            tally: Tally {
                by_copies: vec![CountOverTime::default(); followers + 1],
                in_the_end: Vec::new(),
                most_advanced: CountOverTime::default(),
                random: CountOverTime::default(),
                overwritten_writes: 0,
                overwritten_copies: 0,
                at_ack: Vec::new(),
            },
            writes: writes.into_iter().map(|of_key| of_key.into_iter().map(Write::of).collect()).collect(),
        }
    }

    /// Plays the next event.
    pub(crate) fn play(&mut self, at_us: Micros, event: Event) {
        self.pass(at_us);
        match event {
            Event::Arrive { follower, key, place } => {
                self.note_overwriting(follower, key, place);
                self.receive(follower, key, place, Bounds::exactly(true));
                let candidates = &mut self.held[follower][key].candidates;
                candidates.retain(|(_, latest_us)| *latest_us > at_us);
                candidates.push((place + 1, at_us));
                self.settle(follower, key);
            }
            Event::MayArrive { follower, key, place, latest_us } => {
                self.receive(follower, key, place, Bounds { lower: false, upper: true });
                let held = &mut self.held[follower][key];
                if !self.is_by_version || place + 1 > held.least {
                    held.candidates.push((place + 1, latest_us));
                    self.settle(follower, key);
                }
            }
            Event::MustHaveArrived { follower, key, place, earliest_us } => {
                self.receive(follower, key, place, Bounds::exactly(true));
                let candidates = &mut self.held[follower][key].candidates;
                if self.is_by_version {
                    candidates.retain(|(held, _)| *held > place);
                } else {
                    candidates.retain(|(held, latest_us)| *held == place + 1 || *latest_us > earliest_us);
                }
                if candidates.is_empty() {
                    candidates.push((place + 1, at_us));
                }
                self.settle(follower, key);
            }
            Event::Shown { follower, key, least, most } => self.show(at_us, follower, key, [least, most]),
            Event::MayEmpty { follower } => self.empty(follower, None),
            Event::Emptied { follower } | Event::Started { follower } => self.empty(follower, Some(at_us)),
            Event::Leave { follower } => self.away[follower] += 1,
            Event::Return { follower } => self.away[follower] = self.away[follower].saturating_sub(1),
            Event::Acknowledge { key, place } => self.acknowledge(key, place),
        }
    }

    /// Lets the rest of the load pass.
    pub(crate) fn finish(mut self) -> Tally {
        self.pass(Micros::MAX);
        self.tally.in_the_end = self.by_copies;
        self.tally
    }

    /// What the leader's death would cost now.
    pub(crate) fn losses(&self) -> Losses {
        let able: Vec<usize> = (0..self.held.len()).filter(|follower| self.away[*follower] == 0).collect();
        let all = Bounds::exactly(self.acknowledged as f64);
        let sum = |end: fn(Bounds<u64>) -> u64| able.iter().map(|f| end(self.lacking[*f])).sum::<u64>() as f64;
        let Some(best) = able.iter().map(|follower| self.newest[*follower].lower).max() else {
            return Losses { most_advanced: all, random: all };
        };
        let count = able.len() as f64;
        let random = Bounds { lower: sum(|of| of.lower) / count, upper: sum(|of| of.upper) / count };
        let is_certain = able.iter().all(|follower| self.newest[*follower].exact().is_some());
        let mut candidates: Vec<usize> =
            able.into_iter().filter(|follower| self.newest[*follower].upper >= best).collect();
        if is_certain {
            candidates.truncate(1);
        }
        let lacking = || candidates.iter().map(|follower| self.lacking[*follower].map(|writes| writes as f64));
        let most_advanced = Bounds {
            lower: lacking().map(|of| of.lower).fold(f64::INFINITY, f64::min),
            upper: lacking().map(|of| of.upper).fold(0.0, f64::max),
        };
        Losses { most_advanced, random }
    }

    /// Key, place and number of copies of each acknowledged write that may be on no follower now.
    pub(crate) fn unprotected(&self) -> impl Iterator<Item = (usize, usize, Bounds<usize>)> {
        let of_key = self.writes.iter().enumerate();
        let writes = of_key.flat_map(|(key, of_key)| of_key.iter().enumerate().map(move |(place, w)| (key, place, w)));
        let lost = writes.filter(|(_, _, write)| write.is_acknowledged && write.copies.lower == 0);
        lost.map(|(key, place, write)| (key, place, write.copies))
    }

    /// How many writes have been acknowledged.
    pub(crate) const fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// How many followers hold a write of a key, or a newer one, now.
    #[cfg(test)]
    pub(crate) fn copies_of(&self, key: usize, place: usize) -> Bounds<usize> {
        let Bounds { lower, upper } = self.writes[key][place].copies;
        Bounds { lower: lower.min(upper), upper: lower.max(upper) }
    }

    /// Followers, by index, that can be asked now.
    pub(crate) fn survivors(&self) -> impl Iterator<Item = NodeId> {
        (0..).zip(&self.away).filter(|(_, away)| **away == 0).map(|(index, _)| NodeId::Follower(index))
    }

    fn pass(&mut self, to_us: Micros) {
        let from_us = self.now_us;
        self.now_us = from_us.max(to_us);
        if to_us <= from_us || from_us > self.load_us {
            return;
        }
        let lasted_us = (to_us.min(self.load_us) - from_us).get() as f64;
        for (course, now) in self.tally.by_copies.iter_mut().zip(&self.by_copies) {
            course.add(now.map(|writes| writes as f64), from_us, lasted_us);
        }
        let losses = self.losses();
        self.tally.most_advanced.add(losses.most_advanced, from_us, lasted_us);
        self.tally.random.add(losses.random, from_us, lasted_us);
    }

    fn receive(&mut self, follower: usize, key: usize, place: usize, known: Bounds<bool>) {
        let number = self.writes[key][place].overall + 1;
        let newest = &mut self.newest[follower];
        newest.upper = newest.upper.max(number);
        newest.lower = if known.lower { newest.lower.max(number) } else { newest.lower };
    }

    /// What was shown is held, or what may have taken its place since the question.
    fn show(&mut self, at_us: Micros, follower: usize, key: usize, places: [usize; 2]) {
        let [least, most] = places;
        if let Some(place) = least.checked_sub(1).filter(|_| least == most) {
            self.receive(follower, key, place, Bounds::exactly(true));
            self.note_replacing(follower, key, place);
        }
        let held = &mut self.held[follower][key];
        if least == most {
            held.shown = most;
        }
        held.candidates.retain(|(_, latest_us)| *latest_us > at_us);
        held.candidates.extend(places.map(|place| (place, at_us)));
        self.settle(follower, key);
    }

    /// Notes that a follower was seen with an older write after it was seen with a newer one.
    fn note_replacing(&mut self, follower: usize, key: usize, place: usize) {
        let shown = self.held[follower][key].shown;
        if shown > place + 1 {
            self.overwrite(key, shown - 1);
        }
    }

    /// Notes that a write which is known to arrive replaces a newer one that is known to be held.
    fn note_overwriting(&mut self, follower: usize, key: usize, place: usize) {
        let Held { least, most, .. } = self.held[follower][key];
        if least != most || most <= place + 1 {
            return;
        }
        self.overwrite(key, most - 1);
    }

    fn overwrite(&mut self, key: usize, place: usize) {
        let replaced = &mut self.writes[key][place];
        if replaced.will_be_acknowledged {
            self.tally.overwritten_copies += 1;
            self.tally.overwritten_writes += u64::from(!replaced.is_overwritten);
            replaced.is_overwritten = true;
        }
    }

    /// A follower may have lost everything, or has by `emptied_us`.
    fn empty(&mut self, follower: usize, emptied_us: Option<Micros>) {
        for key in 0..self.writes.len() {
            let held = &mut self.held[follower][key];
            if emptied_us.is_some() {
                held.candidates.clear();
            }
            // What comes after a death replaces nothing.
            held.shown = 0;
            held.candidates.push((0, emptied_us.unwrap_or(Micros::MAX)));
            self.settle(follower, key);
        }
        self.newest[follower].lower = 0;
        if emptied_us.is_some() {
            self.newest[follower].upper = 0;
        }
    }

    /// Brings every count up to date with a follower's candidates for a key.
    fn settle(&mut self, follower: usize, key: usize) {
        let held = &mut self.held[follower][key];
        let before = (held.least, held.most);
        let places = || held.candidates.iter().map(|(place, _)| *place);
        (held.least, held.most) = (places().min().unwrap_or(0), places().max().unwrap_or(0));
        let after = (held.least, held.most);
        for place in before.0.min(after.0)..before.0.max(after.0) {
            let gained = after.0 > before.0;
            self.change(key, place, |copies| copies.lower = moved(copies.lower, gained));
            if self.writes[key][place].is_acknowledged {
                let lacking = &mut self.lacking[follower].upper;
                *lacking = if gained { lacking.saturating_sub(1) } else { *lacking + 1 };
            }
        }
        for place in before.1.min(after.1)..before.1.max(after.1) {
            let gained = after.1 > before.1;
            self.change(key, place, |copies| copies.upper = moved(copies.upper, gained));
            if self.writes[key][place].is_acknowledged {
                let lacking = &mut self.lacking[follower].lower;
                *lacking = if gained { lacking.saturating_sub(1) } else { *lacking + 1 };
            }
        }
    }

    fn change(&mut self, key: usize, place: usize, change: impl FnOnce(&mut Bounds<usize>)) {
        let write = &mut self.writes[key][place];
        let before = write.copies;
        change(&mut write.copies);
        let (after, is_acknowledged) = (write.copies, write.is_acknowledged);
        if is_acknowledged {
            self.count(before, false);
            self.count(after, true);
        }
    }

    /// Adds a write to the count of writes with this number of copies, or takes it out.
    fn count(&mut self, copies: Bounds<usize>, is_added: bool) {
        let step = |count: &mut u64| *count = if is_added { *count + 1 } else { count.saturating_sub(1) };
        // Between two changes of one copy the ends may be the wrong way round.
        let (least, most) = (copies.lower.min(copies.upper), copies.lower.max(copies.upper));
        self.by_copies.iter_mut().take(most + 1).skip(least).for_each(|of| step(&mut of.upper));
        if let Some(of) = self.by_copies.get_mut(least).filter(|_| least == most) {
            step(&mut of.lower);
        }
    }

    fn acknowledge(&mut self, key: usize, place: usize) {
        self.writes[key][place].is_acknowledged = true;
        self.acknowledged += 1;
        let copies = self.writes[key][place].copies;
        self.count(copies, true);
        let mut at_ack = AtAck { held: copies, asked: 0, asked_held: Bounds::default() };
        for follower in 0..self.held.len() {
            let held = &self.held[follower][key];
            let has = Bounds { lower: held.least > place, upper: held.most > place };
            let lacking = &mut self.lacking[follower];
            lacking.upper += u64::from(!has.lower);
            lacking.lower += u64::from(!has.upper);
            if self.away[follower] == 0 {
                at_ack.asked += 1;
                at_ack.asked_held.lower += usize::from(has.lower);
                at_ack.asked_held.upper += usize::from(has.upper);
            }
        }
        self.tally.at_ack.push(at_ack);
    }
}

const fn moved(count: usize, gained: bool) -> usize {
    if gained { count + 1 } else { count.saturating_sub(1) }
}
