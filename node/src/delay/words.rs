//! Numbers in a reader's words.

/// At most four digits after the point, which are enough to tell networks apart.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
