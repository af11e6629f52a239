//! How stale reads from followers are.

use crate::analysis::{
    Basis, Bounds, Chance, CurvePoint, ModelLatency, Need, ReadStaleness, Reader, SeenAt, StaleAtAck, Staleness,
    Visibility, VisibleAfter,
};
use crate::model::ReplicationOrder;
use crate::report::charts::Hue;
use crate::report::charts::curves::{self, ShareCurve, ShareCurves};
use crate::report::document::{Block, Table};
use crate::report::ends::{Ends, ends, evenly};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{bounds, count, fixed, grouped, interval, maybe, share};
use crate::report::topic::{Finding, Page, Topic};

/// Most quorums that have a curve.
const MOST_CURVES: usize = 8;

pub(super) const TOPIC: Topic = Topic {
    id: "staleness",
    heading: "How stale reads from followers are",
    file: Some("staleness.png"),
    needs: &[Need::Arrivals],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer: |report| answer(&report.runs),
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let runs = &report.runs;
    let mut blocks = vec![figure(report, page)?, Block::Table { table: kinds(runs) }];
    blocks.extend(named_times(runs).map(|table| Block::Table { table }));
    blocks.push(Block::Table { table: replicas(runs) });
    blocks.push(Block::paragraph(intersection(runs)));
    blocks.extend(latencies(runs).map(|table| Block::Details { summary: "What reads and writes take".into(), table }));
    Ok(blocks)
}

/// The share of reads from one follower at the acknowledgement that would miss the write, and that would return
/// something older.
fn at_ack(run: &RunReport) -> Option<(String, Option<String>)> {
    let at_ack = run.staleness()?.at_ack.first()?;
    Some((bounds(at_ack.misses_write?, share), at_ack.returns_older.map(|older| bounds(older, share))))
}

/// How stale reads at the acknowledgement would have been.
fn finding(runs: &[RunReport]) -> String {
    let read = "A read from one follower at the acknowledgement would have";
    let older =
        |older: Option<String>| older.map_or(String::new(), |older| format!(" (returned something older: {older})"));
    match ends(runs, at_ack) {
        Ends::None => "No acknowledged write can be followed to the followers, so staleness is unknown".to_owned(),
        Ends::One(quorum, (missed, returned)) => {
            format!("{read} missed the write: {missed} at W = {quorum}{}", older(returned))
        }
        Ends::Two((first, low), (last, high)) => match low.1.zip(high.1) {
            Some((older_low, older_high)) => {
                format!("{read} returned something older: {older_low} at W = {first}, {older_high} at W = {last}")
            }
            None => format!("{read} missed the write: {} at W = {first}, {} at W = {last}", low.0, high.0),
        },
    }
}

fn answer(runs: &[RunReport]) -> Option<String> {
    let at = |quorum: u32, (missed, older): (String, Option<String>)| {
        let older = older.map_or(String::new(), |older| format!(" and returned something older in {older}"));
        format!("missed the write in {missed}{older} at W = {quorum}")
    };
    let told = match ends(runs, at_ack) {
        Ends::None => return None,
        Ends::One(quorum, figures) => at(quorum, figures),
        Ends::Two((first, low), (last, high)) => format!("{}, {}", at(first, low), at(last, high)),
    };
    Some(format!("A read from a random follower at the moment of the acknowledgement would have {told}."))
}

fn figure(report: &Report, page: &mut Page<'_>) -> Result<Block, ReportError> {
    let shown = evenly(&report.runs, MOST_CURVES);
    let curves = ShareCurves {
        x_title: "Time from the acknowledgement to the read, ms",
        y_title: "Reads that would return the write, %",
        curves: shown.into_iter().filter_map(curve).collect(),
    };
    let first = all_reads(&report.runs).next().map(|(_, read)| read);
    let readers = maybe(first, |read| reader_in_words(read, &report.runs));
    let is_outside = report.runs.iter().any(|run| run.is_outside);
    let (source, from) = if is_outside {
        (
            "Solid lines are computed from what readers saw of the followers, two for each W, between which the chance lies.",
            "Solid, two for each W: seen from outside, the chance lies between them.",
        )
    } else {
        (
            "No read was made: solid lines are computed from the run's trace, two for a W of which a lost trace only bounds \
             the chance.",
            "Solid: from the trace.",
        )
    };
    let is_predicted = told(&report.runs).any(|of| of.basis.is_some());
    let dashed = if is_predicted { " Dashed: predicted." } else { "" };
    let reading = format!(
        "The chance that a read from {readers}, begun some time after a write's acknowledgement, would return that \
         write, each write looked at alone (t-visibility, P. Bailis et al., VLDB 2012). {source}{dashed}{}",
        basis(&report.runs)
    );
    let subtitle = format!("Chance that a read from {readers} would return a write. {from}{dashed}");
    page.figure(reading, &subtitle, numbers(&report.runs), |title| curves::scene(&curves, title))
}

/// The chance that a read returns a write, at one W.
fn curve(run: &RunReport) -> Option<ShareCurve> {
    let curve = &run.staleness()?.curve;
    let points = |points: &[CurvePoint]| points.iter().map(|point| (point.ms, point.seen)).collect();
    Some(ShareCurve {
        name: format!("W = {}", run.quorum),
        hue: Hue::of_quorum(run.quorum),
        solid: [points(&curve.from_trace), points(&curve.at_latest)],
        dashed: points(&curve.predicted),
    })
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
    let bases: Vec<Basis> = told(runs).filter_map(|of| of.basis).collect();
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

/// The staleness of each run that tells it.
fn told(runs: &[RunReport]) -> impl Iterator<Item = &Staleness> {
    runs.iter().filter_map(|run| run.staleness())
}

/// Every kind of read of every run, with the run.
fn all_reads(runs: &[RunReport]) -> impl Iterator<Item = (&Staleness, &ReadStaleness)> {
    told(runs).flat_map(|staleness| staleness.reads.iter().map(move |read| (staleness, read)))
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
    let lag_of = |quorum: u32| runs.iter().find(|run| run.quorum == quorum).and_then(|run| run.lag());
    let row = |(staleness, read): (&Staleness, &ReadStaleness)| {
        let predicted = read.predicted.as_ref();
        let mut row = cells(staleness, read);
        row.push(grouped(staleness.n));
        row.push(stale_at_ack(read));
        row.push(maybe(predicted, |of| share(of.stale_at_ack.value)));
        for of in [(|of: &Visibility| of.p99) as fn(&Visibility) -> Option<VisibleAfter>, |of| of.p999] {
            row.push(after(read.from_trace.as_ref(), read.at_latest.as_ref(), of));
            row.push(after(predicted, None, of));
        }
        let lag = lag_of(staleness.quorum);
        row.push(maybe(lag, |lag| super::lag::time(lag, "withheld", |of| of.mean.map(|mean| mean.value_ms))));
        row.push(maybe(lag.and_then(|lag| lag.predicted), |predicted| fixed(predicted.mean_ms, 1)));
        row
    };
    let readers = if names.contains(&"asked") {
        " Asked: R random followers, and all of them are waited for; or all N, and the first R answers count, as in \
         Dynamo and in PBS."
    } else {
        ""
    };
    let intervals =
        |of: &ReadStaleness| of.from_trace.as_ref().is_some_and(|of| of.stale_at_ack.interval.lower.is_some());
    let is_dependent = all_reads(runs).any(|(_, read)| read.dependence.is_some_and(|of| of.is_dependent));
    let has_intervals = all_reads(runs).any(|(_, read)| intervals(read));
    Table::new(format!(
        "Misses it at ack: reads at the acknowledgement that would miss the write{}. 99 % and 99.9 %: how \
         many ms later so many reads would return the write; fewer than 400 and 4,000 arrivals only tell the least it \
         may be{}. Last: the mean time in ms until the last follower has it.{readers}",
        if has_intervals { ", with a 95 % interval" } else { " (no interval: it repeats W)" },
        if is_dependent { ", and nothing where writes depend on each other" } else { "" }
    ))
    .numbers(&names)
    .numbers(&[
        "n",
        "misses it at ack",
        "misses it, predicted",
        "99 % see it after",
        "99 %, predicted",
        "99.9 % see it after",
        "99.9 %, predicted",
        "last follower after",
        "last, predicted",
    ])
    .rows(all_reads(runs).map(row))
}

/// When the share `p` of reads would return the write, from the earliest to the latest it may be; `never`
/// if there are data and that share is never reached.
pub(crate) fn after(
    of: Option<&Visibility>,
    at_latest: Option<&Visibility>,
    p: fn(&Visibility) -> Option<VisibleAfter>,
) -> String {
    let earliest = maybe(of, |of| p(of).map_or_else(|| "never".to_owned(), time_of));
    let latest = at_latest.map(|of| p(of).map_or_else(|| "never".to_owned(), time_of));
    match latest {
        Some(latest) if latest != earliest => format!("{earliest} to {latest}"),
        _ => earliest,
    }
}

/// A time, or what it is at least.
fn time_of(after: VisibleAfter) -> String {
    let at_least = maybe(after.interval_ms.lower, |lower| format!("at least {}", fixed(lower, 1)));
    after.ms.map_or(at_least, |ms| fixed(ms, 1))
}

/// Reads at the acknowledgement that would miss the write.
fn stale_at_ack(read: &ReadStaleness) -> String {
    let earliest = maybe(read.from_trace.as_ref(), |of| with_interval(of.stale_at_ack));
    match read.at_latest.as_ref().map(|of| with_interval(of.stale_at_ack)) {
        Some(latest) if latest != earliest => format!("{earliest} to {latest}"),
        _ => earliest,
    }
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
        maybe(after, |after| {
            let range = interval(after.interval_ms, |end| fixed(end, 1));
            if after.ms.is_some() { format!("{} ({range})", time_of(after)) } else { time_of(after) }
        })
    };
    let row = |staleness: &Staleness| {
        let read = staleness.reads.first();
        let mut row = vec![staleness.quorum.to_string(), grouped(staleness.n)];
        row.push(maybe(read, stale_at_ack));
        let of = |p: fn(&Visibility) -> Option<VisibleAfter>| {
            let read = read.filter(|read| read.from_trace.is_some());
            maybe(read, |read| match &read.at_latest {
                None => time(read.from_trace.as_ref().and_then(p)),
                latest => after(read.from_trace.as_ref(), latest.as_ref(), p),
            })
        };
        row.extend([of(|of| of.p50), of(|of| of.p90), of(|of| of.p99), of(|of| of.p999)]);
        row
    };
    let bounded = if runs.iter().any(|run| run.is_outside) {
        "from the earliest to the latest that readers allow"
    } else {
        "with 95 % intervals; without them where a lost trace only bounds the time, or writes depend on each other and are \
         too few for batches"
    };
    Table::new(format!(
        "From how many ms after the acknowledgement on so many reads would return the write, {bounded}."
    ))
    .numbers(&["W", "n", "misses it at ack", "50 %", "90 %", "99 %", "99.9 %"])
    .rows(told(runs).map(row))
}

/// The chance at the times that the experiment names.
fn named_times(runs: &[RunReport]) -> Option<Table> {
    let times: Vec<String> = told(runs).next()?.reads.first()?.at.iter().map(|at| fixed(at.at_ms, 1)).collect();
    if times.is_empty() {
        return None;
    }
    let (names, cells) = kind_columns(runs);
    let cell = |at: &SeenAt| {
        let lower = at.at_latest.or(at.from_trace);
        let chances = at.from_trace.zip(lower).map(|(from, latest)| Bounds { lower: latest.value, upper: from.value });
        beside(chances, at.predicted)
    };
    let row = |(staleness, read): (&Staleness, &ReadStaleness)| {
        cells(staleness, read).into_iter().chain(read.at.iter().map(cell)).collect()
    };
    let columns: Vec<String> = times.iter().map(|time| format!("{} ms", time.trim_end_matches(".0"))).collect();
    let table =
        Table::new("Reads that would return the write so long after its acknowledgement, and in brackets predicted.")
            .numbers(&names)
            .numbers(&columns.iter().map(String::as_str).collect::<Vec<_>>());
    Some(table.rows(all_reads(runs).map(row)))
}

/// A measured and a predicted chance.
fn beside(from_trace: Option<Bounds<f64>>, predicted: Option<Chance>) -> String {
    let from_trace = maybe(from_trace, |chance| bounds(chance, share));
    format!("{from_trace} ({})", maybe(predicted, |chance| share(chance.value)))
}

/// Stale reads at the acknowledgement, by R.
fn replicas(runs: &[RunReport]) -> Table {
    let is_replayed = told(runs).any(|of| of.at_ack.iter().any(|at| at.returns_older.is_some()));
    let columns = |at: &StaleAtAck| {
        let older = is_replayed.then(|| format!("older, R = {}", at.replicas));
        [Some(format!("misses it, R = {}", at.replicas)), older].into_iter().flatten()
    };
    // Runs may have fewer followers than others.
    let most = told(runs).map(|of| of.at_ack.as_slice()).max_by_key(|at_ack| at_ack.len()).unwrap_or_default();
    let names: Vec<String> = most.iter().flat_map(columns).collect();
    let row = |staleness: &Staleness| {
        let cells = most.iter().flat_map(|column| {
            let at = staleness.at_ack.iter().find(|at| at.replicas == column.replicas);
            let older = is_replayed.then(|| maybe(at.and_then(|at| at.returns_older), |older| bounds(older, share)));
            [Some(maybe(at, |at| beside(at.misses_write, at.predicted))), older]
        });
        [staleness.quorum.to_string()].into_iter().chain(cells.flatten()).collect()
    };
    Table::new(
        "Reads from R random followers at the instant of a write's acknowledgement. Misses it: the write has not arrived \
         at any of them, whatever else has; in brackets predicted. Older: replayed, each of them holds something older, \
         or nothing. A newer write that came sooner makes up for it, an older one that came later undoes it, a killed \
         follower has nothing, and one that cannot be asked is not.",
    )
    .numbers(&["W"])
    .numbers(&names.iter().map(String::as_str).collect::<Vec<_>>())
    .rows(told(runs).map(row))
}

/// What R + W > N does and does not promise.
fn intersection(runs: &[RunReport]) -> String {
    let promise = "Reads go to followers alone, and the W acknowledgements come from followers alone. With R + W > N every \
                   read asks at least one follower that has received the write.";
    let order = runs.first().map(|run| run.manifest.config.network.order);
    let limit = match order {
        Some(ReplicationOrder::Version) => "Followers keep the newest version, so the write stays there.",
        _ => {
            "But these followers keep what came last, so an older write may have replaced it there, and then no R \
             helps."
        }
    };
    format!("{promise} {limit}")
}

/// What reads and writes take by the model, where it was simulated and reads take time.
fn latencies(runs: &[RunReport]) -> Option<Table> {
    let first = told(runs).next()?;
    first.reads.first()?.latency?;
    let cells = |latency: ModelLatency| {
        [latency.median_ms, latency.p99_ms, latency.p999_ms].map(|of| maybe(of, |ms| fixed(ms, 2)))
    };
    let row = |name: String, latency: ModelLatency| [name].into_iter().chain(cells(latency)).collect();
    let writes = told(runs).filter_map(|of| Some(row(format!("write, W = {}", of.quorum), of.write_latency?)));
    let reads = first.reads.iter();
    let reads = reads.filter_map(|read| Some(row(format!("read from {}", reader_in_words(read, runs)), read.latency?)));
    Some(
        Table::new("Latency in ms by the model, without the software's own cost.")
            .text(&["what"])
            .numbers(&["median", "p99", "p99.9"])
            .rows(writes.chain(reads)),
    )
}
