//! Takes the tables of an `experiments.toml` apart, and keeps every problem it meets.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::Path;

use serde::de::{DeserializeOwned, IntoDeserializer};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Problem, Warning};
use crate::model::{Accepted, Followers};

/// Reads a file that an `experiments.toml` names, relative to it.
pub(super) type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<String>;

/// The problems of a file found so far, and where each of its values stands.
pub struct Problems<'i> {
    input: &'i str,
    pub(super) read_file: ReadFile<'i>,
    pub(super) found: Vec<Problem>,
    pub(super) warnings: Vec<Warning>,
    /// By path, such as `experiment.a.quorums[0]`.
    places: BTreeMap<String, Range<usize>>,
}

impl<'i> Problems<'i> {
    pub(super) fn new(input: &'i str, read_file: ReadFile<'i>) -> Self {
        Self { input, read_file, found: Vec::new(), warnings: Vec::new(), places: BTreeMap::new() }
    }

    /// Adds a problem with the text at `span`.
    pub(crate) fn add(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.found.push(Problem::at(self.input, span, message));
    }

    /// Adds a problem with the value at `path`.
    pub(crate) fn add_at(&mut self, path: &str, message: impl Into<String>) {
        self.add(self.place(path), message);
    }

    /// Adds a warning about the value at `path`.
    pub(super) fn warn_at(&mut self, path: &str, experiment: &super::ExperimentName, message: String) {
        let problem = Problem::at(self.input, self.place(path), message);
        self.warnings.push(Warning { experiment: experiment.clone(), problem });
    }

    /// Remembers where the value at `path` stands.
    pub(crate) fn record(&mut self, path: String, span: Range<usize>) {
        self.places.insert(path, span);
    }

    /// Where each value below a path stands, as `line:column` by the rest of its path.
    pub(super) fn places_below(&self, path: &str) -> BTreeMap<String, String> {
        let below = self.places.iter().filter_map(|(place, span)| Some((place.strip_prefix(path)?, span)));
        let located = below.map(|(key, span)| {
            let Problem { line, column, .. } = Problem::at(self.input, span.clone(), "");
            (key.to_owned(), format!("{line}:{column}"))
        });
        located.collect()
    }

    /// Where the value at `path` stands, or if the file does not have it, the table that could.
    fn place(&self, path: &str) -> Range<usize> {
        let mut path = path;
        loop {
            if let Some(span) = self.places.get(path) {
                return span.clone();
            }
            match path.rfind(['.', '[']) {
                Some(end) => path = &path[..end],
                None => return 0..0,
            }
        }
    }

    /// The text at `span`.
    pub(crate) fn text_at(&self, span: &Range<usize>) -> &str {
        self.input.get(span.clone()).unwrap_or_default()
    }

    /// The first line of the text at `span`, up to 40 characters.
    pub(crate) fn shown(&self, span: &Range<usize>) -> String {
        let text = self.text_at(span);
        let line = text.lines().next().unwrap_or_default();
        let clipped: String = line.chars().take(40).collect();
        if clipped.len() < text.trim_end().len() { clipped + "..." } else { clipped }
    }
}

/// The size of an experiment, which other settings must fit. Known before they are read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Size {
    pub(super) followers: Followers,
    /// Number of writes.
    pub(super) writes: u32,
}

/// A value and where it stands.
pub(crate) struct Located<T> {
    pub(crate) value: T,
    pub(crate) span: Range<usize>,
    /// Whether the value is the file's own, or absent there, and not a replacement for a wrong one.
    pub(crate) good: bool,
}

/// A table that is being read: keys that are left at the end are unknown.
pub struct Fields<'i> {
    pub(crate) table: DeTable<'i>,
    pub(crate) span: Range<usize>,
    /// The keys that lead here, each followed by a dot.
    pub(crate) path: String,
    pub(super) size: Size,
    known: Vec<&'static str>,
}

impl<'i> Fields<'i> {
    /// The whole file.
    pub(super) fn root(table: Spanned<DeTable<'i>>, size: Size) -> Self {
        let span = table.span();
        Self { table: table.into_inner(), span, path: String::new(), size, known: Vec::new() }
    }

    /// Removes a key and returns its value.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    /// Removes a key and returns its value and place, or `default` if the key is absent. A wrong
    /// value is reported and replaced by `default`, so that the rest can still be checked.
    pub(crate) fn located<T: Accepted + DeserializeOwned>(
        &mut self,
        key: &'static str,
        default: T,
        problems: &mut Problems<'_>,
    ) -> Located<T> {
        let Located { value, span, good } = self.optional(key, problems);
        Located { value: value.unwrap_or(default), span, good }
    }

    /// Like [`Self::located`], without a default.
    pub(crate) fn optional<T: Accepted + DeserializeOwned>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Located<Option<T>> {
        let Some(value) = self.take(key) else {
            return Located { value: None, span: self.span.clone(), good: true };
        };
        let span = value.span();
        match T::deserialize(value.into_deserializer()) {
            Ok(value) => {
                problems.record(format!("{}{key}", self.path), span.clone());
                Located { value: Some(value), span, good: true }
            }
            Err(error) => {
                let at = error.span().filter(|at| !at.is_empty()).unwrap_or_else(|| span.clone());
                let shown = problems.shown(&at);
                problems.add(at, format!("{}{key} must be {}, not {shown}", self.path, T::accepted()));
                Located { value: None, span, good: false }
            }
        }
    }

    /// The value of a key that must be there.
    pub(crate) fn required<T: Accepted + DeserializeOwned>(
        &mut self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<T> {
        self.require(key, &T::accepted(), problems);
        self.optional(key, problems).value
    }

    /// Reports a key that is missing.
    pub(crate) fn require(&self, key: &str, accepted: &str, problems: &mut Problems<'_>) {
        if !self.table.contains_key(key) {
            problems.add(self.span.clone(), format!("{}{key} is missing; it must be {accepted}", self.path));
        }
    }

    /// Whether a key is there that was not read yet.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The value of a key, left in its place. `None` if it is absent or wrong.
    pub(super) fn peek<T: DeserializeOwned>(&self, keys: &[&str]) -> Option<T> {
        let (last, tables) = keys.split_last()?;
        let table = tables.iter().try_fold(&self.table, |table, key| table.get(*key)?.get_ref().as_table())?;
        T::deserialize(table.get(*last)?.clone().into_deserializer()).ok()
    }

    /// Removes a table; an empty one if it is absent or not a table.
    pub(crate) fn table(&mut self, key: &'static str, problems: &mut Problems<'_>) -> Self {
        let path = format!("{}{key}.", self.path);
        match self.take(key) {
            Some(value) => self.nested(value, path, problems),
            None => Self::empty(self.span.clone(), path, self.size),
        }
    }

    /// A table that the file does not have; what it lacks is reported at `span`.
    pub(super) fn empty(span: Range<usize>, path: String, size: Size) -> Self {
        Self { table: DeTable::new(), span, path, size, known: Vec::new() }
    }

    /// A value of this table as a table; an empty one if it is not a table.
    pub(crate) fn nested(&self, value: Spanned<DeValue<'i>>, path: String, problems: &mut Problems<'_>) -> Self {
        let (span, name) = (value.span(), path.trim_end_matches('.'));
        problems.record(name.to_owned(), span.clone());
        let table = match value.into_inner() {
            DeValue::Table(table) => table,
            _ => {
                problems.add(span.clone(), format!("{name} must be a table, [{name}], not {}", problems.shown(&span)));
                DeTable::new()
            }
        };
        Self { table, span, path, size: self.size, known: Vec::new() }
    }

    /// Reports the keys that are left.
    pub(crate) fn finish(self, problems: &mut Problems<'_>) {
        for key in self.table.keys() {
            let name: &str = key.get_ref();
            let near = self
                .known
                .iter()
                // Of two equally near ones, the one whose beginning or end was forgotten.
                .map(|known| (strsim::damerau_levenshtein(known, name), !known.contains(name), *known))
                .min()
                .filter(|(distance, _, known)| *distance <= known.len().max(name.len()) / 3);
            let hint = match near {
                Some((_, _, known)) => format!("did you mean `{known}`?"),
                None => format!("the keys here are {}", self.known.join(", ")),
            };
            problems.add(key.span(), format!("unknown key `{}{name}`; {hint}", self.path));
        }
    }
}
