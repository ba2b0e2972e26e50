//! What a fix may change in the image, against the cases that build before and after: every rule with a fix has a
//! section there, which says what the rule declares, and shows exactly that.
//!
//! The cases themselves are run by `cargo xtask case lint/fixes`; here they are read.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lint::{Changes, Rule};

/// A rule's sections: what was declared there, and what was different.
#[derive(Default)]
struct Shown {
    may_change: Vec<String>,
    changes: Vec<String>,
}

/// The texts of the cases.
fn texts() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/lint");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_ours = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().starts_with("fixes-");
    paths.filter(is_ours).map(|path| std::fs::read_to_string(path).unwrap()).collect()
}

/// What the sections named `RULE`, and `RULE, …`, have as their output.
fn shown(texts: &[String]) -> BTreeMap<String, Shown> {
    let mut all: BTreeMap<String, Shown> = BTreeMap::new();
    for section in texts.iter().flat_map(|text| text.split("\n## ").skip(1)) {
        let title = section.lines().next().unwrap_or_default();
        let name = title.split_once(',').map_or(title, |(name, _)| name);
        let of = all.entry(name.to_owned()).or_default();
        let said = |start: &str| {
            let found = section.lines().filter_map(|line| line.strip_prefix(start));
            found.map(str::to_owned).collect::<Vec<_>>()
        };
        of.may_change.extend(said("may change: "));
        of.changes.extend(said("changes: ").into_iter().filter(|change| change != "nothing"));
    }
    all
}

/// What is wrong with what is shown of a rule.
fn fault(rule: &Rule, changes: Changes, shown: &Shown) -> Option<String> {
    let words = changes.words();
    if shown.may_change.is_empty() || shown.may_change.iter().any(|said| *said != words) {
        return Some(format!("{}: declares {words}, its case says {:?}", rule.name, shown.may_change));
    }
    let is_shown = match changes {
        Changes::Nothing => shown.changes.is_empty(),
        Changes::Config(fields) => is_exactly(fields, &shown.changes, |field, change| field == change),
        // A word on which they are is for the reader to compare.
        Changes::Files(paths) if paths[0].contains(' ') => is_any_file(&shown.changes),
        Changes::Files(paths) => is_exactly(paths, &shown.changes, is_under),
    };
    (!is_shown).then(|| format!("{}: declares {words}, its case shows {:?}", rule.name, shown.changes))
}

/// Whether each is declared, and each that is declared is there.
fn is_exactly(declared: &[&str], found: &[String], means: impl Fn(&str, &str) -> bool) -> bool {
    let is_declared = |change: &String| declared.iter().any(|one| means(one, change));
    let is_found = |one: &&str| found.iter().any(|change| means(one, change));
    found.iter().all(is_declared) && declared.iter().all(is_found)
}

fn is_any_file(found: &[String]) -> bool {
    !found.is_empty() && found.iter().all(|change| change.starts_with('/'))
}

/// Whether a path is one of those that a pattern is for: `~` is root's home here, a star at the end is anything.
fn is_under(pattern: &str, path: &str) -> bool {
    let pattern = pattern.replacen('~', "/root", 1);
    match pattern.strip_suffix('*') {
        Some(start) => path.starts_with(start),
        None => path == pattern,
    }
}

#[test]
fn a_fix_changes_in_its_case_what_the_rule_declares() {
    let shown = shown(&texts());
    let fixable = lint::ALL.iter().filter_map(|rule| Some((rule, rule.fix?)));
    let faults = fixable.filter_map(|(rule, changes)| match shown.get(rule.name) {
        Some(shown) => fault(rule, changes, shown),
        None => Some(format!("{}: no section `## {}` in tests/cases/lint/fixes-*.md", rule.name, rule.name)),
    });
    assert_eq!(faults.collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_cases_compare_in_one_way() {
    let script = |text: &String| {
        let start = text.find("```file ../compare\n").expect("it brings the script that compares");
        text[start..].split("\n```\n").next().unwrap_or_default().to_owned()
    };
    let mut scripts: Vec<String> = texts().iter().map(script).collect();
    scripts.dedup();
    assert_eq!(scripts.len(), 1, "tests/cases/lint/fixes-*.md: the script is another in one of them");
}

#[test]
fn what_is_not_declared_is_seen() {
    let shown = |changes: &[&str]| changes.iter().map(|change| (*change).to_owned()).collect::<Vec<_>>();
    let found = |declared: &[&str], changes: &[&str]| is_exactly(declared, &shown(changes), is_under);
    assert!(found(&["/a/*", "~/b"], &["/a/x/y", "/root/b"]));
    assert!(!found(&["/a/*"], &["/a/x", "/b"]));
    assert!(!found(&["/a/*", "/b"], &["/a/x"]));
    assert!(!is_any_file(&shown(&["Cmd"])) && !is_any_file(&[]));
}
