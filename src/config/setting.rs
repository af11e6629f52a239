//! What each setting accepts, in the words of its error messages.

use std::path::PathBuf;

use labnode::delay::{Millis, Scale, Shape, Sigma, Weight};
use serde::de::DeserializeOwned;

/// The value of a setting. A value that is refused is reported as "SETTING must be ACCEPTED, not
/// VALUE", whatever serde has to say of it.
pub(super) trait Setting: DeserializeOwned {
    /// What is accepted, in words that follow "must be".
    fn accepted() -> String;
}

/// `"a", "b" or "c"`.
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        [most @ .., last] => format!("one of {} or {last}", most.join(", ")),
    }
}

/// The words that an enum accepts.
macro_rules! words {
    ($name:ty: $($word:literal),+) => {
        impl $crate::config::setting::Setting for $name {
            fn accepted() -> String {
                $crate::config::setting::one_of(&[$($word),+])
            }
        }
    };
}
pub(super) use words;

/// The numbers, with or without a fraction, that a parameter accepts.
macro_rules! numbers {
    ($($name:ty: $what:literal),+) => {
        $(impl Setting for $name {
            fn accepted() -> String {
                format!(concat!($what, " from {} to {}"), Self::MIN, Self::MAX)
            }
        })+
    };
}

numbers! {
    Millis: "a number of milliseconds",
    Scale: "a number of milliseconds",
    Sigma: "a number",
    Shape: "a number",
    Weight: "a number"
}

/// A seed; TOML has no larger integers.
impl Setting for u64 {
    fn accepted() -> String {
        format!("a whole number from 0 to {}", i64::MAX)
    }
}

impl Setting for i64 {
    fn accepted() -> String {
        "a whole number".to_owned()
    }
}

impl Setting for PathBuf {
    fn accepted() -> String {
        "the path of a file, in quotes".to_owned()
    }
}

impl<T: Setting> Setting for Option<T> {
    fn accepted() -> String {
        T::accepted()
    }
}

impl<T: Setting> Setting for Vec<T> {
    fn accepted() -> String {
        format!("a list in brackets, each value {}", T::accepted())
    }
}
