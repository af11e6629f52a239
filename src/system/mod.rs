//! What is measured: one folder a system, and one list.

pub mod labnode;
mod list;
mod session;
mod traits;

pub use self::labnode::{Clock, limits, program};
pub use self::list::{SYSTEMS, system_of};
pub use self::session::{
    ArrivalRecord, CopyRecord, Found, PendingCopies, PlannedWrite, Session, SessionError, SettleLimits, Trace,
    WriteAnswer,
};
pub use self::traits::System;
