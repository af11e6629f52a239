//! Sentences about what was broken.

use super::{Ends, ends};
use crate::report::model::RunReport;
use crate::report::number::{grouped, list};

/// What was to be broken, as the configuration has it; nothing where nothing was.
pub(super) fn planned(run: &RunReport) -> String {
    let faults: Vec<String> = run.manifest.config.faults.iter().map(ToString::to_string).collect();
    if faults.is_empty() { String::new() } else { format!(" Broken on purpose: {}.", list(&faults)) }
}

/// What the faults did to writes, as a title; `None` where nothing was broken.
pub(super) fn finding(runs: &[RunReport]) -> Option<String> {
    let of = |(met, missed): (u64, u64)| format!("{} of {}", grouped(missed), grouped(met));
    match ends(runs, |run| run.faults.as_ref().map(|faults| faults.met())) {
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
        Some((loss.lost.len() as u64, loss.acknowledged))
    };
    let of = |(lost, acknowledged): (u64, u64)| format!("{} of {}", grouped(lost), grouped(acknowledged));
    match ends(runs, loss) {
        Ends::None => None,
        Ends::One(quorum, cost) => {
            Some(format!("The leader's death cost {} acknowledged writes (W = {quorum}).", of(cost)))
        }
        Ends::Two((first, low), (last, high)) => Some(format!(
            "The leader's death cost {} acknowledged writes at W = {first}, {} at W = {last}.",
            of(low),
            of(high)
        )),
    }
}

fn returned(runs: &[RunReport]) -> Option<String> {
    let back = || runs.iter().filter_map(|run| run.faults.as_ref()).flat_map(|faults| &faults.figures.returned);
    let known = back().filter_map(|back| back.caught_up);
    let (caught_up, all) = known.fold((0_u64, 0_u64), |(caught_up, all), is| (caught_up + u64::from(is), all + 1));
    match (caught_up, all) {
        (_, 0) => None,
        (caught_up, all) if caught_up == all => {
            Some("Every follower that came back held what the leader held in the end.".to_owned())
        }
        (0, _) => Some("No follower that came back ever caught up with the leader.".to_owned()),
        (caught_up, all) => {
            Some(format!("In {} of {} runs the follower that came back caught up.", grouped(caught_up), grouped(all)))
        }
    }
}
