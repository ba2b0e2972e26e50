//! `tare build`: argv to [`Settings`], the build, its summary.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::origin::Origins;
use engine::settings::{NamedContext, Settings};
use engine::{Built, Compress, Output, Timestamps, Voice};
use oci::Reference;
use oci::media::Compression;

use crate::cli::{Build, CompressionName, Progress, TimestampRule};
use crate::config::Config;
use crate::failure::{Failure, Outcome, doing};
use crate::progress;
use crate::units;

/// How many RUN steps may be under way at once. Most of them wait for a network or a disk.
const PARALLEL: usize = 64;

/// Builds.
pub fn run(args: Build) -> Outcome {
    super::foreign::refuse(&args)?;
    let config = crate::config::read()?;
    let cap = cap(&args, &config)?;
    let mut settings = settings(&args, &config)?;
    let started = Instant::now();
    let built = match quick(&args, &mut settings) {
        Err(engine::Error::NeedsWork) => work(&args, &mut settings)?,
        done => done.map_err(|e| failure(&settings, e))?,
    };
    report(&args, &settings, &built, started)?;
    cap.map_or(Ok(()), super::space::keep_below)?;
    Ok(0)
}

/// A build of which everything is known needs no namespace. What it would say is kept back until that is
/// certain; otherwise the real build says it.
fn quick(args: &Build, settings: &mut Settings) -> engine::Result<Built> {
    settings.may_work = false;
    let store = crate::home::store().map_err(plain)?;
    let held = progress::Held::default();
    let built = one(&store, settings, &|event| held.hear(event));
    if !matches!(built, Err(engine::Error::NeedsWork)) {
        let progress = progress::start(how(args));
        held.replay(&|event| progress.hear(event));
        progress.finish();
    }
    built
}

/// The build with everything that it may do.
fn work(args: &Build, settings: &mut Settings) -> Result<Built, Failure> {
    crate::namespace::enter()?;
    settings.may_work = true;
    let store = crate::home::store()?;
    store.sweep();
    settings.cancel = crate::signals::listen();
    let progress = progress::start(how(args));
    let built = one(&store, settings, &|event| progress.hear(event));
    progress.finish();
    built.map_err(|e| match e {
        engine::Error::Cancelled => Failure::Stopped(crate::signals::first()),
        e => failure(settings, e),
    })
}

fn one(
    store: &store::Store,
    settings: &Settings,
    sink: &(dyn Fn(engine::Event) + Sync),
) -> engine::Result<Built> {
    let _user = store.share()?;
    engine::build(store, settings, &Origins::default(), &Voice::new(sink))
}

/// A failure of the wiring inside the build's own kind of error.
fn plain(failure: Failure) -> engine::Error {
    match failure {
        Failure::Other(message) | Failure::Refused(message) | Failure::Usage(message) => {
            engine::Error::Other(message)
        }
        other => std::process::exit(other.report()),
    }
}

fn failure(settings: &Settings, e: engine::Error) -> Failure {
    let (name, text) = (settings.dockerfile_name.clone(), settings.dockerfile.clone());
    match e {
        engine::Error::Dockerfile(problems) => Failure::Dockerfile { name, text, problems },
        engine::Error::Step(error) => Failure::Step { name, text, error },
        other => Failure::Other(other.to_string()),
    }
}

fn how(args: &Build) -> Progress {
    if args.quiet { Progress::Quiet } else { args.progress }
}

fn cap(args: &Build, config: &Config) -> Result<Option<u64>, Failure> {
    let Some(text) = args.max_cache.as_ref().or(config.max_cache.as_ref()) else { return Ok(None) };
    let bad = || Failure::Usage(format!("`{text}` is not a size; write it as 20GB or 500MiB"));
    units::parse_bytes(text).map(Some).ok_or_else(bad)
}

fn settings(args: &Build, config: &Config) -> Result<Settings, Failure> {
    let (context, dockerfile_name, dockerfile) = source(args)?;
    let ignore = context.as_deref().and_then(|c| ignore_file(c, args.file.as_deref()));
    let (outputs, names, compress) = outputs(args)?;
    let contexts = contexts(args)?;
    let mut tags = Vec::new();
    for name in args.tags.iter().chain(&names) {
        tags.push(tag(name)?);
    }
    Ok(Settings {
        dockerfile_name,
        dockerfile,
        context,
        ignore,
        plan: plan_options(args, config, &contexts)?,
        contexts,
        secrets: super::secrets::secrets(&args.secrets)?,
        surroundings: super::surroundings::read(args)?,
        rerun: args.no_cache_filter.iter().flat_map(|s| s.split(',')).map(str::to_lowercase).collect(),
        agents: super::secrets::agents(&args.ssh)?,
        tags,
        outputs,
        pull: args.pull,
        no_cache: args.no_cache,
        timestamps: timestamps(args, config)?,
        compress,
        may_work: false,
        cancel: Default::default(),
        parallel: PARALLEL,
    })
}

fn tag(name: &str) -> Result<Reference, Failure> {
    let reference: Reference = name.parse().map_err(Failure::Usage)?;
    match reference.digest {
        Some(_) => Err(Failure::Usage(format!("`{name}`: a name for a new image can't have a digest"))),
        None => Ok(reference),
    }
}

/// The context folder, and the Dockerfile's name and text.
fn source(args: &Build) -> Result<(Option<PathBuf>, String, Vec<u8>), Failure> {
    if args.context == "-" {
        return Ok((None, "-".to_owned(), stdin_dockerfile()?));
    }
    if is_remote(&args.context) {
        return Err(Failure::Usage(format!(
            "`{}`: remote contexts are not supported yet; give a folder",
            args.context
        )));
    }
    let folder = PathBuf::from(&args.context);
    if !folder.is_dir() {
        return Err(Failure::Usage(format!("context `{}` is not a folder", folder.display())));
    }
    if args.file.as_deref() == Some(Path::new("-")) {
        return Ok((Some(folder), "-".to_owned(), stdin_dockerfile()?));
    }
    let path = dockerfile_path(args, &folder)?;
    let text = std::fs::read(&path).map_err(doing(format!("read `{}`", path.display())))?;
    let name =
        path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
    Ok((Some(folder), name, text))
}

fn is_remote(context: &str) -> bool {
    ["http://", "https://", "git://", "git@", "ssh://", "github.com/"].iter().any(|p| context.starts_with(p))
}

fn dockerfile_path(args: &Build, folder: &Path) -> Result<PathBuf, Failure> {
    if let Some(file) = &args.file {
        // As with docker: as seen from here, else from the context.
        let inside = folder.join(file);
        return Ok(if !file.exists() && inside.exists() { inside } else { file.clone() });
    }
    let names = ["Dockerfile", "dockerfile", "Containerfile"].map(|name| folder.join(name));
    names
        .into_iter()
        .find(|path| path.is_file())
        .ok_or_else(|| Failure::Usage(format!("no Dockerfile in `{}`; name it with -f", folder.display())))
}

fn stdin_dockerfile() -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut text);
    read.map_err(doing("read the Dockerfile from standard input"))?;
    match text.starts_with(&[0x1f, 0x8b]) || text.get(257..262) == Some(b"ustar") {
        true => {
            Err(Failure::Usage("an archive on standard input as context is not supported yet".to_owned()))
        }
        false => Ok(text),
    }
}

/// The file beside the Dockerfile goes before the context's own (trap 33).
pub(super) fn ignore_file(context: &Path, dockerfile: Option<&Path>) -> Option<(String, Vec<u8>)> {
    let beside = dockerfile.map(|file| {
        let mut name = file.as_os_str().to_owned();
        name.push(".dockerignore");
        PathBuf::from(name)
    });
    let inside = beside.as_ref().map(|b| context.join(b));
    let default = context.join("Dockerfile.dockerignore");
    let names = [context.join(".dockerignore"), context.join(".containerignore")];
    let candidates =
        beside.into_iter().chain(inside).chain(dockerfile.is_none().then_some(default)).chain(names);
    let read = |path: PathBuf| {
        let name = path.file_name()?.to_string_lossy().into_owned();
        Some((name, std::fs::read(&path).ok()?))
    };
    candidates.into_iter().find_map(read)
}

fn outputs(args: &Build) -> Result<(Vec<Output>, Vec<String>, Compress), Failure> {
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
    let flag = Compress { format: format_of(args.compression), level: args.compression_level };
    Ok((outputs, names, specs.iter().find_map(|s| s.compress).unwrap_or(flag)))
}

fn to_stdout(output: &Output) -> bool {
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
    if source.contains("://") || source.starts_with("git@") {
        return Err(Failure::Usage(format!(
            "named context `{source}`: only folders, oci-layout:// and docker-image:// are supported yet"
        )));
    }
    match Path::new(source).is_dir() {
        true => Ok(NamedContext::Folder(PathBuf::from(source))),
        false => Err(Failure::Usage(format!("named context `{source}` is not a folder"))),
    }
}

fn plan_options(
    args: &Build,
    config: &Config,
    contexts: &BTreeMap<String, NamedContext>,
) -> Result<plan::Options, Failure> {
    let is_folder = |context: &NamedContext| matches!(context, NamedContext::Folder(_));
    let names = |folders: bool| {
        contexts.iter().filter(|(_, c)| is_folder(c) == folders).map(|(name, _)| name.clone()).collect()
    };
    let build_args = pairs(&args.build_args, true)?;
    let epoch = epoch(&build_args)?;
    Ok(plan::Options {
        target: args.target.clone(),
        epoch,
        reproducible: timestamps(args, config)? == Timestamps::Reproducible,
        platform: platform(args)?,
        image_contexts: names(false),
        folder_contexts: names(true),
        labels: pairs(&args.labels, false)?,
        build_args,
        ..plan::Options::here()
    })
}

/// `K=V`, or with `inherit` a bare `K` that takes the environment's value if it has one.
fn pairs(texts: &[String], inherit: bool) -> Result<BTreeMap<String, String>, Failure> {
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

fn platform(args: &Build) -> Result<oci::Platform, Failure> {
    let Some(text) = &args.platform else { return Ok(oci::Platform::host()) };
    if text.contains(',') {
        return Err(Failure::Usage(format!(
            "`--platform {text}`: several platforms at once are not supported yet"
        )));
    }
    text.parse().map_err(Failure::Usage)
}

fn timestamps(args: &Build, config: &Config) -> Result<Timestamps, Failure> {
    let by_env = std::env::var_os("SOURCE_DATE_EPOCH").is_some_and(|v| !v.is_empty())
        || args.build_args.iter().any(|a| a.starts_with("SOURCE_DATE_EPOCH="));
    match args.timestamps {
        Some(TimestampRule::Preserve) if args.reproducible => {
            Err(Failure::Usage("`--reproducible` and `--timestamps preserve` exclude each other".to_owned()))
        }
        Some(TimestampRule::Preserve) => Ok(Timestamps::Preserve),
        Some(TimestampRule::Reproducible) => Ok(Timestamps::Reproducible),
        None if args.reproducible || config.reproducible || by_env => Ok(Timestamps::Reproducible),
        None => Ok(Timestamps::Preserve),
    }
}

fn report(args: &Build, settings: &Settings, built: &Built, started: Instant) -> Result<(), Failure> {
    let id = built.image.id().to_string();
    let write = |path: &PathBuf, text: &str| {
        std::fs::write(path, text).map_err(doing(format!("write `{}`", path.display())))
    };
    args.iidfile.iter().try_for_each(|path| write(path, &id))?;
    args.metadata_file.iter().try_for_each(|path| write(path, &metadata(args, built)))?;
    if how(args) == Progress::Quiet {
        // An archive on standard output must stay one.
        if !settings.outputs.iter().any(to_stdout) {
            println!("{id}");
        }
        return Ok(());
    }
    eprint!("{}", summary(args, built, started));
    Ok(())
}

/// The keys are buildx's.
fn metadata(args: &Build, built: &Built) -> String {
    let value = serde_json::json!({
        "containerimage.config.digest": built.image.id(),
        "containerimage.descriptor": built.image.descriptor,
        "containerimage.digest": built.image.descriptor.digest,
        "image.name": args.tags.join(","),
    });
    format!("{value:#}\n")
}

fn summary(args: &Build, built: &Built, started: Instant) -> String {
    let mut out = String::new();
    let mut line = |text: String| out += &(text + "\n");
    let layers = built.image.manifest.layers.len();
    line(format!("image   {}", built.image.id()));
    line(format!("digest  {}", built.image.descriptor.digest));
    args.tags.iter().for_each(|tag| line(format!("name    {tag}")));
    let plural = if layers == 1 { "" } else { "s" };
    let size = units::bytes(built.image.layers_size());
    line(format!("size    {size} compressed, {layers} layer{plural}{}", against(built)));
    line(format!("reused  {} of {} steps", built.cached, built.steps));
    built.notes.iter().for_each(|note| line(format!("        {note}")));
    line(format!("time    {}", units::duration(started.elapsed())));
    out
}

/// What the image was spared.
fn against(built: &Built) -> String {
    let Some(builder) = built.builder else { return String::new() };
    let (base, files) = (units::bytes(builder.base), units::bytes(builder.files));
    format!(" (its builder: {base} compressed base image + {files} of files on top)")
}
