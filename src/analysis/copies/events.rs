//! A follower's record as events to be replayed.

use super::lives::{FollowerRecord, Life};
use super::replay::Event;
use super::write::{PlaceInOrder, WriteCopies};
use crate::model::Micros;

impl FollowerRecord<'_> {
    /// Adds everything that changed what this follower, by index, held.
    pub(super) fn add_events(&self, follower: usize, writes: &[WriteCopies<'_>], events: &mut Vec<(Micros, Event)>) {
        for (write, row) in self.trace.iter().filter(|(_, row)| row.applied) {
            if let Some(PlaceInOrder { key, place, .. }) = writes[*write].place {
                events.push((row.at_us, Event::Arrive { follower, key, place }));
            }
        }
        for (index, write) in writes.iter().enumerate() {
            let Some(PlaceInOrder { key, place, .. }) = write.place else { continue };
            if let Some((sent_us, acked_us)) = self.acked(write.row)
                && self.traced_ack(index, acked_us).is_none()
            {
                let earliest_us = sent_us;
                events.push((sent_us, Event::MayArrive { follower, key, place, latest_us: acked_us }));
                events.push((acked_us, Event::MustHaveArrived { follower, key, place, earliest_us }));
            }
            for life in &self.lives {
                if let Some(at_us) = self.unproven_us(write.row, life) {
                    events.push((at_us, Event::MayArrive { follower, key, place, latest_us: life.gone_us }));
                }
            }
        }
        for Life { until_us, gone_us, .. } in self.lives.iter().filter(|life| life.gone_us < Micros::MAX) {
            events.push((*until_us, Event::MayEmpty { follower }));
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
