//! Settings that are a choice between words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// What a node is to its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Accepts client writes and replicates them.
    Leader,
    /// Accepts replication and answers reads, possibly stale ones.
    Follower,
}

/// Which of two writes to a key a follower keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicationOrder {
    /// The one that arrived last, as in the original lab.
    Arrival,
    /// The one with the higher version.
    Version,
}

/// Whether a link keeps what it carries in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkOrder {
    /// Each copy has its own delay and may overtake others, as in the original lab.
    #[default]
    Independent,
    /// Copies arrive in the order of their writes, as over one connection.
    Ordered,
}

/// What a leader does for a follower that lacks writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CatchUp {
    /// Nothing, as in the original lab.
    #[default]
    Off,
    /// It sends every key it holds, as soon as the follower answers again.
    Snapshot,
}

/// Names the values of an enum, for display and parsing.
macro_rules! names {
    ($enum:ident { $($value:ident = $name:literal),+ }) => {
        impl $enum {
            /// Every value.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$value),+];

            /// The word for this value, in variables, files and on the command line.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name),+
                }
            }
        }

        impl fmt::Display for $enum {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }

        impl FromStr for $enum {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                let found = Self::ALL.into_iter().find(|value| value.name() == text);
                found.ok_or_else(|| format!("must be {}, not `{text}`", Self::ALL.map(Self::name).join(" or ")))
            }
        }
    };
}

names!(Role { Leader = "leader", Follower = "follower" });
names!(ReplicationOrder { Arrival = "arrival", Version = "version" });
names!(LinkOrder { Independent = "independent", Ordered = "ordered" });
names!(CatchUp { Off = "off", Snapshot = "snapshot" });

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn a_choice_has_one_word_everywhere() {
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("{:?}", role.name()));
        }
        for order in ReplicationOrder::ALL {
            assert_eq!(order.to_string().parse(), Ok(order));
            assert_eq!(serde_json::to_string(&order).unwrap(), format!("{:?}", order.name()));
        }
        for link in LinkOrder::ALL {
            assert_eq!(link.to_string().parse(), Ok(link));
            assert_eq!(serde_json::to_string(&link).unwrap(), format!("{:?}", link.name()));
        }
        for catch_up in CatchUp::ALL {
            assert_eq!(catch_up.to_string().parse(), Ok(catch_up));
            assert_eq!(serde_json::to_string(&catch_up).unwrap(), format!("{:?}", catch_up.name()));
        }
        assert_eq!("newest".parse::<ReplicationOrder>().unwrap_err(), "must be arrival or version, not `newest`");
    }
}
