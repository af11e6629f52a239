//! Text with `{placeholders}`, as users write it in experiments.toml.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::Text;

/// Text with `{placeholders}`; `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(in crate::system) struct Template {
    /// As the user wrote it.
    written: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Literal(String),
    Placeholder(String),
}

impl Template {
    /// Reads a text whose placeholders are among `known`.
    ///
    /// # Errors
    /// When a brace has no partner, or a placeholder is unknown; the message says what is accepted.
    pub(in crate::system) fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let template = Self::try_from(text.to_owned())?;
        if let Some(unknown) = template.names().find(|name| !known.contains(name)) {
            return Err(unknown_placeholder(unknown, known));
        }
        Ok(template)
    }

    /// The names of its placeholders, in their order.
    pub(in crate::system) fn names(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Literal(_) => None,
            Piece::Placeholder(name) => Some(name.as_str()),
        })
    }

    /// The text with a value in place of each placeholder.
    pub(in crate::system) fn fill(&self, value: impl Fn(&str) -> String) -> String {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => text.clone(),
            Piece::Placeholder(name) => value(name),
        });
        pieces.collect()
    }

    /// The same where values are known once a cluster starts.
    pub(in crate::system) fn text(&self, value: impl Fn(&str) -> Text) -> Text {
        let pieces = self.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => Text::from(text),
            Piece::Placeholder(name) => value(name),
        });
        Text::joined(pieces, "")
    }
}

/// How braces are written.
const BRACES: &str = "write {{ and }} for braces";

/// Says that a placeholder is unknown, and which one may have been meant.
fn unknown_placeholder(unknown: &str, known: &[&str]) -> String {
    let near = known
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, unknown), *name))
        .min()
        .filter(|(distance, name)| *distance <= name.len().max(unknown.len()) / 3);
    let hint = match near {
        Some((_, name)) => format!("did you mean {{{name}}}?"),
        None => format!("the placeholders here are {}; {BRACES}", listed(known)),
    };
    format!("unknown placeholder {{{unknown}}}; {hint}")
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ")
}

impl TryFrom<String> for Template {
    type Error = String;

    /// Reads a text whatever its placeholders are called.
    fn try_from(written: String) -> Result<Self, String> {
        if written.contains('\0') {
            return Err("it must not have a NUL character in it".to_owned());
        }
        let (mut pieces, mut literal) = (Vec::new(), String::new());
        let mut rest = written.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            rest = if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                after
            } else if brace == "}" {
                return Err(format!("a }} without a {{ before it; {BRACES}"));
            } else {
                let (name, after) =
                    after.split_once('}').ok_or_else(|| format!("a {{ without a }} after it; {BRACES}"))?;
                if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    return Err(format!("{{{name}}} is not a placeholder; {BRACES}"));
                }
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Placeholder(name.to_owned()));
                after
            };
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { written, pieces })
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.written
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use crate::model::Place;

    const KNOWN: [&str; 3] = ["port", "quorum", "followers"];

    fn refusal(text: &str) -> String {
        Template::parse(text, &KNOWN).unwrap_err()
    }

    #[test]
    fn placeholders_are_filled_in_and_the_rest_stands_as_it_is() {
        let template = Template::parse("--port={port} {{port}} {quorum}{port}}}", &KNOWN).unwrap();
        assert_eq!(template.names().collect::<Vec<_>>(), ["port", "quorum", "port"]);
        assert_eq!(template.fill(|name| format!("<{name}>")), "--port=<port> {port} <quorum><port>}");
        assert_eq!(template.to_string(), "--port={port} {{port}} {quorum}{port}}}");
        for plain in ["", "plain", "kv/\u{e4} %41 $HOME"] {
            assert_eq!(Template::parse(plain, &[]).unwrap().fill(|_| unreachable!()), plain);
        }
        // A value is not read as a template again.
        assert_eq!(Template::parse("{port}", &KNOWN).unwrap().fill(|_| "{quorum}".to_owned()), "{quorum}");
    }

    #[test]
    fn what_the_cluster_knows_is_filled_in_later() {
        let template = Template::parse("0.0.0.0:{port}!", &KNOWN).unwrap();
        let text = template.text(|_| Text::new().place(Place::Port));
        assert_eq!(text, Text::joined([Text::from("0.0.0.0:"), Text::new().place(Place::Port), Text::from("!")], ""));
    }

    #[test]
    fn a_manifest_holds_it_as_it_was_written() {
        let template = Template::parse("{{{port}}}", &KNOWN).unwrap();
        let json = serde_json::to_string(&template).unwrap();
        assert_eq!(json, r#""{{{port}}}""#);
        assert_eq!(serde_json::from_str::<Template>(&json).unwrap(), template);
    }

    #[test]
    fn what_is_wrong_is_told_with_what_is_accepted() {
        insta::assert_snapshot!([
            "{prot}", "{nonsense}", "{port", "port}", "{}", "{ \"a\": 1 }", "{port }", "a}b{port}",
        ].map(|text| format!("{text}: {}", refusal(text))).join("\n"), @r#"
        {prot}: unknown placeholder {prot}; did you mean {port}?
        {nonsense}: unknown placeholder {nonsense}; the placeholders here are {port}, {quorum}, {followers}; write {{ and }} for braces
        {port: a { without a } after it; write {{ and }} for braces
        port}: a } without a { before it; write {{ and }} for braces
        {}: {} is not a placeholder; write {{ and }} for braces
        { "a": 1 }: { "a": 1 } is not a placeholder; write {{ and }} for braces
        {port }: {port } is not a placeholder; write {{ and }} for braces
        a}b{port}: a } without a { before it; write {{ and }} for braces
        "#);
    }
}
