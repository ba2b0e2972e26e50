//! Warnings and rules as text and as JSON. Fields of the JSON are only ever added.

use dockerfile::Diagnostic;
use lint::{Changes, Rule, Warning};
use serde::Serialize;

use super::desk::Looked;
use crate::failure::excerpt;

#[derive(Serialize)]
struct Found<'a> {
    warnings: Vec<Shown<'a>>,
    /// What can't be read.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<Wrong<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    file: &'a str,
    rule: &'a str,
    aliases: &'a [&'a str],
    /// The first.
    line: u32,
    end_line: u32,
    message: &'a str,
    /// Empty if there is none.
    url: &'a str,
    /// Whether `--fix` mends it.
    fixable: bool,
}

#[derive(Serialize)]
struct Wrong<'a> {
    file: &'a str,
    /// The first.
    line: u32,
    end_line: u32,
    message: &'a str,
}

#[derive(Serialize)]
struct Listed<'a> {
    name: &'a str,
    aliases: &'a [&'a str],
    origin: &'a str,
}

/// What is said of a finding besides what it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Advice {
    /// Nothing: nobody has thought of mending.
    None,
    /// Whether it can be mended, and what that may change.
    Offer,
    /// Why it wasn't mended.
    Left,
    /// That nothing was, as the file can't be read whole.
    Broken,
}

/// A block a warning, as other mistakes in a Dockerfile are shown.
pub fn text(file: &str, source: &[u8], warnings: &[Warning], advice: Advice) -> String {
    let block = |found: &Warning| {
        let Warning { rule, message, url, line, end_line, .. } = found;
        let url = if url.is_empty() { String::new() } else { format!("note: see {url}\n") };
        let lines = excerpt(source, *line, *end_line);
        format!("warning: {file}:{line}: {rule}: {message}\n{lines}{}{url}", advised(found, advice))
    };
    warnings.iter().map(block).collect()
}

fn advised(found: &Warning, advice: Advice) -> String {
    match (advice, found.fix) {
        (Advice::Offer, Some(changes)) if found.is_fixable => {
            format!("help: `--fix` mends it; changes in the image: {}\n", changes.words())
        }
        (Advice::Left, Some(_)) => "note: not mended: it isn't safe here\n".to_owned(),
        (Advice::Left, None) => "note: not mended: no change is right wherever this is found\n".to_owned(),
        (Advice::Broken, _) => "note: not mended: the file has a mistake in it\n".to_owned(),
        _ => String::new(),
    }
}

/// How much of a file was mended or, behind another verb, would be, and what that may mean; nothing if nothing is.
pub fn mended(looked: &Looked, verb: &str) -> String {
    if looked.mended == 0 {
        return String::new();
    }
    let mut changes: Vec<String> =
        looked.changes.iter().filter(|changes| **changes != Changes::Nothing).map(|c| c.words()).collect();
    if changes.is_empty() {
        changes.push(Changes::Nothing.words());
    }
    let count = findings(looked.mended);
    format!("{}: {verb} {count}; changes in the image: {}\n", looked.name, changes.join("; "))
}

/// How much of a file isn't mended; nothing if all is.
pub fn left(looked: &Looked) -> String {
    match looked.warnings.len() {
        0 => String::new(),
        count => format!("{}: leaves {}\n", looked.name, findings(count)),
    }
}

fn findings(count: usize) -> String {
    format!("{count} finding{}", if count == 1 { "" } else { "s" })
}

/// For programs.
pub fn json(all: &[Looked]) -> String {
    let warnings = all.iter().flat_map(|looked| looked.warnings.iter().map(|found| one(&looked.name, found)));
    let errors =
        all.iter().flat_map(|looked| looked.problems.iter().map(|problem| wrong(&looked.name, problem)));
    written(&Found { warnings: warnings.collect(), errors: errors.collect() })
}

fn one<'a>(file: &'a str, found: &'a Warning) -> Shown<'a> {
    let Warning { rule, aliases, ref message, url, line, end_line, is_fixable: fixable, .. } = *found;
    Shown { file, rule, aliases, line, end_line, message, url, fixable }
}

fn wrong<'a>(file: &'a str, problem: &'a Diagnostic) -> Wrong<'a> {
    Wrong { file, line: problem.line, end_line: problem.end_line, message: &problem.message }
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
