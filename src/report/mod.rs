//! The report: `report.html`, `report.md`, `summary.csv`, `summary.json` and figures, all
//! functions of the data alone. The same runs give the same bytes on any machine.
//!
//! `model` holds the numbers, `topics` the sections with their findings, figures and tables,
//! `charts` the forms of figures. `headline` gathers what stands at the head of the page, and
//! `page` sets it in HTML and in Markdown.

pub(crate) mod charts;
mod csv;
pub(crate) mod document;
mod ends;
mod error;
pub(crate) mod figures;
pub(crate) mod files;
mod headline;
mod json;
pub(crate) mod labels;
mod method;
mod model;
pub(crate) mod number;
pub(crate) mod page;
mod rendered;
pub(crate) mod side_by_side;
mod summary;
mod system;
mod topic;
mod topics;
mod warnings;

pub use error::ReportError;
pub use model::{
    AnalysedRun, ComparedExperiment, ComparedRun, ConsistencyReport, Course, DistributionCurves, DistributionPoint,
    FaultReport, MomentReport, OverheadReport, PlottedWrite, Report, RunReport,
};
pub use rendered::{Extras, Rendered, ReportFiles, render, render_analysed, render_with, write};
pub use summary::SCHEMA;
pub(crate) use topics::visible_after;
pub use warnings::warnings;
