//! One run with the account of its copies, which is made once, when the first figure needs it.

use std::cell::OnceCell;

use super::copies::Copies;
use crate::data::RunData;

/// A run with the account of its copies.
pub struct Account<'a> {
    /// The run.
    pub(super) run: &'a RunData,
    copies: OnceCell<Copies<'a>>,
}

impl<'a> Account<'a> {
    /// Of a run.
    #[must_use]
    pub const fn of(run: &'a RunData) -> Self {
        Self { run, copies: OnceCell::new() }
    }

    /// Where each copy was when.
    pub(super) fn copies(&self) -> &Copies<'a> {
        self.copies.get_or_init(|| Copies::of(self.run))
    }
}
