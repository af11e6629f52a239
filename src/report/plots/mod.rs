//! Figures: functions from analysed data to scenes, one figure a file.

mod axis;
mod canvas;
mod colour;
pub(super) mod consistency_map;
pub(super) mod distribution;
mod labels;
pub(super) mod overhead;
pub(super) mod quorum_latency;
mod scene;

pub(super) use canvas::DrawError;
pub(super) use colour::{Hue, variables};
pub(super) use scene::Scene;
