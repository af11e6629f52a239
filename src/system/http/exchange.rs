//! One request of a mapping, and the statuses that answer it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr as _;

use serde::{Deserialize, Serialize};

use super::body::Body;
use super::placeholders::{RequestValues, encoded};
use super::read;
use crate::config::{Fields, Problems, Setting as _};
use crate::model::ranged_integer;
use crate::system::start::Template;

ranged_integer!(
    /// The status of an answer.
    Status(u16), "a status", 200..=599
);

/// A request with placeholders, and the statuses of an answer that is as it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Exchange {
    /// Method, path and query.
    pub(super) request: RequestLine,
    /// Further headers by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) headers: BTreeMap<String, Template>,
    /// The body, if there is one.
    #[serde(flatten)]
    pub(super) body: Option<Body>,
    /// The statuses of success; any if there are none.
    pub(super) status: Vec<Status>,
}

/// `METHOD /path?query`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(super) struct RequestLine {
    method: String,
    path: Template,
}

/// A request whose placeholders are filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FilledRequest {
    /// `GET`, `PUT`, ...
    pub(super) method: String,
    /// The path with its query, as it is sent.
    pub(super) path: String,
    /// Headers, the type of the body among them.
    pub(super) headers: Vec<(String, String)>,
    /// The body, if there is one.
    pub(super) body: Option<String>,
}

/// What a request must be.
pub(super) const REQUEST: &str = "a method and a path in quotes, such as \"PUT /kv/{key}\"";

impl Exchange {
    /// A request of a preset.
    ///
    /// # Panics
    /// When the line is no request: it is a constant.
    #[expect(clippy::expect_used, reason = "whether a constant is a request is decided where it is written")]
    pub(super) fn constant(request: &str, body: Option<Body>) -> Self {
        let request = RequestLine::try_from(request.to_owned()).expect("the request of a preset");
        Self { request, headers: BTreeMap::new(), body, status: vec![Status::constant(200)] }
    }

    /// Reads the request of a table. `None` if neither the file nor the preset has one, which is not reported.
    pub(super) fn read_from(
        fields: &mut Fields<'_>,
        default: Option<Self>,
        known: &[&str],
        statuses: &[Status],
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let path = format!("{}request", fields.path);
        let read = read::text(fields, "request", REQUEST, problems).map(|(text, span)| {
            let parsed = RequestLine::parse(&text, known);
            parsed.map_err(|message| problems.add(span, format!("{path}: {message}"))).ok()
        });
        let is_wrong = matches!(read, Some(None));
        let headers = read_headers(fields, known, problems);
        let body = Body::read(fields, known, problems);
        let default_status = default.as_ref().map_or_else(|| statuses.to_vec(), |default| default.status.clone());
        let status = Vec::read(fields, "status", default_status, problems);
        let default = default.filter(|_| !is_wrong);
        let request = read.flatten().or_else(|| Some(default.as_ref()?.request.clone()))?;
        Some(Self {
            request,
            headers: headers.or_else(|| Some(default.as_ref()?.headers.clone())).unwrap_or_default(),
            body: body.or_else(|| default?.body),
            status,
        })
    }

    /// The request with its placeholders filled in.
    pub(super) fn fill(&self, values: &RequestValues<'_>) -> FilledRequest {
        let own = self.headers.iter().map(|(name, value)| (name.clone(), value.fill(|name| values.get(name))));
        let mut headers: Vec<(String, String)> = own.collect();
        let body = self.body.as_ref().map(|body| body.fill(values));
        if let Some((content_type, _)) = body
            && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"))
        {
            headers.push(("content-type".to_owned(), content_type.to_owned()));
        }
        let path = self.request.path.fill(|name| encoded(&values.get(name)));
        FilledRequest { method: self.request.method.clone(), path, headers, body: body.map(|(_, content)| content) }
    }

    /// Whether a placeholder is anywhere in it.
    pub(super) fn has(&self, placeholder: &str) -> bool {
        let in_text = |text: &Template| text.names().any(|name| name == placeholder);
        in_text(&self.request.path)
            || self.headers.values().any(in_text)
            || self.body.as_ref().is_some_and(|body| body.has(placeholder))
    }

    /// Whether a status is one of success.
    pub(super) fn accepts(&self, status: u16) -> bool {
        self.status.is_empty() || self.status.iter().any(|accepted| accepted.get() == status)
    }
}

/// The headers of a request. `None` if the table has none.
fn read_headers(
    fields: &mut Fields<'_>,
    known: &[&str],
    problems: &mut Problems<'_>,
) -> Option<BTreeMap<String, Template>> {
    let path = format!("{}headers", fields.path);
    let headers = read::templates(fields, "headers", known, problems)?;
    for name in headers.keys().filter(|name| reqwest::header::HeaderName::from_str(name).is_err()) {
        problems.add_at(&path, format!("{path}: {name:?} is no name of a header"));
    }
    Some(headers)
}

impl RequestLine {
    /// Reads `METHOD /path?query` with placeholders among `known`.
    fn parse(text: &str, known: &[&str]) -> Result<Self, String> {
        let line = Self::try_from(text.to_owned())?;
        Template::parse(&line.path.to_string(), known)?;
        Ok(line)
    }
}

impl TryFrom<String> for RequestLine {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let refuse = || format!("it must be {REQUEST}, not {text:?}");
        let (method, path) = text.split_once(' ').ok_or_else(refuse)?;
        let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
        let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
        if !is_method || !is_path {
            return Err(refuse());
        }
        Ok(Self { method: method.to_owned(), path: Template::try_from(path.to_owned())? })
    }
}

impl From<RequestLine> for String {
    fn from(line: RequestLine) -> Self {
        line.to_string()
    }
}

impl fmt::Display for RequestLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}
