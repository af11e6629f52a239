//! What the simulation of the same seed had foreseen.

use crate::analysis::{Forecast, Surprise};
use crate::report::document::{Block, Section, Table};
use crate::report::labels;
use crate::report::model::Report;
use crate::report::number::{NONE, grouped, maybe, short_ms};

/// Most surprises that are listed.
const MOST_SURPRISES: usize = 200;

/// The section; nothing where nothing was foreseen.
pub(super) fn section(report: &Report) -> Option<Section> {
    let finding = report.findings.forecast.as_ref()?;
    let mut blocks = vec![Block::paragraph(format!("{finding}.")), Block::Table { table: table(&report.forecasts) }];
    blocks.extend(surprises(&report.forecasts));
    Some(Section { id: "forecast", heading: "What the simulation foresaw", blocks })
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
        "The run against the simulation of the same seed. Latency: measured less foreseen, in ms; near is within \
         10 ms. Pairs: how many ended as foreseen. Jitter: by how much the distance of neighbouring arrivals changed, \
         99th percentile, in ms.",
    )
    .numbers(&["W", "writes", "near", "p50", "p99", "greatest", "pairs", "as foreseen", "jitter"])
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
    let table = Table::new("Pairs that ended otherwise than foreseen, and the two writes whose order decided.")
        .numbers(&["W"])
        .text(&["follower", "key", "ended", "foreseen", "what decided", "within jitter"])
        .rows(rows);
    Some(Block::Details { summary: "Each pair that ended otherwise".to_owned(), table })
}
