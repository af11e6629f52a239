//! Keeps the rooms of docs/architecture.md apart: which module may use which, no circles
//! between modules or files, and who may name the crate of the lab's node.
//!
//! Reads the sources with `syn`, so it sees what the code says, not what a comment says. Paths
//! inside macro calls are not seen.
#![expect(clippy::expect_used, clippy::panic, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// Which rooms of `src/` each room may use directly. `main` is `main.rs`.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("config", &["model"]),
    ("data", &["config", "model"]),
    ("analysis", &["data", "config", "model"]),
    ("report", &["analysis", "data", "config", "model"]),
    ("system", &["config", "model"]),
    ("cluster", &["network", "config", "model"]),
    ("network", &["config", "model"]),
    ("load", &["system", "cluster", "network", "data", "config", "model"]),
    ("sim", &["load", "system", "cluster", "network", "data", "config", "model"]),
    ("explore", &["sim", "report", "analysis", "data", "config", "model"]),
    ("cli", &["config", "model"]),
    (
        "commands",
        &[
            "cli", "explore", "sim", "load", "network", "cluster", "system", "report", "analysis", "data", "config",
            "model",
        ],
    ),
    ("main", &["commands", "cli"]),
];

/// Folders below a room that may use only these, and themselves.
const ALLOWED_BELOW: &[(&str, &[&str])] = &[("src/report/charts/", &["src/model/"])];

/// The only places that may name the crate `labnode`.
const MAY_NAME_LABNODE: &[&str] = &["src/model/", "src/system/labnode/", "src/sim/"];

#[test]
fn every_room_uses_only_the_rooms_it_may() {
    let sources = Sources::read("src");
    let mut wrong = BTreeSet::new();
    for (from, to) in sources.edges() {
        let (room, used) = (room_of(&from), room_of(&to));
        let allowed = ALLOWED.iter().find(|(name, _)| *name == room).map(|(_, allowed)| *allowed);
        match allowed {
            None => wrong.insert(format!("{from}: room `{room}` is not in the list")),
            Some(allowed) if room != used && !allowed.contains(&used.as_str()) => {
                wrong.insert(format!("{from} uses {to}: `{room}` may use {allowed:?}"))
            }
            Some(_) => false,
        };
    }
    assert!(wrong.is_empty(), "{}", list(&wrong));
}

#[test]
fn forms_of_figures_know_no_topic_and_no_data() {
    let edges = Sources::read("src").edges();
    for (folder, allowed) in ALLOWED_BELOW {
        let from_here: Vec<_> = edges.iter().filter(|(from, _)| from.starts_with(folder)).collect();
        assert!(!from_here.is_empty(), "there is nothing in {folder}");
        let is_allowed = |to: &str| to.starts_with(folder) || allowed.iter().any(|place| to.starts_with(place));
        let wrong: Vec<String> = from_here
            .into_iter()
            .filter(|(_, to)| !is_allowed(to))
            .map(|(from, to)| format!("{from} uses {to}: {folder} may use {allowed:?}"))
            .collect();
        assert!(wrong.is_empty(), "{}", list(&wrong));
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let found: Vec<String> = ["src", "node/src"]
        .into_iter()
        .flat_map(|root| circles(&Sources::read(root).edges()))
        .map(|circle| circle.join(" -> "))
        .collect();
    assert!(found.is_empty(), "{}", list(&found));
}

#[test]
fn only_the_border_names_the_crate_of_the_labs_node() {
    let wrong: Vec<String> = Sources::read("src")
        .files
        .values()
        .filter(|file| file.names_labnode && !MAY_NAME_LABNODE.iter().any(|place| file.path.starts_with(place)))
        .map(|file| file.path.clone())
        .collect();
    assert!(wrong.is_empty(), "{}", list(&wrong));
}

#[test]
fn a_module_is_found_where_it_is_said_to_be() {
    let module = |text: &str| syn::parse_str::<syn::ItemMod>(text).expect("a module");
    let list = Path::new("src/system/list.rs");
    let said = module("#[path = \"redis/mod.rs\"] mod redis;");
    assert_eq!(file_of(list, &said), Path::new("src/system/redis/mod.rs"));
    assert_eq!(file_of(list, &module("mod redis;")), Path::new("src/system/list/redis/mod.rs"));
}

#[test]
fn a_circle_is_found_and_named() {
    let edge = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert!(circles(&BTreeSet::from([edge("a", "b"), edge("b", "c"), edge("a", "c")])).is_empty());
    let found = circles(&BTreeSet::from([edge("a", "b"), edge("b", "c"), edge("c", "b"), edge("d", "d2")]));
    assert_eq!(found, [["b", "c"]]);
}

/// The names that a module can lead to.
#[derive(Default)]
struct File {
    /// Relative to the repository, with `/`.
    path: String,
    /// Modules below it, by name.
    children: BTreeSet<String>,
    /// What each imported name stands for: a path from the crate's root.
    imports: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names are imported.
    globs: Vec<Vec<String>>,
    /// Paths that the code names, from the crate's root; re-exports of modules below excepted,
    /// since they only pass on what those modules define.
    used: BTreeSet<Vec<String>>,
    names_labnode: bool,
}

/// All sources below one folder, by module path from the crate's root.
struct Sources {
    files: BTreeMap<Vec<String>, File>,
}

impl Sources {
    fn read(root: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let mut sources = Self { files: BTreeMap::new() };
        sources.add(&folder.join("lib.rs"), &[]);
        let main = folder.join("main.rs");
        if main.exists() {
            sources.add(&main, &["main".to_owned()]);
        }
        sources
    }

    fn add(&mut self, path: &Path, module: &[String]) {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let tree = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let relative = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).expect("below the repository");
        let mut file = File { path: relative.to_string_lossy().replace('\\', "/"), ..File::default() };
        let (mut below, mut names) = (Vec::new(), Names { module, file: &mut file, skip: false });
        for item in tree.items.iter().filter(|item| !is_test(item)) {
            match item {
                syn::Item::Mod(module) if module.content.is_none() => {
                    names.file.children.insert(module.ident.to_string());
                    below.push((module.ident.to_string(), file_of(path, module)));
                }
                item => names.visit_item(item),
            }
        }
        self.files.insert(module.to_vec(), file);
        for (child, path) in below {
            let module: Vec<String> = module.iter().cloned().chain([child]).collect();
            self.add(&path, &module);
        }
    }

    /// Which file uses which.
    fn edges(&self) -> BTreeSet<(String, String)> {
        let mut edges = BTreeSet::new();
        for file in self.files.values() {
            for used in file.used.iter().filter_map(|path| self.resolve(path, 0)) {
                if used != file.path {
                    edges.insert((file.path.clone(), used));
                }
            }
        }
        edges
    }

    /// The file that defines what a path from the crate's root names, through re-exports.
    fn resolve(&self, path: &[String], depth: usize) -> Option<String> {
        let mut module = Vec::new();
        for (i, name) in path.iter().enumerate() {
            let file = self.files.get(&module)?;
            if file.children.contains(name) {
                module.push(name.clone());
                continue;
            }
            let rest = &path[i + 1..];
            if depth < 8 {
                if let Some(target) = file.imports.get(name) {
                    let target: Vec<String> = target.iter().chain(rest).cloned().collect();
                    return self.resolve(&target, depth + 1);
                }
                for glob in &file.globs {
                    let target: Vec<String> = glob.iter().chain([name]).chain(rest).cloned().collect();
                    if let Some(found) = self.resolve(&target, depth + 1).filter(|found| *found != file.path) {
                        return Some(found);
                    }
                }
            }
            return Some(file.path.clone());
        }
        self.files.get(&module).map(|file| file.path.clone())
    }
}

/// Collects the names of one file.
struct Names<'a> {
    module: &'a [String],
    file: &'a mut File,
    skip: bool,
}

impl Names<'_> {
    /// The path from the crate's root that `segments` stand for here, or `None` for other crates.
    fn absolute(&self, segments: &[String]) -> Option<Vec<String>> {
        let mut base = self.module.to_vec();
        let mut rest = segments;
        match rest.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &rest[1..];
            }
            // `main.rs` is the root of the binary crate, which names the library.
            "labctl" => {
                base.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|segment| segment == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            name if self.file.children.contains(name) => {}
            _ => return None,
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn import(&mut self, tree: &syn::UseTree, mut prefix: Vec<String>, is_public: bool) {
        match tree {
            syn::UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.import(&path.tree, prefix, is_public);
            }
            syn::UseTree::Group(group) => {
                group.items.iter().for_each(|tree| self.import(tree, prefix.clone(), is_public));
            }
            syn::UseTree::Name(name) if name.ident == "self" => {
                let known = prefix.last().cloned().unwrap_or_default();
                self.bind(known, &prefix, is_public);
            }
            syn::UseTree::Name(name) => {
                prefix.push(name.ident.to_string());
                self.bind(name.ident.to_string(), &prefix, is_public);
            }
            syn::UseTree::Rename(rename) => {
                prefix.push(rename.ident.to_string());
                self.bind(rename.rename.to_string(), &prefix, is_public);
            }
            syn::UseTree::Glob(_) => {
                self.note_labnode(&prefix);
                if let Some(path) = self.absolute(&prefix) {
                    self.use_path(path.clone(), is_public);
                    self.file.globs.push(path);
                }
            }
        }
    }

    fn bind(&mut self, name: String, path: &[String], is_public: bool) {
        self.note_labnode(path);
        if let Some(path) = self.absolute(path) {
            self.use_path(path.clone(), is_public);
            self.file.imports.insert(name, path);
        }
    }

    fn use_path(&mut self, path: Vec<String>, is_public: bool) {
        let is_below = path.len() > self.module.len() && path.starts_with(self.module);
        if !(is_public && is_below) {
            self.file.used.insert(path);
        }
    }

    fn note_labnode(&mut self, segments: &[String]) {
        self.file.names_labnode |= segments.first().is_some_and(|first| first == "labnode");
    }
}

impl<'ast> Visit<'ast> for Names<'_> {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if !is_test(item) && !self.skip {
            visit::visit_item(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, Vec::new(), !matches!(item.vis, syn::Visibility::Inherited));
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.note_labnode(&segments);
            if let Some(path) = self.absolute(&segments) {
                self.use_path(path, false);
            }
        }
        visit::visit_path(self, path);
    }
}

/// Whether an item is compiled for tests alone.
fn is_test(item: &syn::Item) -> bool {
    let attributes = match item {
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        _ => return false,
    };
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|condition| condition.is_ident("test"))
    })
}

/// Where the module `child`, declared in `parent`, is written: where its attribute `path` says, or
/// else in a file of its name.
fn file_of(parent: &Path, child: &syn::ItemMod) -> PathBuf {
    let at = child.attrs.iter().filter(|attribute| attribute.path().is_ident("path")).find_map(path_of);
    if let (Some(at), Some(folder)) = (at, parent.parent()) {
        return folder.join(at);
    }
    let child = child.ident.to_string();
    let folder = match parent.file_stem().and_then(|stem| stem.to_str()) {
        Some("mod" | "lib" | "main") => parent.parent().expect("a file has a folder").to_owned(),
        _ => parent.with_extension(""),
    };
    let flat = folder.join(format!("{child}.rs"));
    if flat.exists() { flat } else { folder.join(child).join("mod.rs") }
}

/// The text of an attribute `#[path = "..."]`.
fn path_of(attribute: &syn::Attribute) -> Option<String> {
    let syn::Expr::Lit(value) = &attribute.meta.require_name_value().ok()?.value else { return None };
    let syn::Lit::Str(text) = &value.lit else { return None };
    Some(text.value())
}

/// The first folder or file below `src/`.
fn room_of(path: &str) -> String {
    path.trim_start_matches("src/").split(['/', '.']).next().unwrap_or_default().to_owned()
}

/// Groups of files that can all reach each other, each in alphabetical order.
fn circles(edges: &BTreeSet<(String, String)>) -> Vec<Vec<String>> {
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

fn list(lines: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    lines.into_iter().fold(String::new(), |mut text, line| {
        let _ = writeln!(text, "\n  {}", line.as_ref());
        text
    })
}
