//! `tare.toml`: what a project says about its image, beside what its code says.
//!
//! ```toml
//! go = "1.26.8"                        # the toolchain; else what go.mod says
//! main = ["./cmd/api", "./cmd/job"]    # or one, or a pattern: "./cmd/..."
//! tags = ["netgo"]                     # build tags
//! ldflags = "-s -w -X main.version=1"  # for the linker
//! include = ["assets:/srv/assets"]     # a path in the folder : an absolute path in the image
//! entrypoint = ["api", "--port=80"]    # a bare first word is one of the programs
//! cmd = ["serve"]                      # default arguments
//! user = "1000:1000"                   # else 65534:65534, nobody
//! expose = [8080, "53/udp"]
//!
//! [env]
//! GOMEMLIMIT = "200MiB"
//!
//! [labels]
//! "org.opencontainers.image.licenses" = "Apache-2.0"
//! ```
//!
//! Where a list holds one thing, the thing alone will do. A flag replaces a key; of `env` and `labels`, only
//! the names that it sets. An unknown key is an error, so that a misspelt one isn't taken for a default.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::Ask;
use crate::problem::{Problem, Result, read_if_there};

const FILE: &str = "tare.toml";

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    go: Option<String>,
    main: List,
    tags: List,
    ldflags: Option<String>,
    include: List,
    entrypoint: List,
    cmd: List,
    user: Option<Item>,
    env: BTreeMap<String, Item>,
    expose: List,
    labels: BTreeMap<String, Item>,
}

/// One thing or many.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or a list of strings")]
enum List {
    Many(Vec<Item>),
    One(Item),
}

/// Text; numbers that need no quotes elsewhere need none here.
#[derive(Deserialize)]
#[serde(untagged, expecting = "expected a string or a whole number")]
enum Item {
    Text(String),
    Number(i64),
}

impl Default for List {
    fn default() -> List {
        List::Many(Vec::new())
    }
}

impl Item {
    fn text(self) -> String {
        match self {
            Item::Text(text) => text,
            Item::Number(number) => number.to_string(),
        }
    }
}

impl List {
    fn texts(self) -> Vec<String> {
        match self {
            List::Many(items) => items.into_iter().map(Item::text).collect(),
            List::One(item) => vec![item.text()],
        }
    }
}

/// The project's settings with the flags over them.
pub fn merged(folder: &Path, ask: &Ask) -> Result<Ask> {
    let settings = match read_if_there(folder, FILE)? {
        Some(text) => parse(&text)?,
        None => Settings::default(),
    };
    let is_kept = ask.interface.as_ref().is_some_and(|interface| interface.keeps_start);
    let of_ours = |list: List| if is_kept { Vec::new() } else { list.texts() };
    let includes = settings.include.texts().iter().map(|line| include(line)).collect::<Result<Vec<_>>>()?;
    Ok(Ask {
        mains: or(&ask.mains, settings.main.texts()),
        go: ask.go.clone().or(settings.go),
        tags: tags(&or(&ask.tags, settings.tags.texts())),
        ldflags: ask.ldflags.clone().or(settings.ldflags),
        includes: or(&ask.includes, includes),
        entrypoint: or(&ask.entrypoint, of_ours(settings.entrypoint)),
        cmd: or(&ask.cmd, of_ours(settings.cmd)),
        user: ask.user.clone().or(settings.user.map(Item::text)),
        env: over(settings.env, &ask.env),
        expose: or(&ask.expose, settings.expose.texts()),
        labels: over(settings.labels, &ask.labels),
        platforms: ask.platforms.clone(),
        interface: ask.interface.clone(),
    })
}

fn or<T: Clone>(flag: &[T], setting: Vec<T>) -> Vec<T> {
    if flag.is_empty() { setting } else { flag.to_vec() }
}

/// The go command takes them with commas, and once took them with blanks.
fn tags(list: &[String]) -> Vec<String> {
    let parts = list.iter().flat_map(|tags| tags.split([',', ' '])).filter(|tag| !tag.is_empty());
    parts.map(str::to_owned).collect()
}

fn over(settings: BTreeMap<String, Item>, flags: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut out: BTreeMap<_, _> = settings.into_iter().map(|(name, value)| (name, value.text())).collect();
    out.extend(flags.clone());
    out
}

fn include(line: &str) -> Result<(String, String)> {
    let (path, to) = line.split_once(':').ok_or_else(|| {
        Problem::new(format!("{FILE}: `include` of `{line}` without a destination"))
            .help("write it as `assets:/srv/assets`")
    })?;
    Ok((path.to_owned(), to.to_owned()))
}

fn parse(text: &str) -> Result<Settings> {
    toml::from_str(text).map_err(|error| {
        let line =
            error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        match error
            .message()
            .strip_prefix("unknown field ")
            .and_then(|rest| rest.split_once(", expected one of "))
        {
            Some((key, known)) => {
                Problem::new(format!("{FILE}:{line}: unknown key {key}")).help(format!("known are {known}"))
            }
            None => Problem::new(format!("{FILE}:{line}: {}", error.message())),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    const ALL: &str = "go = \"1.26.8\"\nmain = \"./cmd/api\"\ntags = [\"a\", \"b\"]\nldflags = \"-s -w\"\n\
        include = [\"assets:/srv\"]\nentrypoint = [\"api\", \"-v\"]\ncmd = \"serve\"\nuser = 1000\nexpose = [8080, \"53/udp\"]\n\
        [env]\nA = \"1\"\nB = 2\n[labels]\nc = \"3\"\n";

    #[test]
    fn every_key() {
        let scratch = Scratch::new(&[(FILE, ALL)]);
        let ask = merged(&scratch.path, &Ask::default()).expect("well-formed");
        let owned = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let map = |list: &[(&str, &str)]| list.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        let expected = Ask {
            mains: owned(&["./cmd/api"]),
            go: Some("1.26.8".into()),
            tags: owned(&["a", "b"]),
            ldflags: Some("-s -w".into()),
            includes: vec![("assets".into(), "/srv".into())],
            entrypoint: owned(&["api", "-v"]),
            cmd: owned(&["serve"]),
            user: Some("1000".into()),
            env: map(&[("A", "1"), ("B", "2")]),
            expose: owned(&["8080", "53/udp"]),
            labels: map(&[("c", "3")]),
            platforms: Vec::new(),
            interface: None,
        };
        assert_eq!(ask, expected);
    }

    #[test]
    fn flags_win() {
        let scratch = Scratch::new(&[(FILE, ALL)]);
        let env = [("B".to_owned(), "two".to_owned())].into();
        let flags = Ask { mains: vec![".".into()], user: Some("7".into()), env, ..Ask::default() };
        let ask = merged(&scratch.path, &flags).expect("well-formed");
        assert_eq!((ask.mains, ask.user), (vec![".".to_owned()], Some("7".to_owned())));
        assert_eq!(ask.env, [("A".to_owned(), "1".to_owned()), ("B".to_owned(), "two".to_owned())].into());
    }

    fn check(text: &str, expected: &str) {
        let scratch = Scratch::new(&[(FILE, text)]);
        let problem = merged(&scratch.path, &Ask::default()).expect_err("a problem");
        assert_eq!(problem.message, expected);
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        check("go = \"1.26.8\"\nmians = \".\"\n", "tare.toml:2: unknown key `mians`");
        check("go = 1.26\n", "tare.toml:1: invalid type: floating point `1.26`, expected a string");
        check("\ntags = [1.5]\n", "tare.toml:2: expected a string or a list of strings");
        check("include = \"assets\"\n", "tare.toml: `include` of `assets` without a destination");
        let known = parse("x = 1").err().and_then(|p| p.help).expect("help");
        assert!(known.starts_with("known are `go`, `main`, ") && known.ends_with("`labels`"), "{known}");
    }
}
