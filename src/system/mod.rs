//! What is measured: one folder a system.

pub mod labnode;
