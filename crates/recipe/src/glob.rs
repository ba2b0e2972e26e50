//! Go's patterns: of names, as `//go:embed` has them, and of packages, with `...`.

/// Whether a name without slashes matches a pattern of `*`, `?`, `[a-z]`, `[^a-z]` and `\`.
pub fn name_matches(pattern: &str, name: &str) -> bool {
    matches(&pattern.chars().collect::<Vec<_>>(), &name.chars().collect::<Vec<_>>())
}

/// Whether a package's path matches one with `...`, which stands for any text. A final `/...` stands for
/// nothing, too: `./cmd/...` has `./cmd`.
pub fn package_matches(pattern: &str, path: &str) -> bool {
    let whole = pattern.strip_suffix("/...").is_some_and(|parent| package_matches(parent, path));
    let mut pieces = pattern.split("...");
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = path.strip_prefix(first) else { return whole };
    let mut pieces: Vec<_> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return whole,
        }
    }
    whole || rest.ends_with(last)
}

/// One star is remembered and taken back up: the last one is the only one that has to be.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, n));
            p += 1;
        } else if let Some(length) = one(&pattern[p..], name[n]) {
            p += length;
            n += 1;
        } else if let Some((at, from)) = star {
            star = Some((at, from + 1));
            (p, n) = (at + 1, from + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// How much of a pattern stands for one character, if it stands for this one.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern {
        ['?', ..] => Some(1),
        ['\\', escaped, ..] => (*escaped == c).then_some(2),
        ['[', rest @ ..] => class(rest, c).map(|length| length + 1),
        [plain, ..] => (*plain == c).then_some(1),
        [] => None,
    }
}

fn class(pattern: &[char], c: char) -> Option<usize> {
    let negated = pattern.first() == Some(&'^');
    let mut at = usize::from(negated);
    let mut found = false;
    let begin = at;
    while pattern.get(at).is_some_and(|next| *next != ']' || at == begin) {
        let (low, length) = letter(&pattern[at..])?;
        at += length;
        let mut high = low;
        if pattern.get(at) == Some(&'-') {
            let (end, length) = letter(&pattern[at + 1..])?;
            (high, at) = (end, at + 1 + length);
        }
        found |= (low..=high).contains(&c);
    }
    (pattern.get(at).is_some() && found != negated).then_some(at + 1)
}

fn letter(pattern: &[char]) -> Option<(char, usize)> {
    match pattern {
        ['\\', escaped, ..] => Some((*escaped, 2)),
        [plain, ..] => Some((*plain, 1)),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*.html", "a.html", true),
            ("*.html", "a.htm", false),
            ("a*b*c", "axxbyyc", true),
            ("a*b*c", "axxbyy", false),
            ("?", "é", true),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("[^a-c]x", "dx", true),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[", "[", false),
            ("*_test.go", "x_test.go", true),
        ] {
            assert_eq!(name_matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn packages() {
        for (pattern, path, expected) in [
            ("./...", ".", true),
            ("./...", "./a/b", true),
            ("./cmd/...", "./cmd", true),
            ("./cmd/...", "./cmd/a", true),
            ("./cmd/...", "./cmdx", false),
            ("./cmd...", "./cmdx", true),
            ("./.../server", "./a/b/server", true),
            ("./.../server", "./a/b/servers", false),
            ("./a...b...c", "./axbxc", true),
            ("./a", "./a", true),
            ("./a", "./ab", false),
        ] {
            assert_eq!(package_matches(pattern, path), expected, "{pattern} {path}");
        }
    }
}
