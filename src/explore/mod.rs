//! Many runs in the simulation, over a grid of conditions: what a write quorum costs and what
//! it buys, with the chance in the delays averaged out.
//!
//! `grid` lays out the points, `outcome` plays one run of one, `figures` sums up a
//! point's runs, `work` spreads runs over threads, and `file` keeps the results.

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
pub use row::{Conditions, PointRow};
pub use work::{Work, explore};
