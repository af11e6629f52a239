//! What is wrong with an `experiments.toml`, and where.

use std::fmt;
use std::io;
use std::ops::Range;
use std::path::PathBuf;

use super::experiment_name::ExperimentName;

/// Why a configuration cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// The file cannot be read.
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file says something that makes no sense; every problem is listed.
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, in the order of the file; never empty.
        problems: Vec<Problem>,
    },
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            // Said in other words already, see below.
            Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound => None,
            Self::Read { source, .. } => Some(source),
            Self::Invalid { .. } => None,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } if source.kind() == io::ErrorKind::NotFound => {
                write!(
                    f,
                    "{}: no such file; run labctl in a folder with an experiments.toml, or name one with --config",
                    path.display()
                )
            }
            Self::Read { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Invalid { path, problems } => {
                for (index, problem) in problems.iter().enumerate() {
                    let newline = if index == 0 { "" } else { "\n" };
                    write!(f, "{newline}{}:{problem}", path.display())?;
                }
                Ok(())
            }
        }
    }
}

/// Something that is accepted, but cannot have the effect that it seems to have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The experiment that says it.
    pub experiment: ExperimentName,
    /// Where, and why it has no effect.
    pub problem: Problem,
}

/// One thing wrong with a file, displayed as `line:column: message` and the line itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in characters.
    pub column: usize,
    /// What is wrong, and what would be accepted.
    pub message: String,
    /// The whole line, for showing.
    pub text: String,
    /// How many characters of it, from `column` on, are meant.
    pub width: usize,
}

impl Problem {
    /// Locates a byte span of `input`.
    #[must_use]
    pub fn at(input: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = input.floor_char_boundary(span.start);
        let before = &input[..start];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let text = input[line_start..].lines().next().unwrap_or_default();
        let end = input.floor_char_boundary(span.end.clamp(start, line_start + text.len()).max(start));
        Self {
            line: before.matches('\n').count() + 1,
            column: input[line_start..start].chars().count() + 1,
            message: message.into(),
            text: text.to_owned(),
            width: input[start..end].chars().count().max(1),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:{}: {}", self.line, self.column, self.message)?;
        let gutter = self.line.to_string();
        // A file may hold anything, and what is shown must neither move the marks nor command the
        // terminal.
        let shown = self.text.replace('\t', " ").replace(char::is_control, "\u{fffd}");
        writeln!(f, "  {gutter} | {shown}")?;
        write!(
            f,
            "  {:gutter$} | {:indent$}{}",
            "",
            "",
            "^".repeat(self.width),
            gutter = gutter.len(),
            indent = self.column - 1
        )
    }
}
