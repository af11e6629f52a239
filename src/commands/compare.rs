//! `labctl compare A B`, `labctl compare A B C ...` and `labctl compare A --sim`.

mod forecast;
mod layout;
mod side_by_side;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use self::layout::Layout;
use super::output::say;
use super::saved::{self, Saved};
use crate::analysis::{Bounds, Comparison, PairAgreement, RunComparison, Shift, Verdict, compare};
use crate::cli::Exit;
use crate::cli::{Compare, CompareFormat};
use crate::data::{DataError, DataFolder};
use crate::report::labels;
use crate::report::number::bounds;

/// Puts data folders side by side.
pub(super) fn run(args: &Compare) -> anyhow::Result<Exit> {
    match args.others.as_slice() {
        [] => forecast::run(args, &load(&args.left)?),
        [right] if !args.side_by_side && args.figure.is_none() => pair(args, right),
        _ => {
            let paths: Vec<&Path> = std::iter::once(&args.left).chain(&args.others).map(PathBuf::as_path).collect();
            let all = paths.iter().map(|path| load(path)).collect::<Result<Vec<_>, _>>()?;
            side_by_side::run(args, &paths, &all)
        }
    }
}

/// Compares the runs of two folders, W by W.
fn pair(args: &Compare, right: &Path) -> anyhow::Result<Exit> {
    let (left_runs, right_runs) = (load(&args.left)?, load(right)?);
    let comparison = compare(&left_runs.runs, &right_runs.runs).context("there is nothing to compare")?;
    if comparison.runs.is_empty() {
        bail!("the two folders have no write quorum in common: {}", one_sided(&comparison).join("; "));
    }
    let render = |layout| render(layout, [&args.left, right], &comparison);
    match args.format {
        CompareFormat::Json => say!("{}", serde_json::to_string_pretty(&comparison)?),
        CompareFormat::Text => say!("{}", render(&Layout::text()).trim_end()),
        CompareFormat::Markdown => say!("{}", render(&Layout::markdown()).trim_end()),
    }
    left_runs.check_sound()?;
    right_runs.check_sound()?;
    Ok(Exit::Success)
}

/// Reads the runs directly in a folder. Fails if the files of every run contradict each other.
fn load(folder: &Path) -> Result<Saved, DataError> {
    let found = DataFolder::experiments(folder)?.into_iter().find(|(_, found)| found.path() == folder);
    let Some((name, folder)) = found else {
        let what = "there are no runs here; name a folder that holds W1, W2, ...".to_owned();
        return Err(DataError::Missing { path: folder.to_owned(), what });
    };
    let saved = saved::read(name, folder)?;
    saved.tell_left_out();
    if saved.runs.is_empty() {
        saved.check_sound()?;
    }
    Ok(saved)
}

fn render(layout: &Layout, folders: [&Path; 2], comparison: &Comparison) -> String {
    let heading = layout.heading;
    let [left, right] = folders.map(Path::display);
    let mut text = format!(
        "{heading}A = {left} ({}), B = {right} ({})\n\n{heading}Conditions\n\n",
        comparison.left, comparison.right
    );
    if comparison.conditions.is_empty() {
        text += "The same on both sides.\n";
    } else {
        text += &layout.table(
            &["", "A", "B"],
            comparison.conditions.iter().map(|one| {
                vec![one.path.clone(), labels::condition(one.left.as_deref()), labels::condition(one.right.as_deref())]
            }),
        );
    }
    for line in one_sided(comparison) {
        text += &format!("\n{line}\n");
    }
    text += &format!("\n{heading}Latency, ms: B - A, with 95 % intervals\n\n");
    let columns = ["W", "n A", "n B", "mean", "median", "p95", "p99"];
    text += &layout.table(&columns, comparison.runs.iter().map(latency));
    text += &withheld(comparison);
    text += &format!("\n{heading}Copies (one follower, one key) that diverged\n\n");
    let columns = ["W", "copies", "in both", "only in A", "only in B", "verdict A", "verdict B"];
    text += &layout.table(&columns, comparison.runs.iter().map(|run| pairs(run.quorum, &run.pairs)));
    let is_lost = |run: &RunComparison| [run.left_lost, run.right_lost].iter().flatten().any(|lost| lost.upper > 0);
    if comparison.runs.iter().any(is_lost) {
        text += &format!("\n{heading}Acknowledged writes that no node holds in the end\n\n");
        text += &layout.table(&["W", "A", "B"], comparison.runs.iter().map(lost));
    }
    text
}

fn lost(run: &RunComparison) -> Vec<String> {
    let told = |lost: Option<Bounds<u64>>| lost.map_or_else(|| "-".to_owned(), |lost| bounds(lost, |n| n.to_string()));
    vec![run.quorum.to_string(), told(run.left_lost), told(run.right_lost)]
}

/// Which intervals and figures are missing, and why.
fn withheld(comparison: &Comparison) -> String {
    let at = |is_meant: fn(&RunComparison) -> bool| {
        let these = comparison.runs.iter().filter(|run| is_meant(run));
        let quorums: Vec<String> = these.map(|run| run.quorum.to_string()).collect();
        (!quorums.is_empty()).then(|| quorums.join(", "))
    };
    let cut_off = at(|run| run.is_cut_off).map(|quorums| {
        format!(
            "No figures at W = {quorums}: a fault cut off writes there, and the slow ones are missing among those that \
             were acknowledged."
        )
    });
    let dependent = at(|run| run.is_dependent && !run.is_cut_off).map(|quorums| {
        format!(
            "No intervals at W = {quorums}: latencies of a run depend on each other there, and one run on each side does \
             not tell how far chance goes."
        )
    });
    let is_unbounded = |run: &RunComparison| {
        let ends = run.p99.interval_ms;
        !run.is_dependent && run.p99.difference_ms.is_some() && (ends.lower.is_none() || ends.upper.is_none())
    };
    let few = at(is_unbounded).map(|quorums| {
        format!("No whole interval of p99 at W = {quorums}: too few writes to say how high p99 may be.")
    });
    [cut_off, dependent, few].into_iter().flatten().map(|sentence| format!("\n{sentence}\n")).collect()
}

/// A sentence for each side that has quorums of its own.
fn one_sided(comparison: &Comparison) -> Vec<String> {
    let sides = [("A", &comparison.only_left), ("B", &comparison.only_right)];
    let named = sides.into_iter().filter(|(_, quorums)| !quorums.is_empty());
    named
        .map(|(side, quorums)| {
            let list: Vec<String> = quorums.iter().map(ToString::to_string).collect();
            format!("Only {side} has W = {}.", list.join(", "))
        })
        .collect()
}

fn latency(run: &RunComparison) -> Vec<String> {
    let mut row = vec![run.quorum.to_string(), run.left_n.to_string(), run.right_n.to_string()];
    row.extend([&run.mean, &run.median, &run.p95, &run.p99].map(shift));
    row
}

/// `+1.2 (-0.3 to 2.7)`, with `?` for a bound that the data cannot give.
fn shift(shift: &Shift) -> String {
    let Some(difference) = shift.difference_ms else {
        return "-".to_owned();
    };
    if shift.interval_ms.lower.is_none() && shift.interval_ms.upper.is_none() {
        return format!("{difference:+.1}");
    }
    let bound = |bound: Option<f64>| bound.map_or_else(|| "?".to_owned(), |bound| format!("{bound:+.1}"));
    format!("{difference:+.1} ({} to {})", bound(shift.interval_ms.lower), bound(shift.interval_ms.upper))
}

fn pairs(quorum: u32, pairs: &PairAgreement) -> Vec<String> {
    let verdict = |verdict| match verdict {
        Verdict::Consistent => "consistent".to_owned(),
        Verdict::Inconsistent => "inconsistent".to_owned(),
        Verdict::Unknown => "unknown".to_owned(),
    };
    let counts = [pairs.judged, pairs.diverged_both, pairs.diverged_left, pairs.diverged_right];
    let mut row = vec![quorum.to_string()];
    row.extend(counts.map(|count| count.to_string()));
    row.extend([verdict(pairs.left_verdict), verdict(pairs.right_verdict)]);
    row
}
