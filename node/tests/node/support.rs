//! Nodes as child processes on loopback, and a client for them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Far more than any step of a test takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The program with none of this process's own variables that it would read.
pub(crate) fn command(vars: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labnode"));
    command.env_clear().envs(vars.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running node; killed when dropped.
pub(crate) struct Node {
    pub(crate) child: Child,
    pub(crate) address: String,
}

impl Node {
    pub(crate) fn start(vars: &[(&str, &str)]) -> Self {
        Self::start_in(&std::env::temp_dir(), vars)
    }

    /// A node whose working folder this is.
    pub(crate) fn start_in(folder: &Path, vars: &[(&str, &str)]) -> Self {
        let mut command = command(&[("LISTEN_ADDR", "127.0.0.1:0")]);
        command.current_dir(folder);
        let mut child = command.envs(vars.iter().copied()).spawn().unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        Self { child, address }
    }

    pub(crate) fn follower() -> Self {
        Self::start(&[("ROLE", "follower")])
    }

    pub(crate) fn leader(followers: &[Self], vars: &[(&str, &str)]) -> Self {
        let urls: Vec<String> = followers.iter().map(|follower| format!("http://{}", follower.address)).collect();
        let urls = urls.join(",");
        let mut all = vec![("ROLE", "leader"), ("FOLLOWERS", urls.as_str()), ("MAX_DELAY_MS", "0")];
        all.extend_from_slice(vars);
        Self::start(&all)
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes as they are and reads until the node closes the connection.
    pub(crate) fn raw(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        let mut answer = Vec::new();
        // A node that refuses to read on may reset the connection after its answer.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// One request on a new connection: status and JSON.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let answer = self.raw(
            format!(
                "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        );
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(&unchunked(head, body)).unwrap())
    }

    pub(crate) fn put(&self, path_key: &str, value: &str) -> (u16, Value) {
        let body = serde_json::json!({ "value": value }).to_string();
        self.ask("PUT", &format!("/kv/{path_key}"), &body)
    }

    pub(crate) fn exit(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        assert!(start.elapsed() < PATIENCE, "the node does not stop");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn unchunked(head: &str, body: &str) -> String {
    if !head.contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let mut rest = body;
    let mut whole = String::new();
    while let Some((length, after)) = rest.split_once("\r\n") {
        let length = usize::from_str_radix(length, 16).unwrap();
        whole.push_str(&after[..length]);
        rest = after[length..].strip_prefix("\r\n").unwrap();
    }
    whole
}
