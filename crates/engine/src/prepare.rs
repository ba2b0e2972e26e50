//! A RUN to all that its sandbox needs: layers, served or as folders, mounts, the environment, a place for changes.

use std::ffi::OsString;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dockerfile::mount::MountType;
use plan::StepId;
use sandbox::{Caps, Lower, MountKind, Network, Root as SandboxRoot};
use store::{LayerId, Store};
use tree::users::User;
use tree::{Time, View};

use crate::build::Session;
use crate::error::{Error, Result, doing};
use crate::execute::Asked;
use crate::mounts::Mounts;
use crate::readers::Readers;
use crate::settings::Tracing;
use crate::sight::Sight;
use crate::traced::{Serving, Shown};

/// A step that can be started.
pub struct Ready {
    /// What the sandbox is told.
    pub step: sandbox::Step,
    /// All that is below it.
    pub below: Arc<View>,
    /// Where its writes go.
    pub scratch: Scratch,
    /// Its gaps, if they are watched.
    pub serving: Option<Serving>,
    /// Who may be among its programs.
    pub readers: Arc<Readers>,
    /// What its mounts need; held while it runs.
    pub mounts: Mounts,
    /// Whether a cache is among them.
    pub has_cache: bool,
    /// The times that it sees.
    pub times: Shown,
}

/// Where a step's writes go while it runs.
pub struct Scratch {
    /// The layer that is made of them.
    pub upper: PathBuf,
    work: PathBuf,
}

impl Session<'_> {
    /// Prepares a step.
    ///
    /// # Errors
    /// If a layer or a mount can't be had, or there is no such user.
    pub(crate) fn prepare(&self, id: StepId, asked: &Asked) -> Result<Ready> {
        let (run, stack, sight) = (asked.run, asked.stack, asked.sight.as_ref());
        let below = Arc::new(self.view_below(stack)?);
        let scratch = self.scratch(&below)?;
        let readers = Arc::new(self.readers(below.clone(), stack, sight).starting(&run.argv));
        let user = tree::users::run_user(&run.user, &below).map_err(|e| Error::Other(e.to_string()))?;
        let tool_cache = self.tool_cache(id, run, &below, &user)?;
        let told_apart = tool_cache.is_some() && sight.is_some_and(|sight| self.serves_sources(run, sight));
        let times = if told_apart { Shown::ByContent } else { Shown::AsTheyAre };
        let serving = sight.and_then(|sight| self.serve(sight, &readers, times));
        let mut mounts = self.mounts(run, serving.as_ref())?;
        let mut step = self.sandbox_step(run, user, self.lowers(asked, serving.as_ref())?, &scratch);
        if tool_cache.is_some() && !(told_apart && serving.is_some()) {
            crate::go_times::without_index(&mut step.env);
        }
        let is_cache = |(mount, _): &(dockerfile::mount::Mount, _)| mount.kind == MountType::Cache;
        let has_cache = tool_cache.is_some() || run.mounts.iter().any(is_cache);
        step.watch_network = serving.is_some();
        step.followed = self.below_runs[id.0 as usize];
        step.mounts.extend(tool_cache);
        step.mounts.append(&mut mounts.list);
        // Of two variables of one name a program sees the first, and the mount's is meant.
        step.env.retain(|(name, _)| !mounts.env.iter().any(|(own, _)| own == name));
        step.env.append(&mut mounts.env);
        self.add_host_files(id, &mut step);
        Ok(Ready { step, below, scratch, serving, readers, mounts, has_cache, times })
    }

    /// Who may be among the step's programs.
    fn readers(&self, below: Arc<View>, stack: &[LayerId], sight: Option<&Sight>) -> Readers {
        let native = |id: &&LayerId| sight.is_some_and(|sight| sight.natives.contains(id));
        let native = self.distinct(stack).iter().rev().map(native).collect();
        let weaken = self.settings.tracing == Tracing::Tools;
        Readers::new(below, native, weaken, self.looked.proofs.clone())
    }

    /// The layers of a step, the top one first.
    fn lowers(&self, asked: &Asked, serving: Option<&Serving>) -> Result<Vec<Lower>> {
        let mut lowers = match asked.sight.as_ref().zip(serving) {
            Some((sight, serving)) => self.parted(sight, serving)?,
            None => self.folders(asked.stack)?.into_iter().map(Lower::Dir).collect(),
        };
        lowers.push(Lower::Dir(stubs(self.store)?));
        Ok(lowers)
    }

    /// The same with gaps that are served.
    fn parted(&self, sight: &Sight, serving: &Serving) -> Result<Vec<Lower>> {
        self.bring(&sight.natives)?;
        let mut lowers: Vec<Lower> =
            serving.lower(&Sight::gap_name(sight.natives.len())).into_iter().collect();
        for (i, native) in sight.natives.iter().enumerate().rev() {
            lowers.push(Lower::Dir(self.store.layer_fs(native)));
            lowers.extend(serving.lower(&Sight::gap_name(i)));
        }
        Ok(lowers)
    }

    /// An empty upper directory that looks like the root below it: overlayfs shows its mode and owner.
    fn scratch(&self, below: &View) -> Result<Scratch> {
        let (upper, work) = (self.store.scratch("upper")?, self.store.scratch("work")?);
        let say = || doing("make a folder for a step's changes");
        std::fs::create_dir(&upper).map_err(say())?;
        std::fs::create_dir(&work).map_err(say())?;
        like_root(&upper, below).map_err(say())?;
        Ok(Scratch { upper, work })
    }

    fn sandbox_step(
        &self,
        run: &plan::Run,
        user: User,
        lowers: Vec<Lower>,
        scratch: &Scratch,
    ) -> sandbox::Step {
        let root = SandboxRoot::Overlay { lowers, upper: scratch.upper.clone(), work: scratch.work.clone() };
        let argv = run.argv.iter().map(OsString::from).collect();
        let mut step = sandbox::Step::new(root, argv);
        step.env = environment(run, &user.home);
        step.cwd = PathBuf::from(&run.cwd);
        (step.uid, step.gid, step.groups) = (user.uid, user.gid, user.groups);
        let around = &self.settings.surroundings;
        step.hosts = around.hosts.clone();
        step.shm_size = around.shm_size.unwrap_or(step.shm_size);
        step.ulimits = around.ulimits.clone();
        step.network = if run.offline { Network::None } else { Network::Host };
        if run.insecure {
            (step.caps, step.seccomp) = (Caps::All, false);
        }
        step
    }

    fn add_host_files(&self, id: StepId, step: &mut sandbox::Step) {
        let host = &self.settings.host_files;
        if !host.lines.contains(&self.plan.step(id).line) {
            return;
        }
        let bind = |(source, target): &(PathBuf, PathBuf)| {
            let kind = MountKind::Bind { source: source.clone(), readonly: true, recursive: true };
            sandbox::Mount { target: target.clone(), kind }
        };
        step.mounts.extend(host.mounts.iter().map(bind));
        step.env.extend(host.env.iter().map(|(name, value)| (name.into(), value.into())));
    }
}

/// The lowest layer of every sandbox: empty mount points, so that none has to be made and swept at each step.
///
/// # Errors
/// If it can't be made.
pub fn stubs(store: &Store) -> Result<PathBuf> {
    let path = store.root().join("stubs");
    if path.is_dir() {
        return Ok(path);
    }
    let scratch = store.scratch("stubs")?;
    std::fs::create_dir(&scratch)
        .and_then(|()| sandbox::make_stubs(&scratch))
        .map_err(doing("make mount points"))?;
    match store.place(&scratch, &path) {
        // Another process was faster, and its folder is as good.
        Err(_) if path.is_dir() => Ok(path),
        Err(e) => Err(e.into()),
        Ok(()) => Ok(path),
    }
}

/// Gives an upper directory the mode, owner and time of the root below.
pub fn like_root(upper: &Path, below: &View) -> std::io::Result<()> {
    let root = below.lookup(b"")?;
    // An empty stack has a root that nobody made: Docker's is 0755 root.
    let (mode, uid, gid, time) =
        root.filter(|_| !below.layers().is_empty()).map_or((0o755, 0, 0, Time { sec: 0, nsec: 0 }), |node| {
            (node.stat.mode & 0o7777, node.stat.uid, node.stat.gid, node.stat.ident.mtime)
        });
    chown(upper, Some(uid), Some(gid))?;
    std::fs::set_permissions(upper, std::fs::Permissions::from_mode(mode))?;
    crate::times::set(upper, time)
}

/// What the process sees, in order; `HOME` comes from the image's passwd file unless it is set.
fn environment(run: &plan::Run, home: &str) -> Vec<(OsString, OsString)> {
    let mut env: Vec<(OsString, OsString)> = Vec::new();
    let all = run.env.iter().chain(&run.proxies);
    env.extend(all.map(|(name, value)| (name.into(), value.into())));
    if !env.iter().any(|(name, _)| name == "HOME") {
        env.push(("HOME".into(), home.into()));
    }
    env
}
