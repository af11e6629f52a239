//! What is measured: one folder a system, and one list.

pub mod labnode;
mod list;
mod session;
mod traits;

pub use self::labnode::Clock;
pub use self::list::{SYSTEMS, system_of};
pub use self::session::{
    Answer, ArrivalRecord, CopyRecord, Found, InFlight, PlannedWrite, Session, SessionError, SettleLimits, Trace,
};
pub use self::traits::System;
