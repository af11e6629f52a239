//! `labnode health`: a health check for images that have no shell.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::config::{self, VariableError};

const DEADLINE: Duration = Duration::from_secs(2);

/// Asks the node that listens on `LISTEN_ADDR` for its health; exits with 0 if it is well.
pub(super) fn run() -> ExitCode {
    match config::listen_addr(super::startup::env_var).map_err(Unhealthy::from).and_then(ask) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => super::startup::failed(&error, ExitCode::FAILURE),
    }
}

#[derive(Debug, thiserror::Error)]
enum Unhealthy {
    #[error(transparent)]
    Config(#[from] VariableError),
    #[error("no answer from {0}: {1}")]
    NoAnswer(SocketAddr, io::Error),
    #[error("{0} answered {1:?}")]
    Refused(SocketAddr, String),
}

fn ask(listen: SocketAddr) -> Result<(), Unhealthy> {
    let address = reachable(listen);
    let answer = first_line(address).map_err(|error| Unhealthy::NoAnswer(address, error))?;
    if answer.starts_with("HTTP/1.1 200 ") { Ok(()) } else { Err(Unhealthy::Refused(address, answer)) }
}

/// Where to reach a node on this machine that listens on `listen`.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn first_line(address: SocketAddr) -> io::Result<String> {
    let start = Instant::now();
    let mut stream = TcpStream::connect_timeout(&address, DEADLINE)?;
    stream.set_write_timeout(Some(DEADLINE))?;
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut line = Vec::new();
    let mut buffer = [0; 256];
    while !line.contains(&b'\n') && line.len() < 1_024 {
        let left = DEADLINE.saturating_sub(start.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer)? {
            0 => break,
            read => line.extend_from_slice(&buffer[..read]),
        }
    }
    let text = String::from_utf8_lossy(&line);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn answering(answer: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 16];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(answer).unwrap();
        });
        address
    }

    #[test]
    fn only_200_is_healthy() {
        assert!(ask(answering(b"HTTP/1.1 200 OK\r\n\r\n")).is_ok());
        let error = ask(answering(b"HTTP/1.1 404 Not Found\r\n")).unwrap_err();
        assert!(error.to_string().ends_with("answered \"HTTP/1.1 404 Not Found\""));
        assert!(ask(answering(b"")).is_err());
    }

    #[test]
    fn an_unspecified_address_is_reached_over_loopback() {
        let of = |text: &str| reachable(text.parse().unwrap()).to_string();
        assert_eq!(of("0.0.0.0:8000"), "127.0.0.1:8000");
        assert_eq!(of("[::]:8000"), "[::1]:8000");
        assert_eq!(of("10.0.0.1:8000"), "10.0.0.1:8000");
    }
}
