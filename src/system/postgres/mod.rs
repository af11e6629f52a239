//! PostgreSQL: a primary and its standbys, which stream its log; writes by upserts that wait for a quorum of standbys.

mod connected;
mod connections;
mod kind;
mod pending;
mod programs;
mod server;
mod session;
mod settings;

pub(super) use self::kind::PostgresKind;
