//! A key-value store with single-leader, semi-synchronous replication.
//!
//! One program, two roles: the [leader] numbers and applies every write and sends it
//! to the [followers](follower), each after a delay drawn for it; a client waits for as many
//! acknowledgements as the write quorum says. How followers are reached is a
//! [transport], and all time comes from one [clock], so the same code
//! runs over HTTP in six processes and in virtual time inside one thread.

pub mod api;
pub mod bounds;
pub mod clock;
pub mod config;
pub mod delay;
pub mod follower;
pub mod http_connection;
pub mod leader;
pub mod limits;
pub mod node;
pub mod poison;
pub mod program;
pub mod proxy;
pub mod server;
pub mod store;
pub mod trace;
pub mod transport;
pub mod wire;
