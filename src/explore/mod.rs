//! Many simulated runs over a grid of conditions: what a write quorum costs and buys, averaged
//! over the chance in the delays.
//!
//! `grid` lists the points, `outcome` simulates one run of a point, `figures` sums up a point's
//! runs, `work` spreads runs over threads, `file` keeps the results, `report` shows them.

mod figures;
mod file;
mod forecast;
mod grid;
mod outcome;
mod replay;
mod report;
mod row;
mod work;

#[cfg(test)]
mod tests;

pub use figures::{PointFigures, Predicted};
pub use file::ResultsFile;
pub use forecast::forecast;
pub use grid::{Grid, Point};
pub use outcome::RunOutcome;
pub use report::write_exploration;
pub use row::{PointConditions, PointRow};
pub use work::{Work, explore};
