//! `RUN --mount`: binds, caches, tmpfs, secrets and agents to what the sandbox mounts.
//!
//! A bind mount is never written to: what a step writes there goes to a scratch layer that is thrown away.
//! A cache mount is a folder of the store, by id; it is not part of the step's key, but what it starts with is.

mod cache;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::PathBuf;

use dockerfile::mount::{Mount, MountType};
use plan::{From, Part};
use sandbox::{Lower, MountKind};
use store::lock::Lock;

pub use cache::cache_name;
pub(crate) use cache::make_cache;

use crate::agent::{Access, Serving};
use crate::build::Session;
use crate::error::{Error, Result, doing};
use crate::made::Form;
use crate::settings::{Secret, Settings};
use crate::sight::Sight;
use crate::traced;

/// What a step has mounted, and what it holds while it runs.
#[derive(Default)]
pub struct Mounts {
    /// For the sandbox.
    pub list: Vec<sandbox::Mount>,
    /// Variables that secrets and agents are handed over in.
    pub env: Vec<(OsString, OsString)>,
    /// Locked caches.
    pub locks: Vec<Lock>,
    /// Sockets of agents.
    pub agents: Vec<Serving>,
}

/// What a mounted part of a context is called in the layer that is made of it.
pub const SOURCE: &str = "source";

/// What is known of a step's mounts before they are made.
#[derive(Default)]
pub struct Sources {
    /// For the step's key.
    pub parts: Vec<Part>,
    /// For its static key: without the folders that can be watched.
    pub fixed: Vec<Part>,
    /// These folders, by the number of their mount.
    pub gaps: Vec<(usize, Vec<tree::Change>)>,
}

impl Session<'_> {
    /// What the step's keys know of its mounts.
    ///
    /// # Errors
    /// If a source can't be read.
    pub fn mount_sources(&self, run: &plan::Run) -> Result<Sources> {
        let mut sources = Sources::default();
        for (i, (mount, from)) in run.mounts.iter().enumerate() {
            sources.fix(Part::plain(format!("mount.{i}"), format!("{mount:?}")));
            match from {
                _ if !has_source(mount) => {}
                From::Step(id) => {
                    let stack = id.map(|id| self.stack_of(id)).unwrap_or_default();
                    sources.fix(self.layers_part(format!("mount.{i}.layers"), &stack));
                }
                From::Context | From::Named(_) => {
                    let changes = self.context_changes(mount.source.as_deref().unwrap_or("/"), from)?;
                    sources.add(i, changes, mount.kind == MountType::Bind);
                }
            }
        }
        Ok(sources)
    }

    /// The mounted part of a context, as if it had been copied to an empty root.
    fn context_changes(&self, source: &str, from: &From) -> Result<Vec<tree::Change>> {
        let folder = match from {
            From::Named(name) => self.contexts.named(name)?,
            _ => self.contexts.main()?,
        };
        let scanned = folder.scanned(&self.elsewhere())?;
        let none = dockerfile::Patterns::default();
        let how = tree::copy::Copy {
            dest: b"/source",
            chown: None,
            chmod: None,
            link: false,
            parents: false,
            exclude: &none,
            created: tree::Time::default(),
        };
        let origin = tree::copy::Origin::Context(&scanned.found);
        let item = tree::copy::Item::Path { origin, path: source.as_bytes() };
        let nowhere = tree::View::new(Vec::new());
        let changes = tree::copy(&how, vec![item], &nowhere, folder.hashes());
        changes.map_err(|e| Error::Other(format!("mount `{source}`: {e}")))
    }

    /// Prepares the step's mounts.
    ///
    /// # Errors
    /// If a source isn't there or a folder can't be made.
    pub fn mounts(&self, run: &plan::Run, serving: Option<&traced::Serving>) -> Result<Mounts> {
        let mut out = Mounts::default();
        out.list.extend(run.script.as_ref().map(|(name, text)| script(name, text)));
        for (i, (mount, from)) in run.mounts.iter().enumerate() {
            let kind = match mount.kind {
                MountType::Tmpfs => Some(tmpfs(mount)),
                MountType::Cache => Some(self.cache_mount(mount, from, &mut out.locks)?),
                MountType::Bind => {
                    let served = serving.and_then(|serving| serving.lower(&Sight::mount_name(i)));
                    Some(self.bind_mount(mount, from, served)?)
                }
                MountType::Secret => self.secret_mount(mount, &mut out.env)?,
                MountType::Ssh => self.agent_mount(mount, &mut out)?,
            };
            let target = mount.target.as_ref().map(PathBuf::from);
            out.list.extend(target.zip(kind).map(|(target, kind)| sandbox::Mount { target, kind }));
        }
        Ok(out)
    }

    fn bind_mount(&self, mount: &Mount, from: &From, served: Option<Lower>) -> Result<MountKind> {
        let (lowers, path) = match from {
            From::Step(id) => {
                let stack = id.map(|id| self.stack_of(id)).unwrap_or_default();
                (self.folders(&stack)?, mount.source.clone().unwrap_or_default())
            }
            From::Context | From::Named(_) => {
                let changes = self.context_changes(mount.source.as_deref().unwrap_or("/"), from)?;
                if let (Some(served), Some(tree::Change::Put(folder))) = (&served, changes.first()) {
                    let (upper, work) = self.throw_away_upper(&folder.meta)?;
                    return Ok(MountKind::Overlay { lowers: vec![served.clone()], upper, work });
                }
                let id = self.keep(&changes, self.store.disk_time()?, Form::Files)?;
                (self.folders(&[id])?, SOURCE.to_owned())
            }
        };
        self.throw_away(lowers, path.trim_matches('/'))
    }

    /// One path of a stack, writable, but nothing written there is kept.
    fn throw_away(&self, folders: Vec<PathBuf>, path: &str) -> Result<MountKind> {
        let open = |f: &PathBuf| tree::Root::open(f).map_err(doing("open a layer"));
        let view = tree::View::new(folders.iter().map(open).collect::<Result<_>>()?);
        let say = || doing(format_args!("mount `{path}`").to_string());
        let path = view.resolve(path.as_bytes(), true).map_err(say())?;
        let node = view.lookup(&path).map_err(say())?;
        let name = String::from_utf8_lossy(&path).into_owned();
        let node = node.ok_or_else(|| Error::Other(format!("mount source \"/{name}\": not found")))?;
        let below = |folder: &PathBuf| folder.join(&name);
        let lower = |i: usize| Lower::Dir(below(&folders[i]));
        if node.stat.kind != tree::root::Type::Dir {
            let source = below(&folders[node.layer]);
            return Ok(MountKind::Bind { source, readonly: true, recursive: false });
        }
        let lowers = view.layers_of(&path).map_err(say())?.into_iter().map(lower).collect();
        let (mode, uid, gid) = (node.stat.mode, node.stat.uid, node.stat.gid);
        let (upper, work) = self.throw_away_upper(&tree::Meta { mode, uid, gid, ..Default::default() })?;
        Ok(MountKind::Overlay { lowers, upper, work })
    }

    /// Where the writes to a mounted folder go, with the folder's own mode and owner, and what overlayfs needs beside.
    fn throw_away_upper(&self, folder: &tree::Meta) -> Result<(PathBuf, PathBuf)> {
        let base = self.store.scratch("mount")?;
        let (upper, work) = (base.join("upper"), base.join("work"));
        let say = || doing("make a folder for what a step writes to a mount");
        std::fs::create_dir_all(&upper).map_err(say())?;
        std::fs::create_dir_all(&work).map_err(say())?;
        let mode = std::fs::Permissions::from_mode(folder.mode & 0o7777);
        std::fs::set_permissions(&upper, mode).map_err(say())?;
        chown(&upper, Some(folder.uid), Some(folder.gid)).map_err(say())?;
        Ok((upper, work))
    }
}

impl Sources {
    /// Both keys name it.
    fn fix(&mut self, part: Part) {
        self.parts.push(part.clone());
        self.fixed.push(part);
    }

    /// What of a cache's base a step reads, it reads in the cache, where nobody watches.
    fn add(&mut self, i: usize, changes: Vec<tree::Change>, may_watch: bool) {
        let id = oci::digest::hex(&tree::id(&changes));
        let content = Part::plain(format!("mount.{i}.content"), id);
        self.parts.push(content.clone());
        let is_folder = matches!(
            changes.first(),
            Some(tree::Change::Put(entry)) if *entry.path == *SOURCE.as_bytes() && matches!(entry.kind, tree::Kind::Dir)
        );
        match may_watch && is_folder && trace::traceable(&changes) {
            true => self.gaps.push((i, changes)),
            false => self.fixed.push(content),
        }
    }
}

/// A secret that is larger was meant to be something else. BuildKit's limit.
const LARGEST_SECRET: usize = 500 << 10;

impl Session<'_> {
    /// The value is in no key, no layer and no log, and on no disk: the sandbox has it in memory.
    fn secret_mount(&self, mount: &Mount, env: &mut Vec<(OsString, OsString)>) -> Result<Option<MountKind>> {
        let id = mount.id.as_deref().unwrap_or_default();
        let Some(contents) = self.settings.secret(id)? else {
            return match mount.required {
                true => Err(format!("secret {id}: not found; give it with --secret id={id},src=FILE").into()),
                false => Ok(None),
            };
        };
        if let Some(name) = &mount.env {
            env.push((name.into(), OsString::from_vec(contents.clone())));
        }
        let (uid, gid) = (mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
        let mode = mount.mode.unwrap_or(0o400);
        Ok(Some(MountKind::File { contents, mode, uid, gid, readonly: true }))
    }

    fn agent_mount(&self, mount: &Mount, out: &mut Mounts) -> Result<Option<MountKind>> {
        let id = mount.id.as_deref().unwrap_or_default();
        let Some(agent) = self.settings.agents.get(id) else {
            return match mount.required {
                true => Err(format!("ssh agent `{id}` is required; give it with --ssh {id}").into()),
                false => Ok(None),
            };
        };
        let owner = (mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
        let serving = agent.serve(self.store, Access { mode: mount.mode.unwrap_or(0o600), owner })?;
        let target = mount.target.as_deref().unwrap_or_default();
        out.env.push(("SSH_AUTH_SOCK".into(), target.into()));
        let source = serving.socket();
        out.agents.push(serving);
        Ok(Some(MountKind::Bind { source, readonly: false, recursive: false }))
    }
}

impl Settings {
    /// A secret's value; `None` if none of that name was given.
    pub(crate) fn secret(&self, id: &str) -> Result<Option<Vec<u8>>> {
        let contents = match self.secrets.get(id) {
            None => return Ok(None),
            Some(Secret::File(path)) => std::fs::read(path)
                .map_err(doing(format_args!("read secret `{id}` from `{}`", path.display())))?,
            Some(Secret::Variable(name)) => match std::env::var_os(name) {
                Some(value) => value.into_vec(),
                None => return Err(format!("secret `{id}`: the variable `{name}` is not set").into()),
            },
        };
        match contents.len() > LARGEST_SECRET {
            true => Err(format!("secret `{id}` is larger than 500 KiB").into()),
            false => Ok(Some(contents)),
        }
    }
}

/// Whether files of elsewhere are in it.
fn has_source(mount: &Mount) -> bool {
    match mount.kind {
        MountType::Bind => true,
        MountType::Cache => mount.from.is_some(),
        MountType::Tmpfs | MountType::Secret | MountType::Ssh => false,
    }
}

fn script(name: &str, text: &[u8]) -> sandbox::Mount {
    let kind = MountKind::File { contents: text.to_vec(), mode: 0o755, uid: 0, gid: 0, readonly: true };
    sandbox::Mount { target: PathBuf::from(format!("/dev/pipes/{name}")), kind }
}

fn tmpfs(mount: &Mount) -> MountKind {
    MountKind::Tmpfs { size: (mount.size > 0).then_some(mount.size), mode: 0o1777 }
}
