//! labctl end to end, as its user runs it, on local processes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../support/broken.rs"]
mod broken;
mod checking;
mod comparing;
mod configuration;
mod docker;
mod documentation;
mod environment;
mod exploring;
#[path = "../fake-docker/mod.rs"]
#[allow(dead_code, reason = "the other user of the scripted Docker needs more of it")]
mod fake_docker;
mod faults;
mod hardship;
mod interruption;
mod lab;
mod output;
mod proxies;
mod running;
mod simulation;
mod staleness;
mod stored;
mod surroundings;
mod untraced;
