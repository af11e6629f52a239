//! Noticing that the process that started this one is gone.

use std::io::{self, Read};

use tokio::sync::oneshot;

/// Ready when standard input has ended, if that is to be `watched`; otherwise never.
///
/// A parent that holds the other end of the pipe needs to do nothing for its children to stop,
/// not even when it is killed.
pub(super) async fn gone(watched: bool) {
    if watched {
        let (sender, ended) = oneshot::channel();
        // A plain thread: nothing waits for it when the node stops for another reason.
        std::thread::spawn(move || {
            drain(io::stdin().lock());
            // The receiver is gone only if the node stops already.
            let _ = sender.send(());
        });
        if ended.await.is_ok() {
            return;
        }
    }
    std::future::pending().await
}

fn drain(mut input: impl Read) {
    let mut buffer = [0; 64];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return,
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
            Ok(_) | Err(_) => {}
        }
    }
}
