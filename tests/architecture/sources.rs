//! Reads the sources: which file names what.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// The names that a module can lead to.
#[derive(Default)]
pub(crate) struct File {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    /// Modules below it, by name.
    children: BTreeSet<String>,
    /// What each imported name stands for: a path from the crate's root.
    imports: BTreeMap<String, Vec<String>>,
    /// Modules all of whose names are imported.
    globs: Vec<Vec<String>>,
    /// Paths that the code names, from the crate's root; re-exports of modules below excepted,
    /// since they only pass on what those modules define.
    used: BTreeSet<Vec<String>>,
    /// Whether it names the crate of the lab's node.
    pub(crate) names_labnode: bool,
}

/// All sources below one folder, by module path from the crate's root.
pub(crate) struct Sources {
    pub(crate) files: BTreeMap<Vec<String>, File>,
}

impl Sources {
    pub(crate) fn read(root: &str) -> Self {
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
    pub(crate) fn edges(&self) -> BTreeSet<(String, String)> {
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

#[test]
fn a_module_is_found_where_it_is_said_to_be() {
    let module = |text: &str| syn::parse_str::<syn::ItemMod>(text).expect("a module");
    let list = Path::new("src/system/list.rs");
    let said = module("#[path = \"redis/mod.rs\"] mod redis;");
    assert_eq!(file_of(list, &said), Path::new("src/system/redis/mod.rs"));
    assert_eq!(file_of(list, &module("mod redis;")), Path::new("src/system/list/redis/mod.rs"));
}
