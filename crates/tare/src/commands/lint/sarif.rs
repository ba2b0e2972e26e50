//! Findings as SARIF 2.1.0, the format of code scanning: one run, with the rules that found something, and what mends a
//! finding as replacements of text.
//!
//! Lines and columns count from 1, columns in units of UTF-16; a byte order mark is no part of the text. What mends a
//! finding in an ignore file isn't in it: a log can't make a file.

use std::collections::BTreeMap;

use dockerfile::{Diagnostic, Span};
use lint::{Edit, Rule, Warning};
use serde_json::{Value, json};

use super::desk::Looked;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The rule of mistakes that keep a file from being read whole.
const SYNTAX: &str = "syntax";

/// The log.
pub fn log(all: &[Looked]) -> String {
    let rules = Rules::of(all);
    let results: Vec<Value> = all.iter().flat_map(|looked| results(looked, &rules)).collect();
    let driver = json!({ "name": "tare", "version": env!("CARGO_PKG_VERSION"), "rules": rules.values() });
    let run = json!({ "tool": { "driver": driver }, "columnKind": "utf16CodeUnits", "results": results });
    format!("{:#}\n", json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run] }))
}

/// The rules that results are of, by name, and their places in the log.
struct Rules(BTreeMap<&'static str, usize>);

impl Rules {
    fn of(all: &[Looked]) -> Rules {
        let found = all.iter().flat_map(|looked| &looked.warnings).map(|found| found.rule);
        let is_broken = all.iter().any(|looked| !looked.problems.is_empty());
        let mut rules: BTreeMap<_, _> =
            found.chain(is_broken.then_some(SYNTAX)).map(|name| (name, 0)).collect();
        rules.values_mut().enumerate().for_each(|(index, place)| *place = index);
        Rules(rules)
    }

    fn values(&self) -> Vec<Value> {
        let known = |name: &str| lint::ALL.iter().find(|rule| rule.name == name);
        self.0.keys().map(|name| known(name).map_or_else(syntax, |rule| described(rule))).collect()
    }
}

fn syntax() -> Value {
    json!({
        "id": SYNTAX,
        "shortDescription": { "text": "The Dockerfile can't be read whole" },
        "fullDescription": { "text": "A mistake keeps the Dockerfile from being read whole: no build takes it." },
        "defaultConfiguration": { "level": "error" },
    })
}

fn described(rule: &Rule) -> Value {
    let page = lint::page::page(rule);
    let mut value = json!({
        "id": rule.name,
        "shortDescription": { "text": rule.description },
        "fullDescription": { "text": lint::page::summary(rule) },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": "warning" },
    });
    if !rule.url.is_empty() {
        value["helpUri"] = json!(rule.url);
    }
    value
}

fn results(looked: &Looked, rules: &Rules) -> Vec<Value> {
    let text = Text::new(&looked.text);
    let warnings = looked.warnings.iter().map(|found| warning(looked, found, rules, &text));
    warnings.chain(looked.problems.iter().map(|problem| error(looked, problem, rules))).collect()
}

fn warning(looked: &Looked, found: &Warning, rules: &Rules, text: &Text) -> Value {
    let mut value = json!({
        "ruleId": found.rule,
        "ruleIndex": rules.0[found.rule],
        "level": "warning",
        "message": { "text": found.message },
        "locations": [location(looked, found.line, found.end_line)],
    });
    if let Some(changes) = found.fix.filter(|_| found.is_fixable && !found.edits.is_empty()) {
        let replacements: Vec<Value> = found.edits.iter().map(|edit| replacement(edit, text)).collect();
        let change = json!({ "artifactLocation": artifact(looked), "replacements": replacements });
        let about = format!("changes in the image: {}", changes.words());
        value["fixes"] = json!([{ "description": { "text": about }, "artifactChanges": [change] }]);
    }
    value
}

fn error(looked: &Looked, problem: &Diagnostic, rules: &Rules) -> Value {
    let help = problem.help.iter().map(|help| format!("\n{help}"));
    let text: String = std::iter::once(problem.message.clone()).chain(help).collect();
    json!({
        "ruleId": SYNTAX,
        "ruleIndex": rules.0[SYNTAX],
        "level": "error",
        "message": { "text": text },
        "locations": [location(looked, problem.line, problem.end_line)],
    })
}

fn location(looked: &Looked, line: u32, end: u32) -> Value {
    let region = json!({ "startLine": line.max(1), "endLine": end.max(line).max(1) });
    json!({ "physicalLocation": { "artifactLocation": artifact(looked), "region": region } })
}

fn artifact(looked: &Looked) -> Value {
    let scheme = if looked.name.starts_with('/') { "file://" } else { "" };
    json!({ "uri": format!("{scheme}{}", escaped(&looked.name)) })
}

/// A path as an address has it.
fn escaped(path: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
    let one = |byte: u8| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    path.bytes().map(one).collect()
}

fn replacement(edit: &Edit, text: &Text) -> Value {
    json!({ "deletedRegion": text.region(edit.span), "insertedContent": { "text": edit.text } })
}

/// A text, and where its lines begin.
struct Text<'a> {
    text: &'a [u8],
    starts: Vec<usize>,
}

impl<'a> Text<'a> {
    fn new(text: &'a [u8]) -> Text<'a> {
        let first = if text.starts_with("\u{feff}".as_bytes()) { 3 } else { 0 };
        let behind = text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1);
        Text { text, starts: std::iter::once(first).chain(behind).collect() }
    }

    fn region(&self, span: Span) -> Value {
        let ((line, column), (end_line, end_column)) = (self.place(span.start), self.place(span.end));
        json!({ "startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column })
    }

    /// Line and column of a byte.
    fn place(&self, at: u32) -> (usize, usize) {
        let at = (at as usize).min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= at).max(1);
        let before = self.text.get(self.starts[line - 1]..at).unwrap_or_default();
        (line, String::from_utf8_lossy(before).encode_utf16().count() + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_units_of_utf16_behind_the_mark() {
        let text = Text::new("\u{feff}FROM ä\r\nRUN 😀 x\n".as_bytes());
        for (at, expected) in
            [(0, (1, 1)), (3, (1, 1)), (8, (1, 6)), (10, (1, 7)), (12, (2, 1)), (20, (2, 7)), (99, (3, 1))]
        {
            assert_eq!(text.place(at), expected, "{at}");
        }
    }

    #[test]
    fn paths_are_addresses() {
        assert_eq!(escaped("a b/Dockerfile.ä#1"), "a%20b/Dockerfile.%C3%A4%231");
    }
}
