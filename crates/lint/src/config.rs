//! `check=skip=A,B;experimental=C;error=true`: which findings are let through.
//!
//! Stands in a directive at the top of the file, in the build argument that takes the directive's place, and in a
//! comment before an instruction, where it counts for that instruction on top of the file's.

use std::collections::BTreeMap;

use dockerfile::Dockerfile;
use dockerfile::directive::{self, Reader};
use dockerfile::quote::quote;

use crate::rule::Rule;

/// The build argument that takes the place of the directive.
const ARGUMENT: &str = "BUILDKIT_DOCKERFILE_CHECK";

/// What is let through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    skip: Names,
    experimental: Names,
    /// A warning is an error.
    pub is_error: bool,
}

/// Names of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Names {
    #[default]
    None,
    Some(Vec<String>),
    All,
}

impl Names {
    fn parse(value: &str) -> Names {
        match value.trim() {
            "all" => Names::All,
            value => Names::Some(value.split(',').map(|name| name.trim().to_owned()).collect()),
        }
    }

    fn has(&self, rule: &Rule) -> bool {
        match self {
            Names::None => false,
            Names::Some(names) => rule.names().any(|known| names.iter().any(|name| name == known)),
            Names::All => true,
        }
    }
}

impl Config {
    /// Whether anything is said, which takes no look at more than the top of the text.
    pub fn is_given(text: &[u8], build_args: &BTreeMap<String, String>) -> bool {
        build_args.contains_key(ARGUMENT) || directive::check(&String::from_utf8_lossy(text)).is_some()
    }

    /// What counts for a file.
    ///
    /// # Errors
    /// If it can't be understood, in BuildKit's words.
    pub fn of(dockerfile: &Dockerfile, build_args: &BTreeMap<String, String>) -> Result<Config, String> {
        let read = match (build_args.get(ARGUMENT), &dockerfile.directives.check) {
            (Some(given), _) => {
                Config::parse(given).map_err(|why| format!("failed to parse {ARGUMENT}: {why}"))
            }
            (None, Some(value)) => Config::parse(first_word(value))
                .map_err(|why| format!("failed to parse check options: {why}")),
            (None, None) => Ok(Config::default()),
        };
        read.map_err(|why| format!("`check`: {why}"))
    }

    fn parse(text: &str) -> Result<Config, String> {
        let mut config = Config::default();
        // BuildKit cuts at the first two `;` only.
        for part in text.trim().splitn(3, ';').filter(|_| !text.trim().is_empty()) {
            let (key, value) =
                part.split_once('=').ok_or_else(|| format!("invalid check option {}", quote(part)))?;
            match key.trim() {
                "skip" => config.skip = Names::parse(value),
                "experimental" => config.experimental = Names::parse(value),
                "error" => {
                    let bad = || format!("failed to parse check option {}", quote(part));
                    config.is_error = bool_value(value.trim()).ok_or_else(bad)?;
                }
                key => return Err(format!("invalid check option {}", quote(key))),
            }
        }
        Ok(config)
    }

    /// Whether a rule's finding on an instruction with this comment is to be told. `skip` doesn't count for
    /// experimental rules, nor `experimental` for the others.
    pub fn allows(&self, rule: &Rule, comment: Option<&str>) -> bool {
        let own = comment.and_then(in_comment).unwrap_or_default();
        match rule.experimental {
            true => self.experimental.has(rule) || own.experimental.has(rule),
            false => !(self.skip.has(rule) || own.skip.has(rule)),
        }
    }
}

/// The first `check=` of a comment; one that can't be understood is a comment like any other.
fn in_comment(comment: &str) -> Option<Config> {
    let value = |line| match Reader::with_comment("").line(line) {
        Ok(Some(("check", value))) => Some(value),
        _ => None,
    };
    Config::parse(first_word(comment.lines().find_map(value)?)).ok()
}

fn first_word(value: &str) -> &str {
    value.split(' ').next().unwrap_or_default()
}

fn bool_value(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::ALL;

    fn rule(name: &str) -> &'static Rule {
        ALL.iter().find(|rule| rule.name == name).unwrap()
    }

    fn check(text: &str, comment: Option<&str>, name: &str, expected: bool) {
        let config = Config::parse(text).unwrap();
        assert_eq!(config.allows(rule(name), comment), expected, "{text} {comment:?} {name}");
    }

    #[test]
    fn names_are_skipped_or_asked_for() {
        let (usual, experimental) = ("StageNameCasing", "InvalidDefinitionDescription");
        check("", None, usual, true);
        check("", None, experimental, false);
        check("skip=all", None, usual, false);
        check("skip=FromAsCasing, StageNameCasing;error=1", None, usual, false);
        check("skip=FromAsCasing", None, usual, true);
        check("skip=all;experimental=InvalidDefinitionDescription", None, experimental, true);
        check("experimental=all;skip=InvalidDefinitionDescription", None, experimental, true);
        check("skip=stagenamecasing", None, usual, true);
    }

    #[test]
    fn a_comment_adds_to_what_the_file_says() {
        let (usual, experimental) = ("StageNameCasing", "InvalidDefinitionDescription");
        check("", Some("check=skip=StageNameCasing and more"), usual, false);
        check("", Some("why\nCheck = skip=StageNameCasing"), usual, false);
        check("skip=FromAsCasing", Some("check=skip=StageNameCasing"), "FromAsCasing", false);
        check("", Some("check=nonsense"), usual, true);
        check("", Some("check=experimental=all"), experimental, true);
        check("", Some("no directive"), usual, true);
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        for (text, expected) in [
            ("skip", "invalid check option \"skip\""),
            ("skp=all", "invalid check option \"skp\""),
            ("error=maybe", "failed to parse check option \"error=maybe\""),
            ("error=true;", "invalid check option \"\""),
        ] {
            assert_eq!(Config::parse(text), Err(expected.to_owned()), "{text}");
        }
        assert!(Config::parse(" error=T ").unwrap().is_error);
    }
}
