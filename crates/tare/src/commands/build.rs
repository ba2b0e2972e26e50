//! `tare build`: argv to [`Settings`], the build, its summary.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::origin::Origins;
use engine::settings::{NamedContext, Settings, Tracing};
use engine::{Built, Compress, Output, Timestamps, Voice};
use oci::Reference;
use oci::media::Compression;
use recipe::Recipe;

use crate::cli::{Build, CompressionName, Progress, TimestampRule, TraceMode};
use crate::config::Config;
use crate::failure::{Failure, Outcome, doing};
use crate::progress;
use crate::progress::timings::Timings;
use crate::units;

use super::outside::Outside;
use super::source;

/// How many RUN steps may be under way at once. Most of them wait for a network or a disk.
const PARALLEL: usize = 64;

/// Builds.
pub fn run(args: Build) -> Outcome {
    super::foreign::refuse(&args)?;
    let config = crate::config::read()?;
    let cap = cap(&args, &config)?;
    let call = super::call::read(if args.check { "check" } else { &args.call })?;
    let (mut settings, recipe, outside) = settings(&args, &config)?;
    let outside = outside.as_ref();
    if let Some(call) = call {
        let answer = super::call::answer(call, &mut settings, outside, &|event| drop(event))
            .map_err(|e| failure(&settings, e))?;
        super::images::table::print(&answer.text)?;
        return match answer.problems {
            problems if problems.is_empty() => Ok(i32::from(!answer.is_clean)),
            problems => Err(failure(&settings, engine::Error::Dockerfile(problems))),
        };
    }
    let sboms = super::sbom::wanted(&args.sboms, &settings)?;
    say(&args, recipe.as_ref());
    let started = Instant::now();
    let timings = args.timings.as_ref().map(|_| Timings::start());
    let timings = timings.as_ref();
    let built = match Timings::timed(timings, "look at what is known", || {
        quick(&args, &mut settings, outside, timings)
    }) {
        Err(engine::Error::NeedsWork) => work(&args, &mut settings, recipe.as_ref(), outside, timings),
        done => done.map_err(|e| failure(&settings, e)),
    };
    if args.explain {
        super::why::after_build()?;
    }
    let built = built?;
    super::sbom::write_all(&built, &args.tags, &sboms)?;
    super::report::report(&args, &settings, &built, started)?;
    timings.map_or(Ok(()), |timings| tell(&args, timings))?;
    cap.map_or(Ok(()), super::space::keep_below)?;
    Ok(0)
}

/// A build of which everything is known needs no namespace. What it would say is kept back until that is
/// certain; otherwise the real build says it.
fn quick(
    args: &Build,
    settings: &mut Settings,
    outside: Option<&Outside>,
    timings: Option<&Timings>,
) -> engine::Result<Built> {
    settings.may_work = false;
    let store = crate::home::store().map_err(plain)?;
    let held = progress::Held::default();
    let built = one(&store, settings, outside, &heard(timings, &|event| held.hear(event)));
    if !matches!(built, Err(engine::Error::NeedsWork)) {
        warn(args, &store, settings, &built, &|event| held.hear(event));
        let progress = progress::start(how(args));
        held.replay(&|event| progress.hear(event));
        progress.finish();
    }
    built
}

/// The build with everything that it may do.
fn work(
    args: &Build,
    settings: &mut Settings,
    recipe: Option<&Recipe>,
    outside: Option<&Outside>,
    timings: Option<&Timings>,
) -> Result<Built, Failure> {
    Timings::timed(timings, "enter the namespace", crate::namespace::enter)?;
    settings.may_work = true;
    let store = crate::home::store()?;
    Timings::timed(timings, "sweep", || store.sweep());
    settings.cancel = crate::signals::listen();
    let progress = progress::start(how(args));
    if let Some(recipe) = recipe
        && super::recipe::git::is_likely(settings)
    {
        super::recipe::git::lend(recipe, settings);
    }
    let show = |event| progress.hear(event);
    let sink = heard(timings, &show);
    let mut built = one(&store, settings, outside, &sink);
    if let (Err(e), Some(recipe)) = (&built, recipe)
        && super::recipe::git::lacks_git(e)
        && super::recipe::git::lend(recipe, settings)
    {
        built = one(&store, settings, outside, &sink);
    }
    warn(args, &store, settings, &built, &sink);
    drop(sink);
    progress.finish();
    let advised = |e| match recipe {
        Some(recipe) => super::recipe::advice::add(recipe, &store, settings, e),
        None => e,
    };
    built.map_err(|e| match advised(e) {
        engine::Error::Cancelled => Failure::Stopped(crate::signals::first()),
        e => failure(settings, e),
    })
}

/// What deserves a warning in the Dockerfile.
fn warn(
    args: &Build,
    store: &store::Store,
    settings: &Settings,
    built: &engine::Result<Built>,
    sink: &(dyn Fn(engine::Event) + Sync),
) {
    if how(args) != Progress::Quiet {
        let found = super::lint::warnings(settings, store, built);
        found.into_iter().for_each(|text| sink(engine::Event::Warning(text)));
    }
}

/// A sink whose events are timed, too.
fn heard<'a>(
    timings: Option<&'a Timings>,
    sink: &'a (dyn Fn(engine::Event) + Sync),
) -> impl Fn(engine::Event) + Sync + 'a {
    move |event| {
        timings.iter().for_each(|timings| timings.hear(&event));
        sink(event);
    }
}

/// Where the time went.
fn tell(args: &Build, timings: &Timings) -> Result<(), Failure> {
    if how(args) != Progress::Quiet {
        eprint!("{}", timings.table());
    }
    match args.timings.iter().flatten().next() {
        Some(file) => {
            std::fs::write(file, timings.trace()).map_err(doing(format!("write `{}`", file.display())))
        }
        None => Ok(()),
    }
}

/// What the recipe found out that its reader should know.
fn say(args: &Build, recipe: Option<&Recipe>) {
    if how(args) != Progress::Quiet {
        recipe.iter().flat_map(|r| &r.notes).for_each(|note| eprintln!("note: {note}"));
    }
}

fn one(
    store: &store::Store,
    settings: &mut Settings,
    outside: Option<&Outside>,
    sink: &(dyn Fn(engine::Event) + Sync),
) -> engine::Result<Built> {
    let _user = store.share()?;
    let voice = Voice::new(sink);
    outside.map_or(Ok(()), |outside| outside.bring(store, settings, &voice))?;
    super::lint::guard(settings, store, &voice)?;
    engine::build(store, settings, &Origins::default(), &voice)
}

/// A failure of the wiring inside the build's own kind of error.
pub(super) fn plain(failure: Failure) -> engine::Error {
    match failure {
        Failure::Other(message) | Failure::Refused(message) | Failure::Usage(message) => {
            engine::Error::Other(message)
        }
        other => std::process::exit(other.report()),
    }
}

/// A build's bad end, with the Dockerfile's text.
pub(super) fn failure(settings: &Settings, e: engine::Error) -> Failure {
    let (name, text) = (settings.dockerfile_name.clone(), settings.dockerfile.clone());
    match e {
        engine::Error::Dockerfile(problems) => Failure::Dockerfile { name, text, problems },
        engine::Error::Step(error) => Failure::Step { name, text, error },
        other => Failure::Other(other.to_string()),
    }
}

/// How to tell about progress.
pub(super) fn how(args: &Build) -> Progress {
    if args.quiet { Progress::Quiet } else { args.progress }
}

fn cap(args: &Build, config: &Config) -> Result<Option<u64>, Failure> {
    let Some(text) = args.max_cache.as_ref().or(config.max_cache.as_ref()) else { return Ok(None) };
    let bad = || Failure::Usage(format!("`{text}` is not a size; write it as 20GB or 500MiB"));
    units::parse_bytes(text).map(Some).ok_or_else(bad)
}

/// Everything that a build is asked for.
pub(super) fn settings(
    args: &Build,
    config: &Config,
) -> Result<(Settings, Option<Recipe>, Option<Outside>), Failure> {
    let source = source::source(args)?;
    let (outputs, names, compress) = outputs(args)?;
    let mut contexts = contexts(args)?;
    let mut secrets = super::secrets::secrets(&args.secrets)?;
    let mut platforms = super::platforms::read(args.platform.as_deref())?;
    super::platforms::check(&platforms, &outputs)?;
    let mut plan = plan_options(args, &contexts)?;
    let annotations = super::annotation::read(&args.annotations, &platforms)?;
    plan.platform = platforms.remove(0);
    let timestamps = timestamps(args, config, source.recipe.is_some())?;
    plan.reproducible = timestamps == Timestamps::Reproducible;
    let lock = super::lock::read(source.lock_file.as_deref())?;
    if let Some(recipe) = &source.recipe {
        let toolchain = super::recipe::chosen(&args.go, recipe, &lock)?;
        super::recipe::apply(recipe, toolchain, &mut contexts, &mut plan, &mut secrets);
    }
    lend_proxies(&mut plan)?;
    let mut tags = Vec::new();
    for name in args.tags.iter().chain(&names) {
        tags.push(tag(name)?);
    }
    let settings = Settings {
        subject: source.subject,
        dockerfile_name: source.name,
        dockerfile: source.dockerfile,
        context: source.context,
        ignore: source.ignore,
        lock_file: source.lock_file,
        lock,
        locked: args.locked,
        plan,
        further: platforms,
        contexts,
        secrets,
        surroundings: super::surroundings::read(args)?,
        host_files: Default::default(),
        rerun: args.no_cache_filter.iter().flat_map(|s| s.split(',')).map(str::to_lowercase).collect(),
        agents: super::secrets::agents(&args.ssh)?,
        annotations,
        tags,
        outputs,
        pull: args.pull,
        no_cache: args.no_cache,
        cold: args.cold,
        verify: args.verify.as_deref().map(super::verify::read).transpose()?,
        tracing: match args.trace {
            TraceMode::Off => Tracing::Off,
            TraceMode::Strict => Tracing::Strict,
            TraceMode::Tools => Tracing::Tools,
        },
        timestamps,
        compress,
        may_work: false,
        walks: Default::default(),
        cancel: Default::default(),
        parallel: PARALLEL,
    };
    Ok((settings, source.recipe, source.outside))
}

/// Docker's proxies for builds are for every step that isn't told otherwise. Unlike what a `--build-arg` says they
/// are never the value of an ARG, which would get a password into keys and histories.
fn lend_proxies(plan: &mut plan::Options) -> Result<(), Failure> {
    for (name, value) in transport::build_proxies::read(&transport::Env::process())? {
        if !plan.build_args.contains_key(&name) {
            plan.outside.entry(name).or_insert(value);
        }
    }
    Ok(())
}

fn tag(name: &str) -> Result<Reference, Failure> {
    let reference: Reference = name.parse().map_err(Failure::Usage)?;
    match reference.digest {
        Some(_) => Err(Failure::Usage(format!("`{name}`: a name for a new image can't have a digest"))),
        None => Ok(reference),
    }
}

/// See [`outputs`].
type Going = (Vec<Output>, Vec<String>, Option<Compress>);

/// Where the image goes, its further names, and how its layers are compressed.
fn outputs(args: &Build) -> Result<Going, Failure> {
    let specs = args.outputs.iter().map(|text| super::output::parse(text)).collect::<Result<Vec<_>, _>>();
    let specs = specs.map_err(Failure::Usage)?;
    let mut outputs: Vec<Output> = specs.iter().map(|s| s.output.clone()).collect();
    let names: Vec<String> = specs.iter().flat_map(|s| s.names.clone()).collect();
    if args.push && !outputs.contains(&Output::Image { push: true }) {
        outputs.push(Output::Image { push: true });
    }
    if args.load {
        outputs.push(Output::Load);
    }
    if outputs.is_empty() {
        outputs.push(Output::Image { push: false });
    }
    if outputs.iter().any(to_stdout) && std::io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "an archive is not for a terminal: give dest=FILE, or redirect the output".to_owned(),
        ));
    }
    if outputs.contains(&Output::Image { push: true }) && args.tags.is_empty() && names.is_empty() {
        return Err(Failure::Usage("nothing to push: give the image a name with -t".to_owned()));
    }
    let flag = || super::output::compress(args.compression.map(format_of), args.compression_level);
    let asked = specs.iter().find_map(|s| s.compress).or_else(flag);
    let compress = asked.or_else(|| outputs.iter().any(leaves).then(Compress::default));
    Ok((outputs, names, compress))
}

/// Whether the image leaves the store there, as manifest and layers.
fn leaves(output: &Output) -> bool {
    match output {
        Output::Image { push } => *push,
        Output::Oci { .. } | Output::Docker { .. } | Output::Load => true,
        Output::Tar { .. } | Output::Local { .. } => false,
    }
}

/// Whether an output is what standard output is for.
pub(super) fn to_stdout(output: &Output) -> bool {
    matches!(
        output,
        Output::Oci { dest: None, tar: true } | Output::Docker { dest: None } | Output::Tar { dest: None }
    )
}

fn format_of(name: CompressionName) -> Compression {
    match name {
        CompressionName::Gzip => Compression::Gzip,
        CompressionName::Zstd => Compression::Zstd,
        CompressionName::Uncompressed => Compression::None,
    }
}

fn contexts(args: &Build) -> Result<BTreeMap<String, NamedContext>, Failure> {
    let one = |text: &String| {
        let bad = || Failure::Usage(format!("`--build-context {text}` is not name=source"));
        let (name, source) =
            text.split_once('=').filter(|(n, s)| !n.is_empty() && !s.is_empty()).ok_or_else(bad)?;
        // Stage and image names are looked up in lower case.
        Ok((name.to_lowercase(), named_context(source)?))
    };
    args.build_contexts.iter().map(one).collect()
}

fn named_context(source: &str) -> Result<NamedContext, Failure> {
    if let Some(place) = source.strip_prefix("oci-layout://") {
        return Ok(NamedContext::Layout(place.to_owned()));
    }
    if let Some(name) = source.strip_prefix("docker-image://") {
        return name.parse().map(NamedContext::Image).map_err(Failure::Usage);
    }
    if Path::new(source).is_dir() {
        return Ok(NamedContext::Folder(PathBuf::from(source)));
    }
    let none = || {
        Failure::Usage(format!("named context `{source}` is no folder, and no kind of source that is known"))
    };
    super::outside::named(source)?.ok_or_else(none)
}

fn plan_options(args: &Build, contexts: &BTreeMap<String, NamedContext>) -> Result<plan::Options, Failure> {
    let names = |folders: bool| {
        contexts.iter().filter(|(_, c)| c.is_folder() == folders).map(|(name, _)| name.clone()).collect()
    };
    let build_args = pairs(&args.build_args, true)?;
    let epoch = epoch(&build_args)?;
    Ok(plan::Options {
        target: args.target.clone(),
        epoch,
        image_contexts: names(false),
        folder_contexts: names(true),
        labels: pairs(&args.labels, false)?,
        build_args,
        ..plan::Options::here()
    })
}

/// `K=V`, or with `inherit` a bare `K` that takes the environment's value if it has one.
pub(super) fn pairs(texts: &[String], inherit: bool) -> Result<BTreeMap<String, String>, Failure> {
    let mut out = BTreeMap::new();
    for text in texts {
        match text.split_once('=') {
            Some(("", _)) => return Err(Failure::Usage(format!("`{text}` has no name before `=`"))),
            Some((name, value)) => drop(out.insert(name.to_owned(), value.to_owned())),
            None if inherit => out.extend(std::env::var(text).ok().map(|value| (text.clone(), value))),
            None => drop(out.insert(text.clone(), String::new())),
        }
    }
    Ok(out)
}

/// As a build argument, else from the environment.
fn epoch(build_args: &BTreeMap<String, String>) -> Result<Option<i64>, Failure> {
    let given =
        build_args.get("SOURCE_DATE_EPOCH").cloned().or_else(|| std::env::var("SOURCE_DATE_EPOCH").ok());
    let Some(text) = given.filter(|t| !t.is_empty()) else { return Ok(None) };
    let bad = || Failure::Usage(format!("SOURCE_DATE_EPOCH `{text}` is not a number of seconds since 1970"));
    text.parse().ok().filter(|n| *n >= 0).map(Some).ok_or_else(bad)
}

fn timestamps(args: &Build, config: &Config, recipe: bool) -> Result<Timestamps, Failure> {
    let by_env = std::env::var_os("SOURCE_DATE_EPOCH").is_some_and(|v| !v.is_empty())
        || args.build_args.iter().any(|a| a.starts_with("SOURCE_DATE_EPOCH="));
    match args.timestamps {
        Some(TimestampRule::Preserve) if args.reproducible => {
            Err(Failure::Usage("`--reproducible` and `--timestamps preserve` exclude each other".to_owned()))
        }
        Some(TimestampRule::Preserve) if recipe => Err(Failure::Usage(
            "`--timestamps preserve`: without a Dockerfile an image is always reproducible".to_owned(),
        )),
        Some(TimestampRule::Preserve) => Ok(Timestamps::Preserve),
        Some(TimestampRule::Reproducible) => Ok(Timestamps::Reproducible),
        None if args.reproducible || config.reproducible || by_env || recipe => Ok(Timestamps::Reproducible),
        None => Ok(Timestamps::Preserve),
    }
}
