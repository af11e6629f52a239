//! Circles in a graph of files.

use std::collections::{BTreeMap, BTreeSet};

/// Groups of files that can all reach each other, each in alphabetical order.
pub(crate) fn circles(edges: &BTreeSet<(String, String)>) -> Vec<Vec<String>> {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (from, to) in edges {
        next.entry(from).or_default().insert(to);
    }
    let reach = |start: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![start.to_owned()]);
        while let Some(at) = open.pop() {
            for &to in next.get(at.as_str()).into_iter().flatten() {
                if seen.insert(to.to_owned()) {
                    open.push(to.to_owned());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<String>> = next.keys().map(|from| (*from, reach(from))).collect();
    let mut found = BTreeSet::new();
    for (from, seen) in &reached {
        let circle: Vec<String> = seen
            .iter()
            .filter(|to| reached.get(to.as_str()).is_some_and(|back| back.contains(*from)))
            .cloned()
            .collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    found.into_iter().collect()
}

#[test]
fn a_circle_is_found_and_named() {
    let edge = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert!(circles(&BTreeSet::from([edge("a", "b"), edge("b", "c"), edge("a", "c")])).is_empty());
    let found = circles(&BTreeSet::from([edge("a", "b"), edge("b", "c"), edge("c", "b"), edge("d", "d2")]));
    assert_eq!(found, [["b", "c"]]);
}
