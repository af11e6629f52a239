//! Real databases as systems under test, as labctl's user runs them. Where a server is not installed
//! its tests say so and pass, unless `LABCTL_REQUIRE` names it.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod adapter;
mod adapter_nodes;
mod adapter_page;
mod adapter_restarts;
mod compose;
#[path = "../support/engine_left.rs"]
mod engine_left;
mod etcd;
mod failover;
mod failover_compose;
mod faults;
mod http;
mod http_containers;
mod kills;
#[path = "../cli/lab.rs"]
#[allow(dead_code, reason = "the other user of the folder needs more of it")]
mod lab;
mod outside;
mod own_node_page;
mod postgres;
mod postgres_compose;
mod python_node;
mod redis;
mod redis_settings;
mod refusals;
#[path = "../support/require.rs"]
mod require;
mod shapes;
mod start;
mod terminal;
