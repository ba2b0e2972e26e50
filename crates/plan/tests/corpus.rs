//! A folder of Dockerfiles in the shapes that people write to a table of what each of them plans.
//!
//! Every `corpus/*.Dockerfile` has to parse and to plan for two platforms. `corpus/EXPECTED.md` says what comes
//! out, byte for byte, and a run with `ACCEPT=1` writes it anew: then read the difference.
//! A file's first comment says what its shape is. Where it takes more than a Dockerfile, the comment ends in
//! the command line: `built with --build-arg BASE=alpine --target dev`.
//! Facts about base images are made up; no shape depends on them but that of an image with ONBUILD.

use std::path::{Path, PathBuf};

use dockerfile::{Diagnostic, Dockerfile, Stage, Stages};
use oci::{DiffId, Digest, ImageConfig, Platform};
use plan::options::Fact;
use plan::{Base, Facts, Op, Options, Plan, Want};

/// The collection is only worth its name while it is large.
const AT_LEAST: usize = 70;

const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

const HEAD: &str = "\
# What the corpus plans

One row for each Dockerfile beside this page, or two where amd64 and arm64 differ; the build runs on amd64.
`needed` counts the stages that the target stands on, itself included; `left out` names the others. `base`,
`copy`, `run` and `workdir` count steps. An image that is not for the target says what it is for.
`ACCEPT=1 cargo test -p plan --test corpus` writes this page.

| file | for | stages | needed | left out | base | copy | run | workdir | images | warnings |
|---|---|---|---|---|---|---|---|---|---|---|
";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// The names of the Dockerfiles, sorted, without their ending.
fn names() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).expect("the corpus is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("it can be listed").file_name().to_string_lossy().into_owned())
        .filter_map(|name| name.strip_suffix(".Dockerfile").map(str::to_owned))
        .collect();
    names.sort();
    names
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("{name}.Dockerfile"))).expect(name)
}

/// The first comment that is no directive.
fn description(name: &str) -> String {
    let text = String::from_utf8(read(name)).expect(name);
    let lines = text.trim_start_matches('\u{feff}').lines();
    let mut comments = lines.filter_map(|line| line.trim_start().strip_prefix('#')).map(str::trim);
    comments.find(|comment| !is_directive(comment)).expect(name).to_owned()
}

fn is_directive(comment: &str) -> bool {
    let word = comment.split(['=', ' ']).next().unwrap_or_default().to_lowercase();
    comment.contains('=') && ["syntax", "escape", "check"].contains(&word.as_str())
}

/// What a build on amd64 for `architecture` is given, the words of the file's description included.
fn options(name: &str, architecture: &str) -> Options {
    let (platform, build_platform) = (Platform::linux(architecture), Platform::linux("amd64"));
    let mut options = Options { platform, build_platform, ..Options::here() };
    let description = description(name);
    let mut words = description.split_once("built with ").map_or("", |(_, words)| words).split_whitespace();
    while let Some(flag) = words.next() {
        let value = words.next().expect(name);
        match flag {
            "--build-arg" => {
                let (key, value) = value.split_once('=').expect(name);
                options.build_args.insert(key.to_owned(), value.to_owned());
            }
            "--target" => options.target = Some(value.to_owned()),
            "--build-context" => drop(options.folder_contexts.insert(value.to_owned())),
            _ => panic!("{name}: the description says `{flag}`"),
        }
    }
    options
}

/// An image as a registry might have it; one with `onbuild` in its name leaves triggers.
fn fact(want: &Want) -> Fact {
    let Platform { os, architecture, .. } = &want.platform;
    let triggers = match want.name.contains("onbuild") {
        true => r#"["COPY package.json /usr/src/app/","RUN npm install","COPY . /usr/src/app"]"#,
        false => "[]",
    };
    let config = format!(r#"{{"Env":["PATH=/usr/bin:/bin"],"OnBuild":{triggers}}}"#);
    let text = format!(r#"{{"architecture":"{architecture}","os":"{os}","config":{config}}}"#);
    let config: ImageConfig = serde_json::from_str(&text).expect("it is a config");
    let layers = vec![DiffId(Digest::of(want.name.as_bytes()))];
    Fact { base: Base { name: want.name.clone(), manifest: Digest::of(text.as_bytes()), layers }, config }
}

/// A file, read and planned for one architecture.
struct Planned {
    stages: usize,
    needed: Vec<String>,
    left_out: Vec<String>,
    wants: Vec<Want>,
    plan: Plan,
    warnings: Vec<String>,
}

fn plan(name: &str, architecture: &str) -> Result<Planned, String> {
    let show = |d: &Diagnostic| format!("{name} for {architecture}: line {}: {}", d.line, d.message);
    let all = |found: Vec<Diagnostic>| found.iter().map(show).collect::<Vec<_>>().join("\n");
    let (source, problems) = dockerfile::parse(&read(name));
    if !problems.is_empty() {
        return Err(all(problems));
    }
    let stages = dockerfile::stages(&source).map_err(all)?;
    let options = options(name, architecture);
    let wants = plan::wants(&source, &stages, &options).map_err(|d| show(&d))?;
    let images = wants.iter().map(|want| ((want.name.clone(), want.platform.clone()), fact(want))).collect();
    let plan = plan::lower(&source, &stages, &options, &Facts { images }).map_err(all)?;
    check_order(name, &plan);
    let (needed, left_out) = needed(&source, &stages, &options).map_err(|d| show(&d))?;
    let warnings = warnings(&source, &plan);
    Ok(Planned { stages: stages.stages.len(), needed, left_out, wants, plan, warnings })
}

/// Every step comes after what it waits for, so that steps can be run in their order.
fn check_order(name: &str, plan: &Plan) {
    for id in plan.ids() {
        assert!(plan.needs(id).all(|other| other < id), "{name}: step {} waits for a later one", id.0);
    }
}

/// The labels of the stages that the target stands on, and of the others.
fn needed(
    source: &Dockerfile,
    stages: &Stages,
    options: &Options,
) -> Result<(Vec<String>, Vec<String>), Diagnostic> {
    let target = plan::wants::target(stages, options)?;
    let globals = plan::wants::globals(source, stages, options)?;
    let needed = plan::wants::needed(stages, target, &globals, options)?;
    let (inside, outside): (Vec<_>, Vec<_>) = stages.stages.iter().partition(|s| needed.contains(&s.index));
    let labels = |stages: Vec<&Stage>| stages.into_iter().map(plan::state::label).collect();
    Ok((labels(inside), labels(outside)))
}

fn warnings(source: &Dockerfile, plan: &Plan) -> Vec<String> {
    let empty = source.empty_continuations.iter().map(|line| format!("line {line}: empty in a continuation"));
    plan.warnings.iter().cloned().chain(empty).collect()
}

/// The cells of a row behind its file and architecture.
fn cells(planned: &Planned, architecture: &str) -> String {
    let count = |is: fn(&Op) -> bool| planned.plan.steps.iter().filter(|s| is(&s.op)).count().to_string();
    let image = |want: &Want| match want.platform == Platform::linux(architecture) {
        true => want.name.clone(),
        false => format!("{} for {}", want.name, want.platform),
    };
    [
        planned.stages.to_string(),
        planned.needed.len().to_string(),
        planned.left_out.join(", "),
        count(|op| matches!(op, Op::Base(_))),
        count(|op| matches!(op, Op::Copy(_))),
        count(|op| matches!(op, Op::Run(_))),
        count(|op| matches!(op, Op::Workdir(_))),
        planned.wants.iter().map(image).collect::<Vec<_>>().join(", "),
        planned.warnings.join("; "),
    ]
    .join(" | ")
}

fn rows(name: &str) -> Result<String, String> {
    let each = ARCHITECTURES.map(|a| plan(name, a).map(|planned| cells(&planned, a)));
    let [amd64, arm64] = each;
    let (amd64, arm64) = (amd64?, arm64?);
    Ok(match amd64 == arm64 {
        true => format!("| {name} | both | {amd64} |\n"),
        false => format!("| {name} | amd64 | {amd64} |\n| {name} | arm64 | {arm64} |\n"),
    })
}

#[test]
fn every_shape_plans_what_the_table_says() {
    let names = names();
    assert!(names.len() >= AT_LEAST, "only {} shapes are left", names.len());
    let (rows, errors): (Vec<_>, Vec<_>) = names.iter().map(|name| rows(name)).partition(Result::is_ok);
    let errors: Vec<String> = errors.into_iter().filter_map(Result::err).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    let found = HEAD.to_owned() + &rows.into_iter().flatten().collect::<String>();
    let page = folder().join("EXPECTED.md");
    if std::env::var_os("ACCEPT").is_some() {
        std::fs::write(&page, &found).expect("the table can be written");
    }
    let expected = std::fs::read_to_string(&page).unwrap_or_default();
    let differing = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(found == expected, "the table differs, first here (found, expected): {differing:#?}");
}

fn check_needed(name: &str, architecture: &str, expected: &[&str]) {
    assert_eq!(plan(name, architecture).unwrap().needed, expected, "{name} for {architecture}");
}

/// What the shell gets in each RUN, every stretch of blanks as one.
fn check_runs(name: &str, expected: &[&str]) {
    let plan = plan(name, "amd64").unwrap().plan;
    let words = plan.steps.iter().filter_map(|step| match &step.op {
        Op::Run(run) => run.argv.last(),
        _ => None,
    });
    let texts: Vec<String> = words.map(|w| w.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(texts, expected, "{name}");
}

/// The environment of the image, behind PATH.
fn check_env(name: &str, expected: &[&str]) {
    let env = plan(name, "amd64").unwrap().plan.outcome.config.config.env;
    let env: Vec<String> = env.into_iter().filter(|pair| !pair.starts_with("PATH=")).collect();
    assert_eq!(env, expected, "{name}");
}

fn check_ports(name: &str, expected: &[&str]) {
    let ports = plan(name, "amd64").unwrap().plan.outcome.config.config.exposed_ports;
    assert_eq!(ports.keys().collect::<Vec<_>>(), expected, "{name}");
}

#[test]
fn eleven_of_eighteen_stages_are_needed() {
    for architecture in ARCHITECTURES {
        assert_eq!(plan("moby-style-18-stages", architecture).unwrap().stages, 18);
        check_needed(
            "moby-style-18-stages",
            architecture,
            &[
                "base",
                "cross-false",
                "dev-base",
                "runtime-cross-false",
                "runtime",
                "shim",
                "spawner",
                "init",
                "source",
                "build-binary",
                "all",
            ],
        );
    }
}

#[test]
fn the_platform_chooses_a_stage_by_its_name() {
    check_needed("target-arch-chooses-stage", "amd64", &["root-amd64", "stage-3"]);
    check_needed("target-arch-chooses-stage", "arm64", &["root-arm64", "stage-3"]);
    check_needed("alias-stage-per-arch", "arm64", &["alpine-arm64", "alpinebase", "fetch", "stage-5"]);
    check_needed("target-os-and-debug-suffix", "amd64", &["tool-linux", "tool-linux-debug", "tool"]);
}

#[test]
fn comments_and_empty_lines_leave_nothing_behind() {
    check_runs(
        "comments-in-continuation",
        &[
            "apt-get update && apt-get install -y --no-install-recommends ca-certificates curl git \
             && rm -rf /var/lib/apt/lists/*",
            "true",
        ],
    );
    check_env("comments-in-continuation", &["A=1", "C=3"]);
    check_runs("empty-lines-in-continuation", &["apt-get update && apt-get install -y wget unzip"]);
    check_runs("crlf-line-ends", &["npm ci --omit=dev && npm cache clean --force"]);
    check_env("crlf-line-ends", &["NODE_ENV=production", "PORT=8080"]);
    check_runs("not-a-directive", &["echo one && echo two"]);
}

#[test]
fn old_forms_keep_their_blanks() {
    check_env(
        "legacy-env-and-maintainer",
        &[
            "HOME=/root",
            "DEBIAN_FRONTEND=noninteractive",
            "JAVA_OPTS=-Xmx512m  -Dfile.encoding=UTF-8 -Dname=two words",
        ],
    );
    let author = plan("legacy-env-and-maintainer", "amd64").unwrap().plan.outcome.config.author;
    assert_eq!(author, "Ann Example <ann@example.org> (http://example.org)");
    check_env(
        "env-old-form-over-lines",
        &[
            "PACKAGES=gcc     binutils     make",
            "ESCAPED=one two\tthree",
            "EMPTY=",
            "EQUALS=key=value of an option",
            "TABBED=value",
        ],
    );
}

#[test]
fn mounts_without_a_type_are_bind_mounts() {
    let plan = plan("mount-without-type", "amd64").unwrap().plan;
    let kinds = plan.steps.iter().filter_map(|step| match &step.op {
        Op::Run(run) => Some(run.mounts.iter().map(|(mount, _)| mount.kind.name()).collect::<Vec<_>>()),
        _ => None,
    });
    let expected: [&[&str]; 4] = [&[], &["bind"], &["bind", "cache", "bind"], &["bind", "bind"]];
    assert_eq!(kinds.collect::<Vec<_>>(), expected);
}

#[test]
fn quotes_and_variables_of_shells_come_to_what_buildkit_makes_of_them() {
    check_env(
        "shell-quotes-in-env",
        &[
            "A=it's",
            "B=abc",
            "C=$(uname)",
            "D=\"x\"",
            "E=a\\b",
            "F=quoted and not",
            "G=it's::",
            "H=it's__",
            "I=",
        ],
    );
}

#[test]
fn ports_in_every_form() {
    check_ports(
        "expose-as-if-published",
        &["15672/tcp", "4369/tcp", "4370/tcp", "5672/tcp", "8080/tcp", "9000/tcp"],
    );
    check_ports(
        "expose-volume-stopsignal",
        &[
            "1234/tcp", "443/tcp", "5060/udp", "5061/udp", "5062/udp", "7000/tcp", "7001/tcp", "7002/tcp",
            "80/tcp", "8080/tcp", "8081/tcp", "8082/tcp", "9000/udp",
        ],
    );
}
