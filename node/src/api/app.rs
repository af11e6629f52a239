//! What the handlers share.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::node::Node;

/// How many large bodies are read at once. With a body limit of one mebibyte this bounds the
/// memory that clients can hold by sending slowly.
const MAX_LARGE_BODIES: usize = 64;

/// The node, and what bounds its requests together.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) node: Arc<Node>,
    pub(super) large_bodies: Arc<Semaphore>,
}

impl App {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node, large_bodies: Arc::new(Semaphore::new(MAX_LARGE_BODIES)) }
    }
}
