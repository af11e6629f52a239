//! labctl: what does a write quorum buy, and what does it cost?
//!
//! The flow has one direction: `config` -> `load` plan -> `cluster` + `load` -> `data` ->
//! `analysis` -> `report`. `analysis` is pure; everything from `data` on needs no cluster.

pub mod analysis;
pub mod cli;
pub mod cluster;
pub mod commands;
pub mod config;
pub mod data;
pub mod explore;
pub mod load;
pub mod model;
pub mod report;
pub mod sim;
pub mod system;
