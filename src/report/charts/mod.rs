//! Forms of figures: functions from plain numbers, names and hues to scenes, one form a file. They know no
//! topic; its file in `topics/` fills them in.

pub(crate) mod against_quorum;
mod axis;
pub(crate) mod bars;
mod canvas;
mod colour;
pub(crate) mod curves;
pub(crate) mod grid;
pub(crate) mod lanes;
pub(crate) mod scatter;
mod scene;
pub(crate) mod small_multiples;
mod spread;
pub(crate) mod steps;
pub(crate) mod strips;

pub(crate) use canvas::DrawError;
pub(crate) use colour::{Hue, variables};
pub(crate) use scene::{Scene, Shape};
