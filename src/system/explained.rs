//! One request to a node, taken apart: what was sent, what came, and what each rule made of it.

use std::fmt;

use crate::model::{NodeId, TimeSpan};

/// One request to a node, its answer, and what each rule made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explained {
    /// Who was asked.
    pub node: NodeId,
    /// What was asked, e.g. `PUT /kv/k0`.
    pub request: String,
    /// The headers that the mapping sets.
    pub headers: Vec<(String, String)>,
    /// What was sent as body, if anything.
    pub body: Option<String>,
    /// The status of the answer, if one came.
    pub status: Option<u16>,
    /// The beginning of the answer's body, on one line.
    pub answer: String,
    /// The length of the answer's body, in bytes.
    pub answer_bytes: usize,
    /// From sending until the answer was complete or given up.
    pub latency_us: TimeSpan,
    /// Every rule that was tried, in order.
    pub rules: Vec<Rule>,
    /// What followed for labctl; an error says why nothing did.
    pub result: Result<String, String>,
}

/// A rule of a mapping, tried on an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its key below the system's table, e.g. `write.ok`.
    pub key: &'static str,
    /// The rule as it was written.
    pub written: String,
    /// Where: `FILE:LINE:COLUMN`. `None` of a default or a preset.
    pub place: Option<String>,
    /// What it gave; an error says why it failed.
    pub gave: Result<String, String>,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        let (verb, what) = match &self.gave {
            Ok(gave) => ("gave", gave),
            Err(why) => ("failed:", why),
        };
        write!(f, "{} = `{}` {verb} {what}", self.key, self.written)
    }
}
