//! Systems side by side, as tables and as a figure: for the report's section and for `labctl compare`.

mod reasons;
mod throughput;

use self::reasons::Reasons;
pub(crate) use self::throughput::throughput;
use super::charts::against_quorum::{Line, Measured};
use super::charts::small_multiples::{Multiples, Panel};
use super::charts::{Hue, Scene};
use super::document::Table;
use super::labels;
use super::number::{NONE, bounds, fixed, grouped, interval, list, ms, share, short_ms};
use crate::analysis::{
    Bounds, ComparedSystem, Concern, Interval, Known, OwnCostBasis, PredictedFigures, Quantile, SideBySide,
    SystemLatency, SystemRun,
};

/// One hue a system, the first for the one that others are held against.
const HUES: [Hue; 6] = [Hue::Blue, Hue::Vermillion, Hue::Green, Hue::Purple, Hue::Orange, Hue::Sky];

/// What latencies rest on, and all else that followers take part in.
const LATENCY: &[Concern] = &[Concern::Network, Concern::Load, Concern::Machine];
/// What a time beside the network's own rests on.
const OWN_COST: &[Concern] = &[Concern::Load, Concern::Machine];
/// What the end of a run rests on.
const OUTCOME: &[Concern] = &[Concern::Network, Concern::Load];

/// Stands at a figure that cannot be held against the first system's.
const NOT_COMPARABLE: &str = " [*]";

/// Systems and what each is called in tables and figures.
pub(crate) struct NamedSystems<'a> {
    of: &'a SideBySide,
    names: Vec<String>,
}

/// A table and the notes that its cells refer to.
pub(crate) struct Noted {
    pub(crate) table: Table,
    /// Sentences, in the order of their numbers.
    pub(crate) notes: Vec<String>,
}

impl<'a> NamedSystems<'a> {
    /// Systems by these names, one each.
    pub(crate) const fn new(of: &'a SideBySide, names: Vec<String>) -> Self {
        Self { of, names }
    }

    /// Systems by their own names and versions.
    pub(crate) fn by_version(of: &'a SideBySide) -> Self {
        let name = |of: &ComparedSystem| labels::system(&of.system, of.version.as_deref().unwrap_or_default());
        Self::new(of, of.systems.iter().map(name).collect())
    }

    /// What each is called.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    fn each(&self) -> impl Iterator<Item = (&ComparedSystem, &str)> {
        self.of.systems.iter().zip(self.names.iter().map(String::as_str))
    }

    /// Every W of any system.
    fn quorums(&self) -> Vec<u32> {
        let mut quorums: Vec<u32> = self.of.systems.iter().flat_map(|of| &of.runs).map(|run| run.quorum).collect();
        quorums.sort_unstable();
        quorums.dedup();
        quorums
    }

    /// A row for each W and system.
    fn rows(&self, mut row: impl FnMut(&ComparedSystem, &SystemRun) -> Vec<String>) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        for quorum in self.quorums() {
            for (of, name) in self.each() {
                let Some(run) = of.at(quorum) else { continue };
                rows.push([quorum.to_string(), name.to_owned()].into_iter().chain(row(of, run)).collect());
            }
        }
        rows
    }

    /// What differs so that figures are not comparable, or only with care: a sentence for each concern.
    pub(crate) fn differences(&self) -> Vec<String> {
        let Some(first) = self.names.first() else { return Vec::new() };
        let sentence = |(concern, text): &(Concern, &str)| {
            let differ = self.each().filter(|(of, _)| of.differs_in.contains(concern));
            let names: Vec<String> = differ.map(|(_, name)| name.to_owned()).collect();
            (!names.is_empty()).then(|| text.replace("{these}", &list(&names)).replace("{first}", first))
        };
        DIFFERENCES.iter().filter_map(sentence).collect()
    }

    /// The conditions that differ, a column a system.
    pub(crate) fn conditions(&self) -> Option<Table> {
        let is_told =
            |path: &str| !["experiment", "system.name", "config.system.kind", "config.system.name"].contains(&path);
        let rows: Vec<Vec<String>> = (self.of.conditions.iter().filter(|one| is_told(&one.path)))
            .map(|one| {
                let values = one.values.iter().map(|value| labels::condition(value.as_deref()));
                std::iter::once(one.path.clone()).chain(values).collect()
            })
            .collect();
        let names: Vec<&str> = self.names.iter().map(String::as_str).collect();
        (!rows.is_empty()).then(|| {
            Table::new("What differs, by its place in manifest.json.").text(&["condition"]).text(&names).rows(rows)
        })
    }

    /// One row a system and W: what it costs, and what its nodes hold.
    pub(crate) fn overview(&self) -> Noted {
        let mut reasons = Reasons::default();
        let mut bases = Vec::new();
        let rows = self.rows(|of, run| {
            let copies = |count: u64| format!("{} of {}", grouped(count), grouped(run.pairs));
            let writes = |of: Bounds<u64>| bounds(of, grouped);
            let latency = |figure: fn(&SystemLatency) -> Quantile| move |of: &SystemLatency| ms(figure(of).value_ms);
            bases.extend(run.own_cost.value().map(|cost| cost.basis));
            let waiting_ms = run.key_waits.and_then(|waits| waits.waiting_ms);
            let cells = [
                (reasons.cell(&run.latency, latency(|of| of.median)), LATENCY),
                (reasons.cell(&run.latency, latency(|of| of.p99)), LATENCY),
                (reasons.cell(&run.own_cost, |cost| bounds(cost.ms, short_ms)), OWN_COST),
                (
                    reasons.optional(
                        waiting_ms,
                        ms,
                        "whether writes of one key wait for each other cannot be concluded",
                    ),
                    LATENCY,
                ),
                (reasons.cell(&run.throughput_per_s, |rate| grouped(rate.round() as u64)), &[Concern::Machine][..]),
                (reasons.cell(&run.stale_at_ack, |chance| bounds(*chance, share)), LATENCY),
                (reasons.cell(&run.behind_at_last_ack, |count| copies(*count)), LATENCY),
                (
                    reasons.optional(
                        run.diverged,
                        copies,
                        "the nodes had not settled, or the leader could not be asked",
                    ),
                    OUTCOME,
                ),
                (reasons.optional(run.lost, writes, "no node could be asked in the end"), OUTCOME),
                (reasons.cell(&run.would_be_lost, |most| bounds(*most, |writes| fixed(writes, 0))), LATENCY),
                (
                    reasons.cell(&run.lost_with_leader, |loss| {
                        format!("{} of {}", writes(loss.lost), grouped(loss.acknowledged))
                    }),
                    OUTCOME,
                ),
            ];
            cells.into_iter().map(|(cell, concerns)| marked(cell, of, concerns)).collect()
        });
        bases.sort_unstable();
        bases.dedup();
        let added: Vec<String> = bases.into_iter().map(|basis| basis_in_words(basis).to_owned()).collect();
        let added =
            if added.is_empty() { String::new() } else { format!(" Added by the software: {}.", added.join("; ")) };
        let table = Table::new(format!(
            "Times in ms.{added} Waiting for the key: the part of the mean latency that was waiting for earlier writes of the \
             same key. Writes/s: the median of the rounds without delays, see below. Stale at ack: the chance that a read from one \
             random follower at the acknowledgement misses the write. Behind at last ack, wrong for good: copies (one \
             follower's value for one key) that differed from the leader's when the last write was answered, and after every \
             message had arrived. Lost: acknowledged writes that no node held in the end, nor a newer one of the key. \
             Exposed: the most that would have been lost at any instant, had the leader died. Lost with the leader: what was \
             lost where it did, of all acknowledged writes of that run.",
        ))
        .numbers(&["W"])
        .text(&["system"])
        .numbers(&[
            "median", "p99", "added by the software", "waiting for the key", "writes/s, no delay", "stale at ack",
            "behind at last ack", "wrong for good", "lost", "exposed", "lost with the leader",
        ])
        .rows(rows);
        Noted { table, notes: self.notes(reasons) }
    }

    /// Latency with its intervals.
    pub(crate) fn latency(&self) -> Noted {
        let mut reasons = Reasons::default();
        let rows = self.rows(|of, run| {
            let why = run.no_interval.as_deref();
            let mut figure = |pick: fn(&SystemLatency) -> (f64, Interval)| {
                let Known::Value(latency) = &run.latency else { return reasons.cell(&run.latency, |_| String::new()) };
                let (value, ends) = pick(latency);
                match (ends, why) {
                    (Interval { lower: None, upper: None }, Some(why)) => {
                        let reference = reasons.refer(why);
                        format!("{}{}", ms(value), reference.trim_start_matches(NONE))
                    }
                    _ => format!("{} ({})", ms(value), interval(ends, ms)),
                }
            };
            let cells = DRAWN.each_ref().map(|drawn| marked(figure(drawn.measured), of, LATENCY));
            let predicted =
                reasons.optional(run.predicted.map(|of| of.mean_ms), ms, "nothing is predicted of such a run");
            let counts = [grouped(u64::from(run.followers)), grouped(run.n)];
            counts.into_iter().chain(cells).chain([predicted]).collect()
        });
        let table = Table::new(
            "Write latency in ms with 95 % intervals, and the mean that is predicted of the system's own network, for software that \
             takes no time. The intervals cover chance within a run, not the spread from run to run.",
        )
        .numbers(&["W"])
        .text(&["system"])
        .numbers(&["followers", "n", "mean", "median", "p95", "p99", "mean, predicted"])
        .rows(rows);
        Noted { table, notes: self.notes(reasons) }
    }

    fn notes(&self, reasons: Reasons) -> Vec<String> {
        let is_marked = |of: &ComparedSystem| LATENCY.iter().any(|concern| of.differs_in.contains(concern));
        let marked = self.of.systems.iter().any(is_marked);
        let star = self
            .names
            .first()
            .filter(|_| marked)
            .map(|first| format!("[*] not comparable with {first}, since it was measured under other conditions."));
        reasons.notes().into_iter().chain(star).collect()
    }

    /// Writes a second without delays, round by round; `None` if no run tells them.
    pub(crate) fn throughput(&self) -> Option<Noted> {
        throughput(&self.of.throughput)
    }

    /// Mean, median, p95 and p99 against W.
    pub(crate) fn figure(&self, title: Option<(&str, &str)>) -> Scene {
        let panel = |drawn: &Drawn| {
            let point = |run: &SystemRun| {
                let (value, ends) = (drawn.measured)(run.latency.value()?);
                let is_known = ends.lower.is_some() || ends.upper.is_some();
                Some(Measured { quorum: run.quorum, value, interval: is_known.then(|| ends.into()) })
            };
            let mut lines: Vec<Line> = Vec::new();
            for (index, (of, name)) in self.each().enumerate() {
                let is_told_apart = self.of.systems.iter().filter(|other| other.system == of.system).count() == 1;
                let foreseen: Vec<(u32, f64)> =
                    of.runs.iter().filter_map(|run| Some((run.quorum, (drawn.predicted)(&run.predicted?)))).collect();
                // In one network the same is predicted of all.
                let is_drawn = lines.iter().any(|line| line.predicted == foreseen);
                lines.push(Line {
                    name: if is_told_apart { of.system.clone() } else { name.to_owned() },
                    hue: Some(HUES[index % HUES.len()]),
                    measured: of.runs.iter().filter_map(point).collect(),
                    predicted: if is_drawn { Vec::new() } else { foreseen },
                });
            }
            Panel { title: format!("{}, ms", drawn.name), series: lines }
        };
        let panels = DRAWN.iter().map(panel).collect();
        Multiples { axis: "Write latency, ms", one_scale: true, panels }.scene(title)
    }
}

/// A figure of latency that is drawn against W.
struct Drawn {
    name: &'static str,
    measured: fn(&SystemLatency) -> (f64, Interval),
    predicted: fn(&PredictedFigures) -> f64,
}

const DRAWN: [Drawn; 4] = [
    Drawn { name: "Mean", measured: |of| (of.mean.value_ms, of.mean.interval_ms), predicted: |of| of.mean_ms },
    Drawn { name: "Median", measured: |of| (of.median.value_ms, of.median.interval_ms), predicted: |of| of.median_ms },
    Drawn { name: "95th percentile", measured: |of| (of.p95.value_ms, of.p95.interval_ms), predicted: |of| of.p95_ms },
    Drawn { name: "99th percentile", measured: |of| (of.p99.value_ms, of.p99.interval_ms), predicted: |of| of.p99_ms },
];

/// What is said of systems that differ in something from the first.
const DIFFERENCES: [(Concern, &str); 5] = [
    (
        Concern::Network,
        "Another network than that of {first}: {these}. Latency, staleness, wrong copies and losses are not comparable with those of \
         {first}; the time that the software added is, since it is held against the delays of the system's own network.",
    ),
    (
        Concern::Load,
        "Another load or other faults than those of {first}: {these}. No figure is comparable with that of {first}.",
    ),
    (
        Concern::Machine,
        "Another machine or backend than that of {first}: {these}. No time is comparable with that of {first}.",
    ),
    (
        Concern::Seed,
        "Another seed than that of {first}: {these}. Where delays are drawn, other delays were drawn, and figures differ by that \
         chance too.",
    ),
    (
        Concern::Labctl,
        "Measured by another labctl than {first}: {these}. What it measures may have changed in between.",
    ),
];

const fn basis_in_words(basis: OwnCostBasis) -> &'static str {
    match basis {
        OwnCostBasis::ConstantDelay => {
            "behind links that never change, the median latency less the W-th smallest delay"
        }
        OwnCostBasis::WriteByWrite => "the median of each write's latency less the W-th smallest of its own delays",
        OwnCostBasis::SimulatedRuns => {
            "behind ordered links that change, the mean latency less the middle 95 % of the means of simulated runs, whose software \
             takes no time"
        }
    }
}

fn marked(cell: String, of: &ComparedSystem, concerns: &[Concern]) -> String {
    let is_marked = !cell.starts_with(NONE) && concerns.iter().any(|concern| of.differs_in.contains(concern));
    if is_marked { cell + NOT_COMPARABLE } else { cell }
}
