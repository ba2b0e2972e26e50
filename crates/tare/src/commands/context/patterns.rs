//! `tare context check-ignore`: which line of an ignore file decides about a path.

use dockerfile::Patterns;
use dockerfile::ignore::Rule;
use serde::Serialize;

use crate::cli::CheckIgnore;
use crate::commands::images::table::print;
use crate::failure::{Failure, Outcome};

/// What is decided about a path. Fields are only ever added.
#[derive(Serialize, Debug, PartialEq, Eq)]
struct Decided<'a> {
    /// As it was given.
    path: &'a str,
    ignored: bool,
    /// The last that matches, cleaned, with its `!`; null if none does.
    pattern: Option<String>,
    /// Where it stands.
    line: Option<u32>,
}

/// Prints what is decided, or the patterns.
pub fn run(args: &CheckIgnore) -> Outcome {
    let patterns = super::ignore_file(&args.ignorefile)?;
    if args.patterns {
        print(&patterns.rules().iter().map(|rule| text(rule) + "\n").collect::<String>())?;
    } else if args.json {
        super::print_json(&decide(&patterns, &args.paths))?;
    } else {
        return Err(Failure::Usage("`tare context check-ignore` needs --json or --patterns".to_owned()));
    }
    Ok(0)
}

fn text(rule: &Rule) -> String {
    format!("{}{}", if rule.negated { "!" } else { "" }, rule.pattern.as_str())
}

fn decide<'a>(patterns: &Patterns, paths: &'a [String]) -> Vec<Decided<'a>> {
    let one = |path: &'a String| {
        let verdict = patterns.verdict(&relative(path));
        let Some(rule) = verdict.by else {
            return Decided { path, ignored: verdict.ignored, pattern: None, line: None };
        };
        Decided { path, ignored: verdict.ignored, pattern: Some(text(rule)), line: Some(rule.line) }
    };
    paths.iter().map(one).collect()
}

/// As patterns see it: `./a/` is `a`, and so is `/a`.
fn relative(path: &str) -> String {
    plan::path::clean(path).trim_start_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_match_decides() {
        let patterns = Patterns::parse(b"# all\n/a/\n\n!a/keep\n*.md\n").unwrap();
        let shown: Vec<String> = patterns.rules().iter().map(text).collect();
        assert_eq!(shown, ["a", "!a/keep", "*.md"]);
        let paths = ["a/b", "./a/keep/", "c", "x.md"].map(String::from);
        let decided = decide(&patterns, &paths);
        let lines: Vec<_> =
            decided.iter().map(|d| (d.path, d.ignored, d.pattern.as_deref(), d.line)).collect();
        assert_eq!(
            lines,
            [
                ("a/b", true, Some("a"), Some(2)),
                ("./a/keep/", false, Some("!a/keep"), Some(4)),
                ("c", false, None, None),
                ("x.md", true, Some("*.md"), Some(5)),
            ]
        );
    }
}
