//! What the simulation of the same seed had foreseen.

use crate::analysis::{Forecast, Surprise};
use crate::report::document::{Block, Table};
use crate::report::error::ReportError;
use crate::report::labels;
use crate::report::model::Report;
use crate::report::number::{NONE, count, grouped, maybe, short_ms};
use crate::report::topic::{Finding, Page, Topic};

/// Most surprises that are listed.
const MOST_SURPRISES: usize = 200;

pub(super) const TOPIC: Topic = Topic {
    id: "forecast",
    heading: "What the simulation foresaw",
    file: None,
    needs: &[],
    finding: Finding::IfAny(|report| finding(&report.forecasts)),
    answer: |_| None,
    blocks,
};

fn blocks(report: &Report, page: &mut Page<'_>) -> Result<Vec<Block>, ReportError> {
    let finding = Block::paragraph(format!("{}.", page.finding()));
    let mut blocks = vec![finding, Block::Table { table: table(&report.forecasts) }];
    blocks.extend(surprises(&report.forecasts));
    Ok(blocks)
}

/// How much of the runs the simulation foresaw.
fn finding(forecasts: &[Forecast]) -> Option<String> {
    if forecasts.is_empty() {
        return None;
    }
    let sum = |of: fn(&Forecast) -> u64| forecasts.iter().map(of).sum::<u64>();
    let other_delays = sum(|forecast| forecast.other_delays);
    if other_delays > 0 {
        return Some(format!(
            "The simulation of the same seed drew {}, so it foresaw nothing",
            count(other_delays, "other delay")
        ));
    }
    let (near, writes) = (sum(|forecast| forecast.latency.near), sum(|forecast| forecast.latency.n));
    let (agreeing, pairs) = (sum(|forecast| forecast.pairs.agreeing), sum(|forecast| forecast.pairs.n));
    Some(format!(
        "The simulation of the same seed foresaw the latency of {} of {} to within 10 ms, and how {} of {} ended",
        grouped(near),
        count(writes, "write"),
        grouped(agreeing),
        if pairs == 1 { "1 copy".to_owned() } else { format!("{} copies", grouped(pairs)) }
    ))
}

fn table(forecasts: &[Forecast]) -> Table {
    let row = |forecast: &Forecast| {
        let (latency, pairs) = (&forecast.latency, &forecast.pairs);
        vec![
            forecast.quorum.to_string(),
            grouped(latency.n),
            grouped(latency.near),
            maybe(latency.p50, |q| short_ms(q.value_ms)),
            maybe(latency.p99, |q| short_ms(q.value_ms)),
            maybe(latency.greatest_ms, short_ms),
            grouped(pairs.n),
            grouped(pairs.agreeing),
            maybe(pairs.jitter_ms, short_ms),
        ]
    };
    Table::new(
        "Each run against the simulation of the same seed. Differences: measured latency less what the simulation gave, \
         in ms. Copies: how many ended as simulated. Jitter: how much the time between neighbouring arrivals changed, \
         99th percentile, in ms.",
    )
    .numbers(&[
        "W",
        "writes",
        "within 10 ms",
        "median difference",
        "p99 difference",
        "greatest difference",
        "copies",
        "ended as simulated",
        "jitter",
    ])
    .rows(forecasts.iter().map(row))
}

/// Each pair that ended otherwise, with the race that decided.
fn surprises(forecasts: &[Forecast]) -> Option<Block> {
    let row = |quorum: u32, pair: &Surprise| {
        let race = pair.race.as_ref();
        vec![
            quorum.to_string(),
            pair.follower.to_string(),
            pair.key.clone(),
            labels::state(pair.measured).to_owned(),
            labels::state(pair.foreseen).to_owned(),
            race.map_or_else(
                || "the traces do not tell".to_owned(),
                |race| {
                    format!(
                        "at {}, write {} was to come {} ms before write {} and came {} ms after it",
                        race.node,
                        race.last,
                        short_ms(race.foreseen_gap_ms),
                        race.foreseen_last,
                        short_ms(race.gap_ms)
                    )
                },
            ),
            race.map_or(NONE, |race| if race.within_jitter { "yes" } else { "no" }).to_owned(),
        ]
    };
    let rows: Vec<_> = forecasts
        .iter()
        .flat_map(|forecast| forecast.pairs.surprises.iter().map(move |pair| row(forecast.quorum, pair)))
        .take(MOST_SURPRISES)
        .collect();
    if rows.is_empty() {
        return None;
    }
    let table = Table::new("Copies that ended otherwise than simulated, and the two writes whose order decided.")
        .numbers(&["W"])
        .text(&["follower", "key", "ended", "simulated", "what decided", "within jitter"])
        .rows(rows);
    Some(Block::Details { summary: "Each copy that ended otherwise".to_owned(), table })
}
