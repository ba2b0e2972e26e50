//! Input that nobody writes by accident: an answer in time that follows its size, and never a panic.

use dockerfile::{Mode, Patterns, expand, parse, stages, steps, suggest};

const MEGABYTE: usize = 1 << 20;

/// The steps that something takes.
fn work<T>(what: impl FnOnce() -> T) -> u64 {
    let before = steps::taken();
    what();
    steps::taken() - before
}

/// Twice the input takes about twice the steps.
fn is_linear<T>(size: usize, what: impl Fn(usize) -> T) {
    let (once, twice) = (work(|| what(size)), work(|| what(2 * size)));
    assert!(once > 0 && twice as f64 <= once as f64 * 2.2, "{once} steps, then {twice}");
}

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

/// `word` where `A` is that value.
fn filled(word: &str, value: String) -> Result<String, String> {
    let vars = [("A".to_owned(), value)];
    expand(word, '\\', &vars[..], Mode::WORD).map(|expanded| expanded.text).map_err(|e| e.message)
}

#[test]
fn a_long_piece_is_not_prepared_for_each_short_line() {
    is_linear(20_000, |n| filled(&format!("${{A//x*{}/}}", "y".repeat(n)), "x\n".repeat(n)).unwrap());
}

#[test]
fn a_piece_with_a_question_mark_is_looked_for_in_its_line_alone() {
    is_linear(20_000, |n| filled("${A//x*?y/}", "x\n".repeat(n)).unwrap());
}

#[test]
fn a_pattern_without_a_star_does_not_look_for_the_line_end() {
    is_linear(20_000, |n| assert_eq!(filled("${A//ab/}", "ab".repeat(n)).unwrap(), ""));
}

#[test]
fn values_that_come_to_nothing_are_counted() {
    for form in ["${U:+$A}", "${A%%*}", "${A//a/}", "${A+}${U+${A-}}"] {
        let found = filled(&form.repeat(20_000), "a".repeat(MEGABYTE));
        assert_eq!(found.unwrap_err(), "the substitution takes too long", "{form}");
    }
    // Only looked at, not copied.
    assert_eq!(filled(&"${A:+}".repeat(100_000), "a".repeat(MEGABYTE)).unwrap(), "");
}

#[test]
fn long_names_are_not_compared_letter_by_letter() {
    let near = |n: usize| suggest::nearest(&"a".repeat(n), ["a".repeat(n + 1).as_str()]);
    assert_eq!((near(50).is_some(), near(100_000)), (true, None));
    assert!(work(|| near(100_000)) < 100_000);
}

#[test]
fn a_stage_is_found_among_ten_thousand_of_its_name() {
    is_linear(2000, |n| {
        let (file, _) = parse("FROM a AS a\n".repeat(n).as_bytes());
        let all = stages(&file).unwrap();
        assert!((1..n).all(|index| all.base("a", index) == Some(index - 1)));
    });
}

#[test]
fn a_body_that_is_announced_over_and_over_is_refused() {
    let text = |n: usize| {
        let bodies = format!("{}{}A\n", "A\n".repeat(n - 1), "b\n".repeat(n));
        format!("FROM a\nCOPY {} /\n{bodies}", "<<A ".repeat(n))
    };
    assert_eq!(parse(text(100).as_bytes()).1, []);
    let (_, problems) = parse(text(20_000).as_bytes());
    assert_eq!(problems[0].message, "the heredoc `A` is announced too often for its size");
}

#[test]
fn a_hundred_thousand_words_are_enough() {
    for (line, message) in [
        ("COPY W", "more than 100000 words"),
        ("ENV a=b W", "can't find = in"),
        ("ARG W", "more than 100000 words"),
        ("EXPOSE W", "more than 100000 words"),
        ("VOLUME W", "more than 100000 words"),
        ("FROM W", "either one or three"),
        ("RUN --mount=W b", ""),
    ] {
        let (_, problems) = parse(format!("FROM a\n{}", line.replace('W', &"a ".repeat(100_001))).as_bytes());
        match problems.first() {
            Some(problem) => assert!(problem.message.contains(message), "{line}: {}", problem.message),
            None => assert_eq!(message, "", "{line}"),
        }
    }
}

#[test]
fn ten_megabytes_that_are_no_text() {
    let (_, problems) = parse(&[&b"FROM a\nCOPY "[..], &vec![0xff; 10 * MEGABYTE], b" /"].concat());
    assert_eq!(problems[0].message, "the file is not valid UTF-8");
    let (file, problems) = parse(&[&b"FROM a\nRUN "[..], &vec![0; 10 * MEGABYTE]].concat());
    assert_eq!((file.instructions.len(), problems), (2, vec![]));
}

#[test]
fn deep_substitutions_take_little_stack() {
    let word = format!("{}x{}", "\"${A:-".repeat(99), "}\"".repeat(99));
    let text = std::thread::Builder::new().stack_size(MEGABYTE).spawn(move || filled(&word, String::new()));
    assert_eq!(text.unwrap().join().unwrap().as_deref(), Ok("x"));
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
