//! Here-documents: where they begin, what they hold, what RUN makes of them.

use dockerfile::{Heredoc, Kind, Script, parse};

fn kind(source: &str) -> Kind {
    let (file, problems) = parse(format!("FROM a\n{source}\nUSER after").as_bytes());
    assert_eq!(problems, [], "{source:?}");
    assert_eq!(file.instructions.len(), 3, "{source:?}");
    file.instructions[1].kind.clone()
}

/// What a RUN runs: `sh: text` or `file name: text`.
fn runs(source: &str, expected: &str) {
    let Kind::Run(run) = kind(source) else { panic!("{source:?}") };
    let shown = match run.script() {
        Script::Shell(text) => format!("sh: {text}"),
        Script::File { name, content } => format!("file {name}: {content}"),
        Script::Exec(words) => format!("exec: {words:?}"),
    };
    assert_eq!(shown, expected, "{source:?}");
}

/// The files that a COPY makes: name, text, and whether variables count.
fn copies(source: &str, expected: &[(&str, &str, bool)]) {
    let Kind::Copy(copy) = kind(source) else { panic!("{source:?}") };
    let files: Vec<_> = copy.heredocs.iter().map(|h| (h.name.as_str(), h.text(), h.expand)).collect();
    let expected: Vec<_> =
        expected.iter().map(|(name, text, expand)| (*name, (*text).into(), *expand)).collect();
    assert_eq!(files, expected, "{source:?}");
}

#[test]
fn trap_6_a_lone_document_is_the_script() {
    runs("RUN <<EOF\nfalse\ntrue\nEOF", "sh: false\ntrue\n");
    runs("RUN <<-EOF\n\ta\n\t\tb\n\tEOF", "sh: a\nb\n");
    runs("RUN <<EOF\nEOF", "sh: ");
}

#[test]
fn trap_7_a_shebang_makes_a_program() {
    runs("RUN <<my.py\n#!/usr/bin/python\nx\nmy.py", "file my.py: #!/usr/bin/python\nx\n");
    runs("RUN <<-E\n\t#!/x\n\tE", "file E: #!/x\n");
}

#[test]
fn documents_behind_a_command_stay_documents() {
    runs("RUN cat <<EOF > /x\n$a\nEOF", "sh: cat <<EOF > /x\n$a\nEOF");
    runs("RUN cat <<A 3<<B\n1\nA\n2\nB", "sh: cat <<A 3<<B\n1\nA\n2\nB");
    runs("RUN [\"cat\", \"<<EOF\"]", "exec: [\"cat\", \"<<EOF\"]");
    runs("RUN a && \\\n cat <<E\nx\nE", "sh: a &&  cat <<E\nx\nE");
}

#[test]
fn what_only_looks_like_a_document_is_none() {
    runs("RUN a <<<b", "sh: a <<<b");
    runs("RUN echo \"a <<b\"", "sh: echo \"a <<b\"");
    runs("RUN echo don't <<E", "sh: echo don't <<E");
    runs("RUN echo $((1<<2))", "sh: echo $((1<<2))");
    runs("RUN echo $(( 1 <<${N:-2} ))", "sh: echo $(( 1 <<${N:-2} ))");
    runs("RUN a <<", "sh: a <<");
}

#[test]
fn trap_8_files_of_copy() {
    copies("COPY <<a /x/\n$v \\$v \"q\"\na", &[("a", "$v \\$v \"q\"\n", true)]);
    copies("COPY <<\"a\" /x\n$v\na", &[("a", "$v\n", false)]);
    copies("COPY <<'a' <<-b /x/\n1\na\n\t2\n  3\nb", &[("a", "1\n", false), ("b", "2\n  3\n", true)]);
    copies("COPY <<a /x\r\none\r\na\r", &[("a", "one\r\n", true)]);
}

#[test]
fn sources_and_documents_mix() {
    let Kind::Copy(copy) = kind("COPY s <<a t /x\nb\na") else { panic!() };
    assert_eq!((copy.sources, copy.dest.as_str()), (vec!["s".to_owned(), "t".to_owned()], "/x"));
    assert!(matches!(kind("ADD <<a /x\nb\na"), Kind::Add(add) if add.heredocs.len() == 1));
    assert!(matches!(kind("ONBUILD RUN <<a\nb\na"), Kind::Onbuild(trigger) if trigger.heredocs().len() == 1));
}

#[test]
fn a_document_needs_an_end_and_a_place() {
    let messages =
        |source: &str| parse(source.as_bytes()).1.into_iter().map(|p| p.message).collect::<Vec<_>>();
    assert_eq!(messages("FROM a\nRUN <<E\nx\n E\n"), ["unterminated heredoc"]);
    assert_eq!(messages("FROM a\nCOPY a <<E\nx\nE\n"), ["COPY cannot accept a heredoc as a destination"]);
    assert_eq!(messages("FROM a\nCOPY [\"<<E\", \"/x\"]"), ["COPY has no body for the heredoc `E`"]);
}

#[test]
fn words_announce_documents() {
    let announced = |word: &str| dockerfile::heredoc::announced(word).unwrap();
    let some = |name: &str, expand, chomp, fd| {
        Some(Heredoc { name: name.into(), content: String::new(), expand, chomp, fd })
    };
    for (word, expected) in [
        ("<<E", some("E", true, false, 0)),
        ("3<<-E", some("E", true, true, 3)),
        ("<<\"E\"", some("E", false, false, 0)),
        ("<<E'F'", some("EF", false, false, 0)),
        ("<< E", some("E", true, false, 0)),
        ("<<$E", some("$E", true, false, 0)),
        ("99999999999<<E", some("E", true, false, u32::MAX)),
        ("<<E F", None),
        ("x<<E", None),
        ("<<<E", None),
        ("<<\"\"", None),
        ("<<", None),
    ] {
        assert_eq!(announced(word), expected, "{word}");
    }
}
