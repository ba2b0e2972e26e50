//! Input that nobody writes by accident: an answer in time that follows its size, and never a panic.

use dockerfile::{Mode, Patterns, expand, parse, stages};

const MEGABYTE: usize = 1 << 20;

#[test]
fn a_line_of_ten_megabytes() {
    let long = "a".repeat(10 * MEGABYTE);
    for source in [
        format!("FROM a\nRUN {long}"),
        format!("FROM a\nENV a={long}"),
        format!("FROM a\nRUN [\"{long}\"]"),
        format!("FROM {long}"),
    ] {
        assert_eq!(parse(source.as_bytes()).1, []);
    }
    let (_, problems) = parse(format!("FROM a\n{long}").as_bytes());
    assert!(problems.len() == 1 && problems[0].message.len() < 200);
}

#[test]
fn a_hundred_thousand_instructions_and_ten_thousand_stages() {
    let source = format!("FROM a\n{}", "RUN b\n".repeat(100_000));
    assert_eq!(parse(source.as_bytes()).0.instructions.len(), 100_001);
    let source: String = (0..10_000).map(|n| format!("FROM a AS s{n}\nCOPY --from=s{n} b /c\n")).collect();
    let (file, problems) = parse(source.as_bytes());
    assert_eq!(problems, []);
    let all = stages(&file).unwrap();
    assert!((0..10_000).all(|n| all.base(&format!("s{n}"), n + 1) == Some(n)));
}

#[test]
fn a_million_mistakes_bring_a_thousand_messages() {
    let source = format!("FROM a\n{}", "x\n".repeat(MEGABYTE));
    assert_eq!(parse(source.as_bytes()).1.len(), 1000);
}

#[test]
fn a_long_continuation_and_many_heredocs() {
    let source = format!("FROM a\nRUN b {}", "\\\n\n# c\n".repeat(200_000));
    assert_eq!(parse(source.as_bytes()).0.instructions.len(), 2);
    let source = format!("FROM a\nRUN {}\n{}", "<<A ".repeat(50_000), "A\n".repeat(50_000));
    assert_eq!(parse(source.as_bytes()).1, []);
    let source = format!("FROM a\n{}", "RUN <<A\n".repeat(100_000));
    assert_eq!(parse(source.as_bytes()).1.len(), 1);
}

#[test]
fn odd_bytes() {
    for source in [
        &b"FROM a\nRUN \0\0"[..],
        b"FROM a\rRUN b\r",
        b"\xff\xfe\x00F",
        b"\xef\xbb\xbf",
        b"\\",
        b"\\\n",
        b"FROM a\nRUN <<",
        b"ONBUILD",
        b"# =",
    ] {
        let (file, problems) = parse(source);
        assert!(!file.instructions.is_empty() || !problems.is_empty(), "{source:?}");
    }
}

#[test]
fn onbuild_upon_onbuild_is_looked_at_once() {
    let source = format!("FROM a\n{}RUN <<A", "ONBUILD ".repeat(MEGABYTE / 8));
    assert_eq!(parse(source.as_bytes()).1.len(), 1);
}

#[test]
fn substitutions_ten_thousand_deep_are_refused() {
    for open in ["${A:-", "\"${A:-", "${A#${A/", "${A//"] {
        let word = open.repeat(10_000);
        assert!(expand(&word, '\\', &(), Mode::WORD).is_err());
    }
    let word = format!("{}x{}", "${A:-".repeat(100), "}".repeat(100));
    assert_eq!(expand(&word, '\\', &(), Mode::WORD).unwrap().text, "x");
}

#[test]
fn substitutions_that_grow_are_refused() {
    let vars = [("A".to_owned(), "a".repeat(MEGABYTE))];
    for word in ["${A//a/$A}", &"$A".repeat(100), &format!("{}x", "\"$A\"".repeat(100))] {
        let error = expand(word, '\\', &vars[..], Mode::WORD).unwrap_err();
        assert_eq!(error.message, "the result is larger than 32 MiB");
    }
}

#[test]
fn patterns_against_long_values_end() {
    let vars = [("A".to_owned(), "a".repeat(MEGABYTE))];
    let many = "*a".repeat(1000);
    let long = "a".repeat(MEGABYTE / 2);
    for pattern in
        [many, format!("{long}b"), format!("*{long}b*{long}"), format!("?{long}b"), "?".repeat(50_000)]
    {
        for operator in ["#", "##", "%", "%%"] {
            let _ = expand(&format!("${{A{operator}{pattern}}}"), '\\', &vars[..], Mode::WORD);
        }
        let _ = expand(&format!("${{A//{pattern}/x}}"), '\\', &vars[..], Mode::WORD);
    }
}

#[test]
fn ignore_patterns_full_of_stars_end() {
    let text = format!("{}b\n{}b", "**/*a".repeat(200), "*a".repeat(200));
    let patterns = Patterns::parse(text.as_bytes()).unwrap();
    assert!(!patterns.matches(&"a/".repeat(2000)));
}

#[test]
fn a_walk_of_fifty_thousand_files_is_quick() {
    let patterns = Patterns::parse(b"**/node_modules\n*.log\n**/*.tmp\nbuild/**\n!build/keep\n").unwrap();
    let mut ignored = 0;
    for dir in 0..100 {
        let (state, _) = patterns.child(&patterns.root(), &format!("d{dir}"));
        let files = (0..500).filter(|file| patterns.child(&state, &format!("d{dir}/f{file}.tmp")).1);
        ignored += files.count();
    }
    assert_eq!(ignored, 50_000);
}
