//! A Dockerfile's text to the steps and the config that it plans.

use std::collections::BTreeMap;

use oci::{DiffId, Digest, ImageConfig, Platform};
use plan::options::Fact;
use plan::{Base, Facts, From, Op, Options, Plan, Step};

/// A base image `base` with a shell, a CMD and an ONBUILD trigger, as every test may have it.
fn base() -> Fact {
    let text = r#"{"architecture":"amd64","os":"linux","created":"2024-01-01T00:00:00Z",
        "config":{"Env":["PATH=/bin","A=base"],"Cmd":["sh"],"OnBuild":["ENV TRIGGERED=yes"]},
        "history":[{"created_by":"base layer"}]}"#;
    let config: ImageConfig = serde_json::from_str(text).unwrap();
    let layers = vec![DiffId(Digest::of(b"layer"))];
    Fact { base: Base { name: "base".into(), manifest: Digest::of(b"manifest"), layers }, config }
}

fn facts() -> Facts {
    Facts { images: BTreeMap::from([(("base".to_owned(), Platform::host()), base())]) }
}

fn try_plan(text: &str, options: &Options) -> Result<Plan, String> {
    let (source, problems) = dockerfile::parse(text.as_bytes());
    assert!(problems.is_empty(), "{problems:?}");
    let stages = dockerfile::stages(&source).unwrap();
    plan::wants(&source, &stages, options).map_err(|d| d.message)?;
    plan::lower(&source, &stages, options, &facts()).map_err(|all| all[0].message.clone())
}

fn plan(text: &str) -> Plan {
    try_plan(text, &Options::here()).unwrap()
}

/// One line a step: place, what it does, what it stands on.
fn show(step: &Step) -> String {
    let from = |from: &From| match from {
        From::Context => "context".to_owned(),
        From::Named(name) => format!("context {name}"),
        From::Step(id) => id.map_or("scratch".to_owned(), |id| format!("step {}", id.0)),
    };
    let what = match &step.op {
        Op::Base(_) => "base".to_owned(),
        Op::Run(run) => format!("run {:?} in {}", run.argv, run.cwd),
        Op::Copy(copy) => {
            let sources: Vec<&str> = copy.sources.iter().map(|source| source.text()).collect();
            format!("copy {sources:?} of {} to {}", from(&copy.from), copy.dest)
        }
        Op::Workdir(dir) => format!("workdir {}", dir.path),
    };
    let below = step.parent.map_or(String::new(), |id| format!(" on {}", id.0));
    format!("{} {}/{}: {what}{below}", step.stage, step.position.0, step.position.1)
}

fn check_steps(text: &str, expected: &[&str]) {
    let steps: Vec<String> = plan(text).steps.iter().map(show).collect();
    assert_eq!(steps, expected, "{text}");
}

/// The history entries of the build, `-` in front of those without a layer.
fn check_history(text: &str, expected: &[&str]) {
    let outcome = plan(text).outcome;
    let show = |h: &oci::History| {
        format!("{}{}", if h.empty_layer { "- " } else { "" }, h.created_by.as_deref().unwrap_or_default())
    };
    let history: Vec<String> = outcome.config.history[outcome.base_history..].iter().map(show).collect();
    assert_eq!(history, expected, "{text}");
}

/// The environment of the only RUN.
fn check_env(text: &str, args: &[(&str, &str)], expected: &[&str]) {
    let build_args = args.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
    let plan = try_plan(text, &Options { build_args, ..Options::here() }).unwrap();
    let run = plan.steps.iter().find_map(|s| match &s.op {
        Op::Run(run) => Some(run),
        _ => None,
    });
    let env: Vec<String> = run.unwrap().env.iter().map(|(k, v)| format!("{k}={v}")).collect();
    assert_eq!(&env[1..], expected, "{text}");
}

fn check_error(text: &str, expected: &str) {
    let message = try_plan(text, &Options::here()).unwrap_err();
    assert!(message.contains(expected), "{message}");
}

#[test]
fn only_stages_that_the_target_needs_are_planned() {
    let text =
        "FROM scratch AS a\nCOPY a /\nFROM scratch AS unused\nRUN false\nFROM scratch\nCOPY --from=a /a /b\n";
    check_steps(text, &["a 1/1: copy [\"a\"] of context to /", "stage-2 1/1: copy [\"/a\"] of step 0 to /b"]);
}

#[test]
fn two_stages_on_one_image_share_its_step() {
    check_steps(
        "FROM base AS a\nRUN one\nFROM base\nCOPY --from=a /x /x\n",
        &[
            "a 1/2: base",
            "a 2/2: run [\"/bin/sh\", \"-c\", \"one\"] in / on 0",
            "stage-1 2/2: copy [\"/x\"] of step 1 to /x on 0",
        ],
    );
}

#[test]
fn a_step_is_for_its_stages_platform() {
    let text = "FROM --platform=$BUILDPLATFORM base AS a\nRUN one\nFROM a AS b\nRUN two\n\
                FROM scratch\nCOPY --from=b /x /x\n";
    let plan = try_plan(text, &Options { platform: Platform::linux("mips"), ..Options::here() }).unwrap();
    let platforms: Vec<Platform> = plan.steps.iter().map(|step| step.platform.clone()).collect();
    let host = Platform::host();
    assert_eq!(platforms, [host.clone(), host.clone(), host, Platform::linux("mips")]);
}

#[test]
fn paths_are_seen_from_the_working_directory() {
    check_steps(
        "FROM scratch\nWORKDIR /a\nWORKDIR b/../c\nCOPY x .\nCOPY y ./d\nCOPY z e/\n",
        &[
            "stage-0 1/5: workdir /a",
            "stage-0 2/5: workdir /a/c on 0",
            "stage-0 3/5: copy [\"x\"] of context to /a/c/ on 1",
            "stage-0 4/5: copy [\"y\"] of context to /a/c/d on 2",
            "stage-0 5/5: copy [\"z\"] of context to /a/c/e/ on 3",
        ],
    );
}

#[test]
fn history_is_worded_as_buildkit_words_it() {
    check_history(
        "FROM base\nARG B=2\nENV C=3\nRUN --network=none echo $B\nCOPY --chown=1 a /b\nWORKDIR w\nCMD [\"x\", \"y\"]\n\
         EXPOSE 443/UDP 80\nVOLUME /v\nUSER u\nLABEL l=m\nSTOPSIGNAL 9\nSHELL [\"/sh\", \"-c\"]\n",
        &[
            "- ENV TRIGGERED=yes",
            "- ARG B=2",
            "- ENV C=3",
            "RUN |1 B=2 /bin/sh -c echo $B # buildkit",
            "COPY --chown=1 a /b # buildkit",
            "WORKDIR /w",
            "- CMD [\"x\" \"y\"]",
            "- EXPOSE [443/udp 80/tcp]",
            "- VOLUME [/v]",
            "- USER u",
            "- LABEL l=m",
            "- STOPSIGNAL 9",
            "- SHELL [/sh -c]",
        ],
    );
}

#[test]
fn env_uses_the_values_from_before_the_line() {
    check_env("FROM scratch\nENV abc=hello\nENV abc=bye def=$abc\nRUN x\n", &[], &["abc=bye", "def=hello"]);
}

#[test]
fn the_later_of_arg_and_env_wins() {
    check_env("FROM scratch\nENV V=env\nARG V=arg\nRUN x\n", &[], &["V=arg"]);
    check_env("FROM scratch\nARG V=arg\nENV V=env\nRUN x\n", &[], &["V=env"]);
}

#[test]
fn a_global_argument_is_unknown_to_a_stage_that_does_not_ask() {
    check_env("ARG V=1\nFROM scratch\nRUN x\n", &[], &[]);
    check_env("ARG V=1\nFROM scratch\nARG V\nRUN x\n", &[], &["V=1"]);
    check_env("FROM scratch\nARG V\nRUN x\n", &[], &[]);
    check_env("FROM scratch\nARG V\nRUN x\n", &[("V", "given")], &["V=given"]);
    check_env("FROM scratch\nRUN x\nARG V=later\n", &[], &[]);
}

#[test]
fn proxies_reach_the_step_beside_its_environment() {
    let build_args = BTreeMap::from([("http_proxy".to_owned(), "p".to_owned())]);
    let plan = try_plan("FROM scratch\nRUN x\n", &Options { build_args, ..Options::here() }).unwrap();
    let Op::Run(run) = &plan.steps[0].op else { panic!("it is a RUN") };
    assert_eq!(run.proxies, [("http_proxy".to_owned(), "p".to_owned())]);
    assert!(plan.warnings.is_empty(), "{:?}", plan.warnings);
}

#[test]
fn an_undeclared_build_argument_is_told() {
    let build_args = BTreeMap::from([("TYPO".to_owned(), "1".to_owned())]);
    let plan = try_plan("FROM scratch\nARG TIPO\n", &Options { build_args, ..Options::here() }).unwrap();
    assert_eq!(plan.warnings, ["one or more build-args [TYPO] were not consumed"]);
}

#[test]
fn entrypoint_drops_only_an_inherited_command() {
    let command = |text: &str| plan(text).outcome.config.config.cmd;
    assert_eq!(command("FROM base\nENTRYPOINT [\"e\"]\n"), None);
    assert_eq!(command("FROM base\nCMD [\"c\"]\nENTRYPOINT [\"e\"]\n"), Some(vec!["c".to_owned()]));
    assert_eq!(command("FROM scratch AS a\nCMD [\"c\"]\nFROM a\nENTRYPOINT [\"e\"]\n"), None);
}

#[test]
fn triggers_run_in_the_child_and_not_in_the_grandchild() {
    let env = |text: &str| plan(text).outcome.config.config.env;
    assert!(env("FROM base\n").contains(&"TRIGGERED=yes".to_owned()));
    let text = "FROM scratch AS a\nONBUILD ENV T=1\nFROM a AS b\nFROM b\n";
    assert_eq!(plan(text).outcome.config.config.on_build, Vec::<String>::new());
    assert_eq!(env(text).iter().filter(|e| *e == "T=1").count(), 1);
    check_history(text, &["- ENV T=1"]);
}

#[test]
fn scratch_has_a_path_and_a_root() {
    let config = plan("FROM scratch\nLABEL a=b\n").outcome.config;
    assert_eq!(config.config.env, ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"]);
    assert_eq!((config.config.working_dir.as_str(), config.os.as_str()), ("/", "linux"));
}

#[test]
fn stages_that_cannot_be_found() {
    check_error("FROM scratch AS a\nCOPY --from=a x y\n", "circular dependency");
    check_error(
        "FROM scratch AS a\nCOPY --from=b x y\nFROM a AS b\nCOPY --from=a x y\n",
        "comes later in the file",
    );
    check_error("FROM scratch\nCOPY --from=7 x y\n", "invalid stage index 7");
    check_error("FROM Base\n", "repository name must be lowercase");
    let options = Options { target: Some("biuld".into()), ..Options::here() };
    assert_eq!(
        try_plan("FROM scratch AS build\n", &options).unwrap_err(),
        "target stage `biuld` could not be found"
    );
}

#[test]
fn a_reproducible_build_tells_its_steps_an_epoch() {
    let env = |options: &Options| {
        let plan = try_plan("FROM base\nRUN x\n", options).unwrap();
        let Op::Run(run) = &plan.steps[1].op else { panic!("it is a RUN") };
        run.env.iter().find(|(name, _)| name == "SOURCE_DATE_EPOCH").map(|(_, value)| value.clone())
    };
    assert_eq!(env(&Options::here()), None);
    assert_eq!(env(&Options { reproducible: true, ..Options::here() }).as_deref(), Some("1704067200"));
    assert_eq!(env(&Options { epoch: Some(5), ..Options::here() }).as_deref(), Some("5"));
}

#[test]
fn mounts_name_their_sources() {
    let plan = plan(
        "FROM scratch AS a\nCOPY x /\nFROM base\nWORKDIR /w\nRUN --mount=from=a,target=m --mount=type=cache,target=/c true\n",
    );
    let Op::Run(run) = &plan.steps[3].op else { panic!("it is a RUN") };
    let targets: Vec<_> = run.mounts.iter().map(|(m, from)| (m.target.as_deref().unwrap(), from)).collect();
    assert_eq!(targets, [("/w/m", &From::Step(Some(plan::StepId(0)))), ("/c", &From::Context)]);
    assert_eq!(plan.steps[3].inputs, [plan::StepId(0)]);
}

#[test]
fn secrets_have_an_id_and_a_place() {
    let check = |value: &str, id: &str, target: Option<&str>| {
        let plan = plan(&format!("FROM scratch\nWORKDIR /w\nRUN --mount=type={value} true\n"));
        let Op::Run(run) = &plan.steps[1].op else { panic!("it is a RUN") };
        let mount = &run.mounts[0].0;
        assert_eq!((mount.id.as_deref(), mount.target.as_deref()), (Some(id), target), "{value}");
    };
    check("secret,id=x", "x", Some("/run/secrets/x"));
    check("secret,target=/root/.netrc", ".netrc", Some("/root/.netrc"));
    check("secret,id=x,target=here", "x", Some("/w/here"));
    check("secret,id=x,env=X", "x", None);
    check("ssh", "default", Some("/run/buildkit/ssh_agent.default"));
}

#[test]
fn what_a_run_stands_on_is_known() {
    let text = "FROM base AS a\nRUN 1\nCOPY x /\nFROM a\nRUN 2\nWORKDIR /w\nCOPY --from=a x /\n";
    let plan = plan(text);
    let runs: Vec<&str> = plan
        .steps
        .iter()
        .zip(plan.below_runs())
        .filter(|(_, below)| *below)
        .map(|(s, _)| s.text.as_str())
        .collect();
    // The base, the first RUN and what lies between the two RUNs; nothing above the last.
    assert_eq!(runs.len(), 3, "{runs:?}");
    assert!(runs[1].contains("RUN 1") && runs[2].contains("COPY x"), "{runs:?}");
}
