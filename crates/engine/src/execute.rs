//! A RUN's command in a sandbox, and what it changed as a layer.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use dockerfile::mount::MountType;
use plan::StepId;
use sandbox::{Caps, Input, Io, Lower, MountKind, Network, Output, Root as SandboxRoot};
use store::layers::Maker;
use store::{LayerId, Store};
use tree::root::Root;
use tree::users::User;
use tree::{Change, Snapshot, Time, View};

use crate::build::Session;
use crate::error::{Error, Result, StepError, doing};
use crate::event::Task;
use crate::made::meta_of;
use crate::readers::Readers;
use crate::settings::Tracing;
use crate::sight::Sight;
use crate::traced::{Ran, Seen, Serving};

/// What is asked of a RUN.
pub struct Asked<'a> {
    /// The instruction.
    pub run: &'a plan::Run,
    /// The layers below it, lowest first.
    pub stack: &'a [LayerId],
    /// What of that is watched, if anything is.
    pub sight: Option<Sight>,
}

/// What came of it.
pub struct Executed {
    /// What it changed.
    pub layer: LayerId,
    /// What it read, where that is known.
    pub seen: Option<Seen>,
    /// Whether it may have seen more of the world than its key and its facts tell: the network, or a cache.
    pub open: bool,
    /// Whether the user edited something that it read meanwhile: then nothing of it may be kept.
    pub edited: bool,
}

/// A step that ran to its end, and well.
struct Done {
    /// Mount points that had to be made.
    created: Vec<Vec<u8>>,
    /// Whether it may have used the network.
    network: bool,
}

/// Where a step's writes go while it runs.
struct Scratch {
    upper: PathBuf,
    work: PathBuf,
}

impl Session<'_> {
    /// Runs the step. With a sight, its gaps are served, and what it read of them is handed out.
    ///
    /// # Errors
    /// If the command fails, or can't be started, or its changes can't be kept.
    pub fn execute(&self, id: StepId, asked: &Asked, task: &Task) -> Result<Executed> {
        let (run, stack, sight) = (asked.run, asked.stack, asked.sight.as_ref());
        let below = self.view(stack)?;
        let scratch = self.scratch(&below)?;
        let readers = Arc::new(self.readers(stack, sight)?);
        let serving = sight.and_then(|sight| self.serve(sight, &readers));
        let mut lowers = match sight.zip(serving.as_ref()) {
            Some((sight, serving)) => self.parted(sight, serving)?,
            None => self.folders(stack)?.into_iter().map(Lower::Dir).collect(),
        };
        lowers.push(Lower::Dir(stubs(self.store)?));
        let mounts = self.mounts(run, serving.as_ref())?;
        let user = tree::users::run_user(&run.user, &below).map_err(|e| Error::Other(e.to_string()))?;
        let tool_cache = self.tool_cache(id, run, &below, &user)?;
        let mut step = self.sandbox_step(run, user, lowers, &scratch);
        let has_tool_cache = tool_cache.is_some();
        step.mounts.extend(tool_cache);
        step.watch_network = serving.is_some();
        step.mounts.extend(mounts.list);
        // Of two variables of one name a program sees the first, and the mount's is meant.
        step.env.retain(|(name, _)| !mounts.env.iter().any(|(own, _)| own == name));
        step.env.extend(mounts.env);
        self.add_host_files(id, &mut step);
        let started = self.disk_time()?;
        let served = serving.as_ref().map_or(&[][..], |serving| &serving.mounts);
        let done = self.supervise(id, step, served, task)?;
        drop(mounts.locks);
        self.note(id, |note| note.network = done.network);
        let touched = serving.map(Serving::finish);
        let ran = self.collect(&scratch, &below, &done.created)?;
        let layer = self.keep_run(&scratch, &ran, stack, started)?;
        let seen = match (sight, touched) {
            (Some(sight), Some(touched)) if !done.network => {
                Some(self.seen(run, sight, &touched, &ran, &readers)?)
            }
            _ => None,
        };
        let edited = sight.zip(seen.as_ref()).and_then(|(sight, seen)| edited(sight, seen, started));
        if let Some(path) = &edited {
            self.voice
                .warn(format!("`/{path}` was changed while a step read it, so the step will run again"));
        }
        let has_cache = has_tool_cache || run.mounts.iter().any(|(mount, _)| mount.kind == MountType::Cache);
        Ok(Executed { layer, seen, open: done.network || has_cache, edited: edited.is_some() })
    }

    /// Who may be among the step's programs.
    fn readers(&self, stack: &[LayerId], sight: Option<&Sight>) -> Result<Readers> {
        let native = |id: &&LayerId| sight.is_some_and(|sight| sight.natives.contains(id));
        let native = self.distinct(stack).iter().rev().map(native).collect();
        Ok(Readers::new(self.view(stack)?, native, self.settings.tracing == Tracing::Tools))
    }

    /// The layers of a step, the top one first, with its gaps served.
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
        let base = self.store.scratch("run")?;
        let (upper, work) = (base.join("upper"), base.join("work"));
        let say = || doing("make a folder for a step's changes");
        std::fs::create_dir(&base).map_err(say())?;
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

    /// Starts the step, listens to it, and waits.
    fn supervise(&self, id: StepId, step: sandbox::Step, served: &[OwnedFd], task: &Task) -> Result<Done> {
        let (reader, writer) = std::io::pipe().map_err(doing("make a pipe"))?;
        let stdout = writer.try_clone().map_err(doing("make a pipe"))?;
        let io =
            Io { stdin: Input::Empty, stdout: Output::Fd(stdout.into()), stderr: Output::Fd(writer.into()) };
        let running = sandbox::spawn_with(&step, io, served).map_err(doing("start a sandbox"))?;
        self.watch(id, running.control());
        let log = self.logs.step(id);
        let (ended, tail) = std::thread::scope(|scope| {
            let listener = scope.spawn(|| crate::output_pipe::follow(reader, task, log.clone()));
            let ended = running.wait();
            (ended, listener.join().unwrap_or_default())
        });
        self.unwatch(id);
        self.check_cancel()?;
        let command = step.argv.iter().map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let foreign =
            ended.as_ref().err().and_then(|e| crate::foreign::translate(&self.plan.step(id).platform, e));
        let message = match ended {
            Ok(finished) if finished.exit == sandbox::Exit::Code(0) => {
                let created = finished.created.iter().map(|p| relative(p)).collect();
                return Ok(Done { created, network: finished.network });
            }
            Ok(finished) => {
                format!("process {command:?} did not complete successfully: {}", outcome(finished.exit))
            }
            Err(e) => e.to_string(),
        };
        let of = self.plan.step(id);
        let help = help_for(&message);
        let (message, help) = foreign.map_or((message, help), |(message, help)| (message, Some(help)));
        let tail = tail.finish();
        Err(Error::Step(Box::new(StepError {
            line: of.line,
            text: of.text.clone(),
            message,
            help,
            tail,
            log,
        })))
    }

    fn collect<'a>(&self, scratch: &Scratch, below: &'a View, created: &[Vec<u8>]) -> Result<Ran<'a>> {
        let upper = Root::open(&scratch.upper).map_err(doing("open a step's changes"))?;
        let Snapshot { changes, unchanged } = tree::snapshot(&upper, below, created, &tree::hash::NoHashes)
            .map_err(doing("read a step's changes"))?;
        Ok(Ran { below, changes, unchanged })
    }

    fn keep_run(&self, scratch: &Scratch, ran: &Ran, stack: &[LayerId], started: Time) -> Result<LayerId> {
        let id = LayerId::Made(tree::id(&ran.changes));
        let copied = self.copied_times(&ran.changes, stack, started)?;
        self.store.place_fs(&id, &scratch.upper)?;
        self.store.put_layer(&id, &ran.changes, &meta_of(&ran.changes, Maker::Run, started, copied))?;
        Ok(id)
    }

    /// Times that a step took over from files that COPY had brought; see `times`.
    fn copied_times(&self, changes: &[Change], stack: &[LayerId], started: Time) -> Result<Vec<(i64, u32)>> {
        if !crate::times::has_older(changes, started) {
            return Ok(Vec::new());
        }
        let mut below = BTreeSet::new();
        for id in stack {
            match self.store.layer_meta(id) {
                Some(meta) if meta.maker == Maker::Copy => {
                    below.extend(crate::times::mtimes(&self.store.layer_changes(id)?).map(|t| t.sec));
                }
                Some(meta) => below.extend(meta.copied.iter().map(|&(sec, _)| sec)),
                None => {}
            }
        }
        Ok(crate::times::copied(changes, started, &below))
    }
}

fn edited(sight: &Sight, seen: &Seen, started: Time) -> Option<String> {
    let of = |(name, facts): (&String, &trace::Facts)| {
        sight.gaps.get(name).and_then(|gap| crate::loose::edited(&gap.loose, facts, started))
    };
    seen.facts.iter().find_map(of)
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

fn relative(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes();
    bytes.strip_prefix(b"/").unwrap_or(bytes).to_vec()
}

fn outcome(exit: sandbox::Exit) -> String {
    match exit {
        sandbox::Exit::Code(code) => format!("exit code: {code}"),
        sandbox::Exit::Signal(signal) => format!("killed by signal {signal}"),
    }
}

/// What can be done, for failures that have one usual cause.
fn help_for(message: &str) -> Option<String> {
    let text = if message.ends_with("exit code: 127") {
        "127 means that a program was not found: is it installed in this stage, and in PATH?"
    } else if message.ends_with("killed by signal 9") || message.ends_with("exit code: 137") {
        "something killed it, most often the kernel for want of memory"
    } else if message.starts_with("exec `/bin/sh`") {
        "this image has no shell; use the JSON form: RUN [\"program\", \"argument\"]"
    } else {
        return None;
    };
    Some(text.to_owned())
}
