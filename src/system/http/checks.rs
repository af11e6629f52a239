//! What a mapping must have beyond its single keys.

use super::rules::{DumpBy, DumpOf};
use super::settings::{HttpSettings, State};
use crate::config::Problems;
use crate::model::QuorumControl;

/// Reports what is missing in a mapping whose keys are each as they should be. `path` leads to its table.
pub(super) fn check(settings: &HttpSettings, path: &str, problems: &mut Problems<'_>) {
    let write = &settings.write.exchange;
    let mut add =
        |key: &str, message: String| problems.add_at(&format!("{path}{key}"), format!("{path}{key}: {message}"));
    let nowhere = |placeholder: &str| format!("{{{placeholder}}} must be in its request, headers or body");
    if !write.has("value") {
        add("write", nowhere("value"));
    }
    let has_keys = settings.state == State::Keys;
    if has_keys && !write.has("key") {
        add("write", format!("{}, or state must be \"log\"", nowhere("key")));
    }
    if has_keys && settings.read.as_ref().is_some_and(|read| !read.exchange.has("key")) {
        add("read", nowhere("key"));
    }
    match (settings.quorum, &settings.set_quorum) {
        (QuorumControl::PerWrite, _) if !write.has("quorum") => {
            add("write", format!("{}, since quorum is \"per_write\"", nowhere("quorum")));
        }
        (QuorumControl::PerStart, _) if !settings.start.mentions(&settings.environment, "quorum") => {
            let message = "{quorum} must be in its command or in environment, since quorum is \"per_start\"";
            add("start", message.to_owned());
        }
        (QuorumControl::ByRequest, None) => {
            add(
                "set_quorum",
                "it must be a table with the request that sets W, since quorum is \"by_request\"".to_owned(),
            );
        }
        (QuorumControl::ByRequest, Some(set)) if !set.exchange.has("quorum") => add("set_quorum", nowhere("quorum")),
        (QuorumControl::PerStart | QuorumControl::PerWrite, Some(_)) => {
            add("set_quorum", "it is sent only if quorum is \"by_request\"".to_owned());
        }
        _ => {}
    }
    let Some(dump) = &settings.dump else { return };
    if dump.by == DumpBy::Reads && settings.read.is_none() {
        add("dump.by", "a node is dumped by reads, and there is no table read".to_owned());
    }
    if dump.by == DumpBy::Reads && !has_keys {
        add("dump.by", "a log has no keys to read; dump it by a request".to_owned());
    }
    let reads_some = dump.by == DumpBy::Reads || dump.of == DumpOf::Followers;
    let has_read_version = settings.read.as_ref().is_none_or(|read| read.version.is_some());
    if settings.write.version.is_some() && reads_some && !has_read_version {
        add("read.version", "it must be there: write has a version, and nodes are dumped by reads".to_owned());
    }
}
