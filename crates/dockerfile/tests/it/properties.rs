//! What holds for every input.

use dockerfile::{Chmod, Dockerfile, Mode, Patterns, expand, expand_words, glob, parse, stages};
use proptest::prelude::*;

/// Text of the pieces that make a difference to a Dockerfile.
fn dockerfile_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "FROM a\n",
        "RUN ",
        "COPY ",
        "ENV ",
        "ONBUILD ",
        "HEALTHCHECK ",
        "# escape=`\n",
        "# c\n",
        "\\\n",
        "`\n",
        "\n",
        "\r\n",
        " ",
        "<<E",
        "<<-\"E\"",
        "E\n",
        "[\"a\"]",
        "\"",
        "'",
        "\\",
        "$a",
        "${a:-",
        "}",
        "=",
        "--x=y ",
        "é",
        "\0",
        "a",
        "\u{feff}",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

fn word() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a", "é", " ", "$A", "$U", "${A", "${U:-", "${A#", "${A%%", "${A//", "/", "}", "*", "?", "\\", "'",
        "\"", "<<",
    ]);
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

fn ignore_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec!["a", "b", "/", "*", "**", "?", "!", "[ab]", "\n", "\n", "!a", "."]);
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    prop::collection::vec("[ab]{1,2}", 1..5).prop_map(|parts| parts.join("/"))
}

fn vars() -> Vec<(String, String)> {
    vec![("A".to_owned(), "aéa b".to_owned())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(source in prop::collection::vec(any::<u8>(), 0..300)) {
        let (file, problems) = parse(&source);
        prop_assert!(!problems.is_empty() || !file.instructions.is_empty());
    }

    #[test]
    fn places_stay_inside_and_in_order(source in dockerfile_text()) {
        let (file, problems) = parse(source.as_bytes());
        let mut end = 0;
        for instruction in &file.instructions {
            let span = instruction.span;
            prop_assert!(end <= span.start && span.start <= span.end && span.end as usize <= source.len());
            prop_assert!(source.get(span.start as usize..span.end as usize).is_some());
            prop_assert!(instruction.line <= instruction.end_line);
            end = span.end;
        }
        prop_assert!(problems.iter().all(|problem| problem.span.end as usize <= source.len().max(1)));
        let _ = stages(&file);
    }

    #[test]
    fn line_ends_make_no_difference(source in dockerfile_text()) {
        let unix = source.replace('\r', "").replace("<<", "");
        let (first, second) = (parse(unix.as_bytes()).0, parse(unix.replace('\n', "\r\n").as_bytes()).0);
        let lines = |file: &Dockerfile| file.instructions.iter().map(|i| i.original.clone()).collect::<Vec<_>>();
        prop_assert_eq!(lines(&first), lines(&second));
    }

    #[test]
    fn words_without_signs_stay(word in "[a-zé/.=:]{0,20}") {
        prop_assert_eq!(expand(&word, '\\', &(), Mode::WORD).unwrap().text, word);
    }

    #[test]
    fn quoted_values_stay(value in "[^']{0,20}") {
        prop_assert_eq!(expand(&format!("'{value}'"), '\\', &(), Mode::WORD).unwrap().text, value);
    }

    #[test]
    fn words_and_text_fail_together(word in word()) {
        let (text, words) =
            (expand(&word, '\\', &vars()[..], Mode::WORD), expand_words(&word, '\\', &vars()[..], Mode::WORD));
        prop_assert_eq!(text.is_ok(), words.is_ok());
    }

    #[test]
    fn a_trimmed_value_is_part_of_the_value(pattern in "[aéb*?]{0,6}", value in "[aéb]{0,8}") {
        let vars = [("A".to_owned(), value.clone())];
        let trimmed = |operator: &str| {
            expand(&format!("${{A{operator}{pattern}}}"), '\\', &vars[..], Mode::WORD).unwrap().text
        };
        let (short, long) = (trimmed("#"), trimmed("##"));
        prop_assert!(value.ends_with(&short) && short.ends_with(&long));
        let (short, long) = (trimmed("%"), trimmed("%%"));
        prop_assert!(value.starts_with(&short) && short.starts_with(&long));
    }

    #[test]
    fn a_walk_and_a_single_question_agree(text in ignore_text(), path in path()) {
        let Ok(patterns) = Patterns::parse(text.as_bytes()) else { return Ok(()) };
        let mut state = patterns.root();
        let mut ignored = false;
        let mut lost = false;
        for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
            let dir = path[..end].rsplit_once('/').map_or("", |(dir, _)| dir);
            lost |= ignored && !patterns.could_reinclude_below(dir);
            (state, ignored) = patterns.child(&state, &path[..end]);
        }
        prop_assert_eq!(ignored, patterns.matches(&path));
        prop_assert!(!lost || ignored, "a walk that skips ignored directories would lose {}", path);
    }

    #[test]
    fn escaped_names_match_themselves(name in "[a-z*?\\[\\]\\\\-]{1,10}") {
        let pattern: String = name.chars().flat_map(|c| ['\\', c]).collect();
        prop_assert_eq!(glob::matches(&pattern, &name), Ok(true));
    }

    #[test]
    fn modes_stay_modes(text in "[ugoa+=,rwxXst-]{0,10}", mode in 0u32..0o10000) {
        if let Ok(change) = Chmod::parse(&text) {
            prop_assert!(change.apply(mode, false) <= 0o7777);
            prop_assert_eq!(change.apply(mode | 0o100_000, false) & !0o7777, 0o100_000);
        }
    }
}
