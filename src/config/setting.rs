//! What each setting accepts, in the words of its error messages.

use std::path::PathBuf;

use serde::de::DeserializeOwned;

use crate::model::{Accepted, Millis};

/// The value of a setting. A value that is refused is reported as "SETTING must be ACCEPTED, not
/// VALUE", whatever serde has to say of it.
pub(super) trait Setting: Accepted + DeserializeOwned {}

impl<T: Accepted + DeserializeOwned> Setting for T {}

/// The words that an enum accepts.
macro_rules! words {
    ($name:ty: $($word:literal),+) => {
        impl $crate::model::Accepted for $name {
            fn accepted() -> String {
                $crate::model::one_of(&[$($word),+])
            }
        }
    };
}
pub(super) use words;

impl Accepted for Millis {
    fn accepted() -> String {
        format!("a number of milliseconds from {} to {}", Self::MIN, Self::MAX)
    }
}

/// A seed; TOML has no larger integers.
impl Accepted for u64 {
    fn accepted() -> String {
        format!("a whole number from 0 to {}", i64::MAX)
    }
}

impl Accepted for i64 {
    fn accepted() -> String {
        "a whole number".to_owned()
    }
}

impl Accepted for PathBuf {
    fn accepted() -> String {
        "the path of a file, in quotes".to_owned()
    }
}

impl<T: Accepted> Accepted for Option<T> {
    fn accepted() -> String {
        T::accepted()
    }
}

impl<T: Accepted> Accepted for Vec<T> {
    fn accepted() -> String {
        format!("a list in brackets, each value {}", T::accepted())
    }
}
