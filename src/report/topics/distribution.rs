//! The distribution of latency over its prediction.

use super::statistics::{Statistics, method};
use crate::analysis::Latency;
use crate::report::charts;
use crate::report::document::{Section, Table};
use crate::report::error::ReportError;
use crate::report::figures::{Figures, Legend};
use crate::report::model::Report;
use crate::report::number::{fixed, grouped, maybe, ms, p_value, percent};

const FILE: &str = "latency_distributions.png";

/// Most quorums that have a curve.
const MOST_CURVES: usize = 8;

pub(super) fn section(report: &Report, figures: &mut Figures) -> Result<Section, ReportError> {
    let finding = &report.findings.distribution;
    let steps = "Solid steps are the share of acknowledged writes answered within a time";
    let statistics: Vec<Statistics> = report.runs.iter().map(|run| Statistics::of(&run.latency)).collect();
    let is_predicted = report.runs.iter().any(|run| !run.distribution.predicted.is_empty());
    let method = method(&statistics).filter(|_| is_predicted);
    let (reading, subtitle) = if let Some(method) = method {
        let curves = format!(
            "dashed curves of the same colour are predicted, {method}: the W-th smallest of the injected delays, \
             without the software's own cost"
        );
        let short = format!("Solid: measured. Dashed: predicted from the injected delays alone, {method}.");
        (format!("{steps}; {curves}."), short)
    } else {
        (format!("{steps}."), "Measured.".to_owned())
    };
    let shown = super::evenly(&report.runs, MOST_CURVES);
    let distributions: Vec<_> = shown.iter().map(|run| &run.distribution).collect();
    let cut = charts::distribution::cut_ms(&distributions).map_or_else(String::new, |cut_ms| {
        let beyond = percent(1.0 - charts::distribution::SHOWN);
        format!(" The axis ends at {} ms: at no W were more than {beyond} of the writes slower.", ms(cut_ms))
    });
    let legend = Legend {
        id: "distributions",
        file: FILE,
        caption: format!("{finding}."),
        reading: reading + &tests(report) + &cut,
    };
    let page = charts::distribution::scene(&distributions, None);
    let file = charts::distribution::scene(&distributions, Some((finding, &subtitle)));
    let table = table(report.runs.iter().map(|run| &run.latency));
    let figure = figures.add(legend, &page, file, table)?;
    Ok(Section { id: "distribution", heading: "Latency distributions", blocks: vec![figure] })
}

/// What the tests can tell, and where to look for what the software costs.
fn tests(report: &Report) -> String {
    match report.runs.iter().filter(|run| run.latency.ks.is_some()).count() {
        0 => String::new(),
        tests => {
            let shared =
                if tests > 1 { " The tests share one draw of the delays and are corrected together." } else { "" };
            format!("{shared} What the software costs is told write by write below, not by this test.")
        }
    }
}

fn table<'a>(latencies: impl Iterator<Item = &'a Latency>) -> Table {
    let row = |l: &Latency| {
        vec![
            l.quorum.to_string(),
            grouped(l.n),
            maybe(l.min_ms, ms),
            maybe(l.median.map(|q| q.value_ms), ms),
            maybe(l.max_ms, ms),
            maybe(l.ks, |fit| fixed(fit.test.distance, 3)),
            maybe(l.ks, |fit| p_value(fit.p_adjusted)),
            maybe(l.ks.and_then(|fit| fit.detectable_ms), ms),
        ]
    };
    Table::new(
        "Latency in ms and its Kolmogorov-Smirnov distance from the predicted distribution. p: the chance of a distance \
         at least as great if the prediction holds, corrected for the number of W (Holm), which share their delays. \
         Detectable: the least shift that at least half of such runs show.",
    )
    .numbers(&["W", "n", "fastest", "median", "slowest", "KS distance", "p", "detectable"])
    .rows(latencies.map(row))
}
