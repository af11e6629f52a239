//! The end of what an adapter prints on its standard error.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::model::ignore_poison;

/// How much is kept.
const KEPT_BYTES: usize = 16 * 1024;

/// The end of a text that may be without end.
#[derive(Debug, Default)]
pub(super) struct Tail {
    bytes: VecDeque<u8>,
    /// How many bytes there were before those that are kept.
    dropped: u64,
}

impl Tail {
    /// Reads a stream to its end and keeps the end of it.
    pub(super) async fn drain(mut stream: impl AsyncRead + Unpin, tail: Arc<Mutex<Self>>) {
        let mut buffer = vec![0; KEPT_BYTES];
        while let Ok(length @ 1..) = stream.read(&mut buffer).await {
            ignore_poison(tail.lock()).push(&buffer[..length]);
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let excess = self.bytes.len().saturating_sub(KEPT_BYTES);
        self.bytes.drain(..excess);
        self.dropped += excess as u64;
    }

    /// What is kept, and how much is not.
    pub(super) fn text(&self) -> String {
        let (first, second) = self.bytes.as_slices();
        let kept = [first, second].concat();
        let text = String::from_utf8_lossy(&kept);
        match self.dropped {
            0 => text.into_owned(),
            dropped => format!("[{dropped} bytes left out]\n{text}"),
        }
    }

    /// The last line that is not indented: of a traceback, the error. `None` if it has said nothing.
    pub(super) fn last_words(&self) -> Option<String> {
        let text = self.text();
        let mut lines = text.lines().filter(|line| !line.trim().is_empty());
        let indented = lines.clone().next_back();
        lines.rfind(|line| !line.starts_with([' ', '\t'])).or(indented).map(|line| line.trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Tail {
        let mut tail = Tail::default();
        tail.push(text.as_bytes());
        tail
    }

    #[test]
    fn the_last_words_of_a_traceback_are_its_error() {
        let python = "Traceback (most recent call last):\n  File \"a.py\", line 1\n    x\nNameError: x\n";
        assert_eq!(said(python).last_words().as_deref(), Some("NameError: x"));
        let java = "Exception in thread \"main\" java.net.ConnectException: refused\n\tat a.B.main(B.java:7)\n";
        let expected = "Exception in thread \"main\" java.net.ConnectException: refused";
        assert_eq!(said(java).last_words().as_deref(), Some(expected));
        assert_eq!(said("  only this\n\n").last_words().as_deref(), Some("only this"));
        assert_eq!(said(" \n").last_words(), None);
    }

    #[tokio::test]
    async fn of_megabytes_the_end_is_kept() {
        let tail = Arc::<Mutex<Tail>>::default();
        let text = format!("{}\nthe end\n", "x".repeat(3_000_000));
        Tail::drain(text.as_bytes(), Arc::clone(&tail)).await;
        let tail = ignore_poison(tail.lock());
        assert_eq!(tail.bytes.len(), KEPT_BYTES);
        assert!(tail.text().starts_with("[2983625 bytes left out]\nxxx"), "{}", &tail.text()[..40]);
        assert_eq!(tail.last_words().as_deref(), Some("the end"));
    }
}
