//! Slow and plain ways to the same answers: the parsers agree with them on what is generated.

use dockerfile::{Mode, Patterns, expand};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// The same cases in every run.
fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig { cases: 1500, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

/// A piece of a word whose meaning is known because it was written from it.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Single(String),
    Double(Vec<Piece>),
    Escaped(char),
    /// `${NAME}`
    Plain(&'static str),
    /// `${NAME:-word}` and its kin.
    Choice(&'static str, bool, char, Vec<Piece>),
    /// `${NAME#pattern}` and its kin.
    Trim(&'static str, &'static str, String),
    /// `${NAME/pattern/text}`, and with two slashes.
    Replace(&'static str, bool, String, String),
}

const VARS: [(&str, &str); 4] = [("A", "aébab"), ("B", "b.a.b"), ("E", ""), ("L", "ab\nba")];

fn value(name: &str) -> Option<&'static str> {
    VARS.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

fn name() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["A", "B", "E", "L", "U"])
}

fn pattern() -> impl Strategy<Value = String> {
    "[ab.é\n*?]{1,4}"
}

fn piece() -> impl Strategy<Value = Piece> {
    let leaf = prop_oneof![
        "[a-z.=, é]{1,4}".prop_map(Piece::Text),
        "[a-z$\\\\\"{} ]{0,4}".prop_map(Piece::Single),
        prop::sample::select(vec!['$', '"', '\'', '\\', 'a', '}']).prop_map(Piece::Escaped),
        name().prop_map(Piece::Plain),
        (name(), prop::sample::select(vec!["#", "##", "%", "%%"]), pattern())
            .prop_map(|(name, operator, pattern)| Piece::Trim(name, operator, pattern)),
        (name(), any::<bool>(), "[ab.é][ab*?]{0,3}", "[x-z]{0,2}")
            .prop_map(|(name, all, pattern, by)| Piece::Replace(name, all, pattern, by)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let many = prop::collection::vec(inner, 0..4);
        prop_oneof![
            many.clone().prop_map(|all| Piece::Double(all.into_iter().filter(fits_in_quotes).collect())),
            (name(), any::<bool>(), prop::sample::select(vec!['-', '+']), many)
                .prop_map(|(name, colon, sign, word)| Piece::Choice(name, colon, sign, word)),
        ]
    })
}

/// Quotes inside quotes end them, and most escapes in them are none.
fn fits_in_quotes(piece: &Piece) -> bool {
    !matches!(piece, Piece::Single(_) | Piece::Double(_) | Piece::Escaped(_))
}

fn written(pieces: &[Piece]) -> String {
    pieces.iter().map(write).collect()
}

fn write(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) => text.clone(),
        Piece::Single(text) => format!("'{text}'"),
        Piece::Double(inner) => format!("\"{}\"", written(inner)),
        Piece::Escaped(c) => format!("\\{c}"),
        Piece::Plain(name) => format!("${{{name}}}"),
        Piece::Choice(name, colon, sign, word) => {
            format!("${{{name}{}{sign}{}}}", if *colon { ":" } else { "" }, written(word))
        }
        Piece::Trim(name, operator, pattern) => format!("${{{name}{operator}{pattern}}}"),
        Piece::Replace(name, all, pattern, by) => {
            format!("${{{name}/{}{pattern}/{by}}}", if *all { "/" } else { "" })
        }
    }
}

fn meant(pieces: &[Piece]) -> String {
    pieces.iter().map(mean).collect()
}

fn mean(piece: &Piece) -> String {
    match piece {
        Piece::Text(text) | Piece::Single(text) => text.clone(),
        Piece::Double(inner) => meant(inner),
        Piece::Escaped(c) => c.to_string(),
        Piece::Plain(name) => value(name).unwrap_or_default().to_owned(),
        Piece::Choice(name, colon, sign, word) => {
            let found = value(name).filter(|value| !(*colon && value.is_empty()));
            match (found, sign) {
                (Some(value), '-') => value.to_owned(),
                (Some(_), _) | (None, '-') => meant(word),
                (None, _) => String::new(),
            }
        }
        Piece::Trim(name, operator, pattern) => trimmed(value(name).unwrap_or_default(), operator, pattern),
        Piece::Replace(name, all, pattern, by) => {
            replaced(value(name).unwrap_or_default(), *all, pattern, by)
        }
    }
}

/// Whether a variable's pattern matches the whole text; nothing in it crosses a line's end.
fn fits(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], text) => text.is_empty(),
        (['*', rest @ ..], text) => {
            fits(rest, text) || text.split_first().is_some_and(|(c, text)| *c != '\n' && fits(pattern, text))
        }
        (['?', rest @ ..], [c, text @ ..]) => *c != '\n' && fits(rest, text),
        ([wanted, rest @ ..], [c, text @ ..]) => wanted == c && fits(rest, text),
        (_, []) => false,
    }
}

/// Every place where the text could be cut, tried one by one.
fn trimmed(value: &str, operator: &str, pattern: &str) -> String {
    let (pattern, value): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let front = operator.starts_with('#');
    let cut = |length: &usize| match front {
        true => fits(&pattern, &value[..*length]),
        false => fits(&pattern, &value[value.len() - length..]),
    };
    let longest = operator.len() == 2;
    let mut lengths = 0..=value.len();
    let length = if longest { lengths.rev().find(cut) } else { lengths.find(cut) }.unwrap_or(0);
    let kept = if front { &value[length..] } else { &value[..value.len() - length] };
    kept.iter().collect()
}

/// The leftmost place, and the longest match there. The pattern doesn't match nothing.
fn replaced(value: &str, all: bool, pattern: &str, by: &str) -> String {
    let (pattern, value): (Vec<char>, Vec<char>) = (pattern.chars().collect(), value.chars().collect());
    let (mut out, mut at, mut done) = (String::new(), 0, false);
    while at < value.len() {
        let end = (at + 1..=value.len()).rev().find(|end| fits(&pattern, &value[at..*end]));
        match end.filter(|_| all || !done) {
            Some(end) => {
                out.push_str(by);
                (at, done) = (end, true);
            }
            None => {
                out.push(value[at]);
                at += 1;
            }
        }
    }
    out
}

/// Whether one ignore pattern matches the whole of a path: moby's rules, each tried in every way.
fn ignores(pattern: &[char], path: &[char]) -> bool {
    match (pattern, path) {
        ([], path) => path.is_empty(),
        (['*', '*', rest @ ..], path) => match rest.strip_prefix(&['/']).unwrap_or(rest) {
            [] => true,
            rest => {
                let behind = (0..path.len()).filter(|at| path[*at] == '/').map(|at| &path[at + 1..]);
                std::iter::once(path).chain(behind).any(|path| ignores(rest, path))
            }
        },
        (['*', rest @ ..], path) => {
            ignores(rest, path)
                || path.split_first().is_some_and(|(c, path)| *c != '/' && ignores(pattern, path))
        }
        (['?', rest @ ..], [c, path @ ..]) => *c != '/' && ignores(rest, path),
        (['[', '^', a, b, ']', rest @ ..], [c, path @ ..]) => c != a && c != b && ignores(rest, path),
        (['[', a, b, ']', rest @ ..], [c, path @ ..]) => (c == a || c == b) && ignores(rest, path),
        (['\\', wanted, rest @ ..] | [wanted, rest @ ..], [c, path @ ..]) => {
            wanted == c && ignores(rest, path)
        }
        (_, []) => false,
    }
}

/// `**` in front of plain text is an end of the path, also in the middle of a name.
fn ignores_path(pattern: &str, path: &str) -> bool {
    let plain = |text: &str| !text.contains(['*', '?', '[', '\\']);
    if let Some(end) = pattern.strip_prefix("**").filter(|end| !end.is_empty() && *end != "/" && plain(end)) {
        return path.ends_with(end) || end.strip_prefix('/') == Some(path);
    }
    ignores(&pattern.chars().collect::<Vec<_>>(), &path.chars().collect::<Vec<_>>())
}

/// The last pattern that matches the path or one of its parents decides.
fn is_ignored(lines: &[(bool, String)], path: &str) -> bool {
    let parents = path.match_indices('/').map(|(at, _)| &path[..at]).chain([path]);
    let hit = |line: &&(bool, String)| parents.clone().any(|path| ignores_path(&line.1, path));
    lines.iter().rev().find(hit).is_some_and(|(negated, _)| !negated)
}

fn ignore_line() -> impl Strategy<Value = (bool, String)> {
    let part = prop::sample::select(vec![
        "a", "b", "ab", "*", "**", "?", "a*", "*b", "a**", "**b", "[ab]", "[^ab]c", "\\*", "\\a", "***",
        "a?*",
    ]);
    (any::<bool>(), prop::collection::vec(part, 1..4)).prop_map(|(negated, parts)| (negated, parts.join("/")))
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn words_mean_what_they_were_written_from(pieces in prop::collection::vec(piece(), 0..5)) {
        let vars = VARS.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let word = written(&pieces);
        let found = expand(&word, '\\', &vars[..], Mode::WORD).map(|expanded| expanded.text);
        prop_assert_eq!(found, Ok(meant(&pieces)), "{}", word);
    }

    #[test]
    fn ignore_files_do_what_the_rules_say(
        lines in prop::collection::vec(ignore_line(), 1..5),
        path in prop::collection::vec("[abc*]{1,3}", 1..4),
    ) {
        let path = path.join("/");
        let text: String =
            lines.iter().map(|(negated, line)| format!("{}{line}\n", if *negated { "!" } else { "" })).collect();
        let patterns = Patterns::parse(text.as_bytes()).unwrap();
        prop_assert_eq!(patterns.matches(&path), is_ignored(&lines, &path), "{:?} on {}", text, path);
    }
}
