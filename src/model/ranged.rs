//! Whole numbers with bounds.

/// Declares an integer type that accepts one inclusive range, in TOML, JSON and on the command
/// line.
macro_rules! ranged_integer {
    ($(#[$doc:meta])* $name:ident($inner:ty), $what:literal, $min:literal..=$max:literal) => {
        $(#[$doc])*
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "i64", into = "i64")]
        pub struct $name($inner);

        impl $name {
            /// The smallest accepted value.
            pub const MIN: $inner = $min;
            /// The largest accepted value.
            pub const MAX: $inner = $max;

            /// The value with this number, for constants in the code.
            ///
            /// # Panics
            /// When the number is out of range.
            #[must_use]
            pub const fn constant(number: $inner) -> Self {
                assert!($min <= number as i64 && number as i64 <= $max);
                Self(number)
            }

            /// The plain number.
            #[must_use]
            pub const fn get(self) -> $inner {
                self.0
            }
        }

        impl $crate::model::Accepted for $name {
            fn accepted() -> String {
                format!("a whole number from {} to {}", Self::MIN, Self::MAX)
            }
        }

        impl TryFrom<i64> for $name {
            type Error = String;

            fn try_from(value: i64) -> Result<Self, String> {
                let inner = <$inner>::try_from(value).ok().filter(|inner| (Self::MIN..=Self::MAX).contains(inner));
                inner.map(Self).ok_or_else(|| $crate::model::refusal::<Self>($what, value))
            }
        }

        impl From<$name> for i64 {
            fn from(value: $name) -> Self {
                Self::from(value.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let number = text.parse::<i64>();
                let refuse = |_| $crate::model::refusal::<Self>($what, format_args!("`{text}`"));
                number.map_err(refuse).and_then(Self::try_from)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}
pub(crate) use ranged_integer;
