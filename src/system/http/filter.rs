//! jq filters: how they are compiled, and run on an answer.

mod evaluate;
mod failure;
mod pool;
mod worker;

use std::fmt;
use std::ops::Range;
use std::thread;

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, data, load};
use jaq_json::Val;
use serde::{Deserialize, Serialize};

pub(super) use self::evaluate::{Outputs, Take};
pub(super) use self::failure::{FilterFailure, shortened};
pub(super) use self::pool::FilterPool;
pub use self::worker::run as run_worker;

/// The longest filter: it is read and run on a stack of a fixed size.
const MAX_FILTER_BYTES: usize = 4_096;
/// The stack of a thread that reads or runs filters. The deepest nesting of a filter takes less.
const STACK_BYTES: usize = 64 << 20;

/// A filter as it is run.
type Compiled = jaq_core::Filter<data::JustLut<Val>>;

/// A jq filter that compiles.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::system) struct Filter(String);

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NoFilter {
    /// What is wrong.
    pub(super) message: String,
    /// The bytes of the filter that are meant.
    pub(super) at: Range<usize>,
}

impl Filter {
    /// Compiles a filter.
    ///
    /// # Errors
    /// What the compiler says, and about which part of the text.
    pub(super) fn parse(text: &str) -> Result<Self, NoFilter> {
        if text.len() > MAX_FILTER_BYTES {
            let message = format!("a filter has at most {MAX_FILTER_BYTES} bytes, and this one has {}", text.len());
            return Err(NoFilter { message, at: 0..text.len() });
        }
        let compile = || compile(text).map(|_| Self(text.to_owned()));
        on_a_large_stack(compile)
            .unwrap_or_else(|| Err(NoFilter { message: "the filter cannot be compiled".to_owned(), at: 0..text.len() }))
    }

    /// A filter of a preset.
    ///
    /// # Panics
    /// When it does not compile: it is a constant.
    #[expect(clippy::panic, reason = "whether a constant compiles is decided where it is written")]
    pub(super) fn constant(text: &str) -> Self {
        match Self::parse(text) {
            Ok(filter) => filter,
            Err(wrong) => panic!("{text}: {}", wrong.message),
        }
    }

    /// The filter as it was written.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Filter {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|wrong| wrong.message)
    }
}

impl From<Filter> for String {
    fn from(filter: Filter) -> Self {
        filter.0
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What filters give, without limits.
#[cfg(test)]
pub(super) fn evaluate(filters: &[&Filter], take: Take, body: &[u8]) -> Vec<Outputs> {
    let filters: Vec<String> = filters.iter().map(|filter| filter.as_str().to_owned()).collect();
    self::evaluate::Evaluator::default().run(&filters, take, body)
}

/// What `work` returns on a thread that has room for deep nesting. `None` if it panicked, or there is no thread.
fn on_a_large_stack<T: Send>(work: impl FnOnce() -> T + Send) -> Option<T> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, work).ok()?;
        thread.join().ok()
    })
}

/// Compiles a filter, with the definitions of jq's own library.
fn compile(text: &str) -> Result<Compiled, NoFilter> {
    let definitions = jaq_core::defs().chain(jaq_std::defs()).chain(jaq_json::defs());
    let functions = jaq_core::funs().chain(jaq_std::funs()).chain(jaq_json::funs());
    let arena = Arena::default();
    let modules = Loader::new(definitions).load(&arena, File { code: text, path: () });
    let modules = modules.map_err(|errors| {
        let first = errors.into_iter().find_map(|(_, error)| of_loading(error));
        located(text, first)
    })?;
    Compiler::default().with_funs(functions).compile(modules).map_err(|errors| {
        let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
        let undefined = first.map(|(name, kind)| (format!("there is no {} {name}", kind.as_str()), name));
        located(text, undefined)
    })
}

/// What could not be read of a filter, and where.
fn of_loading(error: load::Error<&str>) -> Option<(String, &str)> {
    match error {
        load::Error::Io(errors) => errors.into_iter().next().map(|(path, message)| (message, path)),
        load::Error::Lex(errors) => {
            let (expected, found) = errors.into_iter().next()?;
            let shown = found.chars().next().map_or("the end".to_owned(), |found| format!("`{found}`"));
            Some((format!("expected a {}, found {shown}", expected.as_str()), &found[..found.len().min(1)]))
        }
        load::Error::Parse(errors) => {
            let (expected, found) = errors.into_iter().next()?;
            let shown = if found.is_empty() { "the end".to_owned() } else { format!("`{found}`") };
            Some((format!("expected {}, found {shown}", expected.as_str()), found))
        }
    }
}

/// A problem with the place of a part of `text` in it.
fn located(text: &str, problem: Option<(String, &str)>) -> NoFilter {
    let Some((message, part)) = problem else {
        return NoFilter { message: "it is no filter".to_owned(), at: 0..text.len() };
    };
    let offset = (part.as_ptr() as usize).wrapping_sub(text.as_ptr() as usize);
    let at = if offset <= text.len() { offset..(offset + part.len()).min(text.len()) } else { 0..text.len() };
    NoFilter { message, at }
}
