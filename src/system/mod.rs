//! What is measured: one folder a system, and one list.

mod checks;
pub mod labnode;
mod list;
mod session;
#[cfg(test)]
mod tests;
mod traits;

pub use self::labnode::{Clock, limits, program};
#[cfg(test)]
pub(crate) use self::list::fake;
pub use self::list::{KINDS, SystemError, presence_of, system_of};
pub use self::session::{
    ArrivalRecord, CopyRecord, Found, PendingCopies, PlannedWrite, Session, SessionError, SettleLimits, Trace,
    WriteAnswer,
};
pub use self::traits::{Presence, System, SystemKind};
