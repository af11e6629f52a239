//! What a type accepts, in the words of error messages.

use std::fmt;

/// A type whose values are written in files and on the command line.
pub trait Accepted {
    /// The accepted values, in words that follow "must be", such as `a whole number from 1 to 99`.
    fn accepted() -> String;
}

/// The message that refuses a value; `what` says what it should have been.
pub(crate) fn refusal<T: Accepted>(what: &str, value: impl fmt::Display) -> String {
    format!("{what} must be {}, not {value}", T::accepted())
}

/// A list of words for a sentence: `one of "a", "b" or "c"`.
#[must_use]
pub fn one_of(words: &[impl AsRef<str>]) -> String {
    format!("{}{}", if words.len() > 2 { "one of " } else { "" }, either(words))
}

/// The same, shorter: `"a", "b" or "c"`.
#[must_use]
pub fn either(words: &[impl AsRef<str>]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{}\"", word.as_ref())).collect();
    match quoted.as_slice() {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        all => all.concat(),
    }
}
