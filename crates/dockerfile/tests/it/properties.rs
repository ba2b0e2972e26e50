//! What holds for every input.

use dockerfile::{Chmod, Dockerfile, Mode, Patterns, expand, glob, parse};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::holds;

/// The same cases in every run.
fn config() -> ProptestConfig {
    let rng_seed = RngSeed::Fixed(20_261_122);
    ProptestConfig { cases: 500, failure_persistence: None, rng_seed, ..ProptestConfig::default() }
}

/// Files as people write them, to be damaged.
const REAL: [&str; 3] = [
    "# syntax=docker/dockerfile:1\n# escape=`\nARG GO=1.22\nFROM --platform=$BUILDPLATFORM golang:${GO} AS build\n\
     WORKDIR /src\nCOPY --link go.mod go.sum ./\nRUN --mount=type=cache,target=/root/.cache `\n  # why\n\n  go build\n\
     FROM scratch\nCOPY --from=build --chmod=0755 /src/app /app\nENTRYPOINT [\"/app\", \"-v\"]\n",
    "FROM debian:12\nENV A=1 B=\"two words\" C='$A'\nRUN <<EOF bash\nset -e\necho ${A:-b}\nEOF\n\
     COPY <<-\"X\" <<Y /etc/\n\t\ta\n\tX\nb $A\nY\nHEALTHCHECK --interval=5s CMD curl -f localhost\n\
     ONBUILD RUN <<Z\nz\nZ\nEXPOSE 80/tcp 8000-8010\nVOLUME [\"/data\"]\nSTOPSIGNAL SIGTERM\nUSER 1000:1000\n",
    "\u{feff}from alpine as a\r\nrun apk add \\\r\n  \\\r\n  curl\r\nlabel a.b=c\r\nmaintainer é <é@example.org>\r\n\
     add --checksum=sha256:00 https://example.org/x /x\r\nshell [\"/bin/sh\"]\r\ncmd echo \\\r\n# end\r\n",
];

/// One of the real files with some bytes replaced, taken out or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let sign = prop::sample::select(b"\0\r\n\\`\"'$#{}[]<>-=: \xff\xc3a".to_vec());
    let change = (any::<prop::sample::Index>(), 0..4usize, sign, 0..40usize);
    (0..REAL.len(), prop::collection::vec(change, 1..6)).prop_map(|(which, changes)| {
        let mut bytes = REAL[which].as_bytes().to_vec();
        for (at, how, sign, length) in changes {
            let at = at.index(bytes.len() + 1);
            let end = (at + length).min(bytes.len());
            match how {
                0 => bytes.insert(at, sign),
                1 => drop(bytes.splice(at..end, [sign])),
                2 => bytes.truncate(at),
                _ => drop(bytes.splice(at..at, bytes[at..end].to_vec())),
            }
        }
        bytes
    })
}

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

proptest! {
    #![proptest_config(config())]

    #[test]
    fn any_bytes_are_read(source in prop::collection::vec(any::<u8>(), 0..300)) {
        holds::lexer(&source);
    }

    #[test]
    fn any_pieces_of_a_dockerfile_are_read(source in dockerfile_text()) {
        holds::lexer(source.as_bytes());
    }

    #[test]
    fn any_damage_to_a_dockerfile_is_read(source in damaged()) {
        holds::lexer(&source);
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
    fn any_word_is_expanded_or_refused(word in word()) {
        holds::expander(&word);
    }

    #[test]
    fn any_text_is_expanded_or_refused(word in any::<String>()) {
        holds::expander(&word);
    }

    #[test]
    fn any_ignore_file_is_read(text in prop::collection::vec(any::<u8>(), 0..60), path in path()) {
        holds::ignore(&text, &path);
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
        holds::ignore(text.as_bytes(), &path);
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
