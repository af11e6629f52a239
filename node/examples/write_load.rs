//! Writes to a leader and its followers as fast as the leader answers, and says what that cost.
//!
//!     cargo run --release -p labnode --example write_load -- NODE [SECONDS [CONNECTIONS,... [W,... [N,... [BYTES,...]]]]]
//!
//! NODE is the program of a node, as `cargo build --release` leaves it. It is started on loopback, without delays, anew for each
//! line of the table: a leader and N followers (5 unless told) of which W acknowledge a write, and values of BYTES bytes (16
//! unless told). Every connection sends its next write once the last one was answered (a closed loop), so
//! the numbers compare with `redis-benchmark` without pipelining. All connections share one thread.

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// Keys that writes go round, as many as values that a store can hold at once.
const KEYS: usize = 1_000;

/// The kernel's clock ticks in a second, in which it counts the time of processes.
const TICKS_PER_S: f64 = 100.0;

fn main() -> Result<(), Failure> {
    let mut args = env::args().skip(1);
    let program =
        args.next().ok_or("usage: write_load NODE [SECONDS [CONNECTIONS,... [W,... [N,... [BYTES,...]]]]]")?;
    let seconds = args.next().map_or(Ok(5), |text| text.parse())?;
    let mut given = |otherwise: &str| list(&args.next().unwrap_or_else(|| otherwise.to_owned()));
    let (connections, quorums, followers, sizes) = (given("10,64")?, given("1,3,5")?, given("5")?, given("16")?);
    println!(
        "{:>2} {:>2} {:>6} {:>11} {:>9} {:>8} {:>8} {:>8}  {:>6} {:>8} {:>6}  {:>8}",
        "N",
        "W",
        "bytes",
        "connections",
        "writes/s",
        "p50 ms",
        "p99 ms",
        "max ms",
        "leader",
        "follower",
        "client",
        "leader"
    );
    println!("{:>63}  {:>6} {:>8} {:>6}  {:>8}", "", "µs", "µs", "µs", "peak MB");
    let settings = followers.iter().flat_map(|followers| quorums.iter().map(move |quorum| (*followers, *quorum)));
    for (followers, quorum) in settings {
        for size in &sizes {
            for count in &connections {
                let cluster = Cluster::start(&program, followers, quorum)?;
                let line = measure(&cluster, *count, Duration::from_secs(seconds), *size)?;
                println!("{followers:>2} {quorum:>2} {size:>6} {count:>11} {line}");
            }
        }
    }
    Ok(())
}

fn list(text: &str) -> Result<Vec<usize>, Failure> {
    Ok(text.split(',').map(str::parse).collect::<Result<_, _>>()?)
}

/// Loads a cluster; returns the columns of the table: rates, latencies, and CPU time a write.
fn measure(cluster: &Cluster, connections: usize, length: Duration, size: usize) -> Result<String, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let leader = cluster.leader.address.clone();
    // Connections and caches are warm when counting begins.
    runtime.block_on(load(&leader, connections, Duration::from_millis(500), size))?;
    let (leader_before, follower_before, own_before) =
        (cluster.leader.cpu_s()?, cluster.followers_cpu_s()?, cpu_s("self")?);
    let start = Instant::now();
    let mut latencies_us = runtime.block_on(load(&leader, connections, length, size))?;
    let took_s = start.elapsed().as_secs_f64();
    let writes = latencies_us.len();
    let each_us = |before: f64, after: f64| (after - before) * 1e6 / writes as f64;
    let leader_us = each_us(leader_before, cluster.leader.cpu_s()?);
    let follower_us = each_us(follower_before, cluster.followers_cpu_s()?) / cluster.followers.len() as f64;
    let client_us = each_us(own_before, cpu_s("self")?);
    latencies_us.sort_unstable();
    let ms = |share: f64| {
        let index = (share * writes as f64) as usize;
        latencies_us.get(index.min(writes.saturating_sub(1))).map_or(f64::NAN, |us| f64::from(*us) / 1e3)
    };
    Ok(format!(
        "{:>9.0} {:>8.3} {:>8.3} {:>8.3}  {leader_us:>6.1} {follower_us:>8.1} {client_us:>6.1}  {:>8.1}",
        writes as f64 / took_s,
        ms(0.5),
        ms(0.99),
        ms(1.0),
        cluster.leader.peak_mb()?,
    ))
}

/// Latencies in microseconds of all writes that were sent within `length`.
async fn load(leader: &str, connections: usize, length: Duration, size: usize) -> Result<Vec<u32>, Failure> {
    let end = Instant::now() + length;
    let mut clients = JoinSet::new();
    for client in 0..connections {
        let stream = TcpStream::connect(leader).await?;
        stream.set_nodelay(true)?;
        clients.spawn(write_until(end, stream, client, size));
    }
    let mut latencies_us = Vec::new();
    while let Some(client) = clients.join_next().await {
        latencies_us.extend(client??);
    }
    Ok(latencies_us)
}

async fn write_until(end: Instant, mut stream: TcpStream, client: usize, size: usize) -> Result<Vec<u32>, Failure> {
    let (mut latencies_us, mut answer) = (Vec::new(), Vec::with_capacity(1_024));
    let mut write = client;
    loop {
        let start = Instant::now();
        if start > end {
            return Ok(latencies_us);
        }
        let number = write.to_string();
        let body = format!("{{\"value\":\"{}{number}\"}}", "0".repeat(size.saturating_sub(number.len())));
        let key = write % KEYS;
        let request =
            format!("PUT /kv/k{key} HTTP/1.1\r\nhost: leader\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await?;
        answer.clear();
        while !is_whole(&answer)? {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err("the leader closed a connection".into());
            }
        }
        latencies_us.push(start.elapsed().as_micros() as u32);
        write += 7;
    }
}

/// Whether an answer is whole. Only success counts as an answer.
fn is_whole(answer: &[u8]) -> Result<bool, Failure> {
    let Some(head_end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(false);
    };
    let head = std::str::from_utf8(&answer[..head_end])?;
    if !head.starts_with("HTTP/1.1 200 ") {
        return Err(String::from_utf8_lossy(answer).into());
    }
    let length = head.split("\r\n").find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.ok_or("the answer does not say its length")?.parse()?;
    Ok(answer.len() >= head_end + 4 + length)
}

/// A leader and its followers; they end with their standard inputs.
struct Cluster {
    leader: Node,
    followers: Vec<Node>,
}

impl Cluster {
    fn start(program: &str, followers: usize, quorum: usize) -> Result<Self, Failure> {
        let follower = |_| Node::start(program, &[("ROLE", "follower")]);
        let followers = (0..followers).map(follower).collect::<Result<Vec<_>, _>>()?;
        let urls: Vec<String> = followers.iter().map(|node| format!("http://{}", node.address)).collect();
        let leader = Node::start(
            program,
            &[
                ("ROLE", "leader"),
                ("FOLLOWERS", &urls.join(",")),
                ("WRITE_QUORUM", &quorum.to_string()),
                ("MIN_DELAY_MS", "0"),
                ("MAX_DELAY_MS", "0"),
            ],
        )?;
        Ok(Self { leader, followers })
    }

    fn followers_cpu_s(&self) -> Result<f64, Failure> {
        self.followers.iter().map(Node::cpu_s).sum()
    }
}

struct Node {
    process: Child,
    address: String,
    /// The node ends once this is closed.
    _stdin: Option<ChildStdin>,
}

impl Node {
    fn start(program: &str, variables: &[(&str, &str)]) -> Result<Self, Failure> {
        let mut process = Command::new(program)
            .envs(variables.iter().copied())
            .envs([("LISTEN_ADDR", "127.0.0.1:0"), ("EXIT_WITH_PARENT", "1"), ("RUST_LOG", "warn")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut line)?;
        let address = line.trim().strip_prefix("listening on ").ok_or("the node does not listen")?.to_owned();
        Ok(Self { _stdin: process.stdin.take(), process, address })
    }

    /// The processor time that the node has used.
    fn cpu_s(&self) -> Result<f64, Failure> {
        cpu_s(&self.process.id().to_string())
    }

    /// The most memory that the node ever held.
    fn peak_mb(&self) -> Result<f64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB"));
        Ok(peak.ok_or("no VmHWM")?.trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Processor time of a process, user and system (proc_pid_stat(5), fields 14 and 15).
fn cpu_s(process: &str) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name may hold spaces; it ends with the last parenthesis.
    let (_, fields) = stat.rsplit_once(") ").ok_or_else(|| io::Error::other("malformed stat"))?;
    let ticks: f64 = fields.split(' ').skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum();
    Ok(ticks / TICKS_PER_S)
}
