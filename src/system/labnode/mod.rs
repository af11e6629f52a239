//! The lab's own replicated store: the crate `labnode`.

mod client;
mod containers;
mod direct;
mod environment;
mod http;
mod in_process;
mod keep_alive;
mod node;
mod session;
mod taken_traces;
mod timeline;

pub use labnode::clock::Clock;
pub use labnode::{limits, program};

pub(crate) use self::client::unanswered;
pub use self::client::{ANSWER_MARGIN, Client, READ_LIMIT, done, refused};
pub use self::direct::DirectClient;
pub use self::environment::environment;
pub use self::http::LabNodeClient;
pub use self::in_process::InProcessClient;
pub use self::node::{LabNode, LabNodeKind};
pub use self::session::{LabSession, VERSION};
