//! The report: `report.html`, `report.md`, `summary.csv`, `summary.json` and figures, all
//! functions of the data alone. The same runs give the same bytes on any machine.
//!
//! `model` holds the numbers, `prose` and `topics` make sentences, tables and figures of
//! them, `charts` draws, `page` sets them.

pub(crate) mod charts;
mod csv;
pub(crate) mod document;
mod error;
pub(crate) mod figures;
pub(crate) mod files;
mod json;
mod labels;
mod model;
pub(crate) mod number;
pub(crate) mod page;
mod prose;
mod rendered;
mod topics;

pub use error::ReportError;
pub use model::{
    ComparedExperiment, ComparedRun, ConsistencyReport, Distribution, DistributionPoint, FaultReport, Findings,
    MomentReport, OverheadReport, PlottedWrite, Report, RunReport, SCHEMA,
};
pub use rendered::{Extras, Rendered, ReportFiles, render, render_with, write};
pub(crate) use topics::visible_after;
