//! Mappings: what is sent, what answers mean, and what is wrong with them.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::client::HttpAnswer;
use super::filter::{Filter, Outputs, Take, evaluate};
use super::judge;
use super::node::HttpKind;
use super::placeholders::RequestValues;
use super::settings::{HttpSettings, State};
use crate::config::{Config, parse};
use crate::system::traits::SystemKind;

static KINDS: &[&dyn SystemKind] = &[&HttpKind];

fn read(table: &str) -> Result<Config, Vec<String>> {
    let text = format!(
        "default = \"a\"\n[experiment.a]\nsystem = \"mine\"\n[system.mine]\nkind = \"http\"\nstart = {{ command = [\"node\", \"{{quorum}}\", \"{{followers}}\"] }}\n{table}"
    );
    parse(&text, &|_| Err(std::io::ErrorKind::NotFound.into()), &KINDS).map_err(|problems| {
        let line =
            |problem: &crate::config::Problem| format!("{}:{}: {}", problem.line, problem.column, problem.message);
        problems.iter().map(line).collect()
    })
}

fn settings(table: &str) -> HttpSettings {
    let config = read(table).unwrap();
    config.experiments.into_values().next().unwrap().system.settings.parse().unwrap()
}

fn problems(table: &str) -> String {
    read(table).unwrap_err().join("\n")
}

const WRITE: &str = "[system.mine.write]\nrequest = \"POST /set/{key}?v={value}\"\n";
const VALUES: RequestValues<'_> = RequestValues { key: "k 1/ä", value: "v&7", write: 7, quorum: 3 };

fn answer(status: u16, body: &str) -> HttpAnswer {
    HttpAnswer { status, location: None, body: body.as_bytes().to_vec() }
}

fn run(filters: &[&Filter], take: Take, answer: &HttpAnswer) -> Vec<Outputs> {
    evaluate(filters, take, &answer.body)
}

fn only<'a>(filters: Vec<(&'static str, &'a Filter)>) -> Vec<&'a Filter> {
    filters.into_iter().map(|(_, filter)| filter).collect()
}

#[test]
fn placeholders_are_filled_in_and_encoded_where_they_stand() {
    let forms = [
        "[system.mine.write]\nrequest = \"PUT /{key}/{value}?w={quorum}\"\nheaders = { x-write-id = \"{write}\" }\n",
        "[system.mine.write]\nrequest = \"POST /write\"\njson = { key = \"{key}\", \"{key}\" = [\"{value}\", 1, 2.5, true], w = \"{quorum_number}\", \"n\" = \"{write_number}\", t = \"w{quorum}\" }\n",
        "[system.mine.write]\nrequest = \"POST /write\"\nform = { key = \"{key}\", \"a b\" = \"{value}\" }\n",
        "[system.mine.write]\nrequest = \"POST /write\"\ntext = \"{key}={value} {{}}\"\nheaders = { Content-Type = \"text/csv\" }\n",
    ];
    let sent = forms.map(|form| {
        let request = settings(form).write.exchange.fill(&VALUES);
        format!("{} {} {:?}\n{}", request.method, request.path, request.headers, request.body.unwrap_or_default())
    });
    insta::assert_snapshot!(sent.join("\n\n"), @r#"
    PUT /k%201%2F%C3%A4/v%267?w=3 [("x-write-id", "7")]


    POST /write [("content-type", "application/json")]
    {"k 1/ä":["v&7",1,2.5,true],"key":"k 1/ä","n":7,"t":"w3","w":3}

    POST /write [("content-type", "application/x-www-form-urlencoded")]
    a%20b=v%267&key=k%201%2F%C3%A4

    POST /write [("Content-Type", "text/csv")]
    k 1/ä=v&7 {}
    "#);
}

#[test]
fn what_a_mapping_says_is_kept_in_the_manifest() {
    for table in [
        "preset = \"lab\"\n",
        "quorum = \"per_write\"\nstate = \"log\"\n[system.mine.write]\nrequest = \"POST /\"\njson = { message = \"{value}\", w = \"{quorum_number}\" }\n",
        "preset = \"lab\"\n[system.mine.write]\ntext = \"{key}={value}\"\n[system.mine.dump]\nby = \"reads\"\n",
    ] {
        let settings = settings(table);
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(serde_json::from_str::<HttpSettings>(&json).unwrap(), settings, "{json}");
    }
    // What the file says wins over the preset: the body is one.
    let own =
        settings("preset = \"lab\"\n[system.mine.write]\ntext = \"{key}={value}\"\n").write.exchange.fill(&VALUES);
    assert_eq!((own.path.as_str(), own.body.as_deref()), ("/kv/k%201%2F%C3%A4", Some("k 1/ä=v&7")));
}

#[test]
fn what_is_wrong_is_told_where_it_stands_with_what_is_accepted() {
    let wrong = [
        "",
        "preset = \"labs\"\n[system.mine.write]\nrequets = \"\"\n",
        "quorum = \"majority\"\npreset = \"lab\"\n",
        "[system.mine.write]\nrequest = \"put kv\"\n",
        "[system.mine.write]\nrequest = \"PUT /{kye}\"\njson = { v = \"{value}\", at = 2026-01-01 }\nstatus = [99]\n",
        "[system.mine.write]\nok = \".a\"\n",
        "[system.mine.write]\nrequest = \"PUT /{key}/{value}\"\njson = {}\ntext = \"\"\n",
        "[system.mine.write]\nrequest = \"PUT /{key}/{value}\"\nok = \".status == \\\"ok\"\nversion = \".version | frist\"\n",
        "[system.mine.write]\nrequest = \"PUT /{key}/{value}\"\nok = '.a | ('\nversion = 3\nheaders = { \"a b\" = \"\" }\n",
        "quorum = \"per_write\"\n[system.mine.write]\nrequest = \"PUT /{key}\"\n",
        "quorum = \"by_request\"\npreset = \"lab\"\n",
        "preset = \"lab\"\n[system.mine.set_quorum]\nrequest = \"POST /config\"\n",
        "[system.mine.write]\nrequest = \"PUT /{key}/{value}\"\n[system.mine.dump]\nby = \"reads\"\n",
        "[system.mine.write]\nrequest = \"PUT /{key}/{value}\"\n[system.mine.dump]\nentries = '.[]'\n",
    ];
    insta::assert_snapshot!(wrong.map(problems).join("\n---\n"), @r#"
    4:1: system.mine.write is missing; it must be a table with the request of a write, or preset "lab"
    ---
    7:10: system.mine.preset must be "lab", not "labs"
    8:1: system.mine.write.request is missing; it must be a method and a path in quotes, such as "PUT /kv/{key}"
    9:1: unknown key `system.mine.write.requets`; did you mean `request`?
    ---
    7:10: system.mine.quorum must be one of "per_start", "by_request" or "per_write", not "majority"
    ---
    8:11: system.mine.write.request: it must be a method and a path in quotes, such as "PUT /kv/{key}", not "put kv"
    ---
    8:11: system.mine.write.request: unknown placeholder {kye}; did you mean {key}?
    9:30: system.mine.write.json.at: JSON has no dates; write it as a text in quotes
    10:11: system.mine.write.status: each value must be a whole number from 200 to 599, not 99
    ---
    7:1: system.mine.write.request is missing; it must be a method and a path in quotes, such as "PUT /kv/{key}"
    ---
    10:8: system.mine.write.text: a request has one body, and it has json already
    ---
    9:6: system.mine.write.ok: expected a closing quote, found the end
    10:23: system.mine.write.version: there is no filter frist
    ---
    9:13: system.mine.write.ok: expected a closing parenthesis, found the end
    10:11: system.mine.write.version must be a jq filter in quotes, not 3
    11:11: system.mine.write.headers: "a b" is no name of a header
    ---
    8:1: system.mine.write: {value} must be in its request, headers or body
    8:1: system.mine.write: {quorum} must be in its request, headers or body, since quorum is "per_write"
    ---
    4:1: system.mine.set_quorum: it must be a table with the request that sets W, since quorum is "by_request"
    ---
    8:1: system.mine.set_quorum: it is sent only if quorum is "by_request"
    ---
    10:6: system.mine.dump.by: a node is dumped by reads, and there is no table read
    ---
    9:1: system.mine.dump.request is missing; it must be a method and a path in quotes, such as "PUT /kv/{key}"
    "#);
}

/// What became of a write with this answer.
fn written(rules: &str, status: u16, body: &str) -> String {
    let rules = settings(&format!("{WRITE}{rules}")).write;
    let answer = answer(status, body);
    let outputs = run(&only(rules.filters()), Take::First, &answer);
    let told = rules.judge(&answer, outputs).result;
    let version = told.version.map(|version| version.get());
    format!("{:?} {version:?} {}", told.outcome, told.error.unwrap_or_default()).trim_end().to_owned()
}

#[test]
fn a_status_and_a_filter_decide_what_became_of_a_write() {
    let ok = "ok = '.status == \"ok\"'\nversion = '.version'\n";
    let told = [
        written("", 200, ""),
        written("", 503, "{\"error\":\"no quorum\"}"),
        written("", 404, "Not Found"),
        written("", 202, ""),
        written("", 307, ""),
        written("status = [200, 201]\n", 201, ""),
        written(ok, 200, "{\"status\":\"ok\",\"version\":7}"),
        written(ok, 200, "{\"status\":\"partial\",\"version\":\"8\"}"),
        written(ok, 503, "{\"status\":\"ok\",\"version\":9}"),
        written(ok, 200, "{\"status\":\"ok\",\"version\":1.5}"),
        written(ok, 200, "{\"status\":\"ok\"}"),
        written(ok, 200, "<html>\n<h1>It works!</h1>"),
        written("ok = '.success'\n", 200, "{}"),
        written("ok = '.success'\n", 200, "{\"success\":\"no\"}"),
        written("ok = 'empty'\n", 200, "{}"),
        written("ok = '. == \"OK\"'\n", 200, "OK\n"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    Ok None
    Failed None status 503: {"error":"no quorum"}
    Failed None status 404: Not Found
    Unknown None status 202: not among the statuses of success (200)
    Unknown None status 307: not among the statuses of success (200)
    Ok None
    Ok Some(7)
    Failed Some(8) status 200: ok gave false: {"status":"partial","version":"8"}
    Failed Some(9) status 503: {"status":"ok","version":9}
    Unknown None status 200: version = `.version`: it gave 1.5, not a version, which is a whole number; the answer was: {"status":"ok","version":1.5}
    Ok None
    Unknown None status 200: ok = `.status == "ok"`: cannot index "<html>\n<h1>It works!</h1>" with "status"; the answer was: <html> <h1>It works!</h1>
    Unknown None status 200: ok = `.success`: it gave null, neither true nor false; the answer was: {}
    Unknown None status 200: ok = `.success`: it gave "no", neither true nor false; the answer was: {"success":"no"}
    Unknown None status 200: ok = `empty`: it gave nothing; the answer was: {}
    Ok None
    "#);
}

/// What a read gives with this answer.
fn found(rules: &str, status: u16, body: &str) -> String {
    let rules = settings(&format!("{WRITE}[system.mine.read]\nrequest = \"GET /{{key}}\"\n{rules}")).read.unwrap();
    let answer = answer(status, body);
    let outputs = run(&only(rules.filters()), Take::First, &answer);
    match rules.judge(&answer, outputs).result {
        Ok(Some(found)) => format!("{} {:?}", found.value, found.version.map(|version| version.get())),
        Ok(None) => "absent".to_owned(),
        Err(message) => message,
    }
}

#[test]
fn a_value_is_found_in_json_in_a_bare_string_and_in_plain_text() {
    let told = [
        found("value = '.value'\nversion = '.version'\n", 200, "{\"value\":\"v7\",\"version\":3}"),
        found("value = '.value'\n", 200, "{\"value\":null}"),
        found("value = '.value'\n", 404, "nothing"),
        found("absent = [410]\n", 404, "nothing"),
        found("", 200, "\"v7\""),
        found("", 200, "v7\r\n"),
        found("", 200, "17"),
        found("", 200, "null"),
        found("value = 'if . == \"none\" then null else ltrimstr(\"it is \") end'\n", 200, "it is v7"),
        found("value = 'if . == \"none\" then null else ltrimstr(\"it is \") end'\n", 200, "none"),
        found("", 200, "{\"a\":1}"),
        found("value = '.value'\n", 200, "<html>"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r#"
    v7 Some(3)
    absent
    absent
    status 404: nothing
    v7 None
    v7 None
    17 None
    absent
    v7 None
    absent
    status 200: value = `.`: it gave {"a":1}, not a text; the answer was: {"a":1}
    status 200: value = `.value`: cannot index "<html>" with "value"; the answer was: <html>
    "#);
}

/// What a dump gives with this answer.
fn dumped(entries: &str, state: State, body: &str) -> String {
    let (entries, answer) = (Filter::parse(entries).unwrap(), answer(200, body));
    let outputs = run(&[&entries], Take::All, &answer);
    let exchange = &settings(WRITE).write.exchange;
    match judge::dump(exchange, &entries, state == State::Log, &answer, outputs).result {
        Ok(entries) => format!("{:?} {:?}", entries.store, entries.versions),
        Err(message) => message,
    }
}

#[test]
fn a_dump_is_a_map_a_list_of_entries_or_a_log() {
    let told = [
        dumped("to_entries[]", State::Keys, r#"{"k1":"v1","k0":"v0","k2":null}"#),
        dumped(
            ".data | to_entries[] | {key, value: .value.value, version: .value.version}",
            State::Keys,
            r#"{"data":{"k1":{"value":"v1","version":4}}}"#,
        ),
        dumped(
            ". as $all | .data | to_entries[] | {key, value, version: $all.versions[.key]}",
            State::Keys,
            r#"{"data":{"k1":"v1"},"versions":{"k1":2}}"#,
        ),
        dumped(".[]", State::Log, r#"["v1","v0","v1"]"#),
        dumped(".[].message", State::Log, r#"[{"message":"v1"},{"message":null}]"#),
        dumped(".[]", State::Keys, r#"["v1"]"#),
        dumped("to_entries[]", State::Keys, "<html>"),
        dumped(".[] | {value: .}", State::Keys, r#"["v1"]"#),
        dumped("to_entries[]", State::Keys, "{}"),
    ];
    insta::assert_snapshot!(told.join("\n"), @r##"
    {"k0": "v0", "k1": "v1"} {}
    {"k1": "v1"} {"k1": 4}
    {"k1": "v1"} {"k1": 2}
    {"#0001": "v1", "#0002": "v0", "#0003": "v1"} {}
    status 200: entries = `.[].message`: it gave null, not a message; the answer was: [{"message":"v1"},{"message":null}]
    status 200: entries = `.[]`: it gave "v1", not an object with key and value; the answer was: ["v1"]
    status 200: entries = `to_entries[]`: cannot use "<html>" as iterable (array or object); the answer was: <html>
    status 200: entries = `.[] | {value: .}`: it gave {"value":"v1"}, which has no key; the answer was: ["v1"]
    {} {}
    "##);
}

#[test]
fn deep_nesting_of_a_filter_or_of_an_answer_is_no_danger() {
    let deep = format!("{}.{}", "(".repeat(2_000), ")".repeat(2_000));
    assert!(Filter::parse(&deep).is_ok());
    assert!(Filter::parse(&"(".repeat(4_000)).is_err());
    assert!(Filter::parse(&"[".repeat(5_000)).unwrap_err().message.contains("at most 4096 bytes"));
    assert!(found("", 200, &"[".repeat(100_000)).starts_with("[["));
}
