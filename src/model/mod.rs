//! The words that every other module uses, each defined once: node names, quorums, write
//! numbers, versions, times, orders and delays. Pure values, no I/O.
//!
//! Delays and orders are defined in the crate `labnode`, because its nodes apply them, and
//! re-exported here; no other module outside `system/labnode` and `sim` names that crate.

mod accepted;
mod act;
mod backend;
mod container_spec;
mod count;
mod delay;
mod digest;
mod failover;
mod hosting;
mod key;
mod lifecycle;
mod node_id;
mod node_spec;
mod order;
mod outcome;
mod plain_number;
mod ranged;
mod run_as;
#[cfg(test)]
pub(crate) mod schema;
mod system;
mod system_name;
mod text;
mod time;
mod write;

pub(crate) use accepted::refusal;
pub use accepted::{Accepted, either, one_of};
pub use act::Act;
pub use backend::{BackendFacts, VIRTUAL_TIME};
pub use container_spec::{ComposeFile, ContainerSpec, ImageRecipe, ImageSpec, ProjectSpec};
pub use count::{Followers, Quorum, ReadQuorum};
pub use delay::{
    Delays, Distribution, FAMILIES, Family, LinkDelays, LinkPath, Millis, Number, OrderedDirection, OrderedLink,
    Parameters, Part, Uniform, as_uniform_ms, named_stream, quantiles_of, uniform_ms,
};
pub use digest::sha256;
pub use failover::{FailoverFacts, FailoverKind};
pub use hosting::{Hosting, RunsAs};
pub use key::{Key, Keys};
pub use labnode::poison::ignore_poison;
pub use labnode::proxy::Order as ProxyOrder;
pub use lifecycle::{Lifecycle, NodeUser, SetupStep, StopRequest, StopSignal, Storage};
pub use node_id::{NodeId, NotANode};
pub use node_spec::{Endpoints, NodeProgram, NodeSpec, Readiness};
pub use order::{CatchUp, LinkOrder, ReplicationOrder};
pub use outcome::{ReadOutcome, ReplicationOutcome, Role, StoreDump, WriteOutcome};
pub(crate) use ranged::ranged_integer;
pub use run_as::RunAs;
pub(crate) use system::yes;
pub use system::{Capabilities, Dialer, QuorumControl, RestartState, Settling, SystemFacts};
pub use system_name::SystemName;
pub use text::{Place, Text};
pub use time::{Micros, TIME_LIMIT, TimeSpan};
pub use write::{Version, WriteId};
