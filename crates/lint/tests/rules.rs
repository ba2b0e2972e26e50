//! Every rule against its own page: *Bad* fires it and nothing else, *Good* fires nothing, a fix makes one the other.

mod common;

use common::{Subject, facts};
use lint::page::{self, Block};
use lint::{Edit, Rule};

/// What a section of a rule's page says, to be linted.
fn subject(rule: &Rule, section: &str) -> Subject {
    let blocks = page::blocks(rule);
    let of = |kind: &str| blocks.iter().find(|Block { section: s, kind: k, .. }| s == section && k == kind);
    let text = of("dockerfile").unwrap_or_else(|| panic!("{}: no Dockerfile in {section}", rule.name));
    let base = of("base").map(|block| {
        let (name, platform) = block.text.trim().split_once(' ').unwrap();
        facts(name, platform, oci::Config::default())
    });
    let ignore = of("dockerignore").map(|block| block.text.clone());
    Subject { ignore, facts: base, ..Subject::new(&text.text) }
}

#[test]
fn bad_fires_the_rule_and_no_other() {
    for rule in lint::ALL {
        let found = subject(rule, "Bad").check().unwrap().warnings;
        let names: Vec<&str> = found.iter().map(|warning| warning.rule).collect();
        assert_eq!(names, [rule.name], "{}: {found:?}", rule.name);
    }
}

#[test]
fn good_fires_nothing() {
    for rule in lint::ALL {
        assert_eq!(subject(rule, "Good").found(), [""; 0], "{}", rule.name);
    }
}

#[test]
fn a_page_has_all_its_parts() {
    for rule in lint::ALL {
        let text = page::page(rule);
        assert!(text.starts_with(&format!("# {}\n\n", rule.name)), "{text}");
        for part in ["\n## Why\n", "\n## Bad\n", "\n## Good\n", "\n## Where it comes from\n"] {
            assert!(text.contains(part), "{} has no {part}", rule.name);
        }
        assert!(page::summary(rule).ends_with('.'), "{}", rule.name);
        assert!(!rule.description.is_empty(), "{}", rule.name);
    }
    let index = page::index(lint::ALL);
    assert!(lint::ALL.iter().all(|rule| index.contains(&format!("[{0}]({0}.md)", rule.name))));
}

#[test]
fn names_are_told_apart() {
    let mut names: Vec<String> =
        lint::ALL.iter().flat_map(|rule| rule.names()).map(str::to_lowercase).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert_eq!(count, 22);
}

/// The text with its edits made, from the last to the first.
fn mended(text: &str, mut edits: Vec<Edit>) -> String {
    let mut out = text.to_owned();
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    edits.iter().for_each(|edit| {
        out.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    });
    out
}

#[test]
fn edits_are_made_from_the_last() {
    let edit = |start, end, text: &str| Edit { span: dockerfile::Span { start, end }, text: text.to_owned() };
    assert_eq!(mended("one two", vec![edit(0, 3, "three"), edit(4, 7, "four")]), "three four");
}
