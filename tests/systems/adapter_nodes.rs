//! An adapter to nodes that labctl starts: it is told where they listen, proxies delay them, and faults strike them.

use std::fs;

use crate::adapter::is_installed;
use crate::lab::Lab;
use crate::redis::{column, held, json};

/// Both followers have to have a write, and a copy takes 30 ms. Each key is written once, so that no copy can overtake another
/// of its key.
pub(crate) const CONFIG: &str = r#"
schema = 1
default = "mine"
[experiment.mine]
system = "mine"
quorums = [2]
followers = 2
backend = "process"
[experiment.mine.network]
delay = { kind = "constant", ms = 30 }
[experiment.mine.reads]
probe = "off"
[experiment.mine.workload]
writes = 24
concurrency = 3
keys = 24
[system.mine]
kind = "adapter"
session = ["python3", "adapter.py"]
"#;

/// How the nodes start.
pub(crate) const START: &str =
    "[system.mine.start]\ncommand = [\"python3\", \"node.py\", \"{host}\", \"{port}\"]\n[system.mine.environment]\n";

/// The end of an adapter: it answers each line by `answer`.
const MAIN: &str = r#"
hello, by_request = {}, len(sys.argv) > 1
for line in sys.stdin:
    request = json.loads(line)
    number = request.pop("id")
    try:
        reply = answer(**request)
    except OSError as error:
        reply = {"error": str(error)}
    print(json.dumps({"id": number, **reply}), flush=True)
"#;

/// A folder with a configuration, a node and the beginning of its adapter.
pub(crate) fn lab_of(config: &str, node: &str, adapter: &str) -> Lab {
    let lab = Lab::new(config);
    fs::write(lab.path("node.py"), node).unwrap();
    fs::write(lab.path("adapter.py"), format!("{adapter}{MAIN}")).unwrap();
    lab
}

/// A node that keeps what it is sent, and as leader sends it on.
const NODE: &str = r#"
import http.server, json, os, sys, threading, urllib.request
held = {}
followers = [url for url in os.environ["FOLLOWERS"].split(",") if url]
class Node(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.reply(200, json.dumps(held).encode())
    def do_PUT(self):
        key, value = self.path[1:], self.rfile.read(int(self.headers["Content-Length"]))
        held[key] = value.decode()
        acks = threading.Semaphore(0)
        def copy(url):
            try:
                urllib.request.urlopen(urllib.request.Request(f"{url}/{key}", value, method="PUT"), timeout=5).read()
                acks.release()
            except OSError:
                pass
        quorum = int(self.headers.get("Quorum", 0))
        if quorum:
            for url in followers:
                threading.Thread(target=copy, args=[url], daemon=True).start()
        enough = all(acks.acquire(timeout=1) for _ in range(quorum))
        self.reply(200 if enough else 503, b"")
    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Node).serve_forever()
"#;

const ADAPTER: &str = r#"
import json, sys, urllib.error, urllib.request
def ask(node, path="", body=None, **headers):
    url = f"http://{hello['addresses'][node]}/{path}"
    request = urllib.request.Request(url, body, headers, method="PUT" if body else "GET")
    return urllib.request.urlopen(request, timeout=8).read()
def answer(op, node=None, key=None, value=None, quorum=None, **rest):
    if op == "hello":
        hello.update(rest)
        return {"protocol": 1}
    if op == "write":
        try:
            ask("leader", key, value.encode(), Quorum=str(quorum))
        except urllib.error.HTTPError as error:
            return {"outcome": "failed", "error": f"status {error.code}"}
        return {"outcome": "ok"}
    if op == "dump":
        return {"entries": [{"key": key, "value": value} for key, value in json.loads(ask(node)).items()]}
    if op == "ready":
        ask(node)
    return {}
"#;

fn with(more: &str) -> Lab {
    lab_of(&format!("{CONFIG}{START}FOLLOWERS = \"{{followers}}\"\n{more}"), NODE, ADAPTER)
}

#[test]
fn an_adapter_reaches_the_nodes_that_labctl_starts_and_proxies_delay_them() {
    if !is_installed() {
        return;
    }
    let lab = with("");
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let writes = lab.read("data/W2/writes.csv");
    assert_eq!(column(&writes, "outcome"), vec!["ok"; 24]);
    assert!(column(&writes, "latency_us").iter().all(|us| us.parse::<u64>().unwrap() >= 30_000), "{writes}");
    assert_eq!(held(&lab, 2, "f2"), held(&lab, 2, "leader"));
    assert_eq!(json(&lab, "data/W2/manifest.json")["settled"], true);
}

#[test]
fn a_node_that_was_killed_is_missed_and_comes_back() {
    if !is_installed() {
        return;
    }
    let lab = with("[[experiment.mine.fault]]\nat = 8\nnode = \"f1\"\nkind = \"kill\"\nuntil = 16\n");
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let writes = lab.read("data/W2/writes.csv");
    let outcomes = column(&writes, "outcome");
    assert!(outcomes.contains(&"failed".to_owned()) && outcomes.contains(&"ok".to_owned()), "{writes}");
    assert!(writes.contains("status 503"), "{writes}");
}
