//! The name of a key, shared among all rows that have it.

use std::borrow::Borrow;
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use hashbrown::HashSet;
use serde::{Deserialize, Serialize, Serializer};

/// The name of a key. A copy of it takes no memory for the text: a run has far fewer keys than rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(from = "String")]
pub struct Key(Arc<str>);

impl Key {
    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Deref for Key {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<&str> for Key {
    fn eq(&self, text: &&str) -> bool {
        self.as_str() == *text
    }
}

impl Borrow<str> for Key {
    fn borrow(&self) -> &str {
        self
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self)
    }
}

impl From<&str> for Key {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Key {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

/// The keys met so far.
#[derive(Debug, Default)]
pub struct Keys(HashSet<Key>);

impl Keys {
    /// The key of this name: the one that was met before, if there is one.
    pub fn share(&mut self, name: &str) -> Key {
        self.0.get_or_insert_with(name, |name| Key::from(name)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_was_met_before_takes_no_memory() {
        let mut keys = Keys::default();
        let [one, other, again] = ["k0", "k1", "k0"].map(|name| keys.share(name));
        assert_eq!((&one, one.as_ptr()), (&again, again.as_ptr()));
        assert_eq!((&*one, &*other), ("k0", "k1"));
    }

    #[test]
    fn a_key_is_a_text_in_files() {
        assert_eq!(serde_json::from_str("\"k0\"").ok(), Some(Key::from("k0")));
        assert_eq!(serde_json::to_string(&Key::from("k0")).ok().as_deref(), Some("\"k0\""));
    }
}
