//! Lines of a stream, none longer than a limit.

use std::io;

use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

/// Why there is no further line.
#[derive(Debug)]
pub(super) enum NoLine {
    /// The stream has ended; what came after its last line.
    Ended(Vec<u8>),
    /// A line is longer than the limit; its beginning.
    TooLong(Vec<u8>),
    /// The stream cannot be read.
    Unreadable(io::Error),
}

/// How much of a line that is too long is kept.
const KEPT_BYTES: usize = 1024;

/// The next line, without its end; `limit` is asked, as the line grows, how many bytes it may have.
pub(super) async fn next_line(
    stream: &mut (impl AsyncBufRead + Unpin),
    limit: impl Fn() -> usize,
) -> Result<Vec<u8>, NoLine> {
    let mut line = Vec::new();
    loop {
        let bytes = stream.fill_buf().await.map_err(NoLine::Unreadable)?;
        if bytes.is_empty() {
            return Err(NoLine::Ended(line));
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        line.extend_from_slice(&bytes[..end.unwrap_or(bytes.len())]);
        let used = end.map_or(bytes.len(), |end| end + 1);
        stream.consume(used);
        if line.len() > limit() {
            line.truncate(KEPT_BYTES);
            return Err(NoLine::TooLong(line));
        }
        if end.is_some() {
            return Ok(line);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_read_one_by_one_and_what_follows_the_last_is_told() {
        let mut stream = &b"one\n\ntwo\r\nrest"[..];
        assert_eq!(next_line(&mut stream, || 10).await.unwrap(), b"one");
        assert_eq!(next_line(&mut stream, || 10).await.unwrap(), b"");
        assert_eq!(next_line(&mut stream, || 10).await.unwrap(), b"two\r");
        assert!(matches!(next_line(&mut stream, || 10).await, Err(NoLine::Ended(rest)) if rest == b"rest"));
        assert!(matches!(next_line(&mut stream, || 10).await, Err(NoLine::Ended(rest)) if rest.is_empty()));
    }

    #[tokio::test]
    async fn a_line_without_end_is_given_up() {
        let mut stream = tokio::io::BufReader::new(tokio::io::repeat(b'x'));
        let refused = next_line(&mut stream, || 100_000).await;
        assert!(matches!(refused, Err(NoLine::TooLong(beginning)) if beginning == [b'x'; KEPT_BYTES]));
        let mut stream = &b"123456\n"[..];
        assert!(next_line(&mut stream, || 6).await.is_ok());
        let mut stream = &b"1234567\n"[..];
        assert!(matches!(next_line(&mut stream, || 6).await, Err(NoLine::TooLong(line)) if line == b"1234567"));
    }
}
