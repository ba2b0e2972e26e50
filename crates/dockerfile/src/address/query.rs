//! The query of a git address: `?branch=main&subdir=docs`.

use super::Git;

/// Its keys and values, each key once.
#[derive(Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

/// What it may say. What `fetch-by-commit` asks for is what is always done.
const KEYS: [&str; 10] = [
    "ref",
    "tag",
    "branch",
    "subdir",
    "checksum",
    "commit",
    "keep-git-dir",
    "submodules",
    "mtime",
    "fetch-by-commit",
];

impl Query {
    pub(super) fn read(text: &str) -> Result<Query, String> {
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

    pub(super) fn add_to(&self, git: &mut Git) -> Result<(), String> {
        if self.value("tag").is_some() && self.value("branch").is_some() {
            return Err("branch conflicts with tag".to_owned());
        }
        let full = |key, prefix: &str| {
            let name = self.value(key)?;
            Some(if name.starts_with(prefix) { name.to_owned() } else { format!("{prefix}{name}") })
        };
        agree(&mut git.subdir, self.value("subdir").map(String::from), "subdir")?;
        agree(&mut git.reference, self.value("ref").map(String::from), "ref")?;
        agree(&mut git.reference, full("tag", "refs/tags/"), "ref")?;
        agree(&mut git.reference, full("branch", "refs/heads/"), "ref")?;
        agree(&mut git.checksum, self.value("checksum").map(String::from), "checksum")?;
        agree(&mut git.checksum, self.value("commit").map(String::from), "checksum")?;
        git.reference = git.reference.take().or(git.checksum.clone());
        git.keep_git_dir = self.value("keep-git-dir").map(is_true);
        git.skip_submodules = self.value("submodules").is_some_and(|value| !is_true(value));
        git.commit_time = self.value("mtime") == Some("commit");
        Ok(())
    }
}

const BOOLS: [&str; 13] =
    ["", "1", "t", "T", "TRUE", "true", "True", "0", "f", "F", "FALSE", "false", "False"];

fn is_true(value: &str) -> bool {
    BOOLS[..7].contains(&value)
}

fn check_value(key: &str, value: &str) -> Result<(), String> {
    match key {
        "keep-git-dir" | "submodules" | "fetch-by-commit" if BOOLS.contains(&value) => Ok(()),
        "keep-git-dir" | "submodules" | "fetch-by-commit" => Err(format!("invalid {key} value: `{value}`")),
        "mtime" if value == "commit" || value == "checkout" => Ok(()),
        "mtime" => Err(format!("invalid mtime value: `{value}`")),
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
pub(super) fn decoded(text: &str, is_query: bool) -> Result<String, String> {
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
