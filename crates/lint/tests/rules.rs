//! Every rule against its own page: *Bad* fires it and nothing else, *Good* fires nothing, a fix makes one the other.

mod common;

use common::{Subject, facts};
use lint::page::{self, Block};
use lint::{Changes, Context, Mended, Rule};

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
    let context = of("context").map(|block| {
        let names = block.text.lines().map(str::to_owned).collect();
        Context { names }
    });
    Subject { ignore, facts: base, context, ..Subject::new(&text.text) }
}

#[test]
fn bad_fires_the_rule_and_no_other() {
    let fires = |rule: &&Rule| {
        let found = subject(rule, "Bad").check().unwrap().warnings;
        let names: Vec<&str> = found.iter().map(|warning| warning.rule).collect();
        (names != [rule.name]).then(|| format!("{}: {:?}", rule.name, subject(rule, "Bad").found()))
    };
    assert_eq!(lint::ALL.iter().filter_map(fires).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn good_fires_nothing() {
    let found = |rule: &&Rule| {
        let found = subject(rule, "Good").found();
        (!found.is_empty()).then(|| format!("{}: {found:?}", rule.name))
    };
    assert_eq!(lint::ALL.iter().filter_map(found).collect::<Vec<_>>(), [""; 0]);
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
    assert!(count > 100, "{count}");
}

/// The ignore file with what mending adds to it.
fn ignore(subject: &Subject, mended: &Mended) -> Option<String> {
    let added: String = mended.unseen.iter().map(|line| format!("{line}\n")).collect();
    match &subject.ignore {
        Some(text) => Some(format!("{text}{added}")),
        None => Some(added).filter(|added| !added.is_empty()),
    }
}

#[test]
fn a_fix_makes_good_of_bad_and_has_nothing_more_to_do() {
    for rule in lint::ALL {
        let (bad, good) = (subject(rule, "Bad"), subject(rule, "Good"));
        let mended = bad.mended();
        let text = String::from_utf8(mended.text.clone()).unwrap();
        let is_same = text == bad.text && mended.unseen.is_empty();
        assert_eq!(is_same, rule.fix.is_none(), "{}: {text}", rule.name);
        if rule.fix.is_some() {
            assert_eq!((text.as_str(), mended.count), (good.text.as_str(), 1), "{}", rule.name);
            assert_eq!(ignore(&bad, &mended), good.ignore, "{}", rule.name);
            let again = Subject { text, ignore: ignore(&bad, &mended), ..subject(rule, "Bad") }.mended();
            assert_eq!((again.text, again.count), (mended.text, 0), "{}", rule.name);
        }
    }
}

/// What mending makes of *Bad*, both written in another way.
fn written_otherwise(otherwise: impl Fn(&str) -> String, but: &[&str]) {
    for rule in lint::ALL.iter().filter(|rule| rule.fix.is_some()) {
        let (bad, good) = (subject(rule, "Bad"), subject(rule, "Good"));
        let text = otherwise(&bad.text);
        let expected = if but.contains(&rule.name) { text.clone() } else { otherwise(&good.text) };
        let bad = Subject { text, ..bad };
        let mended = bad.mended();
        assert_eq!(String::from_utf8(mended.text.clone()).unwrap(), expected, "{}", rule.name);
        assert_eq!(ignore(&bad, &mended), good.ignore, "{}", rule.name);
    }
}

#[test]
fn a_fix_keeps_how_lines_end() {
    // A shell would take the carriage return for a part of `-e`.
    written_otherwise(|text| text.replace('\n', "\r\n"), &["heredoc-without-set-e"]);
}

#[test]
fn a_fix_keeps_a_byte_order_mark_and_a_last_line_without_an_end() {
    written_otherwise(|text| format!("\u{feff}{text}"), &[]);
    written_otherwise(|text| text.trim_end_matches('\n').to_owned(), &[]);
}

#[test]
fn a_page_says_what_a_fix_may_change() {
    for rule in lint::ALL {
        let page = page::page(rule);
        let says = match rule.fix {
            None => "You: there is no change".to_owned(),
            Some(Changes::Nothing) => "may change nothing".to_owned(),
            Some(Changes::Config(fields)) => format!("the config's `{}`", fields[0]),
            Some(Changes::Files(paths)) if paths[0].starts_with(['/', '~']) => {
                format!("the files `{}`", paths[0])
            }
            Some(Changes::Files(paths)) => format!("the files {}", paths[0]),
        };
        assert!(page.contains(&says), "{page}");
    }
}
