//! One follower as clients saw it: what its answers to reads tell of each copy.

use std::collections::BTreeMap;

use hashbrown::HashMap;

use super::lives::{Life, away, lives};
use super::looks::{BEFORE, Content, Death, Look, Looks, Showing, Sought};
use super::replay::Event;
use super::write::{Arrival, PlaceInOrder, WriteCopies};
use crate::data::{ReadOutcome, ReadPurpose, ReadRow, RunData};
use crate::model::{Micros, NodeId, RestartState, WriteId};

/// What the answers of one follower say.
pub(super) struct SeenFollower {
    lives: Vec<Life>,
    away: Vec<(Micros, Micros)>,
    deaths: Vec<Death>,
    /// What a follower that was started again has.
    restart: RestartState,
    /// From when on nothing changes any more, if that is known.
    settled_us: Option<Micros>,
    looks: BTreeMap<String, Looks>,
}

impl SeenFollower {
    /// `index` finds a write by its number in the plan. Of a follower that is not believed nothing was seen.
    pub(super) fn of(run: &RunData, node: NodeId, is_believed: bool, index: &HashMap<WriteId, usize>) -> Self {
        let lives = lives(run, node);
        let dead = lives.iter().filter(|life| life.gone_us < Micros::MAX);
        let deaths: Vec<Death> = dead.map(|life| (life.until_us, life.gone_us)).collect();
        let mut looks: BTreeMap<String, Looks> = BTreeMap::new();
        let is_seen = |row: &&ReadRow| is_believed && row.node == node && row.purpose == ReadPurpose::Probe;
        for row in run.reads.iter().filter(is_seen) {
            let content = match row.outcome {
                ReadOutcome::Failed => continue,
                ReadOutcome::Absent => Content::Nothing,
                ReadOutcome::Found => row
                    .write
                    .and_then(|write| index.get(&write))
                    .map_or(Content::Unknown, |write| Content::Write(*write)),
            };
            let look = Look { asked_us: row.start_us, answered_us: row.end(), content };
            if !looks.contains_key(row.key.as_str()) {
                looks.insert(row.key.to_string(), Looks::default());
            }
            if let Some(looks) = looks.get_mut(row.key.as_str()) {
                looks.push(look, &deaths);
            }
        }
        Self {
            deaths,
            away: away(run, node),
            restart: run.manifest.capabilities().restart,
            settled_us: run.manifest.settled.then(|| run.manifest.settled_us()),
            looks,
            lives,
        }
    }

    /// Learns the order of writes, see [`Looks::rank`].
    pub(super) fn rank(&mut self, place: impl Fn(usize) -> usize, showing: Showing) {
        self.looks.values_mut().for_each(|looks| looks.rank(&place, showing));
    }

    /// The answers for a key, if any came.
    pub(super) fn looks(&self, key: &str) -> Option<&Looks> {
        self.looks.get(key)
    }

    /// When a write first arrived here.
    pub(super) fn arrival(&self, index: usize, write: &WriteCopies<'_>) -> Arrival {
        let sought = sought(index, write);
        match self.looks.get(write.row.key.as_str()) {
            Some(looks) => looks.arrival(sought, &self.deaths, self.settled_us),
            None => Arrival::perhaps(sought.started_us),
        }
    }

    /// Whether it was never seen with a write, and was with a newer one of its key.
    pub(super) fn is_hidden(&self, index: usize, write: &WriteCopies<'_>) -> bool {
        self.looks.get(write.row.key.as_str()).is_some_and(|looks| looks.is_hidden(sought(index, write)))
    }

    /// Adds everything that changed, or may have changed, what this follower, by index, held. `of_key` has the
    /// writes of each key by their place.
    pub(super) fn add_events(
        &self,
        follower: usize,
        writes: &[WriteCopies<'_>],
        of_key: &[Vec<usize>],
        events: &mut Vec<(Micros, Event)>,
    ) {
        let none = Looks::default();
        for (key, of_key) in of_key.iter().enumerate() {
            let name = of_key.first().map_or("", |write| writes[*write].row.key.as_str());
            let looks = self.looks.get(name).unwrap_or(&none);
            Gaps { record: self, follower, key, writes, looks }.add(of_key, events);
        }
        for (from_us, gone_us) in &self.deaths {
            events.push((*from_us, Event::MayEmpty { follower }));
            events.push((*gone_us, Event::Emptied { follower }));
        }
        for Life { from_us, .. } in self.lives.iter().skip(1) {
            events.push((*from_us, Event::Started { follower }));
        }
        for (from_us, back_us) in &self.away {
            events.push((*from_us, Event::Leave { follower }));
            events.push((*back_us, Event::Return { follower }));
        }
    }
}

/// A write that is looked for.
fn sought(index: usize, write: &WriteCopies<'_>) -> Sought {
    let place = write.place.map_or(0, |place| place.place + 1);
    Sought { write: index, place, started_us: write.row.start_us }
}

/// What a follower may have held of one key between two contents that were seen.
struct Gaps<'a> {
    record: &'a SeenFollower,
    follower: usize,
    key: usize,
    writes: &'a [WriteCopies<'a>],
    looks: &'a Looks,
}

impl Gaps<'_> {
    fn add(&self, of_key: &[usize], events: &mut Vec<(Micros, Event)>) {
        let &Self { follower, key, .. } = self;
        let mut unseen = Unseen::of(self, of_key);
        let mut before = (0, 0);
        let mut life = 0;
        for (index, phase) in self.looks.phases().iter().enumerate() {
            let (from_us, to_us) = (self.looks.gap_before(index), phase.shown_us);
            let mut shown = self.places(phase.content, to_us, of_key);
            if self.looks.keeps_all() && phase.life == life {
                // A message that comes behind a newer one replaces nothing.
                shown = (shown.0.max(before.0), shown.1.max(before.1));
            }
            life = phase.life;
            let mut may = unseen.within(from_us, to_us);
            may.extend([shown.0, shown.1].map(|place| (place, from_us)));
            self.may_hold(may, from_us, to_us, before, events);
            if !phase.is_dying {
                events.push((to_us, Event::Shown { follower, key, least: shown.0, most: shown.1 }));
            }
            before = shown;
        }
        let last_us = self.looks.last_asked_us();
        if self.record.settled_us.is_none_or(|settled_us| last_us < settled_us) {
            let may = unseen.within(last_us, Micros::MAX);
            self.may_hold(may, last_us, Micros::MAX, before, events);
        }
    }

    /// Tells what a follower may hold from some instant of a gap to its end, and once more where it was
    /// started again meanwhile.
    fn may_hold(
        &self,
        may: Vec<(usize, Micros)>,
        from_us: Micros,
        to_us: Micros,
        before: (usize, usize),
        events: &mut Vec<(Micros, Event)>,
    ) {
        let &Self { follower, key, .. } = self;
        let mut tell = |place: usize, at_us: Micros| {
            if let Some(place) = place.checked_sub(1) {
                events.push((at_us, Event::MayArrive { follower, key, place, latest_us: to_us }));
            }
        };
        may.iter().for_each(|(place, at_us)| tell(*place, (*at_us).max(from_us)));
        let starts = self.record.lives.iter().skip(1).map(|life| life.from_us);
        for start_us in starts.filter(|start_us| (from_us..to_us).contains(start_us)) {
            may.iter().filter(|(_, at_us)| *at_us <= start_us).for_each(|(place, _)| tell(*place, start_us));
            if self.record.restart != RestartState::Empty {
                [before.0, before.1].into_iter().for_each(|place| tell(place, start_us));
            }
        }
    }

    /// The least and the greatest place, counted from 1, that a content may have; 0 is nothing.
    fn places(&self, content: Content, by_us: Micros, of_key: &[usize]) -> (usize, usize) {
        let place = |write: usize| self.writes[write].place.map(|PlaceInOrder { place, .. }| place + 1);
        let known = match content {
            Content::Nothing => Some(0),
            Content::Write(write) => place(write),
            Content::Unknown => None,
        };
        known.map_or_else(
            || {
                let begun = of_key.iter().filter(|write| self.writes[**write].row.start_us <= by_us);
                (0, begun.filter_map(|write| place(*write)).max().unwrap_or(0))
            },
            |place| (place, place),
        )
    }
}

/// Writes that a follower was not seen with, and may have had for a while.
struct Unseen {
    /// Place, counted from 1, and from when to when it may have arrived; by the former, the last first.
    waiting: Vec<(usize, Arrival)>,
    /// Those that must have arrived sooner or later.
    bounded: Vec<(usize, Micros)>,
    /// The least and the greatest place of the others.
    open: Option<(usize, usize)>,
}

impl Unseen {
    fn of(gaps: &Gaps<'_>, of_key: &[usize]) -> Self {
        let unseen = of_key.iter().filter(|write| gaps.looks.phase_of(**write).is_none());
        let mut waiting: Vec<(usize, Arrival)> = unseen
            .filter_map(|write| {
                let sought = sought(*write, &gaps.writes[*write]);
                let arrival = gaps.looks.arrival(sought, &gaps.record.deaths, gaps.record.settled_us);
                arrival.earliest_us.map(|_| (sought.place, arrival))
            })
            .collect();
        waiting.sort_by_key(|(_, arrival)| std::cmp::Reverse(arrival.earliest_us));
        Self { waiting, bounded: Vec::new(), open: None }
    }

    /// Those that may have been there between two instants, and from when on. Of those that may come at any
    /// time the oldest and the newest stand for all.
    fn within(&mut self, from_us: Micros, to_us: Micros) -> Vec<(usize, Micros)> {
        self.bounded.retain(|(_, latest_us)| *latest_us > from_us);
        let mut found: Vec<(usize, Micros)> = self.bounded.iter().map(|(place, _)| (*place, from_us)).collect();
        found.extend(self.open.iter().flat_map(|(least, most)| [(*least, from_us), (*most, from_us)]));
        while let Some((place, arrival)) = self.waiting.pop_if(|(_, of)| of.earliest_us.is_some_and(|us| us < to_us)) {
            found.push((place, arrival.earliest_us.unwrap_or(BEFORE)));
            match arrival.latest_us {
                Some(latest_us) => self.bounded.push((place, latest_us)),
                None => self.open = Some(self.open.map_or((place, place), |(a, b)| (a.min(place), b.max(place)))),
            }
        }
        found
    }
}
