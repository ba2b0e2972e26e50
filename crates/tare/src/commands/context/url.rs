//! `tare context parse-url`: what the context argument of a build stands for.
//!
//! A Git address carries a ref and a folder behind `#`, as `#ref:folder`, or in its query. The two may not
//! contradict each other, and a query may say nothing else: a misspelt key would build the wrong commit.

use serde::Serialize;

use crate::failure::{Failure, Outcome};

/// What an address stands for. Fields are only ever added.
#[derive(Serialize, Debug, PartialEq, Eq, Default)]
struct Address {
    kind: &'static str,
    /// Without ref and folder; null unless `kind` is `git` or `http`.
    remote: Option<String>,
    #[serde(rename = "ref")]
    reference: Option<String>,
    subdir: Option<String>,
}

/// Prints what an address stands for.
pub fn run(json: bool, url: &str) -> Outcome {
    if !json {
        return Err(Failure::Usage(
            "`tare context parse-url` prints JSON only so far: ask for it with --json".into(),
        ));
    }
    super::print_json(&parse(url).map_err(|message| Failure::Usage(format!("`{url}`: {message}")))?)?;
    Ok(0)
}

fn parse(url: &str) -> Result<Address, String> {
    match kind(url) {
        "git" => git(url),
        "http" => Ok(Address { kind: "http", remote: Some(url.to_owned()), ..Address::default() }),
        kind => Ok(Address { kind, ..Address::default() }),
    }
}

fn kind(url: &str) -> &'static str {
    match scheme(url).as_deref() {
        Some("git" | "ssh") => "git",
        Some("http" | "https") if bare(url).ends_with(".git") => "git",
        Some("http" | "https") => "http",
        Some(_) => "other",
        None if url.starts_with("github.com/") || is_scp(url) => "git",
        // Standard input.
        None if url == "-" => "other",
        None => "local",
    }
}

fn scheme(url: &str) -> Option<String> {
    let (scheme, _) = url.split_once("://")?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.');
    (!scheme.is_empty() && scheme.chars().all(is_name)).then(|| scheme.to_lowercase())
}

/// `user@host:path`, as ssh's copy writes it.
fn is_scp(url: &str) -> bool {
    let Some((user, rest)) = url.split_once('@') else { return false };
    let Some((host, path)) = rest.split_once(':') else { return false };
    let is_name = |text: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
    };
    is_name(user) && is_name(host) && !path.is_empty()
}

fn bare(url: &str) -> &str {
    url.split(['?', '#']).next().unwrap_or_default()
}

fn git(url: &str) -> Result<Address, String> {
    let (url, fragment) = url.split_once('#').unwrap_or((url, ""));
    let (remote, query) = url.split_once('?').unwrap_or((url, ""));
    let (reference, subdir) = fragment.split_once(':').unwrap_or((fragment, ""));
    let some = |text: &str| (!text.is_empty()).then(|| decoded(text, false));
    let mut address = Address {
        kind: "git",
        remote: Some(remote.to_owned()),
        reference: some(reference).transpose()?,
        subdir: some(subdir).transpose()?,
    };
    Query::read(query)?.add_to(&mut address)?;
    Ok(address)
}

/// The query of a Git address.
#[derive(Default)]
struct Query {
    pairs: Vec<(String, String)>,
}

/// What it may say; the last two are for the clone and not shown.
const KEYS: [&str; 8] =
    ["ref", "tag", "branch", "subdir", "checksum", "commit", "keep-git-dir", "submodules"];

impl Query {
    fn read(text: &str) -> Result<Query, String> {
        let mut query = Query::default();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            query.push(decoded(key, true)?, decoded(value, true)?)?;
        }
        Ok(query)
    }

    fn push(&mut self, key: String, value: String) -> Result<(), String> {
        if !KEYS.contains(&key.as_str()) {
            return Err(format!("unexpected query `{key}`"));
        }
        if self.value(&key).is_some() {
            return Err(format!("query `{key}` has multiple values"));
        }
        check_value(&key, &value)?;
        self.pairs.push((key, value));
        Ok(())
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    fn add_to(&self, address: &mut Address) -> Result<(), String> {
        if self.value("tag").is_some() && self.value("branch").is_some() {
            return Err("branch conflicts with tag".to_owned());
        }
        let full = |key, prefix: &str| {
            let name = self.value(key)?;
            Some(if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") })
        };
        agree(&mut address.subdir, self.value("subdir").map(String::from), "subdir")?;
        agree(&mut address.reference, self.value("ref").map(String::from), "ref")?;
        agree(&mut address.reference, full("tag", "refs/tags/"), "ref")?;
        agree(&mut address.reference, full("branch", "refs/heads/"), "ref")?;
        let checksum = self.value("checksum").or(self.value("commit"));
        address.reference = address.reference.take().or(checksum.map(String::from));
        Ok(())
    }
}

fn check_value(key: &str, value: &str) -> Result<(), String> {
    const BOOLS: [&str; 13] =
        ["", "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];
    match key {
        "keep-git-dir" | "submodules" if BOOLS.contains(&value) => Ok(()),
        "keep-git-dir" | "submodules" => Err(format!("invalid {key} value: `{value}`")),
        _ if value.is_empty() => Err(format!("query `{key}` has no value")),
        _ => Ok(()),
    }
}

fn agree(known: &mut Option<String>, said: Option<String>, what: &str) -> Result<(), String> {
    match (known.as_deref(), said) {
        (Some(known), Some(said)) if known != said => Err(format!("{what} conflicts: `{known}` vs `{said}`")),
        (None, Some(said)) => {
            *known = Some(said);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Percent signs resolved, in a query also `+` for a blank.
fn decoded(text: &str, is_query: bool) -> Result<String, String> {
    let bad = || format!("`{text}` has a bad escape");
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' if is_query => b' ',
            b'%' => match (bytes.next().and_then(digit), bytes.next().and_then(digit)) {
                (Some(high), Some(low)) => high << 4 | low,
                _ => return Err(bad()),
            },
            byte => byte,
        });
    }
    String::from_utf8(out).map_err(|_| bad())
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(url: &str) -> (String, Option<String>, Option<String>) {
        let address = parse(url).unwrap();
        assert_eq!(address.kind, "git", "{url}");
        (address.remote.unwrap(), address.reference, address.subdir)
    }

    fn git(remote: &str, reference: &str, subdir: &str) -> (String, Option<String>, Option<String>) {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (remote.to_owned(), some(reference), some(subdir))
    }

    #[test]
    fn kinds() {
        let kinds = |urls: &[&str]| urls.iter().map(|url| kind(url)).collect::<Vec<_>>();
        let gits = [
            "git://h/r",
            "ssh://git@h/r",
            "https://h/r.git",
            "http://h/r.git#x",
            "git@h:r",
            "github.com/a/b",
        ];
        assert_eq!(kinds(&gits), ["git"; 6]);
        assert_eq!(kinds(&["https://h/r", "http://h/a.tar.gz", "https://h/r?x=.git"]), ["http"; 3]);
        assert_eq!(kinds(&[".", "/a/b.git", "./a@b:c", "dir", ""]), ["local"; 5]);
        assert_eq!(kinds(&["-", "docker-image://a", "oci-layout://b", "ftp://h"]), ["other"; 4]);
    }

    #[test]
    fn fragments() {
        assert_eq!(parts("https://h/r.git"), git("https://h/r.git", "", ""));
        assert_eq!(parts("https://h/r.git#a/b:c/d"), git("https://h/r.git", "a/b", "c/d"));
        assert_eq!(parts("git@h:a/r.git#:d"), git("git@h:a/r.git", "", "d"));
        assert_eq!(parts("github.com/a/b#v1"), git("github.com/a/b", "v1", ""));
    }

    #[test]
    fn queries() {
        assert_eq!(
            parts("https://h/r.git?tag=v1&subdir=a%2Fb"),
            git("https://h/r.git", "refs/tags/v1", "a/b")
        );
        assert_eq!(parts("https://h/r.git?branch=refs/heads/m"), git("https://h/r.git", "refs/heads/m", ""));
        assert_eq!(parts("https://h/r.git?ref=x#x:d"), git("https://h/r.git", "x", "d"));
        assert_eq!(parts("https://h/r.git?checksum=abc"), git("https://h/r.git", "abc", ""));
        assert_eq!(parts("https://h/r.git?commit=abc&ref=m&submodules"), git("https://h/r.git", "m", ""));
    }

    #[test]
    fn queries_that_contradict() {
        for query in [
            "ref=a#b",
            "tag=a&ref=b",
            "tag=a&branch=b",
            "ref=",
            "ref=a&ref=a",
            "nosuch=1",
            "submodules=x",
            "ref=%4",
        ] {
            assert!(parse(&format!("https://h/r.git?{query}")).is_err(), "{query}");
        }
        assert!(parse("https://h/r.git?subdir=a#:b").is_err());
    }
}
