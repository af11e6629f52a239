//! Writes a second without delays.

use super::Noted;
use crate::analysis::Throughput;
use crate::report::document::Table;
use crate::report::labels;
use crate::report::number::{NONE, grouped, list, percent, short_ms};

/// Writes a second without delays, round by round; `None` of none.
pub(crate) fn throughput(all: &[Throughput]) -> Option<Noted> {
    let rounds = all.iter().map(|of| of.rounds_per_s.len()).max()?;
    let rate = |per_s: f64| grouped(per_s.round() as u64);
    let fastest = |of: &Throughput| {
        let beside = all.iter().filter(|other| other.load() == of.load() && other.quorum == of.quorum);
        beside.map(|other| other.median_per_s).fold(0.0, f64::max)
    };
    let row = |of: &Throughput| {
        let (concurrency, keys, writes) = of.load();
        let name = labels::system(&of.system, of.version.as_deref().unwrap_or_default());
        let mut row = vec![of.quorum.to_string(), name];
        row.extend([of.followers, concurrency, keys, writes].map(|number| grouped(u64::from(number))));
        row.extend(
            (0..rounds).map(|round| of.rounds_per_s.get(round).map_or_else(|| NONE.to_owned(), |per_s| rate(*per_s))),
        );
        row.extend([rate(of.median_per_s), percent(of.median_per_s / fastest(of)), short_ms(of.latency_ms)]);
        row
    };
    let names: Vec<String> = (1..=rounds).map(|round| format!("round {round}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table = Table::new(
        "Acknowledged writes a second without delays, each round and their median, what that is of the fastest system at the \
         same W under the same load, and the median latency in ms.",
    )
    .numbers(&["W"])
    .text(&["system"])
    .numbers(&["followers", "at a time", "keys", "writes"])
    .numbers(&names)
    .numbers(&["median", "of the fastest", "latency"])
    .rows(all.iter().map(row));
    Some(Noted { table, notes: remarks(all) })
}

/// What bears on all rounds.
fn remarks(all: &[Throughput]) -> Vec<String> {
    let mut notes = Vec::new();
    let named = |is_meant: fn(&Throughput) -> bool| {
        let meant = all.iter().filter(|of| is_meant(of)).map(|of| format!("{} at W = {}", of.system, of.quorum));
        meant.collect::<Vec<_>>()
    };
    let lone = named(|of| of.rounds_per_s.len() == 1);
    if !lone.is_empty() {
        notes.push(format!("One round only, which does not show how far rounds differ: {}.", list(&lone)));
    }
    let (apart, in_turn) = (named(|of| of.in_turn == Some(false)), named(|of| of.in_turn == Some(true)));
    if !apart.is_empty() {
        notes.push(format!(
            "The rounds did not take turns, so what changed on the machine meanwhile met the systems unequally: {}.",
            list(&apart)
        ));
    } else if !in_turn.is_empty() {
        notes.push(
            "The systems ran in turn: each round of one began after the round before it of all others.".to_owned(),
        );
    }
    let stood_still: Vec<String> = (all.iter().filter(|of| of.rounds_with_gaps > 0))
        .map(|of| format!("{} of {} of {} at W = {}", of.rounds_with_gaps, of.rounds_per_s.len(), of.system, of.quorum))
        .collect();
    if !stood_still.is_empty() {
        notes.push(format!(
            "Rounds during which labctl or the machine stood still, and which may be slow for that: {}.",
            list(&stood_still)
        ));
    }
    let failed: Vec<String> = (all.iter().filter(|of| of.not_acknowledged > 0))
        .map(|of| format!("{} of {} at W = {}", grouped(of.not_acknowledged), of.system, of.quorum))
        .collect();
    if !failed.is_empty() {
        notes.push(format!("Writes that were not acknowledged, and count for nothing: {}.", list(&failed)));
    }
    notes
}
