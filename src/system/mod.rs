//! What is measured: one folder a system, and one list.

mod checks;
#[cfg(test)]
pub(crate) mod fake;
pub mod labnode;
mod list;
mod session;
#[cfg(test)]
mod tests;
mod traits;

pub use self::labnode::{Clock, limits, program};
pub use self::list::{KINDS, SystemError, system_of};
pub use self::session::{
    ArrivalRecord, CopyRecord, Found, PendingCopies, PlannedWrite, Session, SessionError, SettleLimits, Trace,
    WriteAnswer,
};
pub use self::traits::{Presence, System, SystemKind};
