//! What a topic of the report is: one section with what it found, its figure and its tables.

use super::charts::Scene;
use super::document::{Block, Section, Table};
use super::error::ReportError;
use super::figures::{Figures, Legend};
use super::model::{Report, RunReport};
use super::number::list;

/// One topic. Each is defined in its file in `topics/` and stands in the list there.
pub(super) struct Topic {
    /// Anchor of its section, and the name of its finding in `summary.json`.
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    /// PNG file of its figure.
    pub(super) file: Option<&'static str>,
    /// What a run must have recorded for this section to tell everything.
    pub(super) needs: &'static [Recorded],
    pub(super) finding: Finding,
    /// Its sentences in the answer at the head of the page.
    pub(super) answer: fn(&Report) -> Option<String>,
    /// What stands in its section.
    pub(super) blocks: fn(&Report, &mut Page<'_>) -> Result<Vec<Block>, ReportError>,
}

/// What a topic shows, in one sentence without a full stop: the title of its figure.
#[derive(Clone, Copy)]
pub(super) enum Finding {
    None,
    Always(fn(&Report) -> String),
    /// The section is left out if there is nothing to tell.
    IfAny(fn(&Report) -> Option<String>),
}

/// What a run may have recorded or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recorded {
    /// When each copy was sent, arrived and was acknowledged.
    Trace,
    /// What every node held in the end.
    Stores,
}

impl Topic {
    /// What it shows; `None` if it has no finding here.
    pub(super) fn finding(&self, report: &Report) -> Option<String> {
        match self.finding {
            Finding::None => None,
            Finding::Always(tell) => Some(tell(report)),
            Finding::IfAny(tell) => tell(report),
        }
    }

    /// Its section; `None` if there is nothing to tell.
    pub(super) fn section(&self, report: &Report, figures: &mut Figures) -> Result<Option<Section>, ReportError> {
        let finding = self.finding(report);
        if finding.is_none() && matches!(self.finding, Finding::IfAny(_)) {
            return Ok(None);
        }
        let mut page = Page { topic: self, finding: finding.unwrap_or_default(), figures };
        let mut blocks: Vec<Block> = self.needs.iter().filter_map(|what| what.lacking(&report.runs)).collect();
        blocks.extend((self.blocks)(report, &mut page)?);
        Ok(Some(Section { id: self.id, heading: self.heading, blocks }))
    }
}

impl Recorded {
    /// That some runs lack it, as a paragraph.
    fn lacking(self, runs: &[RunReport]) -> Option<Block> {
        let (has, what): (fn(&RunReport) -> bool, _) = match self {
            Self::Trace => (|run| run.has_trace, "no usable trace of its copies"),
            Self::Stores => (|run| run.has_stores, "no usable record of what the nodes held in the end"),
        };
        let without: Vec<String> =
            runs.iter().filter(|run| !has(run)).map(|run| format!("W = {}", run.quorum)).collect();
        (!without.is_empty()).then(|| {
            let verb = if without.len() == 1 { "The run at {} has" } else { "The runs at {} have" };
            let text =
                format!("{} {what}, so what follows from it is left out here.", verb.replace("{}", &list(&without)));
            Block::paragraph(text)
        })
    }
}

/// The section of a topic while it is made.
pub(super) struct Page<'a> {
    topic: &'a Topic,
    finding: String,
    figures: &'a mut Figures,
}

impl Page<'_> {
    /// The topic's finding, without a full stop.
    pub(super) fn finding(&self) -> &str {
        &self.finding
    }

    /// The topic's figure. `scene` draws it with a title and a subtitle, for the PNG file, or
    /// without, for the page.
    pub(super) fn figure(
        &mut self,
        reading: String,
        subtitle: &str,
        table: Table,
        scene: impl Fn(Option<(&str, &str)>) -> Scene,
    ) -> Result<Block, ReportError> {
        let Legend { id, file, caption, .. } = self.legend();
        let (page, picture) = (scene(None), scene(Some((&self.finding, subtitle))));
        self.figures.add(Legend { id, file, caption, reading }, &page, picture, table)
    }

    /// Has the topic's PNG file drawn, for a figure that is no drawing on the page.
    pub(super) fn picture(&mut self, subtitle: &str, scene: impl Fn(&str, &str) -> Scene) -> Legend {
        let legend = self.legend();
        self.figures.picture(legend.file, scene(&self.finding, subtitle));
        legend
    }

    fn legend(&self) -> Legend {
        Legend {
            id: format!("{}-figure", self.topic.id),
            file: self.topic.file.unwrap_or_default(),
            caption: format!("{}.", self.finding),
            reading: String::new(),
        }
    }
}
