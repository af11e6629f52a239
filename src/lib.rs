//! labctl: what does a write quorum buy, and what does it cost?
//!
//! `docs/architecture.md` says what each module holds, and which may use which.

pub mod analysis;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod data;
pub mod explore;
pub mod load;
pub mod model;
pub mod network;
pub mod programs;
pub mod report;
pub mod sim;
pub mod system;
