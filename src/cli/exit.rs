//! The exit codes, which are public interface: the help, the README and CI jobs rely on them.

use std::process::ExitCode;

/// How labctl ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, and every expectation held.
    Success = 0,
    /// An expectation of the experiment did not hold.
    Expectation = 1,
    /// Bad usage, configuration or data.
    Usage = 2,
    /// The cluster could not be started or failed.
    Cluster = 3,
    /// Data is incomplete.
    Incomplete = 4,
    /// This machine: disk, memory, descriptors, permission, output that could not be written.
    Machine = 5,
    /// Interrupted; the cluster is down and earlier data intact.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

impl Exit {
    /// Every code, in ascending order.
    pub const ALL: [Self; 7] = [
        Self::Success,
        Self::Expectation,
        Self::Usage,
        Self::Cluster,
        Self::Incomplete,
        Self::Machine,
        Self::Interrupted,
    ];

    /// What the code means, as `--help` prints it.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Success => "done, and every expectation held",
            Self::Expectation => "an expectation of the experiment did not hold",
            Self::Usage => "bad usage, configuration or data",
            Self::Cluster => "the cluster could not be started or failed",
            Self::Incomplete => "data is incomplete",
            Self::Machine => "this machine: disk, memory, descriptors, permission, or output that could not be written",
            Self::Interrupted => "interrupted; the cluster is down and earlier data intact",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_lists_every_code() {
        let readme = include_str!("../../README.md");
        for exit in Exit::ALL {
            let row = format!("| {} | {}", exit as u8, exit.meaning());
            assert!(readme.lines().any(|line| line.starts_with(&row)), "no line `{row}`");
        }
    }
}
