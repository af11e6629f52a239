//! The list of all kinds of faults. Each is a file, its module, and a line here.

mod kill;
mod mute;
mod partition;
mod pause;
mod slow;
mod stop;

use super::macros::fault_kinds;

fault_kinds! {
    kill::Kill,
    stop::Stop,
    pause::Pause,
    partition::Partition,
    slow::Slow,
    mute::Mute,
}

pub use kill::Kill;
pub use partition::{CutFrom, Partition};
pub use pause::Pause;
pub use slow::Slow;
pub use stop::Stop;
