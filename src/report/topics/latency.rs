//! Latency against W: figure, table, and the same writes across quorums.

use super::own_time::own_time;
use super::statistics::{
    BESIDE_PREDICTION, Statistics, basis, beside_prediction, intervals, method_sentence, reading, series, short_reading,
};
use crate::analysis::{CostPerAck, Latency, Need, NotPredicted, Paired, Withheld};
use crate::report::charts::against_quorum::Chart;
use crate::report::document::{Block, Table};
use crate::report::ends::{Ends, ends, writes_a_quorum};
use crate::report::error::ReportError;
use crate::report::model::{Report, RunReport};
use crate::report::number::{count, grouped, interval, list, maybe, ms, p_value};
use crate::report::topic::{Finding, Page, Topic};

pub(super) const TOPIC: Topic = Topic {
    id: "latency",
    heading: "Latency against the quorum",
    file: Some("quorum_vs_latency_full.png"),
    needs: &[],
    finding: Finding::Always(|report| finding(&report.runs)),
    answer,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let statistics: Vec<Statistics> = report.runs.iter().map(|run| Statistics::of(&run.latency)).collect();
    let subtitle = format!("{} a quorum. {}", writes_a_quorum(&report.runs), short_reading(&statistics));
    let chart = Chart { y_title: "Write latency, ms", unit: "ms", series: series(&statistics) };
    let own_time = own_time(&report.runs);
    let reading = reading(&statistics) + &own_time + &unpredicted(&report.runs) + &spared(&report.runs);
    let table_behind = intervals(&statistics, "Write latency");
    let figure = page.figure(reading, &subtitle, table_behind, |title| chart.scene(title))?;
    let latencies = report.runs.iter().map(|run| &run.latency);
    let is_tested = withheld(report, &[Need::IndependentWrites]).is_none();
    let table = table(latencies, &statistics, &(own_time + &spared(&report.runs)), is_tested);
    let mut blocks = vec![figure, Block::Table { table }];
    blocks.extend(pairs(&report.paired));
    blocks.extend(
        withheld(report, &[Need::Delays, Need::IndependentWrites])
            .map(|why| Block::paragraph(format!("The same write is not compared from one W to the next: {why}."))),
    );
    Ok(blocks)
}

/// Why the runs, all of one system, lack what these needs stand for.
fn withheld<'a>(report: &'a Report, needs: &[Need]) -> Option<&'a Withheld> {
    report.runs.iter().find_map(|run| run.withheld(needs))
}

/// What latency does with W.
fn finding(runs: &[RunReport]) -> String {
    match ends(runs, |run| Some(run.latency.mean?.value_ms)) {
        Ends::None if runs.iter().any(|run| run.latency.cut_off > 0) => {
            "A fault cut off writes under way, so there is no latency to show".to_owned()
        }
        Ends::None => "No write was acknowledged, so there is no latency to show".to_owned(),
        Ends::One(quorum, mean) => format!("At W = {quorum} a write took {} ms on average", ms(mean)),
        Ends::Two((first, low), (last, high)) => format!(
            "Mean write latency {} from {} ms at W = {first} to {} ms at W = {last}",
            verb(low, high),
            ms(low),
            ms(high)
        ),
    }
}

/// What a value does from one end to the other.
fn verb(low: f64, high: f64) -> &'static str {
    if high > low * 1.02 {
        "rises"
    } else if high < low * 0.98 {
        "falls"
    } else {
        "hardly moves"
    }
}

fn answer(report: &Report) -> Option<String> {
    let runs = &report.runs;
    let cost = report.cost_per_ack.as_ref().map(per_acknowledgement);
    let parts = [means(runs), cost, cut_off(runs), only_spared(runs), failures(runs)];
    let sentences: Vec<String> = parts.into_iter().flatten().collect();
    (!sentences.is_empty()).then(|| sentences.join(" "))
}

fn means(runs: &[RunReport]) -> Option<String> {
    let statistics: Vec<Statistics> = runs.iter().map(|run| Statistics::of(&run.latency)).collect();
    // Without injected delays there is nothing to predict.
    let predicted = |run: &RunReport| run.latency.best_predicted().map(|p| p.mean_ms).filter(|_| run.has_delays());
    let mean = |run: &RunReport| Some((run.latency.mean?.value_ms, predicted(run)));
    let waiting = |quorum: u32| {
        let run = runs.iter().find(|run| run.quorum == quorum);
        waiting(quorum, run.map_or(quorum, RunReport::followers))
    };
    let what = |quorum| capitalized(&waiting(quorum));
    match ends(runs, mean) {
        Ends::None if runs.iter().any(|run| run.latency.n > 0) => None,
        Ends::None => Some("No write was acknowledged.".to_owned()),
        Ends::One(quorum, (mean, predicted)) => {
            let predicted =
                predicted.map(|p| format!(", where {} predict {} ms", basis(&statistics), ms(p))).unwrap_or_default();
            let n = writes_a_quorum(runs);
            Some(format!("{}, a write took {} ms on average ({n}){predicted}.", what(quorum), ms(mean)))
        }
        Ends::Two((first, (low, low_predicted)), (last, (high, high_predicted))) => {
            let predicted = |predicted: Option<f64>| {
                predicted.map(|predicted| format!(", predicted {}", ms(predicted))).unwrap_or_default()
            };
            Some(format!(
                "{}, a write took {} ms on average{}; {}, {} ms{} ({} a quorum).",
                what(first),
                ms(low),
                predicted(low_predicted),
                waiting(last),
                ms(high),
                predicted(high_predicted),
                writes_a_quorum(runs),
            ))
        }
    }
}

/// `Waiting for 1 of 5 followers (W = 1)`.
fn waiting(quorum: u32, followers: u32) -> String {
    match quorum {
        0 => "waiting for no follower (W = 0)".to_owned(),
        1 if followers == 1 => "waiting for the only follower (W = 1)".to_owned(),
        w if w == followers => format!("waiting for all {followers} (W = {w})"),
        w => format!("waiting for {w} of {} (W = {w})", count(u64::from(followers), "follower")),
    }
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What one more acknowledgement cost, and how much that differs from step to step.
fn per_acknowledgement(cost: &CostPerAck) -> String {
    let steps = if cost.to - cost.from > 1 && ms(cost.least_ms) != ms(cost.most_ms) {
        format!(", from {} to {} ms at single steps", ms(cost.least_ms), ms(cost.most_ms))
    } else {
        String::new()
    };
    let predicted =
        cost.predicted_ms.map(|p| format!("; the injected delays alone predict {}", ms(p))).unwrap_or_default();
    format!(
        "Each further acknowledgement cost the same writes {} ms on average (95 % interval {}){steps}{predicted}.",
        ms(cost.mean_ms),
        interval(cost.interval_ms, ms)
    )
}

/// Which latencies are withheld, and what is known of them.
fn cut_off(runs: &[RunReport]) -> Option<String> {
    let cut: Vec<String> = runs
        .iter()
        .filter_map(|run| {
            let at_least = run.latency.mean_at_least_ms.map(|ms_| format!(", at least {} ms on average", ms(ms_)));
            let writes = count(run.latency.cut_off, "write");
            (run.latency.cut_off > 0).then(|| format!("{writes} at W = {}{}", run.quorum, at_least.unwrap_or_default()))
        })
        .collect();
    (!cut.is_empty()).then(|| {
        format!(
            "A fault kept writes from being acknowledged, slow ones more often than fast ones. The latency of the others would \
             be too low and is withheld: {}.",
            list(&cut)
        )
    })
}

/// At which W the latency told is that of the writes the faults spared.
fn only_spared(runs: &[RunReport]) -> Option<String> {
    let missed: Vec<String> = runs
        .iter()
        .filter(|run| run.latency.missed_in_fault > 0 && run.latency.mean.is_some())
        .map(|run| format!("W = {}", run.quorum))
        .collect();
    (!missed.is_empty()).then(|| format!("At {} these are the writes that the faults spared.", list(&missed)))
}

fn failures(runs: &[RunReport]) -> Option<String> {
    let (failed, unknown) = runs.iter().fold((0, 0), |(f, u), run| (f + run.latency.failed, u + run.latency.unknown));
    let all = failed + unknown + runs.iter().map(|run| run.latency.n).sum::<u64>();
    let parts: Vec<String> = [(failed, "missed the quorum"), (unknown, "got no answer")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, what)| format!("{} {what}", grouped(number)))
        .collect();
    if parts.is_empty() {
        return None;
    }
    let impossible: Vec<String> =
        runs.iter().filter(|run| run.quorum > run.followers()).map(|run| format!("W = {}", run.quorum)).collect();
    let why = if impossible.is_empty() {
        String::new()
    } else {
        format!(" {} is more than there are followers, so every write fails.", list(&impossible))
    };
    Some(format!("Of {}, {}; no latency figure includes them.{why}", count(all, "write"), list(&parts)))
}

impl Statistics {
    pub(super) fn of(latency: &Latency) -> Self {
        Self {
            quorum: latency.quorum,
            n: latency.n,
            mean: latency.mean,
            median: latency.median,
            p95: latency.p95,
            p99: latency.p99,
            predicted: latency.best_predicted(),
            dependence: latency.dependence,
        }
    }
}

/// Why runs with faults, whose writes were held up, or whose latencies hang together, have no prediction.
fn unpredicted(runs: &[RunReport]) -> String {
    let because = |why: NotPredicted| {
        let these = runs.iter().filter(|run| run.latency.not_predicted == Some(why));
        let these: Vec<String> = these.map(|run| format!("W = {}", run.quorum)).collect();
        let at = if these.len() == runs.len() { String::new() } else { format!(" at {}", list(&these)) };
        (!these.is_empty()).then(|| format!(" Nothing is predicted{at}: {why}."))
    };
    [NotPredicted::Faults, NotPredicted::AnotherLeader, NotPredicted::HeldUp, NotPredicted::HangsTogether]
        .into_iter()
        .filter_map(because)
        .collect()
}

/// Where the acknowledged writes are those that the faults spared.
fn spared(runs: &[RunReport]) -> String {
    let missed: Vec<String> = runs
        .iter()
        .filter(|run| run.latency.missed_in_fault > 0 && run.latency.mean.is_some())
        .map(|run| format!("{} at W = {}", grouped(run.latency.missed_in_fault), run.quorum))
        .collect();
    if missed.is_empty() {
        return String::new();
    }
    format!(
        " Writes that met a fault and were not acknowledged: {}. The figures there are of the writes that the faults \
         spared, not of a random part of all.",
        list(&missed)
    )
}

/// Measured and predicted figures, and the test of the prediction, if that holds.
fn table<'a>(
    latencies: impl Iterator<Item = &'a Latency>,
    statistics: &[Statistics],
    limits: &str,
    is_tested: bool,
) -> Table {
    let row = |l: &Latency| {
        let mut row =
            vec![l.quorum.to_string(), grouped(l.n), grouped(l.failed), grouped(l.unknown), grouped(l.cut_off)];
        row.extend(beside_prediction(&Statistics::of(l)));
        row.extend(is_tested.then(|| maybe(l.ks, |fit| p_value(fit.p_adjusted))));
        row
    };
    let test = if is_tested {
        " KS p above 0.05: the latencies fit the prediction, as far as so few writes can tell (corrected for the number \
         of tests on this page, Holm)."
    } else {
        ""
    };
    let table = Table::new(format!(
        "Write latency in ms, measured and predicted. n: acknowledged writes. Cut off: writes that were under way \
         when a fault began and were not acknowledged; if there are any, latency is withheld.{test}{}{limits}",
        method_sentence(statistics)
    ))
    .numbers(&["W", "n", "failed", "unknown", "cut off"])
    .numbers(&BESIDE_PREDICTION);
    let table = if is_tested { table.numbers(&["KS p"]) } else { table };
    table.rows(latencies.map(row))
}

/// What one more acknowledgement cost the very same writes.
fn pairs(paired: &[Paired]) -> Option<Block> {
    if paired.is_empty() {
        return None;
    }
    let row = |pair: &Paired| {
        vec![
            format!("{} to {}", pair.from, pair.to),
            grouped(pair.n),
            grouped(pair.same_delays),
            maybe(pair.mean, |m| format!("{} ({})", ms(m.value_ms), interval(m.interval_ms, ms))),
            maybe(pair.predicted_mean_ms, ms),
            maybe(pair.median, |q| ms(q.value_ms)),
            maybe(pair.mean, |_| grouped(pair.sooner)),
        ]
    };
    let reason = if paired.iter().all(Paired::is_paired) {
        "Write i met the same delays at every W, so the difference is the quorum's alone."
    } else {
        "The figures are of writes that met the same delays at both, by the traces; n counts all that were \
         acknowledged at both."
    };
    let table = Table::new(format!(
        "How much later the same write was answered at the next quorum, in ms with 95 % intervals. {reason}"
    ))
    .text(&["W"])
    .numbers(&["n", "same delays", "mean difference", "predicted", "median", "sooner at the higher W"])
    .rows(paired.iter().map(row));
    Some(Block::Details { summary: "The same writes, quorum by quorum".to_owned(), table })
}
