//! What simulated nodes say.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use crate::model::ignore_poison;
use tracing::subscriber::with_default;

/// Runs `work` and returns what the nodes in it printed, without times and colours.
pub(super) fn captured<T>(work: impl FnOnce() -> T) -> (T, Vec<u8>) {
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .without_time()
        .with_target(false)
        .with_ansi(false)
        .finish();
    let result = with_default(subscriber, work);
    let printed = std::mem::take(&mut *buffer.lock());
    (result, printed)
}

/// Bytes that clones share.
#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn lock(&self) -> MutexGuard<'_, Vec<u8>> {
        ignore_poison(self.0.lock())
    }
}

impl io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
