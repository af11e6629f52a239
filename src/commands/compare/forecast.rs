//! A data folder against the simulation of the same experiment and seed.

use anyhow::bail;
use tokio_util::sync::CancellationToken;

use super::layout::Layout;
use crate::analysis::{Forecast, Surprise};
use crate::cli::Exit;
use crate::cli::{Compare, CompareFormat};
use crate::commands::output::say;
use crate::commands::saved::Saved;
use crate::explore::forecast;
use crate::model::SystemName;

/// Compares these runs with the simulation of their experiment and seed.
pub(super) fn run(args: &Compare, saved: &Saved) -> anyhow::Result<Exit> {
    if let Some(run) = saved.runs.iter().find(|run| run.manifest.system_name() != SystemName::LABNODE) {
        bail!(
            "{}: these runs measured `{}`, and only `{}` can be simulated; to compare with other runs, name their folder",
            args.left.display(),
            run.manifest.system_name(),
            SystemName::LABNODE
        );
    }
    let forecasts = forecast(&saved.runs, &CancellationToken::new())?;
    match args.format {
        CompareFormat::Json => say!("{}", serde_json::to_string_pretty(&forecasts)?),
        CompareFormat::Text => say!("{}", render(&Layout::text(), args, &forecasts).trim_end()),
        CompareFormat::Markdown => say!("{}", render(&Layout::markdown(), args, &forecasts).trim_end()),
    }
    saved.check_sound()?;
    Ok(Exit::Success)
}

fn render(layout: &Layout, args: &Compare, forecasts: &[Forecast]) -> String {
    let heading = layout.heading;
    let mut text = format!(
        "{heading}{} against the simulation of the same seed\n\np50, p99, greatest: measured minus simulated latency, in ms. \
         near: writes at most 10 ms off. A copy is one follower's value for one key.\n\n",
        args.left.display()
    );
    let columns = ["W", "writes", "near", "p50", "p99", "greatest", "copies", "as simulated", "diverged", "simulated"];
    text += &layout.table(&columns, forecasts.iter().map(row));
    let surprises = || forecasts.iter().flat_map(|one| one.pairs.surprises.iter().map(|pair| (one.quorum, pair)));
    if surprises().next().is_some() {
        text += &format!(
            "\n{heading}Copies that ended otherwise\n\ngap: ms from the write that was to be last to the \
                          one that was; simulated gap: ms the other way in the simulation. within jitter: the two swapped, \
                          and moved no more than 99 % of neighbouring arrivals did.\n\n"
        );
        let columns =
            ["W", "follower", "key", "last write", "simulated last", "gap ms", "simulated gap", "within jitter"];
        text += &layout.table(&columns, surprises().map(|(quorum, pair)| surprise(quorum, pair)));
    }
    text
}

fn row(forecast: &Forecast) -> Vec<String> {
    let (latency, pairs) = (&forecast.latency, &forecast.pairs);
    let ms = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| format!("{value:+.2}"));
    vec![
        forecast.quorum.to_string(),
        latency.n.to_string(),
        latency.near.to_string(),
        ms(latency.p50.map(|quantile| quantile.value_ms)),
        ms(latency.p99.map(|quantile| quantile.value_ms)),
        ms(latency.greatest_ms),
        pairs.n.to_string(),
        pairs.agreeing.to_string(),
        pairs.diverged.to_string(),
        pairs.foreseen.to_string(),
    ]
}

fn surprise(quorum: u32, pair: &Surprise) -> Vec<String> {
    let mut row = vec![quorum.to_string(), pair.follower.to_string(), pair.key.clone()];
    row.extend(match &pair.race {
        Some(race) => [
            race.last.to_string(),
            race.foreseen_last.to_string(),
            format!("{:.2}", race.gap_ms),
            format!("{:.2}", race.foreseen_gap_ms),
            if race.within_jitter { "yes" } else { "no" }.to_owned(),
        ],
        None => std::array::from_fn(|_| "-".to_owned()),
    });
    row
}
