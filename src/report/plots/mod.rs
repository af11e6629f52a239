//! Figures: functions from analysed data to scenes, one figure a file.

mod axis;
mod canvas;
mod colour;
mod labels;
pub(super) mod quorum_latency;
mod scene;

pub(super) use canvas::DrawError;
pub(super) use colour::variables;
pub(super) use scene::Scene;
