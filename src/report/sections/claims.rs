//! The original lab's statements, tested.

use crate::analysis::{Claim, Finding};
use crate::report::document::{Block, Section, Table};
use crate::report::model::Report;

pub(super) fn section(report: &Report) -> Section {
    let row =
        |claim: &Claim| vec![claim.statement.to_owned(), finding(claim.finding).to_owned(), claim.sentence.clone()];
    let table = Table::new("What the original lab concluded, held against these data.")
        .text(&["the lab said", "here", "because"])
        .rows(report.claims.iter().map(row));
    Section { id: "claims", heading: "The lab's claims", blocks: vec![Block::Table { table }] }
}

const fn finding(finding: Finding) -> &'static str {
    match finding {
        Finding::Confirmed => "confirmed",
        Finding::Refuted => "refuted",
        Finding::NotTestable => "not testable here",
    }
}
