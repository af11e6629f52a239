//! An adapter to nodes whose followers fetch a log from their leader, what they lack after a kill too, and whose leader has
//! what it acknowledged on disk.

use crate::adapter::is_installed;
use crate::adapter_nodes::{CONFIG, START, lab_of};
use crate::lab::Lab;
use crate::redis::{column, held, json};

/// A leader is gone for the writes 6 to 8: for as long as the adapter tries again.
const LEADER_IS_KILLED: &str = "[[experiment.mine.fault]]\nat = 6\nnode = \"leader\"\nkind = \"kill\"\nuntil = 8\n";

/// A leader that keeps a log, which its followers fetch from where they are. The next request of a follower acknowledges what
/// it has got. With KEPT the log is also in a file. A write waits for as many followers as it says, or else as a request said
/// before, and is refused if nothing was said; the answer tells how many have it.
const NODE: &str = r#"
import http.server, json, os, sys, threading, urllib.request
log, places, news, told = [], {}, threading.Condition(), {}
kept = os.environ.get("KEPT")
if kept and os.path.exists(kept):
    log = [json.loads(line) for line in open(kept)]
def append(entry):
    if kept:
        with open(kept, "a") as file:
            file.write(json.dumps(entry) + "\n")
    log.append(entry)
def fetch():
    while True:
        url = f"http://{os.environ['LEADER']}/log/{os.environ['NAME']}/{len(log)}"
        try:
            log.extend(json.loads(urllib.request.urlopen(url, timeout=5).read()))
        except OSError:
            threading.Event().wait(0.05)
class Node(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.startswith("/quorum/"):
            told["quorum"] = int(self.path.removeprefix("/quorum/"))
        if not self.path.startswith("/log/"):
            return self.reply(200, dict(log))
        _, _, follower, place = self.path.split("/")
        with news:
            places[follower] = int(place)
            news.notify_all()
            news.wait_for(lambda: len(log) > int(place), timeout=0.5)
            entries = log[int(place):]
        self.reply(200, entries)
    def do_PUT(self):
        value = self.rfile.read(int(self.headers["Content-Length"])).decode()
        quorum = int(self.headers.get("Quorum", told.get("quorum", -1)))
        if quorum < 0:
            return self.reply(409, {})
        with news:
            append([self.path[1:], value])
            place = len(log)
            news.notify_all()
            acks = lambda: sum(at >= place for at in places.values())
            enough = news.wait_for(lambda: acks() >= quorum, timeout=4)
            self.reply(200 if enough else 503, {"acks": acks()})
    def reply(self, status, body):
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass
if os.environ["ROLE"] == "follower":
    threading.Thread(target=fetch, daemon=True).start()
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Node).serve_forever()
"#;

const ADAPTER: &str = r#"
import json, sys, time, urllib.request
def ask(node, path="", body=None, **headers):
    url = f"http://{hello['addresses'][node]}/{path}"
    request = urllib.request.Request(url, body, headers, method="PUT" if body else "GET")
    return json.loads(urllib.request.urlopen(request, timeout=8).read())
def answer(op, node=None, key=None, value=None, quorum=None, **rest):
    if op == "hello":
        hello.update(rest)
        return {"protocol": 1}
    if op in ("prepare", "set_quorum") and by_request:
        ask("leader", f"quorum/{quorum}")
    if op == "write":
        headers = {} if by_request else {"Quorum": str(quorum)}
        end = time.monotonic() + 4
        while True:
            try:
                return {"outcome": "ok", **ask("leader", key, value.encode(), **headers)}
            except OSError as error:
                if getattr(error, "code", 409) != 409:
                    return {"outcome": "failed", "error": f"status {error.code}"}
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
    if op == "read":
        return {"value": ask(node).get(key)}
    if op == "dump":
        return {"entries": [{"key": key, "value": value} for key, value in ask(node).items()]}
    if op == "ready":
        ask(node)
    return {}
"#;

/// A variable that has a node keep its log on disk.
const KEPT: &str = "KEPT = \"kept-{name}\"\n";

/// How nodes start that keep what they have as `restart` says; and a fault.
fn with(restart: &str, environment: &str, fault: &str) -> Lab {
    let system = format!("dialer = \"follower\"\nordered_log = true\nrestart = \"{restart}\"\n");
    let variables = "ROLE = \"{role}\"\nNAME = \"{name}\"\nLEADER = \"{leader}\"\n";
    lab_of(&format!("{CONFIG}{system}{START}{variables}{environment}{fault}"), NODE, ADAPTER)
}

/// Every write that succeeded had been acknowledged by both followers.
fn assert_acknowledged_by_both(writes: &str) {
    let acks = column(writes, "acks").into_iter().zip(column(writes, "outcome"));
    let acks: Vec<String> = acks.filter(|(_, outcome)| outcome == "ok").map(|(acks, _)| acks).collect();
    assert!(acks.len() > 6 && acks.iter().all(|acks| acks == "2"), "{writes}");
}

fn done(lab: &Lab) -> Vec<String> {
    column(&lab.read("data/W2/faults.csv"), "kind")
}

#[test]
fn proxies_stand_in_front_of_the_leader_where_followers_connect_to_it() {
    if !is_installed() {
        return;
    }
    let lab = with("resync", "", "");
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let writes = lab.read("data/W2/writes.csv");
    assert_eq!(column(&writes, "outcome"), vec!["ok"; 24]);
    assert!(column(&writes, "latency_us").iter().all(|us| us.parse::<u64>().unwrap() >= 30_000), "{writes}");
    for follower in ["f1", "f2"] {
        assert_eq!(held(&lab, 2, follower), held(&lab, 2, "leader"), "{follower}");
    }
    assert_eq!(json(&lab, "data/W2/manifest.json")["settled"], true);
}

#[test]
fn a_follower_that_was_killed_fetches_what_it_lacks() {
    if !is_installed() {
        return;
    }
    let lab = with("resync", "", &LEADER_IS_KILLED.replace("leader", "f1"));
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(done(&lab), ["kill", "restart"]);
    assert_eq!(held(&lab, 2, "f1"), held(&lab, 2, "leader"));
    assert_eq!(held(&lab, 2, "f1").len(), 24);
}

#[test]
fn a_leader_that_was_killed_and_keeps_its_log_on_disk_loses_no_acknowledged_write() {
    if !is_installed() {
        return;
    }
    let lab = with("durable", KEPT, LEADER_IS_KILLED);
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(done(&lab), ["kill", "restart"]);
    let writes = lab.read("data/W2/writes.csv");
    let (leader, outcomes) = (held(&lab, 2, "leader"), column(&writes, "outcome"));
    let acknowledged = column(&writes, "key").into_iter().zip(&outcomes).filter(|(_, outcome)| *outcome == "ok");
    let acknowledged: Vec<String> = acknowledged.map(|(key, _)| key).collect();
    assert!(!acknowledged.is_empty() && acknowledged.iter().all(|key| leader.contains_key(key)), "{writes}");
    // The first are from before the kill.
    assert_eq!(outcomes[..2], ["ok", "ok"], "{writes}");
    assert_acknowledged_by_both(&writes);
    assert_eq!(json(&lab, "data/W2/manifest.json")["system"]["capabilities"]["restart"], "durable");
}

#[test]
fn a_leader_that_was_started_again_is_told_its_quorum_again() {
    if !is_installed() {
        return;
    }
    let lab = with("durable", KEPT, LEADER_IS_KILLED);
    lab.edit("experiments.toml", |text| {
        text.replace("\"adapter.py\"]", "\"adapter.py\", \"by_request\"]\nquorum = \"by_request\"")
    });
    let ended = lab.run(&["run", "all"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(done(&lab), ["kill", "restart"]);
    assert_acknowledged_by_both(&lab.read("data/W2/writes.csv"));
}
