//! What the documentation names exists.

use std::fs;
use std::path::Path;

const PAGES: [&str; 8] = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/faults.md",
    "docs/your-own-node.md",
    "examples/python-node/README.md",
    "examples/shapes/README.md",
];

fn read(page: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap()
}

/// The links of a Markdown text: name and target.
fn links(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.split('[').skip(1).filter_map(|rest| {
        let (name, rest) = rest.split_once("](")?;
        Some((name, rest.split_once(')')?.0))
    })
}

#[test]
fn every_promise_in_case_of_trouble_has_a_test_and_every_test_named_exists() {
    let text = read("docs/faults.md");
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.ends_with("| test |"));
    let mut named = 0;
    for row in rows {
        let tests = || links(row).filter_map(|(name, file)| Some((name.strip_prefix('`')?.strip_suffix('`')?, file)));
        assert!(tests().count() > 0, "no test: {row}");
        for (name, file) in tests() {
            let source = read(&format!("docs/{file}"));
            assert!(source.contains(&format!("fn {name}(")), "{file} has no test {name}");
            named += 1;
        }
    }
    assert!(named > 50, "{named}");
}

#[test]
fn every_file_that_a_page_links_to_exists() {
    for page in PAGES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let text = read(page);
        let files = links(&text).filter(|(_, target)| !target.contains("://") && !target.starts_with('#'));
        for (_, target) in files {
            let file = target.split('#').next().unwrap();
            assert!(folder.with_file_name("").join(file).exists(), "{page} links to {target}");
        }
    }
}

#[test]
fn every_folder_of_the_sources_is_in_the_list_of_folders() {
    let text = read("docs/architecture.md");
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() && fs::read_dir(entry.path()).unwrap().next().is_some() {
            assert!(text.contains(&format!(" {name}/")), "docs/architecture.md does not list src/{name}/");
        }
    }
}
