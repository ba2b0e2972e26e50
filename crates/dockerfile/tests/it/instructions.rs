//! What each instruction says, and how it complains.

use dockerfile::{Command, Healthcheck, Instruction, Kind, parse, parse_trigger};

/// What `line` says behind a `FROM a`, as Rust prints it without the noise.
fn check(line: &str, expected: &str) {
    let shown = format!("{:?}", kind(line)).replace("\\\\", "\\");
    assert!(shown.contains(expected), "{line:?}\n  gives {shown}\n  not   {expected}");
}

fn kind(line: &str) -> Kind {
    let (mut file, problems) = parse(format!("FROM a\n{line}").as_bytes());
    assert_eq!(problems, [], "{line:?}");
    file.instructions.pop().unwrap().kind
}

/// The one message that `line` brings, and the advice.
fn complain(line: &str, message: &str, help: Option<&str>) {
    let problems = parse(format!("FROM a\n{line}").as_bytes()).1;
    let found: Vec<_> =
        problems.iter().map(|problem| (problem.message.as_str(), problem.help.as_deref())).collect();
    assert_eq!(found, [(message, help)], "{line:?}");
}

fn command(line: &str) -> Command {
    match kind(line) {
        Kind::Cmd(command) | Kind::Entrypoint(command) => command,
        Kind::Run(run) => run.command,
        other => panic!("{other:?}"),
    }
}

fn exec(words: &[&str]) -> Command {
    Command::Exec(words.iter().map(|word| word.to_string()).collect())
}

#[test]
fn trap_5_what_is_no_json_is_for_the_shell() {
    assert_eq!(command("RUN [\"a\", \"b\"]"), exec(&["a", "b"]));
    assert_eq!(command("CMD []"), exec(&[]));
    assert_eq!(command("RUN ['echo','x']"), Command::Shell("['echo','x']".into()));
    assert_eq!(command("CMD ['a']"), Command::Shell("['a']".into()));
    assert_eq!(command("CMD [\"a\"] trailing"), Command::Shell("[\"a\"] trailing".into()));
    assert_eq!(command("ENTRYPOINT"), Command::Shell(String::new()));
    let message = "when using JSON array syntax, arrays must be comprised of strings only";
    complain("CMD [1]", message, None);
    complain("RUN [\"a\", null]", message, None);
    complain("COPY [\"a\", {}]", message, None);
}

#[test]
fn trap_9_stage_names_are_lower_case_and_begin_with_a_letter() {
    let (file, problems) = parse(b"FROM --platform=$P a As Foo-1._x");
    assert_eq!(problems, []);
    let Kind::From(from) = &file.instructions[0].kind else { panic!() };
    assert_eq!((from.alias.as_deref(), from.alias_text.as_deref()), (Some("foo-1._x"), Some("Foo-1._x")));
    assert_eq!(from.platform.as_deref(), Some("$P"));
    for name in ["1a", "a/b", "_a"] {
        let message = format!(
            "invalid name for build stage: \"{name}\", name can't start with a number or contain symbols"
        );
        complain(&format!("FROM b AS {name}"), &message, None);
    }
    for line in ["FROM", "FROM a b", "FROM a b c", "FROM a AS", "FROM a AS b c"] {
        complain(line, "FROM requires either one or three arguments", None);
    }
}

#[test]
fn trap_38_the_old_form_keeps_inner_spaces() {
    check("ENV k two   words ", r#"KeyValue { key: "k", value: "two   words", old_form: true }"#);
    check(r"ENV a=b r=c\ d", r#"key: "r", value: "c\ d", old_form: false"#);
    check("LABEL \"a b\"='c d'", r#"key: "\"a b\"", value: "'c d'""#);
    complain("ENV a", "ENV must have two arguments", None);
    complain("ENV", "ENV requires at least one argument", None);
    complain("ENV =a", "ENV names can not be blank", None);
    complain("LABEL a=b c", "Syntax error - can't find = in \"c\". Must be of the form: name=value", None);
}

#[test]
fn arguments_may_have_defaults() {
    check(
        "ARG a b= c=\"d e\"",
        r#"ArgDecl { name: "a", default: None }, ArgDecl { name: "b", default: Some("") }"#,
    );
    complain("ARG", "ARG requires at least one argument", None);
    complain("ARG =x", "ARG names can not be blank", None);
    complain("ARG --x a", "unknown flag: --x", None);
}

#[test]
fn trap_43_ports_are_sorted() {
    check("EXPOSE 80 443/UDP 22", r#"Expose(["22", "443/UDP", "80"])"#);
    complain("EXPOSE", "EXPOSE requires at least one argument", None);
}

#[test]
fn trap_44_health_checks_have_durations() {
    let line =
        "HEALTHCHECK --interval=1m30s --timeout=1ms --start-period=0 --start-interval=2s --retries=3 CMD a b";
    let Kind::Healthcheck(Healthcheck::Check(check)) = kind(line) else { panic!() };
    assert_eq!(check.interval.map(|t| (t.text, t.nanoseconds)), Some(("1m30s".into(), 90_000_000_000)));
    assert_eq!(check.start_period.map(|t| t.nanoseconds), Some(0));
    assert_eq!((check.retries, check.command), (Some(3), Command::Shell("a b".into())));
    assert_eq!(kind("healthcheck none"), Kind::Healthcheck(Healthcheck::None));
    complain("HEALTHCHECK", "HEALTHCHECK requires at least one argument", None);
    complain("HEALTHCHECK NONE x", "HEALTHCHECK NONE takes no arguments", None);
    complain("HEALTHCHECK CMD", "Missing command after HEALTHCHECK CMD", None);
    complain("HEALTHCHECK foo", "Unknown type \"FOO\" in HEALTHCHECK (try CMD)", None);
    complain("HEALTHCHECK --timeout=1us CMD a", "Interval \"timeout\" cannot be less than 1ms", None);
    complain("HEALTHCHECK --retries=-1 CMD a", "--retries cannot be negative (-1)", None);
}

#[test]
fn trap_44_signals_are_checked_once_they_have_no_variables() {
    check("STOPSIGNAL \"SIGTERM\"", "Stopsignal");
    check("STOPSIGNAL $S", "Stopsignal(\"$S\")");
    complain("STOPSIGNAL SIGFOO", "invalid signal: SIGFOO", None);
    complain("STOPSIGNAL", "STOPSIGNAL requires exactly one argument", None);
}

#[test]
fn trap_45_a_trigger_is_kept_without_its_keyword() {
    let Kind::Onbuild(trigger) = kind("onbuild  COPY --from=x <<A b /c \nbody\nA") else { panic!() };
    assert_eq!(trigger.trigger_text(), "COPY --from=x <<A b /c \nbody\nA");
    assert_eq!(parse_trigger(&trigger.trigger_text()).map(|again| again.kind), Ok(trigger.kind.clone()));
    complain("ONBUILD", "ONBUILD requires at least one argument", None);
    complain("ONBUILD ONBUILD RUN a", "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed", None);
    complain("ONBUILD from a", "FROM isn't allowed as an ONBUILD trigger", None);
    complain("ONBUILD MAINTAINER a", "MAINTAINER isn't allowed as an ONBUILD trigger", None);
    complain("ONBUILD RUNN", "unknown instruction: RUNN", Some("did you mean `RUN`?"));
    assert!(parse_trigger("RUN a\nRUN b").is_err());
    assert!(parse_trigger("").is_err());
}

#[test]
fn copies_have_sources_and_flags() {
    let line =
        "COPY --from=b --chown=1:2 --chmod=\"u=rw\" --link --parents=false --exclude=x --exclude=y s t /d";
    check(line, r#"sources: ["s", "t"], dest: "/d""#);
    check(line, r#"from: Some("b"), chown: Some("1:2"), chmod: Some("u=rw"), link: true, parents: false"#);
    check(line, r#"exclude: ["x", "y"]"#);
    check("COPY [\"a b\", \"/c d\"]", r#"sources: ["a b"], dest: "/c d""#);
    check("COPY -- --a /b", r#"sources: ["--a"], dest: "/b""#);
    let line = "ADD --keep-git-dir=true --checksum=sha256:1 --unpack=FALSE a /b";
    check(line, r#"checksum: Some("sha256:1"), keep_git_dir: Some(true), unpack: Some(false)"#);
    let message =
        "requires at least two arguments, but only one was provided. Destination could not be determined";
    complain("COPY a", &format!("COPY {message}"), None);
    complain("ADD a", &format!("ADD {message}"), None);
}

#[test]
fn trap_10_from_takes_no_variables() {
    let message = "variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround";
    complain("COPY --from=$X a /b", message, None);
    let message = "'from' doesn't support variable expansion, define alias stage instead";
    let help = "write `FROM $image AS name` above and use `from=name`";
    complain("RUN --mount=from=$X,target=/b c", message, Some(help));
}

#[test]
fn flags_are_known_once_and_have_values() {
    check("RUN --mount=type=cache,target=/a --mount=target=/b --network=none c", r#"command: Shell("c")"#);
    check("RUN --device=x --security=insecure c", r#"security: Some("insecure"), devices: ["x"]"#);
    complain("COPY --frm=a b /c", "unknown flag: --frm", Some("did you mean `--from`?"));
    complain("COPY --from=a --from=b c /d", "duplicate flag specified: --from", None);
    complain("COPY --from a /b", "missing a value on flag: --from", None);
    complain("COPY --link= a /b", "missing a value on flag: --link", None);
    complain("COPY --link=1 a /b", "expecting boolean value for flag --link, not: 1", None);
    complain("RUN --network=hots a", "invalid network mode \"hots\"", Some("did you mean `host`?"));
    complain("RUN --security=x a", "security \"x\" is not valid", None);
    complain("CMD --x a", "unknown flag: --x", None);
}

#[test]
fn the_rest_takes_one_word_or_a_list() {
    check("WORKDIR /a b", "Workdir(\"/a b\")");
    check("USER $U:$G", "User(\"$U:$G\")");
    check("MAINTAINER a <b@c>", "Maintainer(\"a <b@c>\")");
    check("VOLUME /a /b", r#"Volume(["/a", "/b"])"#);
    check("VOLUME [\" /a b \"]", r#"Volume(["/a b"])"#);
    check("SHELL [\"/bin/bash\", \"-c\"]", r#"Shell(["/bin/bash", "-c"])"#);
    complain("VOLUME [\"\"]", "VOLUME specified can not be an empty string", None);
    let help = "write it like `SHELL [\"bash\", \"-c\"]`";
    complain("SHELL bash -c", "SHELL requires the arguments to be in JSON form", Some(help));
    complain("SHELL []", "SHELL requires at least one argument", None);
    complain("WORKDIR", "WORKDIR requires exactly one argument", None);
}

#[test]
fn reading_goes_on_after_a_mistake() {
    let (file, problems) = parse(b"FROM a\nRUNN b\nCOPY c\nRUN d");
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(problems[0].help.as_deref(), Some("did you mean `RUN`?"));
    assert_eq!(file.instructions.iter().map(Instruction::code).collect::<Vec<_>>(), ["FROM a", "RUN d"]);
}

#[test]
fn only_arguments_come_before_the_first_stage() {
    let messages =
        |source: &str| parse(source.as_bytes()).1.into_iter().map(|p| p.message).collect::<Vec<_>>();
    assert_eq!(messages("ARG a\nFROM b"), [""; 0]);
    assert_eq!(messages("RUN a\nRUN b\nFROM c"), ["no build stage in current context"]);
    assert_eq!(messages("FROM\nRUN a"), ["FROM requires either one or three arguments"]);
}
