//! Reads what a user types in one line: a command, a request.

use serde_json::Value;

/// The words of a command line. Quotes keep spaces, as in a shell; nothing else is special.
///
/// # Errors
/// When a quote is not closed, or there is no word.
pub(super) fn command(line: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    if let Some(open) = quote {
        return Err(format!("a quote {open} is not closed"));
    }
    words.extend(word);
    if words.is_empty() { Err("a command is a program and its arguments".to_owned()) } else { Ok(words) }
}

/// A request in one line: method, path, and JSON if it has a body.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct RequestText {
    /// Method and path.
    pub(super) line: String,
    /// The body.
    pub(super) json: Option<Value>,
}

/// Reads `METHOD /path` or `METHOD /path {"json": ...}`.
///
/// # Errors
/// When it is neither.
pub(super) fn request(text: &str) -> Result<RequestText, String> {
    let mut parts = text.trim().splitn(3, char::is_whitespace);
    let (method, path) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let is_method = !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase());
    if !is_method || !path.starts_with('/') {
        return Err(format!(
            "a request is a method, a path, and JSON if it has a body, such as PUT /kv/{{key}} {{\"value\": \
             \"{{value}}\"}}, not {text:?}"
        ));
    }
    let body = parts.next().map(str::trim).filter(|body| !body.is_empty());
    let json = body.map(|body| {
        let read: Value = serde_json::from_str(body).map_err(|error| format!("the body is no JSON: {error}"))?;
        if has_null(&read) { Err("TOML has no null: leave it out of the body".to_owned()) } else { Ok(read) }
    });
    Ok(RequestText { line: format!("{method} {path}"), json: json.transpose()? })
}

fn has_null(json: &Value) -> bool {
    match json {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_keep_the_spaces_of_a_word() {
        let words = command(r#" java -jar "my node.jar"  --port={port} '' "#).unwrap();
        assert_eq!(words, ["java", "-jar", "my node.jar", "--port={port}", ""]);
        assert_eq!(command("sh -c 'it is").unwrap_err(), "a quote ' is not closed");
        assert!(command("  ").is_err());
    }

    #[test]
    fn a_request_is_a_method_a_path_and_json_if_it_has_a_body() {
        let write = request(r#"PUT /kv/{key} {"value": "{value}"}"#).unwrap();
        assert_eq!(write, RequestText { line: "PUT /kv/{key}".to_owned(), json: Some(json!({ "value": "{value}" })) });
        assert_eq!(request(" GET /dump ").unwrap(), RequestText { line: "GET /dump".to_owned(), json: None });
        assert!(request("/kv/{key}").unwrap_err().contains("not \"/kv/{key}\""));
        assert!(request("PUT /kv {").unwrap_err().starts_with("the body is no JSON: "));
        assert!(request(r#"PUT /kv {"a": [null]}"#).unwrap_err().contains("no null"));
    }
}
