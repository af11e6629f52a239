#![expect(clippy::unwrap_used, reason = "a test may panic")]

use serde_json::json;

use super::*;

fn answer(fields: Value) -> AdapterAnswer {
    AdapterAnswer::parse(fields.to_string().as_bytes()).unwrap()
}

fn refusal<T: std::fmt::Debug>(read: Result<T, String>) -> String {
    read.unwrap_err()
}

#[test]
fn the_page_of_the_protocol_shows_what_is_sent() {
    let page = include_str!("../../../docs/adapter.md");
    let shown: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("> ")).collect();
    let hello = Hello {
        protocol: PROTOCOL,
        nodes: vec![NodeId::Leader, NodeId::Follower(0)],
        quorum: 1,
        request_timeout_s: 5.0,
        replication_timeout_s: 2.0,
        seed: 42,
        addresses: BTreeMap::new(),
        delays: BTreeMap::from([(
            NodeId::Follower(0),
            InjectedDelays { write: "uniform(0,200)".parse().unwrap(), ack: None },
        )]),
    };
    let (node, key) = (NodeId::Follower(0), "k0");
    let questions = [
        Question::Hello(&hello),
        Question::Prepare { quorum: 1 },
        Question::Ready { node },
        Question::Write { key, value: "v0", quorum: 1 },
        Question::Read { node, key },
        Question::Read { node, key: "k1" },
        Question::Dump { node: NodeId::Leader },
    ];
    let sent: Vec<String> = (0..)
        .zip(&questions)
        .map(|(id, question)| serde_json::to_string(&AdapterRequest { id, question }).unwrap())
        .collect();
    assert_eq!(shown, sent);
    let in_flight = serde_json::to_string(&AdapterRequest { id: 7, question: &Question::InFlight }).unwrap();
    assert_eq!(in_flight, r#"{"id":7,"op":"in_flight"}"#);
    for question in questions.iter().chain([&Question::InFlight]) {
        assert!(page.contains(&format!("| `{}` | ", question.name())), "{}", question.name());
    }
}

#[test]
fn a_line_that_is_no_answer_is_quoted_by_its_beginning() {
    let refuse = |line: &[u8]| refusal(AdapterAnswer::parse(line));
    assert_eq!(
        refuse(b"Connected."),
        "it wrote a line that is no JSON (standard output is for answers, standard error for all else): \"Connected.\""
    );
    assert_eq!(refuse(b"7"), "it wrote a line that is no JSON object: \"7\"");
    for line in ["{}", r#"{"id":"1"}"#, r#"{"id":-1}"#, r#"{"id":1.5}"#, r#"{"id":null}"#] {
        assert!(refuse(line.as_bytes()).starts_with("it wrote a line without the `id` of a request"), "{line}");
    }
    assert!(refuse(b"").ends_with(": \"\""));
    assert!(refuse(&[0xff, 0x00, b'x']).ends_with("\"\u{fffd}\\0x\""), "{}", refuse(&[0xff, 0x00, b'x']));
    let long = refuse("é".repeat(10_000).as_bytes());
    assert!(long.ends_with("éé...\"") && long.chars().count() < 300, "{long}");
    let deep = "[".repeat(100_000);
    assert!(refuse(deep.as_bytes()).contains("no JSON"));
}

#[test]
fn a_greeting_says_the_protocol_and_perhaps_the_store() {
    assert_eq!(answer(json!({"id": 0, "protocol": 1, "version": "SQLite 3"})).hello(), Ok("SQLite 3".to_owned()));
    assert_eq!(answer(json!({"id": 0, "protocol": 1})).hello(), Ok(String::new()));
    assert_eq!(
        refusal(answer(json!({"id": 0})).hello()),
        r#"protocol must be 1, the protocol of this labctl; it answered {"id":0}"#
    );
    assert!(
        refusal(answer(json!({"id": 0, "protocol": 1, "version": 3})).hello()).starts_with("version must be a text")
    );
}

#[test]
fn a_write_ends_as_the_adapter_says() {
    let read = |fields: Value| answer(fields).written(true, false);
    let done = read(json!({"id": 1, "outcome": "ok", "version": 7, "acks": 2})).unwrap();
    assert_eq!((done.outcome, done.version, done.acks), (WriteOutcome::Ok, Some(Version::new(7)), Some(2)));
    let failed = read(json!({"id": 1, "outcome": "failed", "error": "a\nb", "version": null})).unwrap();
    assert_eq!((failed.outcome, failed.error.as_deref()), (WriteOutcome::Failed, Some("a b")));
    assert_eq!(read(json!({"id": 1, "error": {"code": 3}})).unwrap().outcome, WriteOutcome::Unknown);
    for wrong in [json!({"id": 1}), json!({"id": 1, "outcome": "OK"}), json!({"id": 1, "outcome": 1, "error": "x"})] {
        assert!(refusal(read(wrong)).starts_with("outcome must be \"ok\", \"failed\" or \"unknown\"; it answered {"));
    }
    assert!(refusal(read(json!({"id": 1, "outcome": "ok", "acks": -1}))).starts_with("acks must be a whole number"));
    assert!(refusal(read(json!({"id": 1, "outcome": "ok", "version": "7"}))).starts_with("version must be a whole"));
    // A leader that counts itself is no follower.
    let counted = answer(json!({"id": 1, "outcome": "ok", "version": 7, "acks": 3})).written(false, true).unwrap();
    assert_eq!((counted.version, counted.acks), (None, Some(2)));
}

#[test]
fn a_read_finds_a_text_or_nothing() {
    let found = |fields: Value, is_told| answer(fields).found(is_told);
    assert_eq!(found(json!({"id": 1, "value": null}), true), Ok(None));
    let version = Some(Version::new(2));
    assert_eq!(
        found(json!({"id": 1, "value": "x", "version": 2}), true),
        Ok(Some(Found { value: "x".to_owned(), version }))
    );
    // What is not promised is not looked at.
    assert_eq!(found(json!({"id": 1, "value": "x", "version": 2}), false).unwrap().unwrap().version, None);
    assert!(refusal(found(json!({"id": 1, "value": "x"}), true)).starts_with("version must be a whole number, since"));
    for wrong in [json!({"id": 1}), json!({"id": 1, "value": 5})] {
        assert!(refusal(found(wrong, false)).starts_with("value must be a text, or null where"));
    }
}

#[test]
fn a_dump_has_each_key_once() {
    let entries = |entries: Value, is_told| answer(json!({"id": 1, "entries": entries})).entries(is_told);
    assert_eq!(entries(json!([]), true), Ok(BTreeMap::new()));
    let held =
        entries(json!([{"key": "a", "value": "1", "version": 4}, {"key": "b", "value": "2", "version": 3}]), true);
    let versions: Vec<_> = held.unwrap().values().map(|found| found.version.unwrap().get()).collect();
    assert_eq!(versions, [4, 3]);
    let pair = |value: Value| json!([{"key": "a", "value": "1"}, value]);
    assert_eq!(refusal(entries(pair(json!({"key": "a", "value": "2"})), false)), "entries has the key \"a\" twice");
    assert!(refusal(entries(pair(json!("b")), false)).starts_with("entries[1].key must be a text; it answered {"));
    assert!(refusal(entries(pair(json!({"key": "b"})), false)).starts_with("entries[1].value must be a text"));
    assert!(refusal(entries(pair(json!({})), true)).starts_with("entries[0].version must be a whole number, since"));
    assert!(refusal(entries(json!({"a": "1"}), false)).starts_with("entries must be a list of"));
}

#[test]
fn what_is_under_way_is_a_number_and_names() {
    let pending = |fields: Value| answer(fields).pending();
    assert_eq!(pending(json!({"id": 1, "copies": 3})).unwrap().copies, 3);
    let some = pending(json!({"id": 1, "copies": 0, "unreachable": ["f2"]})).unwrap();
    assert!(some.unreachable.contains("f2"));
    assert!(refusal(pending(json!({"id": 1}))).starts_with("copies must be a whole number"));
    assert!(refusal(pending(json!({"id": 1, "copies": 0, "unreachable": ["x"]}))).starts_with("unreachable must be"));
}
