//! One instruction: what it does to a stage's [`State`], and which step it makes.
//!
//! A flat dispatch; the behaviour is BuildKit's (`dockerfile2llb/convert.go`), the traps are named.

use dockerfile::expand::Mode;
use dockerfile::instruction::{Add, ArgDecl, Check, Command, Copy, Healthcheck, KeyValue, Run, Script};
use dockerfile::{Instruction, Kind};
use oci::config::{Empty, Healthcheck as HealthConfig};

use crate::graph::{self, Op};
use crate::history;
use crate::lower::{Lower, Site};
use crate::path;
use crate::scope::is_proxy;
use crate::sources;
use crate::state::State;

/// Longest path that the kernel takes. Without it, `WORKDIR a` over and over would get longer each time.
const MOST_PATH: usize = 4096;

/// A problem of one instruction; the place is known to the caller.
pub type Result<T> = std::result::Result<T, String>;

/// Applies an instruction to the state.
pub fn apply(lower: &mut Lower, site: &Site, state: &mut State, instruction: &Instruction) -> Result<()> {
    match &instruction.kind {
        Kind::From(_) => unreachable!("FROM starts a stage and is none of its instructions"),
        Kind::Run(run) => self::run(lower, site, state, run),
        Kind::Copy(copy) => self::copy(lower, site, state, copy),
        Kind::Add(add) => self::add(lower, site, state, add),
        Kind::Workdir(dir) => workdir(lower, site, state, dir),
        Kind::Arg(args) => arg(lower, state, args),
        Kind::Env(pairs) => env(lower, state, pairs),
        Kind::Label(pairs) => label(lower, state, pairs),
        Kind::Cmd(command) => cmd(state, command),
        Kind::Entrypoint(command) => entrypoint(state, command),
        Kind::User(name) => user(lower, state, name),
        Kind::Expose(ports) => expose(lower, state, ports),
        Kind::Volume(paths) => volume(lower, state, paths),
        Kind::Healthcheck(check) => healthcheck(state, check),
        Kind::Shell(words) => shell(state, words),
        Kind::Stopsignal(signal) => stop_signal(lower, state, signal),
        Kind::Onbuild(trigger) => onbuild(state, trigger),
        Kind::Maintainer(name) => maintainer(state, name),
    }
}

/// Expands one word with the stage's variables.
pub fn word(lower: &Lower, state: &State, text: &str) -> Result<String> {
    state.vars.expand(text, lower.escape(), Mode::WORD).map(|e| e.text)
}

fn words(lower: &Lower, state: &State, texts: &[String]) -> Result<Vec<String>> {
    texts.iter().map(|t| word(lower, state, t)).collect()
}

fn maybe(lower: &Lower, state: &State, text: &Option<String>) -> Result<Option<String>> {
    text.as_ref().map(|t| word(lower, state, t)).transpose()
}

fn run(lower: &mut Lower, site: &Site, state: &mut State, run: &Run) -> Result<()> {
    let (argv, script) = command_line(state, run);
    if let Some(device) = run.flags.devices.first() {
        return Err(format!("`--device={device}`: devices are not supported yet"));
    }
    lower.charge(state.args.bytes() + run.flags.mounts.len() * state.cwd().len())?;
    let mounts = crate::mounts::read(lower, site, state, &run.flags.mounts)?;
    let step = graph::Run {
        env: lower.step_env(state)?,
        proxies: lower.proxies(),
        user: state.image.config.user.clone(),
        cwd: state.cwd().to_owned(),
        mounts,
        offline: run.flags.network.as_deref() == Some("none") || lower.is_offline(site.line),
        insecure: run.flags.security.as_deref() == Some("insecure"),
        script,
        argv: argv.clone(),
    };
    let inputs = step.mounts.iter().filter_map(|(_, from)| input(from)).collect();
    state.tip = Some(lower.push(site, state.tip, inputs, Op::Run(Box::new(step))));
    state.record(history::layer(history::run(state.args.all(), &argv)));
    Ok(())
}

/// The argument vector, and a script that it needs as a file (trap 7).
fn command_line(state: &State, run: &Run) -> (Vec<String>, Option<(String, Vec<u8>)>) {
    match run.script() {
        Script::Exec(words) => (words.to_vec(), None),
        Script::Shell(text) => (state.in_shell(&text), None),
        Script::File { name, content } => {
            let path = format!("/dev/pipes/{name}");
            (state.in_shell(&path), Some((name.to_owned(), content.into_owned().into_bytes())))
        }
    }
}

fn input(from: &graph::From) -> Option<graph::StepId> {
    match from {
        graph::From::Step(id) => *id,
        _ => None,
    }
}

fn copy(lower: &mut Lower, site: &Site, state: &mut State, copy: &Copy) -> Result<()> {
    let from = match &copy.flags.from {
        Some(name) => lower.copy_source(site, name)?,
        None => graph::From::Context,
    };
    let flags = &copy.flags;
    let step = graph::Copy {
        add: false,
        from,
        sources: sources::of_copy(words(lower, state, &copy.sources)?)?,
        inline: inline(lower, state, &copy.heredocs)?,
        dest: state.absolute(&word(lower, state, &copy.dest)?),
        chown: maybe(lower, state, &flags.chown)?,
        chmod: maybe(lower, state, &flags.chmod)?,
        link: flags.link,
        parents: flags.parents,
        exclude: flags.exclude.clone(),
        unpack: None,
    };
    let text = copy_text(&step, &word(lower, state, &copy.dest)?);
    push_copy(lower, site, state, step, text);
    Ok(())
}

fn add(lower: &mut Lower, site: &Site, state: &mut State, add: &Add) -> Result<()> {
    let flags = &add.flags;
    let checksum = maybe(lower, state, &flags.checksum)?;
    let sources = sources::of_add(words(lower, state, &add.sources)?, flags, checksum.as_deref())?;
    let step = graph::Copy {
        add: true,
        from: graph::From::Context,
        sources,
        inline: inline(lower, state, &add.heredocs)?,
        dest: state.absolute(&word(lower, state, &add.dest)?),
        chown: maybe(lower, state, &flags.chown)?,
        chmod: maybe(lower, state, &flags.chmod)?,
        link: flags.link,
        parents: false,
        exclude: flags.exclude.clone(),
        unpack: flags.unpack,
    };
    let text = copy_text(&step, &word(lower, state, &add.dest)?);
    push_copy(lower, site, state, step, text);
    Ok(())
}

fn push_copy(lower: &mut Lower, site: &Site, state: &mut State, step: graph::Copy, text: String) {
    let inputs = input(&step.from).into_iter().collect();
    state.tip = Some(lower.push(site, state.tip, inputs, Op::Copy(Box::new(step))));
    state.record(history::layer(text));
}

/// Here-documents as files; an unquoted name has its body expanded, quotes in it kept (trap 8).
fn inline(lower: &Lower, state: &State, docs: &[dockerfile::Heredoc]) -> Result<Vec<(String, Vec<u8>)>> {
    let one = |doc: &dockerfile::Heredoc| {
        let text = doc.text().into_owned();
        let text = match doc.expand {
            true => state.vars.expand(&text, lower.escape(), Mode::HEREDOC)?.text,
            false => text,
        };
        Ok((doc.name.clone(), text.into_bytes()))
    };
    docs.iter().map(one).collect()
}

fn copy_text(step: &graph::Copy, dest: &str) -> String {
    let mut out = vec![if step.add { "ADD" } else { "COPY" }.to_owned()];
    out.extend(step.parents.then(|| "--parents".to_owned()));
    out.extend(step.chown.as_ref().map(|c| format!("--chown={c}")));
    out.extend(step.chmod.as_ref().map(|c| format!("--chmod={c}")));
    out.extend(step.sources.iter().map(|source| source.text().to_owned()));
    out.extend(step.inline.iter().map(|(name, _)| format!("<<{name}")));
    out.push(dest.to_owned());
    out.join(" ")
}

fn workdir(lower: &mut Lower, site: &Site, state: &mut State, dir: &str) -> Result<()> {
    let dir = path::join(state.cwd(), &word(lower, state, dir)?);
    if dir.len() > MOST_PATH {
        return Err(format!("the working directory is longer than {MOST_PATH} bytes"));
    }
    state.image.config.working_dir = dir.clone();
    let op = Op::Workdir(graph::Workdir { path: dir.clone(), user: state.image.config.user.clone() });
    state.tip = Some(lower.push(site, state.tip, Vec::new(), op));
    state.record(history::workdir(format!("WORKDIR {dir}")));
    Ok(())
}

fn arg(lower: &mut Lower, state: &mut State, args: &[ArgDecl]) -> Result<()> {
    let mut text = "ARG".to_owned();
    for decl in args {
        let default = maybe(lower, state, &decl.default)?;
        let value = lower.arg_value(&decl.name, default);
        text += &format!(" {}", decl.name);
        if let Some(value) = value {
            text += &format!("={value}");
            declare(state, &decl.name, &value);
        }
    }
    state.record(history::meta(text));
    Ok(())
}

fn declare(state: &mut State, name: &str, value: &str) {
    state.set_var(name, value);
    if !is_proxy(name) {
        state.args.set(name, value);
    }
}

/// Every value is expanded before any is set: `ENV a=1 b=$a` gives the old `a` (trap 34).
fn env(lower: &Lower, state: &mut State, pairs: &[KeyValue]) -> Result<()> {
    let mut text = "ENV".to_owned();
    for (key, value) in expand_pairs(lower, state, pairs)? {
        text += &format!(" {key}={value}");
        state.set_env(&key, &value);
        // The history of a later RUN shows what the variable is then, not what the ARG was.
        state.args.replace(&key, &value);
    }
    state.record(history::meta(text));
    Ok(())
}

fn expand_pairs(lower: &Lower, state: &State, pairs: &[KeyValue]) -> Result<Vec<(String, String)>> {
    pairs.iter().map(|p| Ok((word(lower, state, &p.key)?, word(lower, state, &p.value)?))).collect()
}

fn label(lower: &Lower, state: &mut State, pairs: &[KeyValue]) -> Result<()> {
    let mut text = "LABEL".to_owned();
    for (key, value) in expand_pairs(lower, state, pairs)? {
        text += &format!(" {key}={value}");
        state.image.config.labels.insert(key, value);
    }
    state.record(history::meta(text));
    Ok(())
}

fn argv(state: &State, command: &Command) -> (Vec<String>, bool) {
    match command {
        Command::Shell(text) => (state.in_shell(text), true),
        Command::Exec(words) => (words.clone(), false),
    }
}

fn cmd(state: &mut State, command: &Command) -> Result<()> {
    let (words, _) = argv(state, command);
    state.record(history::meta(format!("CMD {}", dockerfile::quote::quote_list(&words))));
    state.image.config.cmd = Some(words);
    state.image.config.args_escaped = Some(true);
    state.cmd_set = true;
    Ok(())
}

/// Drops an inherited CMD, not one that this stage has set (trap 39).
fn entrypoint(state: &mut State, command: &Command) -> Result<()> {
    let (words, _) = argv(state, command);
    state.record(history::meta(format!("ENTRYPOINT {}", dockerfile::quote::quote_list(&words))));
    state.image.config.entrypoint = Some(words);
    if !state.cmd_set {
        state.image.config.cmd = None;
    }
    Ok(())
}

fn user(lower: &Lower, state: &mut State, text: &str) -> Result<()> {
    let user = word(lower, state, text)?;
    state.record(history::meta(format!("USER {user}")));
    state.image.config.user = user;
    Ok(())
}

/// Variables may hold several ports; ranges become single ones, sorted in the history (trap 43).
fn expose(lower: &Lower, state: &mut State, texts: &[String]) -> Result<()> {
    let mut ports = Vec::new();
    for text in texts {
        for one in state.vars.expand_words(text, lower.escape())? {
            let found = dockerfile::expose::parse(&one)?.ports;
            // `1-65535` is short for half a megabyte.
            lower.charge((found.len() - 1) * 64)?;
            ports.extend(found);
        }
    }
    ports.sort();
    state.record(history::meta(format!("EXPOSE {}", history::plain_list(&ports))));
    state.image.config.exposed_ports.extend(ports.into_iter().map(|p| (p, Empty {})));
    Ok(())
}

fn volume(lower: &Lower, state: &mut State, texts: &[String]) -> Result<()> {
    let paths = words(lower, state, texts)?;
    if paths.iter().any(String::is_empty) {
        return Err("VOLUME specified can not be an empty string".to_owned());
    }
    state.record(history::meta(format!("VOLUME {}", history::plain_list(&paths))));
    state.image.config.volumes.extend(paths.into_iter().map(|p| (p, Empty {})));
    Ok(())
}

fn healthcheck(state: &mut State, check: &Healthcheck) -> Result<()> {
    let config = match check {
        Healthcheck::None => HealthConfig { test: vec!["NONE".to_owned()], ..HealthConfig::default() },
        Healthcheck::Check(check) => health_config(check),
    };
    state.record(history::meta(history::healthcheck(&config)));
    state.image.config.healthcheck = Some(config);
    Ok(())
}

fn health_config(check: &Check) -> HealthConfig {
    let test = match &check.command {
        Command::Shell(text) => vec!["CMD-SHELL".to_owned(), text.clone()],
        Command::Exec(words) => std::iter::once("CMD".to_owned()).chain(words.iter().cloned()).collect(),
    };
    let nanos = |t: &Option<dockerfile::instruction::Timing>| t.as_ref().map_or(0, |t| t.nanoseconds);
    HealthConfig {
        test,
        interval: nanos(&check.interval),
        timeout: nanos(&check.timeout),
        start_period: nanos(&check.start_period),
        start_interval: nanos(&check.start_interval),
        retries: check.retries.map_or(0, i64::from),
    }
}

fn shell(state: &mut State, words: &[String]) -> Result<()> {
    state.record(history::meta(format!("SHELL {}", history::plain_list(words))));
    state.image.config.shell = words.to_vec();
    Ok(())
}

fn stop_signal(lower: &Lower, state: &mut State, text: &str) -> Result<()> {
    let signal = word(lower, state, text)?;
    dockerfile::signal::parse(&signal)?;
    state.record(history::meta(format!("STOPSIGNAL {signal}")));
    state.image.config.stop_signal = signal;
    Ok(())
}

/// BuildKit writes no history entry for ONBUILD.
fn onbuild(state: &mut State, trigger: &Instruction) -> Result<()> {
    state.image.config.on_build.push(trigger.trigger_text().into_owned());
    Ok(())
}

fn maintainer(state: &mut State, name: &str) -> Result<()> {
    state.record(history::meta(format!("MAINTAINER {name}")));
    state.image.author = name.to_owned();
    Ok(())
}
