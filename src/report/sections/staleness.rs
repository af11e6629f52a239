//! How stale reads from followers are.

use crate::analysis::{
    Basis, Chance, ModelLatency, ReadStaleness, Reader, SeenAt, Staleness, Visibility, VisibleAfter,
};
use crate::config::Order;
use crate::report::ReportError;
use crate::report::document::{Block, Section, Table};
use crate::report::figures::{Figures, Legend};
use crate::report::model::{Report, RunReport};
use crate::report::number::{count, fixed, grouped, interval, maybe};
use crate::report::plots;

const FILE: &str = "staleness.png";

/// Most quorums that have a curve.
const MOST_CURVES: usize = 8;

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let runs = &report.runs;
    let mut blocks = vec![figure(report, figures)?, Block::Table { table: kinds(runs) }];
    blocks.extend(named_times(runs).map(|table| Block::Table { table }));
    blocks.push(Block::Table { table: replicas(runs) });
    blocks.push(Block::paragraph(intersection(runs)));
    blocks.extend(latencies(runs).map(|table| Block::Details { summary: "What reads and writes take".into(), table }));
    Ok(Section { id: "staleness", heading: "Staleness", blocks })
}

fn figure(report: &Report, figures: &mut Figures) -> Result<Block, ReportError> {
    let finding = &report.findings.staleness;
    let shown = super::evenly(&report.runs, MOST_CURVES);
    let curves: Vec<_> = shown.iter().map(|run| (run.quorum, &run.staleness.curve)).collect();
    let first = report.runs.first().and_then(|run| run.staleness.reads.first());
    let readers = maybe(first, |read| reader_in_words(read, &report.runs));
    let is_predicted = report.runs.iter().any(|run| run.staleness.basis.is_some());
    let dashed = if is_predicted { " Dashed: predicted." } else { "" };
    let reading = format!(
        "The chance that a read from {readers}, begun some time after a write's acknowledgement, returns that write \
         (t-visibility, P. Bailis et al., VLDB 2012). Solid: from the run's trace.{dashed}{}",
        basis(&report.runs)
    );
    let subtitle = format!("Chance that a read from {readers} returns a write. Solid: from the trace.{dashed}");
    let legend = Legend { id: "staleness-figure", file: FILE, caption: format!("{finding}."), reading };
    let page = plots::staleness::scene(&curves, None);
    let file = plots::staleness::scene(&curves, Some((finding, &subtitle)));
    figures.add(legend, &page, file, numbers(&report.runs))
}

/// `one random follower`, `the first 2 of 3 followers that answer`.
fn reader_in_words(read: &ReadStaleness, runs: &[RunReport]) -> String {
    let followers = runs.first().map_or(0, RunReport::followers);
    match (read.reader, read.replicas) {
        (Reader::Random, 1) => "one random follower".to_owned(),
        (Reader::Random, replicas) => format!("{replicas} random followers"),
        (Reader::First, 1) => format!("the first of {followers} followers to answer"),
        (Reader::First, replicas) => format!("the first {replicas} of {followers} followers to answer"),
    }
}

/// Where predictions come from.
fn basis(runs: &[RunReport]) -> String {
    let bases: Vec<Basis> = runs.iter().filter_map(|run| run.staleness.basis).collect();
    let trials = bases.iter().filter_map(|basis| match basis {
        Basis::ClosedForm => None,
        Basis::MonteCarlo { trials } => Some(u64::from(*trials)),
    });
    match (bases.first(), trials.min()) {
        (None, _) => String::new(),
        (Some(_), None) => " The prediction is exact for these delays and software that takes no time.".to_owned(),
        (Some(_), Some(trials)) => format!(
            " The prediction is a simulation of PBS's WARS model, {} a quorum, for software that takes no time.",
            count(trials, "trial")
        ),
    }
}

/// Every kind of read of every run, with the run.
fn all_reads(runs: &[RunReport]) -> impl Iterator<Item = (&Staleness, &ReadStaleness)> {
    runs.iter().flat_map(|run| run.staleness.reads.iter().map(move |read| (&run.staleness, read)))
}

/// Columns that tell kinds of reads apart, where there are several, and their cells.
fn kind_columns(runs: &[RunReport]) -> (Vec<&'static str>, impl Fn(&Staleness, &ReadStaleness) -> Vec<String>) {
    let differ = |of: &dyn Fn(&ReadStaleness) -> u32| {
        let mut values = all_reads(runs).map(|(_, read)| of(read));
        let first = values.next();
        values.any(|value| Some(value) != first)
    };
    let has_replicas = differ(&|read| read.replicas) || all_reads(runs).any(|(_, read)| read.replicas > 1);
    let has_readers = differ(&|read| u32::from(read.reader == Reader::First));
    let names = [("W", true), ("R", has_replicas), ("asked", has_readers)];
    let cells = move |staleness: &Staleness, read: &ReadStaleness| {
        let asked = match read.reader {
            Reader::Random => "R random",
            Reader::First => "all, first R",
        };
        let all = [(staleness.quorum.to_string(), true), (read.replicas.to_string(), has_replicas)];
        let all = all.into_iter().chain([(asked.to_owned(), has_readers)]);
        all.filter_map(|(cell, shown)| shown.then_some(cell)).collect()
    };
    (names.into_iter().filter_map(|(name, shown)| shown.then_some(name)).collect(), cells)
}

/// Measured beside predicted, for each kind of read.
fn kinds(runs: &[RunReport]) -> Table {
    let (names, cells) = kind_columns(runs);
    let lag_of = |quorum: u32| runs.iter().find(|run| run.quorum == quorum).map(|run| &run.lag);
    let row = |(staleness, read): (&Staleness, &ReadStaleness)| {
        let (measured, predicted) = (read.measured.as_ref(), read.predicted.as_ref());
        let mut row = cells(staleness, read);
        row.push(grouped(staleness.n));
        row.push(maybe(measured, |of| with_interval(of.stale_at_ack)));
        row.push(maybe(predicted, |of| share(of.stale_at_ack.value)));
        for of in [(|of: &Visibility| of.p99) as fn(&Visibility) -> Option<VisibleAfter>, |of| of.p999] {
            row.push(after(measured, of));
            row.push(after(predicted, of));
        }
        let lag = lag_of(staleness.quorum);
        row.push(maybe(lag.and_then(|lag| lag.mean), |mean| fixed(mean.value_ms, 1)));
        row.push(maybe(lag.and_then(|lag| lag.predicted), |predicted| fixed(predicted.mean_ms, 1)));
        row
    };
    let readers = if names.contains(&"asked") {
        " Asked: R random followers, and all of them are waited for; or all N, and the first R answers count, as in \
         Dynamo and in PBS."
    } else {
        ""
    };
    Table::new(format!(
        "Stale at ack: reads at the acknowledgement that miss the write, with a 95 % interval. 99 % and 99.9 %: from \
         how many ms after it on so many reads return the write. Last: mean ms until the last follower has it.{readers}"
    ))
    .numbers(&names)
    .numbers(&["n", "stale at ack", "predicted", "99 %", "predicted", "99.9 %", "predicted", "last", "predicted"])
    .rows(all_reads(runs).map(row))
}

/// When so many reads return the write; `never` where there are data and they never do.
fn after(of: Option<&Visibility>, p: fn(&Visibility) -> Option<VisibleAfter>) -> String {
    maybe(of, |of| p(of).map_or_else(|| "never".to_owned(), |after| fixed(after.ms, 1)))
}

/// A share with a decimal where that says more.
fn share(value: f64) -> String {
    let whole = (value * 100.0 - (value * 100.0).round()).abs() < 0.05;
    if whole { format!("{} %", fixed(value * 100.0, 0)) } else { format!("{} %", fixed(value * 100.0, 1)) }
}

/// A chance with its interval, where that has a width.
fn with_interval(chance: Chance) -> String {
    let ends = (chance.interval.lower.map(share), chance.interval.upper.map(share));
    match ends {
        (Some(lower), Some(upper)) if lower == upper => share(chance.value),
        (None, None) => share(chance.value),
        _ => format!("{} ({})", share(chance.value), interval(chance.interval, share)),
    }
}

/// The numbers behind the figure.
fn numbers(runs: &[RunReport]) -> Table {
    let time = |after: Option<VisibleAfter>| {
        maybe(after, |after| format!("{} ({})", fixed(after.ms, 1), interval(after.interval_ms, |end| fixed(end, 1))))
    };
    let row = |run: &RunReport| {
        let measured = run.staleness.reads.first().and_then(|read| read.measured.as_ref());
        let mut row = vec![run.quorum.to_string(), grouped(run.staleness.n)];
        row.push(maybe(measured, |of| with_interval(of.stale_at_ack)));
        let times = [measured.and_then(|of| of.p50), measured.and_then(|of| of.p90)];
        let late = [measured.and_then(|of| of.p99), measured.and_then(|of| of.p999)];
        row.extend(times.into_iter().chain(late).map(time));
        row
    };
    Table::new("From how many ms after the acknowledgement on so many reads return the write, with 95 % intervals.")
        .numbers(&["W", "n", "stale at ack", "50 %", "90 %", "99 %", "99.9 %"])
        .rows(runs.iter().map(row))
}

/// The chance at the times that the experiment names.
fn named_times(runs: &[RunReport]) -> Option<Table> {
    let times: Vec<String> = runs.first()?.staleness.reads.first()?.at.iter().map(|at| fixed(at.at_ms, 1)).collect();
    if times.is_empty() {
        return None;
    }
    let (names, cells) = kind_columns(runs);
    let cell = |at: &SeenAt| beside(at.measured, at.predicted);
    let row = |(staleness, read): (&Staleness, &ReadStaleness)| {
        cells(staleness, read).into_iter().chain(read.at.iter().map(cell)).collect()
    };
    let columns: Vec<String> = times.iter().map(|time| format!("{} ms", time.trim_end_matches(".0"))).collect();
    let table = Table::new("Reads that return the write so long after its acknowledgement, and in brackets predicted.")
        .numbers(&names)
        .numbers(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    Some(table.rows(all_reads(runs).map(row)))
}

/// A measured and a predicted chance.
fn beside(measured: Option<Chance>, predicted: Option<Chance>) -> String {
    let [measured, predicted] = [measured, predicted].map(|chance| maybe(chance, |chance| share(chance.value)));
    format!("{measured} ({predicted})")
}

/// Stale reads at the acknowledgement, by R.
fn replicas(runs: &[RunReport]) -> Table {
    let names: Vec<String> = runs
        .first()
        .into_iter()
        .flat_map(|run| run.staleness.at_ack.iter().map(|at| format!("R = {}", at.replicas)))
        .collect();
    let row = |run: &RunReport| {
        let cells = run.staleness.at_ack.iter().map(|at| beside(at.measured, at.predicted));
        [run.quorum.to_string()].into_iter().chain(cells).collect()
    };
    Table::new(
        "Stale reads at the acknowledgement by the number of random followers asked, R, and in brackets predicted.",
    )
    .numbers(&["W"])
    .numbers(&names.iter().map(String::as_str).collect::<Vec<_>>())
    .rows(runs.iter().map(row))
}

/// What R + W > N does and does not promise.
fn intersection(runs: &[RunReport]) -> String {
    let promise = "Reads go to followers alone, and the W acknowledgements come from followers alone: where R + W > N \
                   a read meets one that has the write.";
    let order = runs.first().map(|run| run.manifest.config.network.order);
    let limit = match order {
        Some(Order::Version) => "Followers keep the newest version, so it also stays.",
        _ => {
            "That it arrived does not mean that it stayed: these followers keep what came last, so that an older \
             write may replace it (overwritten, above), and then no R helps."
        }
    };
    let newer = "Each write is looked at alone: a read that would return a newer one instead, which is as good, counts \
                 as stale all the same.";
    format!("{promise} {limit} {newer}")
}

/// What reads and writes take by the model, where it was simulated and reads take time.
fn latencies(runs: &[RunReport]) -> Option<Table> {
    let first = &runs.first()?.staleness;
    first.reads.first()?.latency?;
    let cells = |latency: ModelLatency| {
        [latency.median_ms, latency.p99_ms, latency.p999_ms].map(|of| maybe(of, |ms| fixed(ms, 2)))
    };
    let row = |name: String, latency: ModelLatency| [name].into_iter().chain(cells(latency)).collect();
    let writes =
        runs.iter().filter_map(|run| Some(row(format!("write, W = {}", run.quorum), run.staleness.write_latency?)));
    let reads = first
        .reads
        .iter()
        .filter_map(|read| Some(row(format!("read from {}", reader_in_words(read, runs)), read.latency?)));
    Some(
        Table::new("Latency in ms by the model, without the software's own cost.")
            .text(&["what"])
            .numbers(&["median", "p99", "p99.9"])
            .rows(writes.chain(reads)),
    )
}
