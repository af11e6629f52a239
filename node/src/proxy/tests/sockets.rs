//! The proxy over real sockets.

use std::io::ErrorKind;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;

mod ends;
mod orders;
mod passing;

/// How long what is to come may take on any machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long a test waits before it takes something for lost: any machine delivers sooner.
const SHORT: Duration = Duration::from_millis(50);

/// Orders a proxy, within a limit for each step.
fn send(control: SocketAddr, order: Order, limit: Duration) -> std::io::Result<()> {
    let stream = std::net::TcpStream::connect_timeout(&control, limit)?;
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    order.send(stream)
}

/// A proxy in front of a listener.
struct TestProxy {
    address: SocketAddr,
    node: TcpListener,
    control: SocketAddr,
}

impl TestProxy {
    async fn open(variables: &[(&str, &str)]) -> Self {
        let node = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let orders = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let control = orders.local_addr().unwrap();
        let to = node.local_addr().unwrap().to_string();
        let variables: Vec<(&str, &str)> = [("PROXY_TO", to.as_str())].iter().chain(variables).copied().collect();
        tokio::spawn(run(listener, orders, config(&variables).unwrap(), std::future::pending()));
        Self { address, node, control }
    }

    async fn order(&self, order: Order) {
        let control = self.control;
        tokio::task::spawn_blocking(move || send(control, order, PATIENCE)).await.unwrap().unwrap();
    }

    /// Both ends of a connection through the proxy.
    async fn connect(&self) -> (TcpStream, TcpStream) {
        let party = TcpStream::connect(self.address).await.unwrap();
        (party, self.node.accept().await.unwrap().0)
    }
}

/// Longer than any test waits.
const SLOW_FOR_LONG: Order = Order::Slow { added_ms: 600_000 };

/// Followers dial: nothing is given up by closing a connection.
const FROM_TARGET: (&str, &str) = ("WRITES_FROM", "target");

async fn say(stream: &mut TcpStream, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

/// That many bytes of what comes.
async fn hear(stream: &mut TcpStream, bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut buffer)).await.unwrap().unwrap();
    String::from_utf8(buffer).unwrap()
}

/// All that comes until the end, and whether that is a reset.
async fn rest(stream: &mut TcpStream) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    let ended = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await.unwrap();
    (bytes, ended.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset))
}

/// Nothing comes.
async fn assert_silent(stream: &mut TcpStream) {
    let heard = tokio::time::timeout(SHORT, stream.read_u8()).await;
    assert!(heard.is_err(), "{heard:?}");
}
