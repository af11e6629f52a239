//! What a setting is: a key of `experiments.toml`, declared once in the table that has it.

use std::fmt;
use std::path::PathBuf;

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::de::DeValue;

use super::reader::{Fields, Problems};
use crate::model::{Accepted, Millis};

/// A type that a key of `experiments.toml` can have.
pub(crate) trait Setting: Sized {
    /// Reads the value of `key`, or returns `default` if the key is absent. A wrong value is
    /// reported and replaced by `default`, so that the rest can still be checked.
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self;
}

/// Declares one table of `experiments.toml`: a struct with all its settings.
///
/// A field is a setting: its help (the doc comment), key, type and default. The type has the
/// bounds and says what is accepted. A field may further say, in this order:
///
/// - `key "..."`: its key in TOML, if that is not the field's name;
/// - `read_by f`: a function instead of [`Setting::read`];
/// - `words "{} writes"`: how one line about the experiment tells of it;
/// - `words_if_changed "..."`: the same, told only where the value is not the default;
/// - `words_if_given "..."`: the same of an optional setting, told only where it has a value.
///
/// A setting that did not exist from the beginning has
/// `#[serde(default, skip_serializing_if = "is_default")]`: old manifests lack it, and the
/// SHA-256 of a configuration that does not use it must stay what it was.
macro_rules! settings {
    (
        $(#[$table:meta])*
        $visibility:vis struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                $field:ident: $type:ty = $default:expr
                    $(, key $key:literal)?
                    $(, read_by $reader:path)?
                    $(, words $words:literal)?
                    $(, words_if_changed $words_if_changed:literal)?
                    $(, words_if_given $words_if_given:literal)?;
            )+
        }
    ) => {
        $(#[$table])*
        $visibility struct $name {
            $($(#[$field_meta])* pub $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            /// Reads the settings of a table, all but unknown keys.
            pub(crate) fn read_from(
                fields: &mut $crate::config::Fields<'_>,
                default: Self,
                problems: &mut $crate::config::Problems<'_>,
            ) -> Self {
                Self {
                    $($field: settings!(@reader $($reader)?)(
                        fields, settings!(@key $field $($key)?), default.$field, problems,
                    ),)+
                }
            }

            /// The settings in words, those that have any.
            #[must_use]
            #[allow(dead_code, reason = "settings of systems are told in one line for all of them")]
            $visibility fn in_words(&self) -> Vec<String> {
                #[allow(unused_mut, unused_variables, reason = "a table may have no setting with words")]
                let (mut parts, default) = (Vec::new(), Self::default());
                $(
                    $(parts.push(format!($words, self.$field));)?
                    $(if self.$field != default.$field {
                        parts.push(format!($words_if_changed, self.$field));
                    })?
                    $(if let Some(value) = &self.$field {
                        parts.push(format!($words_if_given, value));
                    })?
                )+
                parts
            }
        }

        impl $crate::config::Setting for $name {
            fn read(
                fields: &mut $crate::config::Fields<'_>,
                key: &'static str,
                default: Self,
                problems: &mut $crate::config::Problems<'_>,
            ) -> Self {
                let mut table = fields.table(key, problems);
                let read = Self::read_from(&mut table, default, problems);
                table.finish(problems);
                read
            }
        }
    };
    (@reader) => { $crate::config::Setting::read };
    (@reader $reader:path) => { $reader };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
}
pub(crate) use settings;

/// Whether a setting may be left out of a manifest.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Gives an enum that derives `clap::ValueEnum` its words in files and messages as well.
macro_rules! choice {
    ($name:ident) => {
        impl $crate::model::Accepted for $name {
            fn accepted() -> String {
                let words = <Self as clap::ValueEnum>::value_variants().iter().map(ToString::to_string);
                $crate::model::one_of(&words.collect::<Vec<_>>())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let value = clap::ValueEnum::to_possible_value(self);
                f.pad(value.as_ref().map_or("", |value| value.get_name()))
            }
        }
    };
}
pub(crate) use choice;

impl<T: Accepted + DeserializeOwned> Setting for T {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        fields.located(key, default, problems).value
    }
}

/// A setting that may be left out, with no default in its place.
macro_rules! optional_setting {
    ($($name:ty),+) => {
        $(impl $crate::config::setting::Setting for Option<$name> {
            fn read(
                fields: &mut $crate::config::reader::Fields<'_>,
                key: &'static str,
                default: Self,
                problems: &mut $crate::config::reader::Problems<'_>,
            ) -> Self {
                fields.optional::<$name>(key, problems).value.or(default)
            }
        })+
    };
}
pub(super) use optional_setting;

/// A list of distinct values; it must have at least one if its default has.
impl<T: Accepted + DeserializeOwned + PartialEq + fmt::Display> Setting for Vec<T> {
    fn read(fields: &mut Fields<'_>, key: &'static str, default: Self, problems: &mut Problems<'_>) -> Self {
        let Some(list) = fields.take(key) else {
            return default;
        };
        let (span, path) = (list.span(), format!("{}{key}", fields.path));
        problems.record(path.clone(), span.clone());
        let DeValue::Array(items) = list.into_inner() else {
            let shown = problems.shown(&span);
            problems.add(span, format!("{path} must be a list in brackets, each value {}, not {shown}", T::accepted()));
            return default;
        };
        if items.is_empty() && !default.is_empty() {
            problems.add(span, format!("{path} must have at least one value"));
        }
        let mut read = Self::new();
        for item in items {
            let span = item.span();
            match T::deserialize(item.into_deserializer()) {
                Ok(value) if read.contains(&value) => problems.add(span, format!("{path} lists {value} twice")),
                Ok(value) => {
                    problems.record(format!("{path}[{}]", read.len()), span);
                    read.push(value);
                }
                Err(_) => {
                    let shown = problems.shown(&span);
                    problems.add(span, format!("{path}: each value must be {}, not {shown}", T::accepted()));
                }
            }
        }
        read
    }
}

impl Accepted for Millis {
    fn accepted() -> String {
        format!("a number of milliseconds from {} to {}", Self::MIN, Self::MAX)
    }
}

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

impl Accepted for bool {
    fn accepted() -> String {
        "true or false".to_owned()
    }
}

impl Accepted for String {
    fn accepted() -> String {
        "a text in quotes".to_owned()
    }
}

impl Accepted for PathBuf {
    fn accepted() -> String {
        "the path of a file, in quotes".to_owned()
    }
}
