//! What the documentation says of the tests.

use std::fs;
use std::path::Path;

/// The links of a Markdown line whose text is code: text and target.
fn links(line: &str) -> impl Iterator<Item = (&str, &str)> {
    line.split("[`").skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("`](")?;
        Some((name, rest.split_once(')')?.0))
    })
}

#[test]
fn every_trouble_has_a_test_and_every_test_named_exists() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let text = fs::read_to_string(docs.join("faults.md")).unwrap();
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |"));
    let mut named = 0;
    for row in rows {
        assert!(links(row).count() > 0, "no test: {row}");
        for (name, file) in links(row) {
            let source = fs::read_to_string(docs.join(file)).map_err(|error| format!("{file}: {error}")).unwrap();
            assert!(source.contains(&format!("fn {name}(")), "{file} has no test {name}");
            named += 1;
        }
    }
    assert!(named > 50, "{named}");
}
