//! The report's parts, each from the model alone.

mod claims;
mod consistency;
mod distribution;
mod latency;
mod overhead;
mod reproduce;

use super::ReportError;
use super::document::Document;
use super::figures::Figures;
use super::model::Report;
use super::number::count;

/// The whole document, and its figures drawn.
pub(super) fn document(report: &Report, figures: &mut Figures) -> Result<Document, ReportError> {
    Ok(Document {
        title: format!("What a write quorum buys and costs: {}", report.experiment),
        subtitle: subtitle(report),
        answer: report.answer.clone(),
        sections: vec![
            latency::section(report, figures)?,
            consistency::section(report, figures)?,
            claims::section(report),
            distribution::section(report, figures)?,
            overhead::section(report, figures)?,
            reproduce::section(report),
        ],
    })
}

/// The conditions, in one line.
fn subtitle(report: &Report) -> String {
    let Some(run) = report.runs.first() else {
        return String::new();
    };
    let config = &run.manifest.config;
    let delay = config.network.delay;
    format!(
        "One leader and {}; {} a quorum, {} at a time, over {}; injected delay {} to {} ms; {} order; {}.",
        count(u64::from(config.followers.get()), "follower"),
        count(u64::from(config.workload.writes.get()), "write"),
        config.workload.concurrency,
        count(u64::from(config.workload.keys.get()), "key"),
        delay.min_ms(),
        delay.max_ms(),
        config.network.order,
        match &run.manifest.started {
            Some(started) => format!("run on {}", started.split('T').next().unwrap_or_default()),
            None => "simulated in virtual time".to_owned(),
        },
    )
}
