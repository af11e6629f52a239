//! The report's parts, each from the model alone.

mod claims;
mod comparison;
mod consistency;
mod diagnosis;
mod distribution;
mod faults;
mod forecast;
mod lag;
mod latency;
mod overhead;
mod reproduce;
mod staleness;
mod statistics;
mod timelines;

pub(crate) use self::staleness::after as visible_after;

use super::document::Document;
use super::error::ReportError;
use super::figures::Figures;
use super::model::Report;
use super::prose;

/// PNG files that some reports have and others do not.
pub(super) const OPTIONAL_FILES: [&str; 3] = [comparison::FILE, faults::FILE, timelines::FILE];

/// The whole document, and its figures.
pub(super) fn document(report: &Report, figures: &mut Figures) -> Result<Document, ReportError> {
    let sections = [
        Some(latency::section(report, figures)?),
        faults::section(report, figures)?,
        Some(consistency::section(report, figures)),
        Some(claims::section(report)),
        Some(diagnosis::section(report)),
        Some(distribution::section(report, figures)?),
        Some(timelines::section(report, figures)?),
        Some(lag::section(report, figures)?),
        Some(staleness::section(report, figures)?),
        Some(overhead::section(report, figures)?),
        forecast::section(report),
        comparison::section(report, figures)?,
        Some(reproduce::section(report)),
    ];
    Ok(Document {
        title: "What does a write quorum buy, and what does it cost?".to_owned(),
        subtitle: prose::subtitle(report),
        answer: report.answer.clone(),
        method: report.method.clone(),
        warnings: report.warnings.clone(),
        sections: sections.into_iter().flatten().collect(),
    })
}

/// At most so many of them, the first and the last always among them.
fn evenly<T>(all: &[T], most: usize) -> Vec<&T> {
    if all.len() <= most || most < 2 {
        return all.iter().take(most.max(1)).collect();
    }
    (0..most).filter_map(|i| all.get(i * (all.len() - 1) / (most - 1))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_keeps_both_ends() {
        let all: Vec<u32> = (1..=99).collect();
        let chosen = evenly(&all, 6);
        assert_eq!(chosen.len(), 6);
        assert_eq!((chosen[0], chosen[5]), (&1, &99));
        assert_eq!(evenly(&all[..3], 6), [&1, &2, &3]);
        assert!(evenly::<u32>(&[], 6).is_empty());
    }
}
