//! The lab's own replicated store: the crate `labnode`.

mod client;
mod containers;
mod direct;
mod environment;
mod http;
mod in_process;
mod node;
mod session;
mod timeline;

pub use labnode::clock::Clock;
pub use labnode::{limits, program};

pub use self::client::{ANSWER_MARGIN, Client, done, refused};
pub use self::direct::DirectClient;
pub use self::environment::environment;
pub use self::http::HttpClient;
pub use self::in_process::InProcessClient;
pub use self::node::{LabNode, LabNodeKind};
pub use self::session::{LabSession, VERSION};
