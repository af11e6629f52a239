//! Systems of which nothing is known but their interface over HTTP: a mapping in experiments.toml says how a write, a
//! read and a dump look, and how their answers are read.

mod body;
mod checks;
mod client;
mod done;
mod exchange;
mod filter;
mod judge;
mod node;
mod placeholders;
mod preset;
mod read;
mod rules;
mod session;
mod settings;
mod table;

pub use self::filter::run_worker;
pub(super) use self::node::HttpKind;

#[cfg(test)]
mod tests;
