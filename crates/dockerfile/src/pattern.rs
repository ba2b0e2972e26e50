//! One pattern of an ignore file: what it matches, as moby's patternmatcher has it.
//!
//! Used by `ignore`. Three kinds are plain comparisons; the rest runs all its alternatives side by side,
//! so its cost is at most pattern times path. `**` is looser here than in a shell: `foo**` is a prefix,
//! `a**b` is `a`, then whole directories, then `b`.

use crate::glob::{BadPattern, Class, Glob};

/// A pattern without its `!`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    matcher: Matcher,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Matcher {
    Exact,
    /// What stands in front of `**`.
    Prefix(String),
    /// What stands behind `**`.
    Suffix(String),
    /// What there is one by one, and the classes among it.
    Items(Vec<Item>, Vec<Class>),
}

/// Small, as there is one a character: a file of ten megabytes has ten million.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Char(char),
    /// `?`
    Any,
    /// `*`
    Star,
    /// `**` in front of more: nothing, or anything up to a `/`.
    Directories,
    /// `**` at the end.
    Rest,
    /// Which of the classes.
    Class(u32),
}

impl Pattern {
    /// Reads a cleaned pattern: relative, without `.`, `..` and doubled slashes.
    pub fn parse(text: &str) -> Result<Pattern, BadPattern> {
        Glob::parse(text)?;
        Ok(Pattern { matcher: compile(text)?, text: text.to_owned() })
    }

    /// The pattern as it is matched.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern matches the whole of `path`.
    pub fn matches(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Exact => path == self.text,
            Matcher::Prefix(prefix) => path.starts_with(prefix.as_str()),
            Matcher::Suffix(suffix) => {
                path.ends_with(suffix.as_str()) || suffix.strip_prefix('/').is_some_and(|name| name == path)
            }
            Matcher::Items(items, classes) => Run::new(items, classes).over(path),
        }
    }

    /// Whether the pattern matches the whole of `path` or of one of its parent directories.
    pub fn matches_or_parent(&self, path: &str) -> bool {
        match &self.matcher {
            Matcher::Exact => path
                .strip_prefix(self.text.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            // What a parent begins with, its entries begin with too.
            Matcher::Prefix(_) => self.matches(path),
            Matcher::Suffix(_) => parents(path).any(|parent| self.matches(parent)) || self.matches(path),
            Matcher::Items(items, classes) => Run::new(items, classes).over_parents(path),
        }
    }

    /// Whether the pattern could match something below `dir`.
    pub fn reaches_below(&self, dir: &str) -> bool {
        let below = format!("{dir}/");
        match &self.matcher {
            Matcher::Exact => self.text.starts_with(&below),
            Matcher::Prefix(prefix) => prefix.starts_with(&below) || below.starts_with(prefix.as_str()),
            Matcher::Suffix(_) => true,
            Matcher::Items(items, classes) => {
                let mut run = Run::new(items, classes);
                below.chars().all(|c| run.step(c))
            }
        }
    }
}

fn compile(text: &str) -> Result<Matcher, BadPattern> {
    let (items, classes) = items(text)?;
    let literal = |items: &[Item]| items.iter().all(|item| matches!(item, Item::Char(_)));
    let plain = !text.contains(['[', ']', '\\']);
    Ok(match &items[..] {
        items if plain && literal(items) => Matcher::Exact,
        [front @ .., Item::Rest] if plain && literal(front) => {
            Matcher::Prefix(text[..text.len() - 2].to_owned())
        }
        [Item::Directories, behind @ ..] if plain && literal(behind) => Matcher::Suffix(text[2..].to_owned()),
        _ => Matcher::Items(items, classes),
    })
}

fn items(text: &str) -> Result<(Vec<Item>, Vec<Class>), BadPattern> {
    let (mut items, mut classes) = (Vec::new(), Vec::new());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        items.push(match c {
            '*' if chars.as_str().starts_with('*') => stars(&mut chars),
            '*' => Item::Star,
            '?' => Item::Any,
            '[' => {
                classes.push(Class::parse(&mut chars)?);
                Item::Class(u32::try_from(classes.len() - 1).map_err(|_| BadPattern)?)
            }
            '\\' => Item::Char(chars.next().ok_or(BadPattern)?),
            c => Item::Char(c),
        });
    }
    items.shrink_to_fit();
    Ok((items, classes))
}

/// The second star, and a slash that belongs to it.
fn stars(chars: &mut std::str::Chars<'_>) -> Item {
    chars.next();
    if chars.as_str().starts_with('/') {
        chars.next();
    }
    if chars.as_str().is_empty() { Item::Rest } else { Item::Directories }
}

fn parents(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at]).filter(|parent| !parent.is_empty())
}

/// All the places in a pattern where one can be after some of a path.
struct Run<'a> {
    items: &'a [Item],
    classes: &'a [Class],
    now: Vec<bool>,
    next: Vec<bool>,
}

impl<'a> Run<'a> {
    fn new(items: &'a [Item], classes: &'a [Class]) -> Run<'a> {
        let none = vec![false; items.len() + 1];
        let mut run = Run { items, classes, now: none.clone(), next: none };
        run.enter(0);
        std::mem::swap(&mut run.now, &mut run.next);
        run
    }

    fn over(mut self, path: &str) -> bool {
        path.chars().all(|c| self.step(c)) && self.is_at_end()
    }

    fn over_parents(mut self, path: &str) -> bool {
        for (at, c) in path.char_indices() {
            if c == '/' && at > 0 && self.is_at_end() {
                return true;
            }
            if !self.step(c) {
                return false;
            }
        }
        self.is_at_end()
    }

    fn is_at_end(&self) -> bool {
        self.now[self.items.len()]
    }

    /// One character on. False once one can be nowhere.
    fn step(&mut self, c: char) -> bool {
        self.next.fill(false);
        for at in 0..self.items.len() {
            if self.now[at] {
                self.leave(at, c);
            }
        }
        std::mem::swap(&mut self.now, &mut self.next);
        self.now.contains(&true)
    }

    fn leave(&mut self, at: usize, c: char) {
        match &self.items[at] {
            Item::Char(wanted) if *wanted == c => self.enter(at + 1),
            Item::Any if c != '/' => self.enter(at + 1),
            Item::Class(class) if self.classes[*class as usize].contains(c) => self.enter(at + 1),
            Item::Star if c != '/' => self.enter(at),
            Item::Rest => self.enter(at),
            Item::Directories => {
                // Once inside, only a slash leads out.
                self.next[at] = true;
                if c == '/' {
                    self.enter(at + 1);
                }
            }
            _ => {}
        }
    }

    /// Arrives at `at`, and behind whatever may match nothing.
    fn enter(&mut self, mut at: usize) {
        self.next[at] = true;
        while let Some(Item::Star | Item::Directories | Item::Rest) = self.items.get(at) {
            at += 1;
            self.next[at] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Item;

    #[test]
    fn an_item_takes_little() {
        assert!(size_of::<Item>() <= 8);
    }
}
