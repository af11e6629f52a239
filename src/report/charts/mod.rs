//! Figures: functions from analysed data to scenes, one figure a file.

pub(crate) mod against_quorum;
mod axis;
mod canvas;
mod colour;
pub(crate) mod consistency_map;
pub(crate) mod course;
pub(crate) mod distribution;
pub(crate) mod durability;
pub(crate) mod overhead;
mod scene;
pub(crate) mod small_multiples;
mod spread;
pub(crate) mod staleness;
pub(crate) mod timeline;

pub(crate) use canvas::DrawError;
pub(crate) use colour::{Hue, variables};
pub(crate) use scene::Scene;
