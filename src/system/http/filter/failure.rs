//! Why a filter gave nothing that could be used.

/// The longest part of a value or an answer that a message shows, in characters.
const MAX_SHOWN: usize = 200;

/// Why filters could not be run on an answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum FilterFailure {
    /// They took too long.
    #[error("the filter did not end within {0} s")]
    Endless(u64),
    /// They needed too much memory.
    #[error("the filter needed more than {0} MiB of memory")]
    TooLarge(u64),
    /// They nest too deeply.
    #[error("the filter nests too deeply")]
    TooDeep,
    /// What they gave is too long.
    #[error("the filter gave more than {0} MiB")]
    TooLong(u64),
    /// The process that ran them ended.
    #[error("the process that runs filters ended: {0}")]
    Ended(String),
    /// The process that runs them cannot be started.
    #[error("cannot start the process that runs filters: {0}")]
    NotStarted(String),
}

/// The beginning of a text, on one line.
pub(in super::super) fn shortened(text: &str) -> String {
    let mut rest = text.trim_end().chars();
    let start: String = rest.by_ref().take(MAX_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if rest.next().is_some() { format!("{start}...") } else { start }
}
