//! Figures: functions from analysed data to scenes, one figure a file.

pub(super) mod against_quorum;
mod axis;
mod canvas;
mod colour;
pub(super) mod consistency_map;
pub(super) mod distribution;
pub(super) mod durability;
pub(super) mod faults;
pub(super) mod overhead;
mod scene;
pub(super) mod small_multiples;
mod spread;
pub(super) mod staleness;
pub(super) mod timeline;

pub(super) use canvas::DrawError;
pub(super) use colour::{Hue, variables};
pub(super) use scene::Scene;
