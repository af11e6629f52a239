//! Adapters in Python, sound ones and broken ones: an error is one line that quotes what the adapter said, and nothing
//! is left running.

use std::fs;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::lab::{Ended, Lab};
use crate::redis::{column, held, json, left_in};
use crate::require::missing;

/// Two followers, no delays, and each key written once, so that no copy can overtake another of its key.
const CONFIG: &str = r#"
schema = 1
default = "mine"
[experiment.mine]
system = "mine"
quorums = [1]
followers = 2
[experiment.mine.network]
delay = { kind = "constant", ms = 0 }
global_request_timeout_s = 0.5
[experiment.mine.reads]
probe = "off"
[experiment.mine.workload]
writes = 40
concurrency = 4
keys = 40
[system.mine]
kind = "adapter"
session = ["python3", "adapter.py"]
settle_quiet_s = 0.1
"#;

/// An adapter to a store of files, one a key, that copies at once; `WRITE` stands for what it does at a write, `START` for
/// what it does first, and `END` for what it does once its input is closed.
const ADAPTER: &str = r#"
import json, os, pathlib, signal, subprocess, sys, threading, time
def say(**fields):
    print(json.dumps(fields), flush=True)
def store(node):
    folder = pathlib.Path("store") / node
    folder.mkdir(parents=True, exist_ok=True)
    return folder
def put(request):
    for node in nodes:
        temporary = store(node) / f".{os.getpid()}-{threading.get_ident()}"
        temporary.write_text(request["value"])
        temporary.rename(store(node) / request["key"])
def write(request):
    put(request)
    say(id=request["id"], outcome="ok")
nodes = []
START
for line in sys.stdin:
    request = json.loads(line)
    op = request["op"]
    if op == "hello":
        nodes = request["nodes"]
        say(id=request["id"], protocol=1, version="files 1")
    elif op == "write":
        WRITE
    elif op == "dump":
        files = [file for file in store(request["node"]).iterdir() if not file.name.startswith(".")]
        say(id=request["id"], entries=[{"key": file.name, "value": file.read_text()} for file in files])
    else:
        say(id=request["id"])
END
"#;

pub(crate) fn is_installed() -> bool {
    let found = Command::new("python3").arg("--version").output().is_ok();
    if !found {
        missing("python3", "python3 is not on the path");
    }
    found
}

/// A folder with an adapter.
fn with(start: &str, write: &str, end: &str) -> Lab {
    let lab = Lab::new(CONFIG);
    let adapter = ADAPTER.replace("START", start).replace("WRITE", write).replace("END", end);
    fs::write(lab.path("adapter.py"), adapter).unwrap();
    lab
}

/// How a run ends that has to leave nothing.
fn ended(lab: &Lab, args: &[&str]) -> Ended {
    let temporary = lab.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let ended: Ended = lab.command(args).env("TMPDIR", &temporary).output().unwrap().into();
    assert_eq!(left_in(&temporary), Vec::<String>::new());
    ended
}

/// The one line that a run ends with, after who says it.
fn told(lab: &Lab) -> String {
    let ended = ended(lab, &["run", "all"]);
    assert_eq!(ended.code, Some(3), "{}", ended.stderr);
    let lines: Vec<&str> = ended.stderr.lines().filter(|line| !line.contains(", backend ")).collect();
    assert_eq!(lines.len(), 1, "{}", ended.stderr);
    let line = lines[0];
    assert!(!lab.path("data/W1").exists());
    line.strip_prefix("labctl: experiment mine: W = 1: leader: ").unwrap_or(line).to_owned()
}

const SOUND: &str = "write(request)";

#[test]
fn a_sound_adapter_is_measured_and_reported_and_leaves_nothing() {
    if !is_installed() {
        return;
    }
    let lab = with("print('hello from', os.getpid(), file=sys.stderr)", SOUND, "");
    let done = ended(&lab, &["run", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(column(&lab.read("data/W1/writes.csv"), "outcome"), vec!["ok"; 40]);
    assert_eq!(held(&lab, 1, "f1"), held(&lab, 1, "leader"));
    assert_eq!(json(&lab, "data/W1/manifest.json")["system"]["version"], "files 1");
    // One process for each write at a time, and one for each node.
    let log = lab.read("data/W1/logs/adapter.log");
    assert_eq!(log.matches("hello from").count(), 4 + 3, "{log}");
    for command in ["check-consistency", "report", "validate", "doctor"] {
        assert_eq!(ended(&lab, &[command]).code, Some(0), "{command}");
    }
    assert!(lab.ok(&["doctor"]).contains("mine (adapter): python3 adapter.py"));
}

#[test]
fn a_session_begins_in_the_folder_of_experiments_toml() {
    if !is_installed() {
        return;
    }
    let lab = with("", SOUND, "");
    fs::create_dir(lab.path("elsewhere")).unwrap();
    let mut command = lab.command(&["--config", "../experiments.toml", "run", "all"]);
    let done: Ended = command.current_dir(lab.path("elsewhere")).output().unwrap().into();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(lab.path("elsewhere/data/W1/writes.csv").exists() && lab.path("store/f1").exists());
}

#[test]
fn what_a_broken_adapter_says_is_quoted() {
    if !is_installed() {
        return;
    }
    let adapter = "the adapter `python3 adapter.py`: ";
    let garbage = "it wrote a line that is no JSON (standard output is for answers, standard error for all else): ";
    let cases: &[(&str, &str, &str)] = &[
        // It dies.
        (
            "raise SystemExit('no server at db:5432')",
            SOUND,
            "it ended (exit status 1); it said \"no server at db:5432\"",
        ),
        (
            "import no_such_client",
            SOUND,
            "it ended (exit status 1); it said \"ModuleNotFoundError: No module named 'no_such_client'\"",
        ),
        ("", "os.kill(os.getpid(), 9)", "it ended (killed by signal 9)"),
        ("", "request['no such']", "it ended (exit status 1); it said \"KeyError: 'no such'\""),
        ("", "sys.exit(0)", "it ended (exit status 0)"),
        // It talks of other things.
        ("print('Connected to db')", SOUND, &format!("{garbage}\"Connected to db\"")),
        (
            "",
            "print('<!DOCTYPE html>\\n<h1>502 Bad Gateway</h1>', flush=True)",
            &format!("{garbage}\"<!DOCTYPE html>\""),
        ),
        ("", "print('[1, 2]', flush=True)", "it wrote a line that is no JSON object: \"[1, 2]\""),
        (
            "",
            "print('{\"ok\": true}', flush=True)",
            "it wrote a line without the `id` of a request, a whole number: \"{\\\"ok\\\": true}\"",
        ),
        ("", "sys.stdout.buffer.write(bytes(range(128, 200)) + b'\\n'); sys.stdout.flush()", garbage),
        // It loses count.
        ("", "say(id=4711, outcome='ok')", "it answered request 4711, which was never made"),
        ("", "write(request); say(id=request['id'], outcome='ok')", "twice"),
        (
            "",
            "say(id=request['id'], outcome='fine')",
            "outcome must be \"ok\", \"failed\" or \"unknown\"; it answered {\"id\":",
        ),
        // It never stops.
        ("", "[sys.stdout.write('x' * 65536) for _ in iter(int, 1)]", "it wrote a line longer than 1 MiB: \"xxxxx"),
        // It stops too early.
        ("", "os.close(1); time.sleep(60)", "it closed its standard output"),
        (
            "",
            "sys.stdout.write('{\"id\": 1'); sys.stdout.flush(); os._exit(7)",
            "it ended (exit status 7); it said \"{\\\"id\\\": 1\"",
        ),
        // It does not want to.
        ("for line in sys.stdin: say(id=0, error='only SQLite 4')", SOUND, "it says \"only SQLite 4\""),
        (
            "for line in sys.stdin: say(id=0, protocol=2)",
            SOUND,
            "protocol must be 1, the protocol of this labctl; it answered {\"id\":0,\"protocol\":2}",
        ),
    ];
    let check = |(start, write, expected): &(&str, &str, &str)| {
        let line = told(&with(start, write, ""));
        let said = line.split_once(adapter).map(|(_, said)| said);
        assert!(said.is_some_and(|said| said.contains(expected)), "{start} {write}:\n{line}\n{expected}");
    };
    // Most of the time of each goes by in waiting.
    for some in cases.chunks(6) {
        thread::scope(|scope| some.iter().for_each(|case| drop(scope.spawn(|| check(case)))));
    }
}

#[test]
fn an_adapter_that_does_not_end_is_ended_with_all_that_it_has_started() {
    if !is_installed() {
        return;
    }
    let deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN); signal.signal(signal.SIGHUP, signal.SIG_IGN)\n\
                for detach in (False, True): subprocess.Popen(['sleep', '600'], start_new_session=detach)\n\
                if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(600)\n    os._exit(0)";
    let began = Instant::now();
    let done = ended(&with(deaf, SOUND, "time.sleep(600)"), &["run", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(began.elapsed() < Duration::from_secs(60));
}

#[test]
fn megabytes_on_standard_error_are_read_and_their_end_is_kept() {
    if !is_installed() {
        return;
    }
    let lab = with("", "sys.stderr.write('noise ' * 100_000 + '\\n'); write(request)", "");
    let done = ended(&lab, &["run", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let log = lab.read("data/W1/logs/adapter.log");
    assert!(log.contains("bytes left out]") && log.len() < 200_000, "{}", log.len());
}

#[test]
fn a_write_that_is_never_answered_is_unknown_and_many_end_the_run() {
    if !is_installed() {
        return;
    }
    let some = "write(request) if request['value'] not in ('v5', 'v11') else time.sleep(600)";
    let lab = with("", some, "");
    let done = ended(&lab, &["run", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let outcomes = column(&lab.read("data/W1/writes.csv"), "outcome");
    let unknown: Vec<usize> = (0..40).filter(|index| outcomes[*index] == "unknown").collect();
    assert_eq!(unknown, [5, 11]);
    assert!(lab.read("data/W1/writes.csv").contains("it did not answer within 2.5 s"));
    let line = told(&with("", "time.sleep(600)", ""));
    assert!(line.starts_with("it runs, but none of the last 20 writes was answered; of the last: "), "{line}");
}

#[test]
fn what_an_adapter_says_of_a_write_is_what_became_of_it() {
    if !is_installed() {
        return;
    }
    let answers = "number = int(request['value'][1:])\n        \
                   if number == 3: say(id=request['id'], outcome='failed', error='no quorum', acks=0)\n        \
                   elif number == 4: say(id=request['id'], error='connection lost')\n        \
                   else: write(request)";
    let lab = with("", answers, "");
    assert_eq!(ended(&lab, &["run", "all"]).code, Some(0));
    let writes = lab.read("data/W1/writes.csv");
    let outcomes = column(&writes, "outcome");
    assert_eq!((outcomes[2].as_str(), outcomes[3].as_str(), outcomes[4].as_str()), ("ok", "failed", "unknown"));
    assert!(writes.contains("no quorum") && writes.contains("connection lost"), "{writes}");
}

#[test]
fn one_process_that_overlaps_gets_all_requests_and_answers_in_any_order() {
    if !is_installed() {
        return;
    }
    let start = "print('hello from', os.getpid(), file=sys.stderr)\nlock, many = threading.Lock(), threading.Barrier(4)\n\
                 def say(**fields):\n    with lock: print(json.dumps(fields), flush=True)\n\
                 def together(request):\n    many.wait(60)\n    time.sleep(int(request['value'][1:]) % 4 / 100)\n    write(request)";
    // Each waits until four are under way.
    let lab = with(start, "threading.Thread(target=together, args=[request]).start()", "");
    lab.edit("experiments.toml", |text| {
        let patient = text.replace("global_request_timeout_s = 0.5", "global_request_timeout_s = 60");
        format!("{}overlap = true\n", patient.replace("concurrency = 4", "concurrency = 4\npacing = \"batch\""))
    });
    let done = ended(&lab, &["run", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(column(&lab.read("data/W1/writes.csv"), "outcome"), vec!["ok"; 40]);
    assert_eq!(lab.read("data/W1/logs/adapter.log").matches("hello from").count(), 1);
}

#[test]
fn a_run_settles_once_an_adapter_reports_that_nothing_is_in_flight() {
    if !is_installed() {
        return;
    }
    // A write is at the leader alone, until somebody asks what is in flight: each question lets one copy arrive.
    let write = "under_way.append(request); (store('leader') / request['key']).write_text(request['value'])\n        \
                 say(id=request['id'], outcome='ok')\n    elif op == 'in_flight':\n        \
                 put(under_way.pop(0)) if under_way else None\n        \
                 say(id=request['id'], copies=len(under_way))";
    let lab = with("under_way = []", write, "");
    lab.edit("experiments.toml", |text| format!("{text}overlap = true\nsettles = \"reported\"\n"));
    let done = ended(&lab, &["run", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let manifest = json(&lab, "data/W1/manifest.json");
    assert_eq!((&manifest["settled"], &manifest["quiet_us"]), (&true.into(), &serde_json::Value::Null));
    assert_eq!(json(&lab, "data/W1/at-last-ack/f1.json")["store"], serde_json::json!({}));
    assert_eq!((held(&lab, 1, "f1").len(), held(&lab, 1, "f1")), (40, held(&lab, 1, "leader")));
}

#[test]
fn an_adapter_that_answers_no_read_is_measured_without_readers_if_its_table_says_so() {
    if !is_installed() {
        return;
    }
    let lab = with("", SOUND, "");
    lab.edit("experiments.toml", |text| text.replace("[experiment.mine.reads]\nprobe = \"off\"\n", ""));
    let line = told(&lab);
    let expected = "value must be a text, or null where the node does not have the key (a system whose adapter cannot read \
                    has reads = false); it answered {\"id\":";
    assert!(line.contains(expected), "{line}");
    lab.edit("experiments.toml", |text| format!("{text}reads = false\n"));
    let done = ended(&lab, &["run", "all"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(json(&lab, "data/W1/manifest.json")["system"]["capabilities"]["reads"], false);
    assert!(!lab.path("data/W1/reads.csv").exists());
    assert!(lab.read("report/report.md").contains("It cannot be read while writes are under way, so no reader asked"));
    let probed = ended(&lab, &["probe", "mine"]);
    assert_eq!(probed.code, Some(0), "{}{}", probed.stdout, probed.stderr);
    lab.edit("experiments.toml", |text| {
        text.replace(
            "[experiment.mine.workload]",
            "[experiment.mine.reads]\nprobe = \"on\"\n[experiment.mine.workload]",
        )
    });
    let asked = lab.run(&["validate"]);
    assert_eq!(asked.code, Some(2));
    assert!(
        asked.stderr.contains("nodes of mine cannot be read while the load runs; probe must be \"off\""),
        "{}",
        asked.stderr
    );
}

#[test]
fn adapters_die_with_a_labctl_that_is_killed() {
    if !is_installed() {
        return;
    }
    let deaf = "signal.signal(signal.SIGTERM, signal.SIG_IGN)";
    let lab = with(deaf, "open('writing', 'w').close(); time.sleep(600)", "time.sleep(600)");
    let temporary = lab.path("tmp");
    fs::create_dir_all(&temporary).unwrap();
    let mut labctl = lab.command(&["run", "all"]).env("TMPDIR", &temporary).stderr(Stdio::null()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !lab.path("writing").exists() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    assert!(left_in(&temporary).len() > 4, "no adapter runs");
    labctl.kill().unwrap();
    labctl.wait().unwrap();
    while !left_in(&temporary).is_empty() && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(left_in(&temporary), Vec::<String>::new());
}

#[test]
fn what_a_system_without_nodes_cannot_take_is_told_with_its_place() {
    let more =
        "[[experiment.mine.fault]]\nat = 1\nnode = \"f1\"\nkind = \"kill\"\n[system.mine.environment]\nA = \"b\"\n";
    let config = CONFIG.replace("ms = 0 }", "ms = 5 }").replace("concurrency = 4", "concurrency = 65");
    let lab =
        Lab::new(&format!("{}{more}", config.replace("followers = 2\n", "followers = 2\nbackend = \"compose\"\n")));
    let told = lab.run(&["validate"]);
    assert_eq!(told.code, Some(2));
    for expected in ["network.delay: ", "fault: `", "backend: ", "concurrency: ", "system.mine.environment: "] {
        assert!(told.stderr.contains(expected), "{expected}: {}", told.stderr);
    }
    let nothing = Lab::new(&CONFIG.replace("session = [\"python3\", \"adapter.py\"]\n", ""));
    let told = nothing.run(&["validate"]);
    assert!(
        told.stderr.contains("system.mine.session is missing; it must be a list of texts in quotes"),
        "{}",
        told.stderr
    );
    for wrong in ["[]", "[\"\"]", "\"python3 adapter.py\"", "[1]"] {
        let lab = Lab::new(&CONFIG.replace("[\"python3\", \"adapter.py\"]", wrong));
        let told = lab.run(&["validate"]);
        assert!(
            told.stderr.contains("system.mine.session must be a list of texts in quotes"),
            "{wrong}: {}",
            told.stderr
        );
    }
}
