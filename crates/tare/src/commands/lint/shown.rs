//! Warnings and rules as text and as JSON. Fields of the JSON are only ever added.

use lint::{Rule, Warning};
use serde::Serialize;

use crate::failure::excerpt;

#[derive(Serialize)]
struct Found<'a> {
    warnings: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    rule: &'a str,
    aliases: &'a [&'a str],
    /// The first.
    line: u32,
    end_line: u32,
    message: &'a str,
    /// Empty if there is none.
    url: &'a str,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    aliases: &'a [&'a str],
    origin: &'a str,
}

/// A block a warning, as other mistakes in a Dockerfile are shown.
pub fn text(file: &str, source: &[u8], warnings: &[Warning]) -> String {
    let block = |found: &Warning| {
        let Warning { rule, message, url, line, end_line, .. } = found;
        let url = if url.is_empty() { String::new() } else { format!("note: see {url}\n") };
        format!("warning: {file}:{line}: {rule}: {message}\n{}{url}", excerpt(source, *line, *end_line))
    };
    warnings.iter().map(block).collect()
}

/// For programs.
pub fn json(warnings: &[Warning]) -> String {
    written(&Found { warnings: warnings.iter().map(one).collect() })
}

fn one(found: &Warning) -> Shown<'_> {
    let Warning { rule, aliases, ref message, url, line, end_line, .. } = *found;
    Shown { rule, aliases, line, end_line, message, url }
}

/// Names, and what they find.
pub fn rules_text(rules: &[&Rule]) -> String {
    let row = |rule: &&Rule| [rule.name.to_owned(), rule.origin.name().to_owned(), lint::page::summary(rule)];
    super::super::images::table::table(
        ["RULE", "ORIGIN", "FINDS"],
        &rules.iter().map(row).collect::<Vec<_>>(),
    )
}

/// For programs.
pub fn rules_json(rules: &[&'static Rule]) -> String {
    let one =
        |rule: &&'static Rule| Listed { name: rule.name, aliases: rule.aliases, origin: rule.origin.name() };
    written(&rules.iter().map(one).collect::<Vec<_>>())
}

fn written(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a tree of texts is plain data") + "\n"
}
