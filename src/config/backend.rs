//! The list of all backends: where the nodes can run.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::setting::choice;
use crate::model::RunsAs;

/// Every backend: its help, its name, as what it runs nodes, and its code, a path in `cluster/`. `auto` takes the first
/// of real nodes that this machine has.
macro_rules! backends {
    ($of_each:ident) => {
        $of_each! {
            /// Docker Compose: one container per node
            Compose runs Containers by compose::ComposeKind;
            /// One local process per node
            Process runs Processes by process::ProcessKind;
            /// The same node code in virtual time, inside labctl
            Sim runs VirtualTime by sim::SimKind;
        }
    };
}
pub(crate) use backends;

macro_rules! choices {
    ($($(#[$help:meta])+ $name:ident runs $runs_as:ident by $module:ident::$kind:ident;)+) => {
        /// Where the nodes run.
        #[cfg_attr(test, derive(schemars::JsonSchema))]
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum BackendChoice {
            /// Docker Compose if an engine answers, else local processes
            Auto,
            $($(#[$help])+ $name,)+
        }

        impl BackendChoice {
            /// As what the nodes run. `None` of `auto`, which looks at the machine first.
            #[must_use]
            pub const fn runs_as(self) -> Option<RunsAs> {
                match self {
                    Self::Auto => None,
                    $(Self::$name => Some(RunsAs::$runs_as),)+
                }
            }
        }
    };
}
backends!(choices);
choice!(BackendChoice);

impl BackendChoice {
    /// Whether it is the name of a backend that starts real nodes: `auto` tries those, in the order of the list.
    #[must_use]
    pub const fn starts_nodes(self) -> bool {
        matches!(self.runs_as(), Some(RunsAs::Containers | RunsAs::Processes))
    }
}
