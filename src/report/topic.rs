//! What a topic of the report is: one section with what it found, its figure and its tables.

use super::charts::Scene;
use super::document::{Block, Section, Table};
use super::error::ReportError;
use super::figures::{Figures, Legend};
use super::model::{Report, RunReport};
use super::number::list;
use crate::analysis::Need;

/// What a section rests on whose system keeps no trace.
const SEEN_FROM_OUTSIDE: &str = "Seen from outside: this system keeps no trace, so readers asked its followers during the \
     run. A write arrived after the last answer without it was asked for, and before the first answer with it came. Each \
     figure is given from what follows if every copy came as early as it may have, to what follows if as late.";

/// One topic. Each is defined in its file in `topics/` and stands in the list there.
pub(super) struct Topic {
    /// Anchor of its section, and the name of its finding in `summary.json`.
    pub(super) id: &'static str,
    pub(super) heading: &'static str,
    /// PNG file of its figure.
    pub(super) file: Option<&'static str>,
    /// What this section rests on. If the system does not tell it, the section says so and nothing else;
    /// if a run has lost it, what follows from it is left out.
    pub(super) needs: &'static [Need],
    pub(super) finding: Finding,
    /// Its sentences in the answer at the head of the page, unless the system does not tell what they
    /// rest on.
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

impl Topic {
    /// What it shows; `None` if it has no finding here.
    pub(super) fn finding(&self, report: &Report) -> Option<String> {
        if let Some(why) = self.withheld(report) {
            return (!matches!(self.finding, Finding::None)).then_some(why);
        }
        let finding = match self.finding {
            Finding::None => None,
            Finding::Always(tell) => Some(tell(report)),
            Finding::IfAny(tell) => tell(report),
        };
        finding.map(|finding| self.with_source(report, finding))
    }

    /// A sentence that says where it was seen from, if not from inside.
    fn with_source(&self, report: &Report, sentence: String) -> String {
        if !self.is_outside(report) {
            return sentence;
        }
        // No sentence on arrivals begins with a name.
        let mut letters = sentence.chars();
        let first = letters.next().into_iter().flat_map(char::to_lowercase);
        format!("Seen from outside: {}", first.chain(letters).collect::<String>())
    }

    /// Whether this section rests on what readers saw, for want of a trace.
    fn is_outside(&self, report: &Report) -> bool {
        self.needs.contains(&Need::Arrivals) && report.runs.iter().any(|run| run.is_outside)
    }

    /// Its sentences in the answer at the head of the page.
    pub(super) fn answer(&self, report: &Report) -> Option<String> {
        if self.withheld(report).is_some() {
            return None;
        }
        (self.answer)(report).map(|answer| self.with_source(report, answer))
    }

    /// Why there is nothing in this section, without a full stop: the system does not tell what it rests
    /// on. All runs of a report are of one system.
    fn withheld(&self, report: &Report) -> Option<String> {
        let why = report.runs.iter().find_map(|run| run.withheld(self.needs))?;
        Some(format!("Not known here: {why}"))
    }

    /// Its section; `None` if there is nothing to tell.
    pub(super) fn section(&self, report: &Report, figures: &mut Figures) -> Result<Option<Section>, ReportError> {
        if let Some(why) = self.withheld(report) {
            let blocks = vec![Block::paragraph(format!("{why}."))];
            return Ok(Some(Section { id: self.id, heading: self.heading, blocks }));
        }
        let finding = self.finding(report);
        if finding.is_none() && matches!(self.finding, Finding::IfAny(_)) {
            return Ok(None);
        }
        let mut page = Page { topic: self, finding: finding.unwrap_or_default(), figures };
        let mut blocks: Vec<Block> = self.needs.iter().filter_map(|need| lost(*need, &report.runs)).collect();
        if self.is_outside(report) {
            blocks.push(Block::paragraph(SEEN_FROM_OUTSIDE));
        }
        blocks.extend((self.blocks)(report, &mut page)?);
        if report.runs.iter().any(|run| !run.withheld.is_empty()) {
            blocks.iter_mut().for_each(Block::drop_empty_columns);
        }
        Ok(Some(Section { id: self.id, heading: self.heading, blocks }))
    }
}

/// That some runs have lost what a section rests on, as a paragraph.
pub(super) fn lost(need: Need, runs: &[RunReport]) -> Option<Block> {
    let (has, what): (fn(&RunReport) -> bool, _) = match need {
        Need::Trace | Need::Delays => (|run| run.has_trace, "no usable trace of its copies"),
        Need::Arrivals => (|run| run.has_arrivals, "no usable trace of its copies"),
        Need::Stores => (|run| run.has_stores, "no usable record of what the nodes held in the end"),
        // These are the system's, and no run loses them.
        Need::Received | Need::IndependentWrites | Need::OwnDelays => return None,
    };
    let without: Vec<String> = runs.iter().filter(|run| !has(run)).map(|run| format!("W = {}", run.quorum)).collect();
    (!without.is_empty()).then(|| {
        let verb = if without.len() == 1 { "The run at {} has" } else { "The runs at {} have" };
        let text = format!("{} {what}, so what follows from it is left out here.", verb.replace("{}", &list(&without)));
        Block::paragraph(text)
    })
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
