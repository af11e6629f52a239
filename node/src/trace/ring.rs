//! A bounded sequence whose items keep their numbers.

use std::collections::VecDeque;

/// Items in a segment.
const SEGMENT_ITEMS: u64 = 1_024;

/// The last items of a sequence, numbered from 0, up to a capacity.
///
/// Items lie in segments of fixed size, so growing copies nothing and old memory is given
/// back: a ring takes at most one segment more than its items.
#[derive(Debug)]
pub struct Ring<T> {
    segments: VecDeque<Vec<T>>,
    first: u64,
    next: u64,
    capacity: u64,
}

impl<T: Copy> Ring<T> {
    /// A ring that keeps the last `capacity` items.
    pub fn new(capacity: usize) -> Self {
        Self { segments: VecDeque::new(), first: 0, next: 0, capacity: capacity as u64 }
    }

    /// The number of the oldest item kept, which is also how many were forgotten.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// The number the next item will get.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Adds an item and returns its number; forgets the oldest when there are too many.
    pub fn push(&mut self, item: T) -> u64 {
        let number = self.next;
        if number.is_multiple_of(SEGMENT_ITEMS) {
            self.segments.push_back(Vec::with_capacity(SEGMENT_ITEMS as usize));
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.push(item);
        }
        self.next += 1;
        if self.next - self.first > self.capacity {
            self.first += 1;
            if self.first.is_multiple_of(SEGMENT_ITEMS) {
                self.segments.pop_front();
            }
        }
        number
    }

    /// The item with this number, unless it was forgotten.
    pub fn get_mut(&mut self, number: u64) -> Option<&mut T> {
        let (segment, offset) = self.place(number)?;
        self.segments.get_mut(segment)?.get_mut(offset)
    }

    /// Up to `limit` items from number `from` (or the oldest kept, if later) to before number
    /// `end`, and the number of the first.
    pub fn read(&self, from: u64, end: u64, limit: usize) -> (u64, Vec<T>) {
        let from = from.max(self.first);
        let end = end.min(self.next).min(from.saturating_add(limit as u64));
        let items = (from..end).filter_map(|number| {
            let (segment, offset) = self.place(number)?;
            self.segments.get(segment)?.get(offset).copied()
        });
        (from, items.collect())
    }

    /// The number of the first item from number `from` (or the oldest kept, if later) on for which `is_wanted` holds; if there
    /// is none, that of the next item.
    pub fn position(&self, from: u64, is_wanted: impl Fn(&T) -> bool) -> u64 {
        let is_wanted = |number: &u64| {
            let found = self.place(*number).and_then(|(segment, offset)| self.segments.get(segment)?.get(offset));
            found.is_some_and(&is_wanted)
        };
        (from.max(self.first)..self.next).find(is_wanted).unwrap_or(self.next)
    }

    fn place(&self, number: u64) -> Option<(usize, usize)> {
        (self.first..self.next).contains(&number).then(|| {
            let segment = number / SEGMENT_ITEMS - self.first / SEGMENT_ITEMS;
            (segment as usize, (number % SEGMENT_ITEMS) as usize)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_exactly_the_last_items_under_their_numbers(
            capacity in 0_usize..3_000, pushes in 0_u64..9_000, from in 0_u64..9_500, limit in 0_usize..2_000,
        ) {
            let mut ring = Ring::new(capacity);
            for number in 0..pushes {
                prop_assert_eq!(ring.push(number), number);
            }
            let first = pushes.saturating_sub(capacity as u64);
            prop_assert_eq!((ring.first(), ring.next()), (first, pushes));
            let expected: Vec<u64> = (from.max(first)..pushes).take(limit).collect();
            prop_assert_eq!(ring.read(from, u64::MAX, limit), (from.max(first), expected));
            prop_assert_eq!(ring.get_mut(from).copied(), (first..pushes).contains(&from).then_some(from));
            prop_assert!(ring.segments.len() as u64 <= capacity as u64 / SEGMENT_ITEMS + 2);
        }
    }

    #[test]
    fn an_item_is_found_by_its_number() {
        let mut ring = Ring::new(100);
        for number in 0..150_u64 {
            ring.push(number);
        }
        let found = [0, 60, 70, 149].map(|from| ring.position(from, |number| number % 10 == 3));
        assert_eq!(found, [53, 63, 73, 150]);
    }

    #[test]
    fn a_read_stops_before_its_end() {
        let mut ring = Ring::new(100);
        for number in 0..50_u64 {
            ring.push(number);
        }
        assert_eq!(ring.read(10, 12, 100), (10, vec![10, 11]));
    }
}
