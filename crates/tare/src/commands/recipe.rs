//! A Go project without a Dockerfile: flags to what the recipe is asked for, and its answer to settings.

pub mod advice;
pub mod git;
mod host;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engine::Toolchain;
use engine::settings::{NamedContext, Secret};
use engine::toolchain::Origin;
use plan::lock::{Kind, Lock};
use recipe::{Ask, Recipe};
use transport::Env;

use crate::cli::{Build, Go};
use crate::failure::Failure;

/// From where the go command takes modules; what they hold, go.sum says. The recipe's Dockerfile declares each as
/// an ARG, but where a module came from is no reason to fetch it again, so here they are in no key.
const SOURCES: [&str; 8] =
    ["GOPROXY", "GOPRIVATE", "GONOPROXY", "GONOSUMDB", "GOSUMDB", "GOINSECURE", "GOVCS", "GOAUTH"];

/// How steps reach the network; they are in no key either.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "NO_PROXY", "no_proxy"];

/// What decides how the go command builds.
const FLAGS: &str = "GOFLAGS";

/// The Dockerfile that the project would have had.
///
/// # Errors
/// If the project can't be built so, with what to do.
pub fn of(args: &Build, folder: &Path) -> Result<Recipe, Failure> {
    if args.target.is_some() {
        return Err(Failure::Usage(
            "`--target` names a stage of a Dockerfile, and this build has none".to_owned(),
        ));
    }
    read(&args.go, folder, args.platform.as_deref())
}

/// The recipe of a project.
///
/// # Errors
/// As [`of`].
pub fn read(go: &Go, folder: &Path, platforms: Option<&str>) -> Result<Recipe, Failure> {
    recipe::go(folder, &ask(go, platforms)?).map_err(problem)
}

/// The toolchain that a recipe is built with.
///
/// # Errors
/// If it is to be this machine's, and there is none.
pub fn chosen(go: &Go, recipe: &Recipe, lock: &Lock) -> Result<Toolchain, Failure> {
    match go.version.as_deref() {
        Some(host::WORD) => host::go().map(|go| go.toolchain()),
        _ => Ok(toolchain(&recipe.go.version, lock)),
    }
}

/// What goes wrong with a project is a build's failure, with advice.
pub fn problem(problem: recipe::Problem) -> Failure {
    let help = problem.help.map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    Failure::Other(problem.message + &help)
}

/// What flags ask for.
///
/// # Errors
/// If a flag makes no sense.
pub fn ask(go: &Go, platforms: Option<&str>) -> Result<Ask, Failure> {
    Ok(Ask {
        mains: go.mains.clone(),
        go: version(go)?,
        tags: go.build_tags.clone(),
        ldflags: go.ldflags.clone(),
        includes: go.includes.iter().map(|text| include(text)).collect::<Result<_, _>>()?,
        entrypoint: go.entrypoint.iter().cloned().collect(),
        platforms: platforms.map_or(Ok(Vec::new()), |list| super::platforms::read(Some(list)))?,
        ..Ask::default()
    })
}

fn version(go: &Go) -> Result<Option<String>, Failure> {
    match go.version.as_deref() {
        Some(host::WORD) => host::go().map(|go| Some(go.version)),
        version => Ok(version.map(str::to_owned)),
    }
}

fn include(text: &str) -> Result<(String, String), Failure> {
    let parts = text.split_once(':').filter(|(from, to)| !from.is_empty() && to.starts_with('/'));
    let bad =
        || Failure::Usage(format!("`--include {text}` is not PATH:DESTINATION with an absolute destination"));
    parts.map(|(from, to)| (from.to_owned(), to.to_owned())).ok_or_else(bad)
}

/// The first flag that only makes sense without a Dockerfile.
pub fn first_flag(go: &Go) -> Option<&'static str> {
    let given = [
        ("--main", !go.mains.is_empty()),
        ("--go", go.version.is_some()),
        ("--build-tags", !go.build_tags.is_empty()),
        ("--ldflags", go.ldflags.is_some()),
        ("--include", !go.includes.is_empty()),
        ("--entrypoint", go.entrypoint.is_some()),
    ];
    given.into_iter().find(|(_, given)| *given).map(|(flag, _)| flag)
}

/// Makes of a build's settings those of the recipe: the toolchain stands in for the image that it names, steps
/// that have everything get no network, and downloads find what the caller's own go command would.
pub fn apply(
    recipe: &Recipe,
    toolchain: Toolchain,
    contexts: &mut BTreeMap<String, NamedContext>,
    plan: &mut plan::Options,
    secrets: &mut BTreeMap<String, Secret>,
) {
    let env = Env::process();
    contexts.insert(recipe.base.clone(), NamedContext::Go(toolchain));
    plan.image_contexts.insert(recipe.base.clone());
    plan.offline = recipe.offline.iter().filter_map(|line| u32::try_from(*line).ok()).collect();
    for (name, value) in recipe.labels.clone() {
        plan.labels.entry(name).or_insert(value);
    }
    let go = goproxy::Settings::read(&env);
    if let Some(flags) = go.var(FLAGS) {
        plan.build_args.entry(FLAGS.to_owned()).or_insert(flags);
    }
    let sources = SOURCES.iter().filter_map(|name| Some((name.to_string(), go.var(name)?)));
    let proxies = PROXIES.iter().filter_map(|name| Some((name.to_string(), env.var(name)?)));
    plan.outside = sources.chain(proxies).filter(|(name, _)| !plan.build_args.contains_key(name)).collect();
    let found = [("netrc", netrc(&env)), ("ca", roots(&env))];
    for (id, file) in found {
        if let Some(file) = file {
            secrets.entry(id.to_owned()).or_insert(Secret::File(file));
        }
    }
}

/// The toolchain, held to the lock file's hash if that has one.
pub fn toolchain(version: &str, lock: &Lock) -> Toolchain {
    let platform = oci::Platform::host();
    let module = goproxy::toolchain(version, &platform.os, &platform.architecture);
    let sum = lock.digest(Kind::Go, &module.to_string()).map(str::to_owned);
    Toolchain { version: version.to_owned(), from: Origin::Proxy(sum) }
}

/// As the go command looks for it.
fn netrc(env: &Env) -> Option<PathBuf> {
    env.path("NETRC").or_else(|| env.home(".netrc")).filter(|path| path.is_file())
}

/// The root certificates that programs of this machine trust, where Linux distributions keep them. Without any,
/// the image's own are used.
fn roots(env: &Env) -> Option<PathBuf> {
    let usual = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/ca-bundle.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let usual = usual.into_iter().map(PathBuf::from);
    env.path("SSL_CERT_FILE").into_iter().chain(usual).find(|path| path.is_file())
}
