//! `[system.NAME]` of kind `redis`.

use serde::{Deserialize, Serialize};

use crate::config::settings;
use crate::model::{Accepted, refusal};

settings! {
    /// Where the servers come from.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub(super) struct RedisSettings {
        /// The server's program for local processes: a name on the path, or a path.
        program: Named = Named::new("redis-server");
        /// The server's image for containers.
        image: Named = Named::new("redis:7");
    }
}

/// A name in quotes that is not empty: of a program, or of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct Named(String);

impl Named {
    fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// The name.
    pub(super) fn as_str(&self) -> &str {
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
