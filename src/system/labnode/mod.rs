//! The lab's own replicated store: the crate `labnode`.

mod client;
mod direct;
mod http;
mod in_process;

pub use self::client::{ANSWER_MARGIN, Answer, Client, ClientError};
pub use self::direct::DirectClient;
pub use self::http::HttpClient;
pub use self::in_process::InProcessClient;
