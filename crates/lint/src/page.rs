//! A rule's file to its page: the header is Markdown behind `//! `, and holds the rule's examples.

use crate::rule::Rule;

/// A fenced block of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The section that it stands in: `Bad`, `Good`.
    pub section: String,
    /// What it is: `dockerfile`, `dockerignore`, `base`.
    pub kind: String,
    /// Its lines.
    pub text: String,
}

/// The page: the header, then what mends a finding, and where the rule comes from.
pub fn page(rule: &Rule) -> String {
    let mut out = header(rule);
    out += &format!("\n## What mends it\n\n{}\n", remedy(rule));
    out += "\n## Where it comes from\n\n";
    out += &format!("`{}`, as a rule of `{}`.", rule.name, rule.origin.name());
    if !rule.aliases.is_empty() {
        out += &format!(" Known as {} elsewhere.", quoted(rule.aliases));
    }
    if rule.experimental {
        out += &format!(" Experimental: only looked at with `# check=experimental={}`.", rule.name);
    }
    if !rule.url.is_empty() {
        out += &format!(" See <{}>.", rule.url);
    }
    out + "\n"
}

/// What `--fix` does about a rule's findings, and what that may change in the image.
fn remedy(rule: &Rule) -> String {
    let Some(changes) = rule.fix else {
        return "You: there is no change that is right wherever this is found.".to_owned();
    };
    let changed = changes.words();
    format!(
        "`tare lint --fix`, where that is safe. In the image it may change {changed}, and the history's wording."
    )
}

/// The table of all rules.
pub fn index(rules: &[&Rule]) -> String {
    let row = |rule: &&Rule| {
        let fix = if rule.fix.is_some() { "yes" } else { "" };
        let aliases = rule.aliases.join(" ");
        format!(
            "| [{0}]({0}.md) | {1} | {aliases} | {fix} | {2} |\n",
            rule.name,
            rule.origin.name(),
            summary(rule)
        )
    };
    let rows: String = rules.iter().map(row).collect();
    format!(
        "# The rules of `tare lint`\n\n| rule | origin | also | `--fix` | finds |\n|---|---|---|---|---|\n{rows}"
    )
}

/// What a rule finds, in a sentence.
pub fn summary(rule: &Rule) -> String {
    let text = header(rule);
    let first = text.lines().skip(1).skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
    first.collect::<Vec<_>>().join(" ")
}

/// The fenced blocks of a rule's page, in order.
pub fn blocks(rule: &Rule) -> Vec<Block> {
    let (mut found, mut section, mut open) = (Vec::new(), String::new(), None::<Block>);
    for line in header(rule).lines() {
        match (open.as_mut(), line.strip_prefix("```"), line.strip_prefix("## ")) {
            (Some(_), Some(_), _) => found.extend(open.take()),
            (Some(block), None, _) => block.text += &format!("{line}\n"),
            (None, Some(kind), _) => {
                open = Some(Block { section: section.clone(), kind: kind.to_owned(), text: String::new() });
            }
            (None, None, Some(title)) => section = title.to_owned(),
            (None, None, None) => {}
        }
    }
    found
}

fn header(rule: &Rule) -> String {
    let lines = rule.source.lines().map_while(|line| line.strip_prefix("//!"));
    lines.map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))).collect()
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
