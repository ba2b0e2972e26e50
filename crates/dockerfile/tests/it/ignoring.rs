//! Ignore files.

use dockerfile::Patterns;

/// `ignored` and `seen` are separated by spaces.
fn check(text: &str, ignored: &str, seen: &str) {
    let patterns = Patterns::parse(text.as_bytes()).unwrap();
    ignored.split_whitespace().for_each(|path| assert!(patterns.matches(path), "{text:?} ignores {path}"));
    seen.split_whitespace().for_each(|path| assert!(!patterns.matches(path), "{text:?} lets {path} be seen"));
}

fn complain(text: &[u8], line: u32, message: &str) {
    let problem = Patterns::parse(text).unwrap_err();
    assert_eq!((problem.line, problem.message.as_str()), (line, message));
}

#[test]
fn trap_30_comments_begin_in_the_first_column() {
    let patterns = Patterns::parse(b"#a\n  # x\n").unwrap();
    assert!(patterns.matches("# x") && !patterns.matches("#a"));
}

#[test]
fn trap_30_the_last_match_wins_also_below_an_ignored_directory() {
    check("a\n!a/b/keep.txt", "a a/b a/b/x", "a/b/keep.txt b");
    check("!a/b\na", "a a/b", "b");
    check("*\n!src\nsrc/x", "b src/x src/x/y", "src src/y");
}

#[test]
fn trap_31_what_patterns_reach() {
    check("*.md", "a.md", "x/3.md a.mdx");
    check("**/z", "z x/z x/y/z z/a", "az");
    check("/a/", "a a/b", "b/a");
    check("foo**", "foo foobar foo/x foobar/y", "xfoo");
    check("a**b", "ab ax/b", "axb");
    check("a/**/b", "a/b a/x/b a/x/y/b", "ab a/xb");
    check("a/**", "a/b a/b/c", "a b");
    check("**", "a a/b", "");
    check("**.log", "a.log x/a.log", "a.logs");
    check("[ab]?c", "axc bxc", "cxc a/c");
    check("[^a]", "b", "a");
    check("\\*", "*", "a");
    check("a//b/./c/../d", "a/b/d", "a/b/c");
    check("a.b", "a.b", "axb");
    check("(a)|{b}+$", "(a)|{b}+$", "a b");
}

#[test]
fn spaces_line_ends_and_the_byte_order_mark_do_not_count() {
    check("\u{feff}# c\r\n  a  \r\n\r\n! a/b \r\n", "a", "a/b");
}

#[test]
fn bad_patterns_are_refused_with_their_line() {
    complain(b"a\n!\n", 2, "illegal exclusion pattern: \"!\"");
    complain(b"!/", 1, "illegal exclusion pattern: \"!\"");
    complain(b"a\n\n[x", 3, "syntax error in pattern: `[x`");
    complain(b"\xff", 1, "the pattern is not valid UTF-8");
    complain(&vec![b'a'; 70_000], 1, "the pattern is longer than 65536 bytes");
    assert!(Patterns::parse(b"# \xff").is_ok());
}

#[test]
fn a_verdict_names_the_line() {
    let patterns = Patterns::parse(b"# c\na\n!a/b\n").unwrap();
    let by = |path: &str| patterns.verdict(path).by.map(|rule| rule.line);
    assert_eq!((by("a"), by("a/b"), by("c")), (Some(2), Some(3), None));
}

#[test]
fn a_walk_knows_where_to_go() {
    let patterns = Patterns::parse(b"a\nb\n!a/x/y\n!*/z.md\n!**/deep\n").unwrap();
    assert!(patterns.has_exclusions());
    assert!(patterns.could_reinclude_below("a"));
    let patterns = Patterns::parse(b"a\nb\n!a/x/*\n!c/**\n").unwrap();
    for (dir, expected) in
        [("a", true), ("a/x", true), ("a/x/y", false), ("b", false), ("c", true), ("c/d/e", true)]
    {
        assert_eq!(patterns.could_reinclude_below(dir), expected, "{dir}");
    }
    assert!(!Patterns::parse(b"a").unwrap().has_exclusions());
}

#[test]
fn a_list_takes_patterns_as_they_are() {
    let patterns = Patterns::from_list(&["#a", "*.md"]).unwrap();
    assert!(patterns.matches("#a") && patterns.matches("x.md") && !patterns.matches("d/a.md"));
    assert!(Patterns::from_list(&["!"]).is_err());
}
