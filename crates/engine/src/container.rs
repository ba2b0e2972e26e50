//! `tare run`: a stored image's program in the same sandbox, its writes thrown away at the end.

use std::ffi::OsString;
use std::path::PathBuf;

use sandbox::{MountKind, Root as SandboxRoot, Step};
use store::{LayerId, Store, Stored};
use tree::View;
use tree::root::Root;

use crate::error::{Error, Result, doing};

/// What `tare run` is asked for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Instead of the image's entrypoint.
    pub entrypoint: Option<String>,
    /// Instead of the image's arguments.
    pub args: Vec<String>,
    /// `-e`.
    pub env: Vec<(String, String)>,
    /// `-v`: host path, path in the container, read-only.
    pub volumes: Vec<(PathBuf, PathBuf, bool)>,
    /// `-u`.
    pub user: Option<String>,
    /// `-w`.
    pub workdir: Option<String>,
    /// `-t`.
    pub tty: bool,
    /// `--network none`.
    pub offline: bool,
    /// `--read-only`.
    pub read_only: bool,
}

/// A container that is ready to start. Its scratch folder is the store's and goes with it.
pub fn prepare(store: &Store, stored: &Stored, request: &Request) -> Result<Step> {
    let image = store.load_image(&stored.manifest)?;
    let mut lowers = folders(store, stored, &image)?;
    let open = |f: &PathBuf| Root::open(f).map_err(doing("open a layer"));
    let view = View::new(lowers.iter().map(open).collect::<Result<_>>()?);
    lowers.push(crate::prepare::stubs(store)?);
    let lowers = lowers.into_iter().map(Into::into).collect();
    let config = &image.config.config;
    let user = request.user.clone().unwrap_or_else(|| config.user.clone());
    let user = tree::users::run_user(&user, &view).map_err(|e| Error::Other(e.to_string()))?;
    let argv = command(config, request).ok_or_else(|| no_command(&stored.name))?;
    let mut step = Step::new(scratch(store, &view, lowers)?, argv.into_iter().map(OsString::from).collect());
    step.hostname = format!("tare-{}", image.id().short());
    step.cwd = PathBuf::from(cwd(config, request));
    (step.uid, step.gid, step.groups) = (user.uid, user.gid, user.groups);
    step.env = environment(config, request, &user.home);
    step.tty = request.tty;
    step.readonly_root = request.read_only;
    if request.offline {
        step.network = sandbox::Network::None;
    }
    step.mounts = volumes(request)?;
    Ok(step)
}

/// The layers that hold anything, on disk, the top one first.
fn folders(store: &Store, stored: &Stored, image: &oci::Image) -> Result<Vec<PathBuf>> {
    let empty = LayerId::Made(tree::id(&[]));
    let parts = stored.layers.iter().zip(&image.manifest.layers).zip(&image.config.rootfs.diff_ids);
    let mut out = Vec::new();
    for ((id, blob), diff_id) in parts.filter(|((id, _), _)| **id != empty) {
        let _lock = store.lock(&format!("bring-{id}"))?;
        if !store.has_whole_fs(id)? {
            crate::stack::unpack_stored(store, id, blob, diff_id)?;
        }
        out.push(store.layer_fs(id));
    }
    out.reverse();
    Ok(out)
}

fn scratch(store: &Store, view: &View, lowers: Vec<sandbox::Lower>) -> Result<SandboxRoot> {
    let base = store.scratch("container")?;
    let (upper, work) = (base.join("upper"), base.join("work"));
    for folder in [&upper, &work] {
        std::fs::create_dir_all(folder).map_err(doing("make a folder for the container's changes"))?;
    }
    crate::prepare::like_root(&upper, view).map_err(doing("prepare the container's root"))?;
    Ok(SandboxRoot::Overlay { lowers, upper, work })
}

/// Entrypoint and arguments; a new entrypoint drops the image's arguments, as in Docker.
fn command(config: &oci::Config, request: &Request) -> Option<Vec<String>> {
    let mut argv = match &request.entrypoint {
        Some(program) if program.is_empty() => Vec::new(),
        Some(program) => vec![program.clone()],
        None => config.entrypoint.clone().unwrap_or_default(),
    };
    match (request.args.is_empty(), &request.entrypoint) {
        (false, _) => argv.extend(request.args.iter().cloned()),
        (true, None) => argv.extend(config.cmd.clone().unwrap_or_default()),
        (true, Some(_)) => {}
    }
    (!argv.is_empty()).then_some(argv)
}

fn no_command(name: &str) -> Error {
    Error::Other(format!("image `{name}` has no CMD and no ENTRYPOINT: name a program after the image"))
}

fn cwd(config: &oci::Config, request: &Request) -> String {
    let dir = request.workdir.clone().unwrap_or_else(|| config.working_dir.clone());
    if dir.is_empty() { "/".to_owned() } else { dir }
}

fn environment(config: &oci::Config, request: &Request, home: &str) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(String, String)> = Vec::new();
    let mut set = |name: &str, value: &str| match env.iter_mut().find(|(n, _)| n == name) {
        Some((_, old)) => *old = value.to_owned(),
        None => env.push((name.to_owned(), value.to_owned())),
    };
    set("HOME", home);
    if request.tty {
        set("TERM", "xterm");
    }
    for pair in &config.env {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        set(name, value);
    }
    request.env.iter().for_each(|(name, value)| set(name, value));
    env.into_iter().map(|(n, v)| (n.into(), v.into())).collect()
}

fn volumes(request: &Request) -> Result<Vec<sandbox::Mount>> {
    let one = |(host, target, readonly): &(PathBuf, PathBuf, bool)| {
        let source = host.canonicalize().map_err(doing(format_args!("open volume `{}`", host.display())))?;
        let kind = MountKind::Bind { source, readonly: *readonly, recursive: true };
        Ok(sandbox::Mount { target: target.clone(), kind })
    };
    request.volumes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entrypoint: Option<&str>, args: &[&str], expected: &[&str]) {
        let words = |list: &[&str]| list.iter().map(|s| s.to_string()).collect::<Vec<_>>();
        let config = oci::Config {
            entrypoint: Some(words(&["/app"])),
            cmd: Some(words(&["serve"])),
            ..oci::Config::default()
        };
        let request =
            Request { entrypoint: entrypoint.map(str::to_owned), args: words(args), ..Request::default() };
        assert_eq!(command(&config, &request), Some(words(expected)).filter(|w| !w.is_empty()));
    }

    #[test]
    fn the_command_is_dockers() {
        check(None, &[], &["/app", "serve"]);
        check(None, &["--help"], &["/app", "--help"]);
        check(Some("/sh"), &[], &["/sh"]);
        check(Some("/sh"), &["-c"], &["/sh", "-c"]);
        check(Some(""), &["x"], &["x"]);
        check(Some(""), &[], &[]);
    }
}
