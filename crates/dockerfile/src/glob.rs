//! Wildcards of COPY and ADD sources: Go's `filepath.Match`.
//!
//! `*` and `?` stay inside one path component, `[a-z]` and `[^a-z]` are classes, `\` takes away a
//! character's meaning. A bad pattern is an error even where it could not match anyway.

use std::fmt;

/// The pattern is not well-formed: an unclosed class, an empty range, a lone `\` at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadPattern;

impl fmt::Display for BadPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("syntax error in pattern")
    }
}

impl std::error::Error for BadPattern {}

/// A pattern, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Vec<Item>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Char(char),
    Any,
    Star,
    Class(Class),
}

/// A bracket expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    pub(crate) fn contains(&self, c: char) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != self.negated
    }

    /// Reads what follows `[`, up to and with `]`.
    pub(crate) fn parse(chars: &mut std::str::Chars<'_>) -> Result<Class, BadPattern> {
        let negated = chars.as_str().starts_with('^');
        if negated {
            chars.next();
        }
        let mut ranges = Vec::new();
        while ranges.is_empty() || !chars.as_str().starts_with(']') {
            let low = member(chars)?;
            let is_range = chars.as_str().starts_with('-');
            let high =
                if is_range { chars.next().and_then(|_| member(chars).ok()).ok_or(BadPattern)? } else { low };
            ranges.push((low, high));
        }
        chars.next();
        Ok(Class { negated, ranges })
    }
}

fn member(chars: &mut std::str::Chars<'_>) -> Result<char, BadPattern> {
    match chars.next().ok_or(BadPattern)? {
        '-' | ']' => Err(BadPattern),
        '\\' => chars.next().ok_or(BadPattern),
        c => Ok(c),
    }
}

/// Whether `text` has a character that makes it a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '[', '\\'])
}

/// Whether `pattern` matches the whole of `name`.
pub fn matches(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    Ok(Glob::parse(pattern)?.matches(name))
}

impl Glob {
    /// Reads a pattern.
    pub fn parse(pattern: &str) -> Result<Glob, BadPattern> {
        let mut items = Vec::new();
        let mut chars = pattern.chars();
        while let Some(c) = chars.next() {
            let item = match c {
                '*' if items.last() == Some(&Item::Star) => continue,
                '*' => Item::Star,
                '?' => Item::Any,
                '[' => Item::Class(Class::parse(&mut chars)?),
                '\\' => Item::Char(chars.next().ok_or(BadPattern)?),
                c => Item::Char(c),
            };
            items.push(item);
        }
        Ok(Glob(items))
    }

    /// Whether the pattern matches the whole of `name`.
    ///
    /// Only the last star is ever tried again: what an earlier one could gain, it cannot lose.
    pub fn matches(&self, name: &str) -> bool {
        let mut at = 0;
        let mut rest = name;
        let mut retry: Option<(usize, &str)> = None;
        loop {
            match (self.0.get(at), rest.chars().next()) {
                (Some(Item::Star), _) => {
                    at += 1;
                    retry = Some((at, rest));
                }
                (None, None) => return true,
                (Some(item), Some(c)) if item.accepts(c) => {
                    at += 1;
                    rest = &rest[c.len_utf8()..];
                }
                _ => {
                    let Some(next) = longer(retry) else { return false };
                    retry = Some(next);
                    (at, rest) = next;
                }
            }
        }
    }
}

/// The star's next try: one character more, unless that is a `/`.
fn longer(retry: Option<(usize, &str)>) -> Option<(usize, &str)> {
    let (at, rest) = retry?;
    let c = rest.chars().next().filter(|c| *c != '/')?;
    Some((at, &rest[c.len_utf8()..]))
}

impl Item {
    fn accepts(&self, c: char) -> bool {
        match self {
            Item::Char(wanted) => *wanted == c,
            Item::Any => c != '/',
            Item::Class(class) => class.contains(c),
            Item::Star => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BadPattern, matches};

    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(matches(pattern, name), Ok(expected), "{pattern} on {name}");
    }

    // Trap 22.
    #[test]
    fn stars_stay_inside_a_component() {
        check("*", "a", true);
        check("*", "a/b", false);
        check("*/*.go", "x/a.go", true);
        check("a*b*c", "aXbYbZc", true);
        check("a*/b", "a/c/b", false);
        check("a**b", "axxb", true);
        check("*", "", true);
        check("", "", true);
        check("", "a", false);
    }

    #[test]
    fn classes_and_escapes() {
        check("[a-c]x", "bx", true);
        check("[^a-c]x", "bx", false);
        check("[!a]", "!", true);
        check("\\*", "*", true);
        check("\\*", "a", false);
        check("?", "é", true);
        check("?", "/", false);
        check("[z-a]", "m", false);
        check("[\\]]", "]", true);
    }

    #[test]
    fn refuses_bad_patterns() {
        for pattern in ["[", "[]a]", "[a", "[-a]", "[a-]", "a\\", "[a-", "[^"] {
            assert_eq!(matches(pattern, "x"), Err(BadPattern), "{pattern}");
        }
    }

    #[test]
    fn many_stars_cost_little() {
        check(&"*a".repeat(1000), &"a".repeat(999), false);
        check(&"a*".repeat(500), &format!("{}b", "a".repeat(5000)), true);
    }
}
