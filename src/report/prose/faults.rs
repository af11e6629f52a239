//! Sentences about what was broken.

use super::{Ends, ends};
use crate::analysis::Bounds;
use crate::report::model::RunReport;
use crate::report::number::{bounds, fixed, grouped, list};

/// The faults that the configuration plans, and whether none came up; nothing without any.
pub(super) fn planned(runs: &[RunReport]) -> String {
    let faults = runs.first().map(|run| run.manifest.config.faults.as_slice()).unwrap_or_default();
    if faults.is_empty() {
        return String::new();
    }
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    let none = if runs.iter().all(|run| run.faults.is_none()) { "; none came up before the load was over" } else { "" };
    format!(" Planned faults: {}{none}.", list(&faults))
}

/// What the faults did to writes, as a title; `None` where nothing was broken.
pub(super) fn finding(runs: &[RunReport]) -> Option<String> {
    let of = |(met, missed): (u64, u64)| format!("{} of {}", grouped(missed), grouped(met));
    let met = |run: &RunReport| run.faults.as_ref().map(|faults| (faults.figures.met, faults.figures.missed));
    let broken = runs.iter().filter_map(met).count() > 0;
    if broken && runs.iter().filter_map(met).all(|(met, _)| met == 0) {
        return Some("No write was under way during a fault".to_owned());
    }
    match ends(runs, met) {
        Ends::None => None,
        Ends::One(quorum, met) => {
            Some(format!("Writes that met a fault and were not acknowledged: {} at W = {quorum}", of(met)))
        }
        Ends::Two((first, low), (last, high)) => Some(format!(
            "Writes that met a fault and were not acknowledged: {} at W = {first}, {} at W = {last}",
            of(low),
            of(high)
        )),
    }
}

/// What the faults cost, for the answer; `None` where nothing was broken.
pub(super) fn answer(runs: &[RunReport]) -> Option<String> {
    let sentences = [finding(runs).map(|finding| format!("{finding}.")), leader(runs), returned(runs)];
    let sentences: Vec<String> = sentences.into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn leader(runs: &[RunReport]) -> Option<String> {
    let loss = |run: &RunReport| {
        let loss = run.faults.as_ref()?.figures.leader_loss.as_ref()?;
        let writes = |of: Bounds<f64>| bounds(of, |writes| fixed(writes, 1).trim_end_matches(".0").to_owned());
        let union = bounds(loss.union, grouped);
        Some(format!(
            "{} of {} with the most advanced survivor in its place, {} on average with a random one, {union} if what all \
             hold is put together",
            writes(loss.most_advanced),
            grouped(loss.acknowledged),
            writes(loss.random)
        ))
    };
    match ends(runs, loss) {
        Ends::None => None,
        Ends::One(quorum, cost) => {
            Some(format!("The leader's death cost acknowledged writes: at W = {quorum} {cost}."))
        }
        Ends::Two((first, low), (last, high)) => {
            Some(format!("The leader's death cost acknowledged writes: at W = {first} {low}; at W = {last} {high}."))
        }
    }
}

/// Whether followers that came back made good what they missed. What an older write overtook is
/// no part of that: it needs no fault.
fn returned(runs: &[RunReport]) -> Option<String> {
    let back = |run: &RunReport| run.faults.as_ref().map(|faults| faults.figures.returned.clone()).unwrap_or_default();
    let caught_up = |run: &RunReport| {
        let of_all: Vec<Option<bool>> = back(run).iter().map(|back| back.caught_up).collect();
        if of_all.contains(&Some(false)) {
            Some(false)
        } else {
            of_all.into_iter().collect::<Option<Vec<_>>>().map(|_| true)
        }
    };
    let came_back = || runs.iter().filter(|run| !back(run).is_empty());
    let at = |is: Option<bool>| -> Vec<String> {
        came_back().filter(|run| caught_up(run) == is).map(|run| run.quorum.to_string()).collect()
    };
    let everywhere = came_back().count();
    let parts: Vec<String> =
        [
            (Some(true), "A follower that came back made good what it had missed"),
            (Some(false), "A follower that came back did not make good what it had missed"),
            (None, "Whether a follower that came back made good what it had missed is not known"),
        ]
        .into_iter()
        .map(|(is, text)| (text, at(is)))
        .filter(|(_, quorums)| !quorums.is_empty())
        .map(|(text, quorums)| {
            if quorums.len() == everywhere { format!("{text}.") } else { format!("{text} at W = {}.", list(&quorums)) }
        })
        .collect();
    if parts.is_empty() {
        return None;
    }
    let mut text = parts.join(" ");
    if runs.iter().flat_map(back).any(|back| back.overtaken > 0) {
        text.push_str(" Where it differs because an older write arrived last, that is not the fault's doing.");
    }
    Some(text)
}
