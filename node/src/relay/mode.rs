//! What a relay can do with a link.

use std::str::FromStr;

/// What a relay does with the bytes it receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on at once.
    Pass,
    /// Delays what goes towards the node.
    Slow,
    /// Passes nothing on. Once the link is open again everything is passed on, as TCP resends
    /// what a network drops, except what its sender has given up by then: that is lost.
    Cut,
}

impl Mode {
    /// The word for this mode in an order.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Slow => "slow",
            Self::Cut => "cut",
        }
    }
}

impl FromStr for Mode {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        let modes = [Self::Pass, Self::Slow, Self::Cut];
        let found = modes.into_iter().find(|mode| mode.word() == word);
        found.ok_or_else(|| format!("{word:?} is not an order: expected pass, slow or cut"))
    }
}
