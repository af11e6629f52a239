//! Names of programs, images and users in settings of systems.

use serde::{Deserialize, Serialize};

use crate::model::{Accepted, refusal};

/// A name in quotes that is not empty: of a program, or of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Named(String);

impl Named {
    /// A name that fits.
    pub(crate) fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Accepted for Named {
    fn accepted() -> String {
        "a name in quotes, without spaces around it".to_owned()
    }
}

impl TryFrom<String> for Named {
    type Error = String;

    fn try_from(name: String) -> Result<Self, String> {
        if name.is_empty() || name.trim() != name || name.contains('\0') {
            return Err(refusal::<Self>("a name", format_args!("{name:?}")));
        }
        Ok(Self(name))
    }
}

impl From<Named> for String {
    fn from(name: Named) -> Self {
        name.0
    }
}
