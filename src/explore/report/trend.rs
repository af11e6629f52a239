//! The sentence that says what a measure shows.

use std::fmt;

use super::conditions::{ConditionGroup, condition_groups};
use super::measures::Measure;
use crate::explore::PointRow;
use crate::report::number::count;

/// How a measure changes with the quorum under the conditions where it changes most.
pub(super) struct Trend {
    /// Without a full stop.
    pub(super) sentence: String,
    /// These conditions, and in how many others the measure is 0 at every quorum.
    pub(super) place: String,
}

/// A measure under one condition at one N, at the smallest and the largest W.
struct Ends {
    name: String,
    first: (u32, f64),
    last: (u32, f64),
    is_zero: bool,
}

impl Trend {
    pub(super) fn of(measure: &Measure, points: &[PointRow]) -> Self {
        let courses: Vec<Ends> = condition_groups(points).iter().flat_map(|panel| courses(measure, panel)).collect();
        let spread = |course: &Ends| (course.last.1 - course.first.1).abs();
        // `max_by` takes the last of equals: reversed, the first.
        let widest = courses.iter().rev().max_by(|a, b| spread(a).total_cmp(&spread(b)));
        let Some(Ends { name, first, last, .. }) = widest else {
            return Self { sentence: format!("{}: no point has a value", measure.subject), place: String::new() };
        };
        let words = measure.words;
        let sentence = if words(first.1) == words(last.1) {
            format!("{} is {} at W = {}", measure.subject, words(first.1), first.0)
        } else {
            let verb = if last.1 < first.1 { "falls" } else { "rises" };
            let (from, to) = (words(first.1), words(last.1));
            format!("{} {verb} from {from} at W = {} to {to} at W = {}", measure.subject, first.0, last.0)
        };
        let zeros = courses.iter().filter(|course| course.is_zero).count();
        let elsewhere = match zeros {
            0 => String::new(),
            _ => format!("; {} throughout in {} of {}", words(0.0), zeros, count(courses.len() as u64, "condition")),
        };
        Self { sentence, place: format!("{name}{elsewhere}") }
    }
}

fn courses(measure: &Measure, panel: &ConditionGroup<'_>) -> Vec<Ends> {
    let course = |(followers, points): &(u32, Vec<&PointRow>)| {
        let values = || points.iter().filter_map(|point| Some((point.conditions.quorum, (measure.value)(point)?.0)));
        let names = [format!("N = {followers}"), panel.title.clone()];
        Some(Ends {
            name: names.into_iter().filter(|name| !name.is_empty()).collect::<Vec<_>>().join(", "),
            first: values().min_by_key(|(quorum, _)| *quorum)?,
            last: values().max_by_key(|(quorum, _)| *quorum)?,
            is_zero: values().all(|(_, value)| value == 0.0),
        })
    };
    panel.by_followers.iter().filter_map(course).collect()
}

impl fmt::Display for Trend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            write!(f, "{}.", self.sentence)
        } else {
            write!(f, "{} ({}).", self.sentence, self.place)
        }
    }
}
