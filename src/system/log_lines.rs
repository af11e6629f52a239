//! What a node's log tells.

/// The first line that has one of these texts in it.
pub(super) fn line_with(log: &[u8], texts: &[&str]) -> Option<String> {
    let log = String::from_utf8_lossy(log);
    let line = log.lines().find(|line| texts.iter().any(|text| line.contains(text)))?;
    Some(line.trim().to_owned())
}
