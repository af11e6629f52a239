//! What the software takes by itself, as far as predictions over ordered links rest on it.

use crate::analysis::OwnTimeSource;
use crate::report::model::RunReport;
use crate::report::number::{list, ms};

/// Where the software's own time is known from, or how to measure it; nothing where theory does not want it.
pub(super) fn own_time(runs: &[RunReport]) -> String {
    known(runs) + &unknown(runs)
}

fn known(runs: &[RunReport]) -> String {
    let sources = || runs.iter().filter_map(|run| run.latency.own_time.as_ref());
    let mut names: Vec<String> = sources().map(|source| format!("`{}`", source.experiment)).collect();
    names.dedup();
    let means = || sources().map(|source: &OwnTimeSource| source.mean_ms);
    let Some((low, high)) = means().reduce(f64::min).zip(means().reduce(f64::max)) else { return String::new() };
    let range = if ms(low) == ms(high) { ms(low) } else { format!("{} to {}", ms(low), ms(high)) };
    format!(
        " The software's own time is that of a write without delays, {range} ms on average in {}. It was measured while \
         writes followed each other without a pause, so it may be a little less here.",
        list(&names)
    )
}

fn unknown(runs: &[RunReport]) -> String {
    let lacking: Vec<&RunReport> = runs.iter().filter(|run| run.latency.lacks_own_time).collect();
    let Some(first) = lacking.first() else { return String::new() };
    let these: Vec<String> = lacking.iter().map(|run| format!("W = {}", run.quorum)).collect();
    let at = if these.len() == runs.len() { String::new() } else { format!(" at {}", list(&these)) };
    format!(
        " The software's own time is not known{at}: run `labctl run all -e {}-still`, an experiment without delays, with \
         the same program and backend, as many followers and as many writes at a time.",
        first.manifest.system_name()
    )
}
