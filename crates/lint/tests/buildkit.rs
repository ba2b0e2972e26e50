//! What BuildKit finds, line by line and word by word: the rules' edges. Compared with BuildKit's own linter, v0.30.

mod common;

use common::{Subject, facts};
use lint::Reach;

/// A text, for BuildKit's rules alone.
fn buildkit(text: &str) -> Subject {
    let mut subject = Subject::new(text);
    subject.rules.retain(|rule| rule.origin == lint::Origin::BuildKit);
    subject
}

fn check(text: &str, expected: &[&str]) {
    check_subject(&buildkit(text), expected);
}

fn check_subject(subject: &Subject, expected: &[&str]) {
    assert_eq!(subject.found(), expected, "{}", subject.text);
}

fn with_args(text: &str, args: &[(&str, &str)]) -> Subject {
    let mut subject = buildkit(text);
    subject.options.build_args = args.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    subject
}

fn with_target(text: &str, target: &str) -> Subject {
    let mut subject = buildkit(text);
    subject.options.target = Some(target.to_owned());
    subject
}

#[test]
fn keywords_go_by_the_majority() {
    let upper = "should match the case of the command majority (uppercase)";
    let lower = "should match the case of the command majority (lowercase)";
    let found = |line, word, case| format!("{line} ConsistentInstructionCasing: Command '{word}' {case}");
    check("From scratch as base\nFROM scratch AS base2\n", &[&found(1, "From", upper)]);
    check("frOM scratch as base\nfrom scratch as base2\n", &[&found(1, "frOM", lower)]);
    check("FROM scratch\ncopy a /\ncopy b /\n", &[&found(1, "FROM", lower)]);
    // A tie is for capitals; arguments before the first stage don't count.
    check("arg a\narg b\nfrom scratch\nCOPY a /\n", &[&found(3, "from", upper)]);
    check("FROM scratch\nRUN <<'EOT'\nenv\nEOT\n", &[]);
}

#[test]
fn an_empty_line_is_told_of_where_the_instruction_ends() {
    let found = |line| format!("{line} NoEmptyContinuation: Empty continuation line");
    check("FROM scratch\nCOPY a \\\n\nb /\n", &[&found(4)]);
    check("FROM scratch\nCOPY a \\\n# c\n\n b \\\n\n c /\nRUN x\n", &[&found(7)]);
    check("FROM scratch\nRUN <<E \\\n\n cat\na\nE\nRUN x\n", &[&found(4)]);
    check("FROM scratch\nRUN a \\\n\n", &[&found(3)]);
    check("# escape=`\nFROM scratch\nCOPY a `\n\n b /\n", &[&found(5)]);
}

#[test]
fn stage_names_count_in_lower_case() {
    check(
        "FROM scratch AS context\nFROM scratch AS Context\n",
        &[
            "1 ReservedStageName: Stage name should not use the same name as reserved stage \"context\"",
            "2 StageNameCasing: Stage name 'Context' should be lowercase",
            "2 ReservedStageName: Stage name should not use the same name as reserved stage \"context\"",
            "2 DuplicateStageName: Duplicate stage name \"context\", stage names should be unique",
        ],
    );
}

#[test]
fn a_keyword_in_mixed_letters_has_no_as_to_match() {
    check(
        "from scratch AS a\nfrom scratch as b\n",
        &["1 FromAsCasing: 'AS' and 'from' keywords' casing do not match"],
    );
    check(
        "From scratch aS a\nFROM scratch\n",
        &[
            "1 ConsistentInstructionCasing: Command 'From' should match the case of the command majority (uppercase)",
        ],
    );
}

#[test]
fn variables_of_from_are_global_arguments() {
    for text in [
        "ARG base=scratch\nFROM $base\n",
        "FROM --platform=$BUILDPLATFORM scratch\n",
        "ARG DEBUG=\nFROM scratch${DEBUG}\n",
        "ARG DEBUG\nFROM scra${DEBUG:-tch}\n",
        "ARG DEBUG=\"\"\nFROM scratch${DEBUG-@bogus}\n",
    ] {
        check(text, &[]);
    }
    check(
        "FROM --platform=$BULIDPLATFORM scratch\n",
        &[
            "1 UndefinedArgInFrom: FROM argument 'BULIDPLATFORM' is not declared (did you mean BUILDPLATFORM?)",
        ],
    );
    check(
        "ARG tag=latest\nFROM busybox:${tag}${version} AS b\n",
        &["2 UndefinedArgInFrom: FROM argument 'version' is not declared"],
    );
}

#[test]
fn defaults_have_to_name_an_image_whatever_is_given() {
    let found = |image| {
        format!(
            "2 InvalidDefaultArgInFrom: Default value for ARG {image} results in empty or invalid base image name"
        )
    };
    check_subject(
        &with_args("ARG VERSION\nFROM busybox:$VERSION\n", &[("VERSION", "1")]),
        &[&found("busybox:$VERSION")],
    );
    check_subject(&with_args("ARG IMAGE\nFROM $IMAGE\n", &[("IMAGE", "busybox")]), &[&found("$IMAGE")]);
    check("ARG SFX=\"box:\"\nFROM busy${SFX}\n", &[&found("busy${SFX}")]);
    check("ARG VERSION=1\nFROM busybox:$VERSION\n", &[]);
    check("ARG X\nFROM busybox:stable${X}\n", &[]);
    let id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    check(&format!("ARG A=1\nFROM {id}\n"), &[&found(id)]);
}

#[test]
fn platforms_that_never_vary() {
    let found = |line, text| {
        format!(
            "{line} FromPlatformFlagConstDisallowed: FROM --platform flag should not use constant value \"{text}\""
        )
    };
    check("FROM --platform=amd64 scratch\n", &[&found(1, "amd64")]);
    check("FROM --platform=linux/x86_64 scratch AS a\n", &[&found(1, "linux/x86_64")]);
    check(
        "FROM --platform=linux scratch AS linux-only\nFROM --platform=linux/amd64 scratch AS my_amd64\n",
        &[],
    );
    check(
        "FROM --platform=${TARGETPLATFORM} scratch\nFROM --platform=$TARGETOS/$TARGETARCH scratch\n",
        &[
            "1 RedundantTargetPlatform: Setting platform to predefined ${TARGETPLATFORM} in FROM is redundant as this is the default behavior",
        ],
    );
}

#[test]
fn every_word_is_asked_for_its_variables() {
    let found = |line, name| format!("{line} UndefinedVar: Usage of undefined variable '${name}'");
    check(
        "FROM scratch\nARG foo\nCOPY f${foo} $aaaa $aaaa${bbbb:-x} $cccc/\n",
        &[&found(3, "aaaa"), &found(3, "aaaa"), &found(3, "bbbb"), &found(3, "cccc")],
    );
    let text = "FROM scratch\nCOPY --chown=$uuuu:0 --chmod=$mmmm a /\nUSER $user\nVOLUME $vvvv\nRUN --mount=type=cache,target=/$dddd echo $eeee\n";
    let expected = [(2, "uuuu"), (2, "mmmm"), (3, "user"), (4, "vvvv"), (5, "dddd")];
    check(text, &expected.map(|(line, name)| found(line, name)).each_ref().map(String::as_str));
    check("FROM scratch\nCOPY <<E <<\"F\" /\n$inner\nE\n$inert\nF\n", &[&found(2, "inner")]);
    check(
        "FROM scratch\nEXPOSE ${port:-80}\nCMD [\"$none\"]\nHEALTHCHECK CMD $none\nONBUILD ENV a=$none\n",
        &[],
    );
    check("FROM scratch\nARG a=$dddd\nARG dddd=$a\n", &[&found(2, "dddd")]);
    check("FROM scratch\nENV a=$BUILDKIT_SBOM_SCAN_STAGE\n", &[]);
}

#[test]
fn a_variable_may_have_been_meant() {
    check(
        "FROM scratch\nENV PATH=$PAHT:/b\n",
        &["2 UndefinedVar: Usage of undefined variable '$PAHT' (did you mean $PATH?)"],
    );
    // Of several as near, the one that was set first; setting it again makes it the last.
    check(
        "FROM scratch\nENV ABC1=1\nENV ABC2=1\nENV ABC1=2\nENV x=$ABC\n",
        &["5 UndefinedVar: Usage of undefined variable '$ABC' (did you mean $ABC2?)"],
    );
}

#[test]
fn what_a_stage_sets_the_next_one_has() {
    check("FROM scratch AS a\nARG foo=f\nARG bar\nFROM a\nCOPY $foo $bar /\n", &[]);
    check("ARG foo=f\nFROM scratch\nARG foo\nENV a=$foo\n", &[]);
    check_subject(&with_args("FROM scratch\nARG foo=$none\n", &[("foo", "x")]), &[]);
    check("FROM golang:1.26\nWORKDIR $GOPATH/src\nWORKDIR ../bin\n", &[]);
}

#[test]
fn facts_go_before_what_is_guessed() {
    let text = "FROM golang\nENV a=$MINE b=$GOPATH\nCMD run\n";
    let env = vec!["MINE=1".to_owned()];
    let config = oci::Config { env, shell: vec!["bash".to_owned()], ..oci::Config::default() };
    let known = Subject { facts: Some(facts("golang", "linux/amd64", config)), ..buildkit(text) };
    check_subject(&known, &["2 UndefinedVar: Usage of undefined variable '$GOPATH' (did you mean $PATH?)"]);
    check(
        "FROM mine/golang\nENV b=$GOPATH\n",
        &["2 UndefinedVar: Usage of undefined variable '$GOPATH' (did you mean $PATH?)"],
    );
}

#[test]
fn triggers_count_where_they_are_done() {
    let rest = "ONBUILD ARG my_key\nONBUILD WORKDIR app\n";
    let expected = [
        "5 SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data (ARG \"my_key\")",
        "5 WorkdirRelativePath: Relative workdir \"app\" can have unexpected results if the base image changes",
    ];
    check(&format!("FROM scratch AS a\n{rest}\nFROM a\n"), &expected);
    // BuildKit doesn't ask for those of a stage that the target doesn't need.
    check(&format!("FROM scratch AS a\n{rest}\nFROM a\nFROM scratch\n"), &[]);
    let config = oci::Config { on_build: vec!["WORKDIR app".to_owned()], ..oci::Config::default() };
    let text = "FROM tools\n";
    let known = Subject { facts: Some(facts("tools", "linux/amd64", config)), ..buildkit(text) };
    check_subject(
        &known,
        &[
            "1 WorkdirRelativePath: Relative workdir \"app\" can have unexpected results if the base image changes",
        ],
    );
}

#[test]
fn only_stages_that_count_are_looked_into() {
    let text =
        "FROM scratch AS a\nENV aa bb\nFROM scratch AS b\nENV cc dd\nFROM scratch AS c\nCOPY --from=b /x /\n";
    let found = |line| {
        format!(
            "{line} LegacyKeyValueFormat: \"ENV key=value\" should be used instead of legacy \"ENV key value\" format"
        )
    };
    check(text, &[&found(2), &found(4)]);
    check_subject(&Subject { reach: Reach::Built, ..buildkit(text) }, &[&found(4)]);
    check_subject(&with_target(text, "a"), &[&found(2)]);
    check_subject(&with_target(text, "C"), &[&found(4)]);
    check_subject(&with_target(text, "nosuch"), &[&found(4)]);
}

#[test]
fn only_the_last_command_counts() {
    let found = |line, word| {
        format!(
            "{line} MultipleInstructionsDisallowed: Multiple {word} instructions should not be used in the same stage because only the last one will be used"
        )
    };
    let text = "FROM scratch\nENTRYPOINT [\"a\"]\nHEALTHCHECK NONE\nCMD [\"a\"]\nENTRYPOINT [\"b\"]\nCMD [\"b\"]\nHEALTHCHECK CMD [\"b\"]\n";
    check(text, &[&found(2, "ENTRYPOINT"), &found(3, "HEALTHCHECK"), &found(4, "CMD")]);
    check("FROM scratch AS a\nCMD [\"a\"]\nFROM a\nCMD [\"b\"]\n", &[]);
}

#[test]
fn a_shell_that_is_asked_for_is_meant() {
    check("FROM scratch AS a\nSHELL [\"/sh\"]\nFROM a\nCMD x\nENTRYPOINT y\n", &[]);
    check(
        "FROM scratch\nENTRYPOINT x\nSHELL [\"/sh\"]\n",
        &[
            "2 JSONArgsRecommended: JSON arguments recommended for ENTRYPOINT to prevent unintended behavior related to OS signals",
        ],
    );
}

#[test]
fn names_are_secret_by_a_word_of_theirs() {
    let found = |line, what| {
        format!(
            "{line} SecretsUsedInArgOrEnv: Do not use ARG or ENV instructions for sensitive data ({what})"
        )
    };
    let text = "FROM scratch\nARG SECRET_PASSPHRASE\nENV SUPER_Secret=foo\nENV password=bar secret=baz\nARG sunflower=1 git_key=\nENV PUBLIC_KEY= PASSWORDS=1 KEY_FILE=2\n";
    check(
        text,
        &[
            &found(2, "ARG \"SECRET_PASSPHRASE\""),
            &found(3, "ENV \"SUPER_Secret\""),
            &found(4, "ENV \"password\""),
            &found(4, "ENV \"secret\""),
            &found(5, "ARG \"git_key\""),
        ],
    );
    // Arguments before the first stage are in no image.
    check("ARG TOKEN\nFROM scratch\n", &[]);
}

#[test]
fn ports_as_they_are_written() {
    check(
        "FROM scratch\nARG P=53/Udp\nEXPOSE 80/TCP 127.0.0.1:81:81 $P\n",
        &[
            "3 ExposeProtoCasing: Defined protocol '53/Udp' in EXPOSE instruction should be lowercase",
            "3 ExposeProtoCasing: Defined protocol '80/TCP' in EXPOSE instruction should be lowercase",
            "3 ExposeInvalidFormat: EXPOSE instruction should not define an IP address or host-port mapping, found '127.0.0.1:81:81'",
        ],
    );
}

fn with_ignore(ignore: &str, text: &str) -> Subject {
    Subject { ignore: Some(ignore.to_owned()), ..buildkit(text) }
}

#[test]
fn what_is_ignored_cannot_be_copied() {
    let found = |line, word, path| {
        format!(
            "{line} CopyIgnoredFile: Attempting to {word} file \"{path}\" that is excluded by .dockerignore"
        )
    };
    let text = "FROM scratch AS a\nCOPY Dockerfile .\nADD ./Dockerfile /windy\nCOPY --from=a Dockerfile /\n";
    check_subject(
        &with_ignore("Dockerfile\n", text),
        &[&found(2, "Copy", "Dockerfile"), &found(3, "Add", "Dockerfile")],
    );
    check_subject(&with_ignore("Dockerfile\n!other\n", text), &[]);
    check_subject(
        &with_ignore("docs\n", "FROM scratch\nCOPY docs/a docs b /\n"),
        &[&found(2, "Copy", "docs/a"), &found(2, "Copy", "docs")],
    );
    check_subject(&with_ignore(".*\n", "FROM scratch\nCOPY . /\n"), &[]);
    check_subject(&with_ignore("a\n", "FROM scratch\nCOPY /a /\n"), &[]);
    check_subject(
        &with_ignore("*\n", "FROM scratch\nCOPY /a / /b/\n"),
        &[&found(2, "Copy", "/a"), &found(2, "Copy", "/")],
    );
    check_subject(
        &with_ignore("*\n", "FROM scratch\nCOPY . /\nADD https://example.org/a /\n"),
        &[&found(2, "Copy", ".")],
    );
}

#[test]
fn descriptions_begin_with_the_name() {
    let found = |line, word, name| {
        format!(
            "{line} InvalidDefinitionDescription: Comment for {word} should follow the format: `# {name} <description>`"
        )
    };
    let head = "# check=experimental=InvalidDefinitionDescription\n";
    let good = "# foo this is the foo\nARG foo=bar\n\n# base this is the base image\nFROM scratch AS base\n# baz this is the baz\nARG foo=baz baz=q\n#\nARG bit=bat\n# for something else\nCOPY a .\n";
    check(&format!("{head}{good}"), &[]);
    let bad = "# bar this is the bar\nARG foo=bar\n# BasE this is the BasE image\nFROM scratch AS base\n# definitely a bad comment\nARG version=latest\n# definitely a bad comment\nARG foo=baz bar=qux\n";
    check(
        &format!("{head}{bad}"),
        &[
            &found(3, "ARG", "foo"),
            &found(5, "FROM", "base"),
            &found(7, "ARG", "version"),
            &found(9, "ARG", "<arg_key>"),
        ],
    );
    check(bad, &[]);
}

#[test]
fn the_directive_and_its_argument() {
    let rest = "FROM scratch as base\ncopy a .\n";
    let casing = "2 FromAsCasing: 'as' and 'FROM' keywords' casing do not match";
    check(&format!("#check=skip=all\n{rest}"), &[]);
    check(&format!("#check=skip=all;error=true\n{rest}"), &[]);
    let only = format!("#check=skip=ConsistentInstructionCasing;error=true\n{rest}");
    check(&only, &[casing]);
    let violation = buildkit(&only).check().unwrap().violation();
    assert_eq!(violation.as_deref(), Some("lint violation found for rules: FromAsCasing"));
    let given = [("BUILDKIT_DOCKERFILE_CHECK", "skip=ConsistentInstructionCasing")];
    check_subject(&with_args(&format!("#check=skip=all\n{rest}"), &given), &[casing]);
    let none = [("BUILDKIT_DOCKERFILE_CHECK", "skip=all")];
    assert_eq!(with_args(&only, &none).check().unwrap().violation(), None);
    let wrong = buildkit("# check=nonsense\nFROM scratch\n").check().unwrap_err();
    assert_eq!(wrong, "`check`: failed to parse check options: invalid check option \"nonsense\"");
}

#[test]
fn a_broken_file_is_looked_at_line_by_line() {
    check(
        "FROM scratch AS BadStageName\nMAINTAINER me@example.org\nBADCMD\nENV a $b\n",
        &[
            "1 StageNameCasing: Stage name 'BadStageName' should be lowercase",
            "2 MaintainerDeprecated: Maintainer instruction is deprecated in favor of using label",
        ],
    );
    check("", &[]);
    check("ARG a\n", &[]);
    check("\u{0}\u{1}FROM\n\\\n", &[]);
}

#[test]
fn every_unset_variable_is_told() {
    let body: String = (0..40).map(|n| format!("ENV A{n}=$B{n} C{n}=${{D{n}:-x}}\nRUN echo {n}\n")).collect();
    let subject = buildkit(&format!("FROM golang\n{body}"));
    assert_eq!(subject.check().unwrap().warnings.len(), 80);
}

#[test]
fn stages_on_the_same_have_each_what_it_has() {
    let text = "FROM scratch AS base\nENV A=1\nFROM base AS one\nENV B=$A\nFROM base AS two\nENV C=$A\nFROM two\n\
                COPY --from=one $A $B$C /\n";
    check(text, &["8 UndefinedVar: Usage of undefined variable '$B' (did you mean $A?)"]);
}

#[test]
fn garbage_does_no_harm() {
    let good = "# check=experimental=all\nARG A=${B:-c}\nFROM --platform=$X a:$A AS b\nENV k v\nCOPY <<E $q \\\n\n/\n${z}\nE\nEXPOSE 1:2/TCP\n";
    let mut seed = 1_u64;
    let mut next = |most: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % most
    };
    for _ in 0..2000 {
        let mut bytes = good.as_bytes().to_vec();
        for _ in 0..1 + next(6) {
            let at = next(bytes.len());
            match next(3) {
                0 => drop(bytes.remove(at)),
                1 => bytes.insert(at, b"$\\\"'#\n{}:\xff"[next(10)]),
                _ => bytes[at] = next(256) as u8,
            }
        }
        let _ = buildkit(&String::from_utf8_lossy(&bytes)).check();
    }
    let doubling: String = (0..60).map(|_| "ENV A=$A$A\n").collect();
    let stages: String = (0..300).map(|n| format!("FROM s{n} AS s{}\n", n + 1)).collect();
    check(&format!("FROM scratch AS s0\nENV A=0123456789\n{doubling}{stages}"), &[]);
}
