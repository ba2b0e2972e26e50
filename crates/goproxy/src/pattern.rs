//! The patterns of GOPRIVATE and its kin: a list of globs over the first elements of a module's path.
//!
//! A glob with two slashes looks at the first three elements. `*` and `?` stop at slashes, `[a-z]` and
//! `[^a-z]` are classes, `\` takes the next character as it is. A malformed glob matches nothing, as
//! with the go command.

/// Whether one of the comma-separated globs fits the beginning of `path`.
pub(crate) fn matches(globs: &str, path: &str) -> bool {
    globs.split(',').map(|glob| glob.strip_suffix('/').unwrap_or(glob)).any(|glob| {
        let count = glob.matches('/').count() + 1;
        !glob.is_empty() && first_elements(path, count).is_some_and(|start| fits(glob, start))
    })
}

fn first_elements(path: &str, count: usize) -> Option<&str> {
    let mut ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    ends.nth(count - 1).map(|end| &path[..end])
}

fn fits(glob: &str, text: &str) -> bool {
    let glob: Vec<char> = glob.chars().collect();
    let text: Vec<char> = text.chars().collect();
    rest_fits(&glob, &text).unwrap_or(false)
}

/// `None` if the glob is malformed.
fn rest_fits(glob: &[char], text: &[char]) -> Option<bool> {
    let Some((&first, rest)) = glob.split_first() else { return Some(text.is_empty()) };
    if first == '*' {
        return star_fits(rest, text);
    }
    let (is_fit, after) = one_fits(glob, text.first().copied())?;
    if is_fit { rest_fits(after, &text[1..]) } else { Some(false) }
}

fn star_fits(rest: &[char], text: &[char]) -> Option<bool> {
    let end = text.iter().position(|&c| c == '/').unwrap_or(text.len());
    for skipped in 0..=end {
        if rest_fits(rest, &text[skipped..])? {
            return Some(true);
        }
    }
    Some(false)
}

/// Whether the glob's first item takes this character, and the glob after the item.
fn one_fits(glob: &[char], c: Option<char>) -> Option<(bool, &[char])> {
    match glob {
        ['?', rest @ ..] => Some((c.is_some_and(|c| c != '/'), rest)),
        ['\\', literal, rest @ ..] => Some((c == Some(*literal), rest)),
        ['\\'] => None,
        ['[', rest @ ..] => class_fits(rest, c),
        [literal, rest @ ..] => Some((c == Some(*literal), rest)),
        [] => None,
    }
}

fn class_fits(class: &[char], c: Option<char>) -> Option<(bool, &[char])> {
    let (is_negated, mut class) = match class {
        ['^', rest @ ..] => (true, rest),
        _ => (false, class),
    };
    let mut is_in = false;
    let mut is_first = true;
    loop {
        if let (false, [']', rest @ ..]) = (is_first, class) {
            return Some((c.is_some_and(|c| c != '/') && is_in != is_negated, rest));
        }
        let (low, high, rest) = range(class)?;
        is_in |= c.is_some_and(|c| (low..=high).contains(&c));
        (class, is_first) = (rest, false);
    }
}

fn range(class: &[char]) -> Option<(char, char, &[char])> {
    let (low, rest) = bound(class)?;
    match rest {
        ['-', rest @ ..] => bound(rest).map(|(high, rest)| (low, high, rest)),
        _ => Some((low, low, rest)),
    }
}

fn bound(class: &[char]) -> Option<(char, &[char])> {
    match class {
        ['\\', c, rest @ ..] => Some((*c, rest)),
        ['\\' | '-' | ']', ..] | [] => None,
        [c, rest @ ..] => Some((*c, rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(globs: &str, path: &str, expected: bool) {
        assert_eq!(matches(globs, path), expected, "{globs} {path}");
    }

    #[test]
    fn a_glob_looks_at_as_many_elements_as_it_has() {
        check("example.com", "example.com/a/b", true);
        check("example.com/a/", "example.com/a/b", true);
        check("example.com/a/b/c", "example.com/a/b", false);
        check("*.example.com", "git.example.com/a", true);
        check("*", "golang.org/toolchain", true);
        check("golang.org/*", "golang.org/toolchain", true);
        check("golang.org/x", "golang.org/toolchain", false);
        check("", "a.b", false);
        check(",,x,a.b", "a.b", true);
    }

    #[test]
    fn globs_are_those_of_path_match() {
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("a[b-d]e", "ace", true);
        check("a[^b-d]e", "ace", false);
        check("a[^b-d]e", "axe", true);
        check(r"a\*b", "a*b", true);
        check(r"a\*b", "axb", false);
        check("a*b*c", "axxbyyc", true);
    }

    #[test]
    fn a_malformed_glob_matches_nothing() {
        check("a[", "a", false);
        check("a[b", "ab", false);
        check("a[]b", "ab", false);
        check("a\\", "a", false);
        check("a[z-]", "az", false);
    }
}
