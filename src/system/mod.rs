//! What is measured: one folder a system, and one list.

mod checks;
mod delays;
mod explained;
pub mod labnode;
mod list;
mod log_lines;
mod named;
mod plain_http;
mod session;
mod start;
mod storage_medium;
#[cfg(test)]
mod tests;
mod traits;
mod version_answer;

pub use self::explained::{Explained, Rule};
pub use self::labnode::{Clock, limits, program};
#[cfg(test)]
pub(crate) use self::list::fake;
pub use self::list::{KINDS, SystemError, presence_of, run_filters, system_of};
pub use self::session::{
    ArrivalRecord, CopyRecord, Found, LeaderChange, PendingCopies, PlannedWrite, ProbeStep, Session, SessionError,
    SettleLimits, Trace, WriteAnswer,
};
pub use self::traits::{Presence, System, SystemKind};
