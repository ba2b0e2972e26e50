//! `RUN --mount`: binds, caches, tmpfs, secrets and agents to what the sandbox mounts.
//!
//! A bind mount is never written to: what a step writes there goes to a scratch layer that is thrown away.
//! A cache mount is a folder of the store, by id; it is not part of the step's key.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use dockerfile::mount::{Mount, MountType, Sharing};
use plan::{From, Part};
use sandbox::MountKind;
use store::lock::Lock;

use crate::build::Session;
use crate::error::{Error, Result, doing};
use crate::made::Form;
use crate::settings::{Secret, Settings};

/// What a step has mounted, and what it holds while it runs.
#[derive(Default)]
pub struct Mounts {
    /// For the sandbox.
    pub list: Vec<sandbox::Mount>,
    /// Variables that secrets and agents are handed over in.
    pub env: Vec<(OsString, OsString)>,
    /// Locked caches.
    pub locks: Vec<Lock>,
}

impl Session<'_> {
    /// What the step's key knows of its mounts.
    ///
    /// # Errors
    /// If a source can't be read.
    pub fn mount_parts(&self, run: &plan::Run) -> Result<Vec<Part>> {
        let mut parts = Vec::new();
        for (i, (mount, from)) in run.mounts.iter().enumerate() {
            parts.push(Part::plain(format!("mount.{i}"), format!("{mount:?}")));
            if mount.kind == MountType::Bind {
                parts.extend(self.source_part(i, mount, from)?);
            }
        }
        Ok(parts)
    }

    fn source_part(&self, i: usize, mount: &Mount, from: &From) -> Result<Vec<Part>> {
        if let From::Step(id) = from {
            let stack = id.map(|id| self.stack_of(id)).unwrap_or_default();
            let named = |p: Part| Part { name: format!("mount.{i}.{}", p.name), ..p };
            return Ok(self.layer_parts(&stack).into_iter().map(named).collect());
        }
        let changes = self.context_changes(mount, from)?;
        Ok(vec![Part::plain(format!("mount.{i}.content"), oci::digest::hex(&tree::id(&changes)))])
    }

    /// The mounted part of a context, as if it had been copied to an empty root.
    fn context_changes(&self, mount: &Mount, from: &From) -> Result<Vec<tree::Change>> {
        let folder = match from {
            From::Named(name) => self.contexts.named(name)?,
            _ => self.contexts.main()?,
        };
        let found = folder.found(&self.elsewhere())?;
        let none = dockerfile::Patterns::default();
        let source = mount.source.as_deref().unwrap_or("/");
        let how = tree::copy::Copy {
            dest: b"/source",
            chown: None,
            chmod: None,
            link: false,
            parents: false,
            exclude: &none,
            created: tree::Time::default(),
        };
        let origin = tree::copy::Origin::Context(&found);
        let item = tree::copy::Item::Path { origin, path: source.as_bytes() };
        let nowhere = tree::View::new(Vec::new());
        let changes = tree::copy(&how, vec![item], &nowhere, folder.hashes());
        changes.map_err(|e| Error::Other(format!("mount `{source}`: {e}")))
    }

    /// Prepares the step's mounts.
    ///
    /// # Errors
    /// If a source isn't there or a folder can't be made.
    pub fn mounts(&self, run: &plan::Run) -> Result<Mounts> {
        let mut out = Mounts::default();
        out.list.extend(run.script.as_ref().map(|(name, text)| script(name, text)));
        for (mount, from) in &run.mounts {
            let kind = match mount.kind {
                MountType::Tmpfs => Some(tmpfs(mount)),
                MountType::Cache => Some(self.cache_mount(mount, &mut out.locks)?),
                MountType::Bind => Some(self.bind_mount(mount, from)?),
                MountType::Secret => self.secret_mount(mount, &mut out.env)?,
                MountType::Ssh => self.agent_mount(mount, &mut out.env)?,
            };
            let target = mount.target.as_ref().map(PathBuf::from);
            out.list.extend(target.zip(kind).map(|(target, kind)| sandbox::Mount { target, kind }));
        }
        Ok(out)
    }

    fn cache_mount(&self, mount: &Mount, locks: &mut Vec<Lock>) -> Result<MountKind> {
        if mount.from.is_some() || mount.source.is_some() {
            return Err("a cache mount with `from` or `source` is not supported yet".to_owned().into());
        }
        let Cache { id, owner, mode, name } = Cache::of(mount);
        if mount.sharing.is_some_and(|s| s != Sharing::Shared) {
            locks.push(self.store.lock(&format!("mount-{}", &name[..16]))?);
        }
        let source = self.store.cache_path(&name);
        make_cache(&source, mode, owner).map_err(doing(format_args!("make the cache `{id}`")))?;
        Ok(MountKind::Bind { source, readonly: mount.readonly, recursive: false })
    }

    /// The caches that a step has mounted, as they are now.
    pub fn caches(&self, run: &plan::Run) -> Vec<store::CacheId> {
        let caches = run.mounts.iter().filter(|(mount, _)| mount.kind == MountType::Cache);
        let names = caches.map(|(mount, _)| Cache::of(mount).name);
        let living = |name: String| Some(store::CacheId { life: self.store.cache_life(&name)?, name });
        names.filter_map(living).collect()
    }

    fn bind_mount(&self, mount: &Mount, from: &From) -> Result<MountKind> {
        let (lowers, path) = match from {
            From::Step(id) => {
                let stack = id.map(|id| self.stack_of(id)).unwrap_or_default();
                (self.folders(&stack)?, mount.source.clone().unwrap_or_default())
            }
            From::Context | From::Named(_) => {
                let changes = self.context_changes(mount, from)?;
                let id = self.keep(&changes, self.disk_time()?, Form::Files)?;
                (self.folders(&[id])?, "source".to_owned())
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
        if node.stat.kind != tree::root::Type::Dir {
            let source = below(&folders[node.layer]);
            return Ok(MountKind::Bind { source, readonly: true, recursive: false });
        }
        let lowers = view.layers_of(&path).map_err(say())?.into_iter().map(|i| below(&folders[i])).collect();
        let base = self.store.scratch("mount")?;
        let (upper, work) = (base.join("upper"), base.join("work"));
        std::fs::create_dir_all(&upper).map_err(say())?;
        std::fs::create_dir_all(&work).map_err(say())?;
        std::fs::set_permissions(&upper, std::fs::Permissions::from_mode(node.stat.mode & 0o7777))
            .map_err(say())?;
        chown(&upper, Some(node.stat.uid), Some(node.stat.gid)).map_err(say())?;
        Ok(MountKind::Overlay { lowers, upper, work })
    }
}

/// What tells one cache mount from another.
struct Cache<'a> {
    id: &'a str,
    owner: (u32, u32),
    mode: u32,
    /// The folder's name.
    name: String,
}

impl Cache<'_> {
    fn of(mount: &Mount) -> Cache<'_> {
        let id = mount.id.as_deref().or(mount.target.as_deref()).unwrap_or_default();
        let owner = (mount.uid.unwrap_or(0), mount.gid.unwrap_or(0));
        let mode = mount.mode.unwrap_or(0o755);
        Cache { id, owner, mode, name: name_of(id, owner, mode) }
    }
}

/// Another owner or mode is another cache, as in BuildKit.
fn name_of(id: &str, owner: (u32, u32), mode: u32) -> String {
    blake3::hash(format!("{id}\n{owner:?}\n{mode:o}").as_bytes()).to_hex().to_string()
}

/// The store's name of a cache mount with that id, or that target, and no other options.
pub fn cache_name(id: &str) -> String {
    name_of(id, (0, 0), 0o755)
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

    fn agent_mount(&self, mount: &Mount, env: &mut Vec<(OsString, OsString)>) -> Result<Option<MountKind>> {
        let id = mount.id.as_deref().unwrap_or_default();
        match (self.settings.agents.get(id), mount.required) {
            (Some(socket), _) => {
                let target = mount.target.as_deref().unwrap_or_default();
                env.push(("SSH_AUTH_SOCK".into(), target.into()));
                Ok(Some(MountKind::Bind { source: socket.clone(), readonly: false, recursive: false }))
            }
            (None, true) => Err(format!("ssh agent `{id}` is required; give it with --ssh {id}").into()),
            (None, false) => Ok(None),
        }
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

fn script(name: &str, text: &[u8]) -> sandbox::Mount {
    let kind = MountKind::File { contents: text.to_vec(), mode: 0o755, uid: 0, gid: 0, readonly: true };
    sandbox::Mount { target: PathBuf::from(format!("/dev/pipes/{name}")), kind }
}

fn tmpfs(mount: &Mount) -> MountKind {
    MountKind::Tmpfs { size: (mount.size > 0).then_some(mount.size), mode: 0o1777 }
}

fn make_cache(path: &Path, mode: u32, (uid, gid): (u32, u32)) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))?;
    chown(path, Some(uid), Some(gid))
}
