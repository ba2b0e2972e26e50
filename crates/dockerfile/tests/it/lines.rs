//! Bytes to logical lines: comments, continuations, directives.

use dockerfile::parse;

/// The logical lines that `source` has behind a `FROM a`, which must be read without complaint.
fn check(source: &str, expected: &[&str]) {
    let (file, problems) = parse(format!("FROM a\n{source}").as_bytes());
    assert_eq!(problems, [], "{source:?}");
    let lines: Vec<&str> =
        file.instructions[1..].iter().map(|instruction| instruction.original.as_str()).collect();
    assert_eq!(lines, expected, "{source:?}");
}

/// The messages that `source` brings.
fn complain(source: &[u8], expected: &[&str]) {
    let messages: Vec<String> = parse(source).1.into_iter().map(|problem| problem.message).collect();
    assert_eq!(messages, expected, "{:?}", String::from_utf8_lossy(source));
}

#[test]
fn trap_1_comments_and_empty_lines_vanish_inside_a_continuation() {
    check("RUN a \\\n  # c\n\n  b", &["RUN a   b"]);
    check("RUN a \\\n# c \\\n b\nRUN c", &["RUN a  b", "RUN c"]);
    check("RUN a && \\\n\t\n\\\n  b", &["RUN a &&   b"]);
}

#[test]
fn trap_2_blanks_may_follow_the_escape_and_two_escapes_do_not_continue() {
    check("RUN a \\ \t\nb", &["RUN a b"]);
    check("RUN echo one\\\\\nRUN b", &["RUN echo one\\\\", "RUN b"]);
    check("RUN a \\\\\\\nRUN b", &["RUN a \\\\\\", "RUN b"]);
    check("\\\nRUN a", &["RUN a"]);
    check("RUN a \\", &["RUN a "]);
}

#[test]
fn trap_3_directives_end_with_the_first_comment_block() {
    complain(b"# escape=`\n# escape=`\nFROM a", &["only one escape parser directive can be used"]);
    complain(b"# escape=x\nFROM a", &["invalid escape token 'x' does not match ` or \\"]);
    complain(b"# foo=bar\n# escape=x\nFROM a", &[]);
    complain(b"\n# escape=x\nFROM a", &[]);
    complain(b"#\n# escape=x\nFROM a", &[]);
    let escape = |source: &str| parse(source.as_bytes()).0.directives.escape;
    assert_eq!(escape("# ESCAPE = `  \nFROM a"), '`');
    assert_eq!(escape("\u{feff}  #escape=`\r\nFROM a"), '`');
    assert_eq!(escape("# x=y\n# escape=`\nFROM a"), '\\');
    assert_eq!(escape("FROM a\n# escape=`"), '\\');
}

#[test]
fn the_escape_directive_also_continues_lines() {
    let (file, problems) = parse(b"# escape=`\nFROM a\nRUN a `\n b\\\nRUN c");
    assert_eq!(problems, []);
    assert_eq!(file.instructions[1].original, "RUN a  b\\");
}

#[test]
fn trap_4_quoted_text_is_joined_without_a_break() {
    check("ENV h=\"x\\\ny\"", &["ENV h=\"xy\""]);
}

#[test]
fn syntax_and_check_are_read_in_every_form() {
    let directives = |source: &str| parse(source.as_bytes()).0.directives;
    for source in [
        "# syntax=docker/dockerfile:1 arg\nFROM a",
        "#!/usr/bin/env x\n# syntax = docker/dockerfile:1\nFROM a",
        "// syntax=docker/dockerfile:1\n",
        "{\"syntax\": \"docker/dockerfile:1\"}",
        "\u{feff}# check=skip=all\n# syntax=docker/dockerfile:1\nFROM a",
    ] {
        assert_eq!(directives(source).syntax.as_deref(), Some("docker/dockerfile:1"), "{source:?}");
    }
    assert_eq!(directives("FROM a\n# syntax=b").syntax, None);
    assert_eq!(
        directives("# check=skip=A,B;error=true\nFROM a").check.as_deref(),
        Some("skip=A,B;error=true")
    );
}

#[test]
fn line_ends_and_the_byte_order_mark_do_not_count() {
    let (file, problems) = parse(b"\xef\xbb\xbfFROM a\r\n\r\n  RUN b\\\r\n c\r\n");
    assert_eq!(problems, []);
    assert_eq!(file.instructions[1].original, "RUN b c");
    assert_eq!((file.instructions[1].line, file.instructions[1].end_line), (3, 4));
}

#[test]
fn places_cover_the_instruction() {
    let source = "# é\nFROM a\n  RUN b \\\n    c\nCOPY <<E /x\nbody\nE\n";
    let (file, _) = parse(source.as_bytes());
    let texts: Vec<&str> =
        file.instructions.iter().map(|i| &source[i.span.start as usize..i.span.end as usize]).collect();
    assert_eq!(texts, ["FROM a", "RUN b \\\n    c", "COPY <<E /x\nbody\nE"]);
    let lines: Vec<(u32, u32)> = file.instructions.iter().map(|i| (i.line, i.end_line)).collect();
    assert_eq!(lines, [(2, 2), (3, 4), (5, 7)]);
}

#[test]
fn empty_lines_in_continuations_are_noted_once_an_instruction() {
    let (file, _) = parse(b"FROM a\nRUN b \\\n\n\n c\nRUN d \\\n\n e");
    assert_eq!(file.empty_continuations, [3, 7]);
}

#[test]
fn the_comment_before_an_instruction_describes_it() {
    let (file, _) = parse(b"# gone\n#\n# base the base\n# check=skip=X\n\nFROM a AS base\nRUN b");
    let from = &file.instructions[0];
    assert_eq!(from.comment.as_deref(), Some("base the base\ncheck=skip=X"));
    assert_eq!(from.doc_comment("base"), Some("the base"));
    assert_eq!(from.doc_comment("other"), None);
    assert_eq!(file.instructions[1].comment, None);
}

#[test]
fn bytes_that_are_no_text_are_reported_once_and_keep_their_place() {
    complain(b"FROM a\nRUN \xff\xfe b", &["the file is not valid UTF-8"]);
    let (file, problems) = parse(b"FROM a\nRUN \xff b");
    assert_eq!((problems[0].line, problems[0].span.start), (2, 11));
    assert_eq!(file.instructions[1].original, "RUN ? b");
}

#[test]
fn a_file_without_instructions_is_an_error() {
    complain(b"", &["file with no instructions"]);
    complain(b"# only\n\n", &["file with no instructions"]);
}
