//! A context that is in no folder: an address or standard input to a tree in the store, and what is to be read of it
//! before there can be a plan.
//!
//! Looked for twice, as all that a build needs: first only in what the store remembers, then with requests.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

use dockerfile::Git;
use dockerfile::address::{self, Address, redacted};
use engine::agent::{self, Agent};
use engine::elsewhere::{Elsewhere, Memory, Place, Remote, Tree};
use engine::settings::{Context, NamedContext};
use engine::{Settings, Voice};
use store::Store;

use crate::cli::Build;
use crate::failure::{Failure, doing};

/// A context that is still to be brought.
pub struct Outside {
    place: Place,
    /// As people know it.
    name: String,
    /// `-f`: the Dockerfile's path in it. None if the Dockerfile came another way.
    dockerfile: Option<Dockerfile>,
}

/// Which Dockerfile.
enum Dockerfile {
    Named(String),
    Usual,
}

/// What standard input has.
pub enum Input {
    /// A Dockerfile.
    Text(Vec<u8>),
    /// What is no text: a context.
    Archive(Place),
}

/// The context at an address; `None` if it is none. `has_text`: the Dockerfile is known already.
///
/// # Errors
/// If it is a wrong address.
pub fn at_address(args: &Build, has_text: bool) -> Result<Option<Outside>, Failure> {
    let bad = |why| Failure::Usage(format!("`{}`: {why}", redacted(&args.context)));
    let place = match address::context(&args.context).map_err(bad)? {
        Address::Git(git) => Place::Git(with_build_args(*git, args)),
        Address::Http(url) => Place::Url(url),
        Address::Local | Address::Other => return Ok(None),
    };
    Ok(Some(Outside { place, name: redacted(&args.context), dockerfile: which(args, has_text)? }))
}

/// The context that came on standard input.
///
/// # Errors
/// If the Dockerfile's name isn't text.
pub fn on_stdin(args: &Build, place: Place) -> Result<Outside, Failure> {
    Ok(Outside { place, name: "-".to_owned(), dockerfile: which(args, false)? })
}

fn which(args: &Build, has_text: bool) -> Result<Option<Dockerfile>, Failure> {
    let text = |path: &Path| path.to_str().map(str::to_owned);
    match &args.file {
        _ if has_text => Ok(None),
        None => Ok(Some(Dockerfile::Usual)),
        Some(path) => {
            let named = text(path).ok_or_else(|| Failure::Usage(format!("`{}` is not text", path.display())));
            named.map(|name| Some(Dockerfile::Named(name)))
        }
    }
}

/// BuildKit's argument for contexts, whose address may not be ours to change.
fn with_build_args(git: Git, args: &Build) -> Git {
    const KEEP: &str = "BUILDKIT_CONTEXT_KEEP_GIT_DIR=";
    let given = args.build_args.iter().rev().find_map(|arg| arg.strip_prefix(KEEP));
    match given.is_some_and(|value| ["1", "t", "T", "TRUE", "true", "True"].contains(&value)) {
        true => Git { keep_git_dir: Some(true), ..git },
        false => git,
    }
}

/// A named context at an address; `None` if it is none.
///
/// # Errors
/// If it is a wrong address.
pub fn named(source: &str) -> Result<Option<NamedContext>, Failure> {
    let bad = |why| Failure::Usage(format!("named context `{}`: {why}", redacted(source)));
    Ok(match address::context(source).map_err(bad)? {
        Address::Git(git) => Some(NamedContext::Remote(Remote::Git(*git))),
        Address::Http(url) => Some(NamedContext::Remote(Remote::Url(url))),
        Address::Local | Address::Other => None,
    })
}

/// Reads standard input. What is more than a Dockerfile goes to a file without a name.
///
/// # Errors
/// If it can't be read or kept.
pub fn read_stdin() -> Result<Input, Failure> {
    let mut stdin = std::io::stdin().lock();
    let mut start = Vec::new();
    let say = || doing("read standard input");
    (&mut stdin).take(64 << 10).read_to_end(&mut start).map_err(say())?;
    let is_plain = layer::Format::of(&start) == layer::Format::Plain;
    if is_plain && !layer::archive::is_archive(&start[..]).map_err(say())? {
        stdin.read_to_end(&mut start).map_err(say())?;
        return Ok(Input::Text(start));
    }
    let mut file = crate::home::store()?.nameless()?;
    let digest = spool(&mut start.chain(stdin), &mut file).map_err(say())?;
    Ok(Input::Archive(Place::Archive(file, digest)))
}

fn spool(from: &mut dyn Read, to: &mut File) -> std::io::Result<oci::Digest> {
    let (mut digest, mut buffer) = (oci::Hasher::default(), vec![0; 128 << 10]);
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        digest.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
    to.rewind()?;
    Ok(digest.finish())
}

impl Outside {
    /// Brings the context, and the Dockerfile in it. Ignore files count in folders only (trap 33).
    ///
    /// # Errors
    /// If it can't be had, or has no Dockerfile.
    pub fn bring(&self, store: &Store, settings: &mut Settings, voice: &Voice) -> engine::Result<()> {
        self.lend_agent(settings);
        let memory = Memory::default();
        let elsewhere = Elsewhere::new(store, settings, voice, &memory);
        let tree = elsewhere.context(&self.place)?;
        let dockerfile =
            self.dockerfile.as_ref().map(|which| self.read(&elsewhere, &tree, which)).transpose()?;
        if let Some((name, text)) = dockerfile {
            (settings.dockerfile_name, settings.dockerfile) = (name, text);
        }
        settings.ignore = None;
        settings.context = Context::Tree(tree.layer);
        Ok(())
    }

    /// The user's own agent, for an address that the user has typed; as buildx does.
    fn lend_agent(&self, settings: &mut Settings) {
        if !matches!(&self.place, Place::Git(git) if git.is_ssh()) || settings.agents.contains_key("default")
        {
            return;
        }
        let socket = std::env::var_os("SSH_AUTH_SOCK").map(std::path::PathBuf::from);
        let socket = socket.filter(|path| agent::is_socket(path)).map(Agent::Socket);
        settings.agents.extend(socket.map(|agent| ("default".to_owned(), agent)));
    }

    fn read(
        &self,
        elsewhere: &Elsewhere,
        tree: &Tree,
        which: &Dockerfile,
    ) -> engine::Result<(String, Vec<u8>)> {
        let named;
        let names: &[&str] = match (tree.only, which) {
            (Some(only), _) => {
                named = [only];
                &named
            }
            (None, Dockerfile::Named(name)) => {
                named = [name.as_str()];
                &named
            }
            (None, Dockerfile::Usual) => &["Dockerfile", "dockerfile", "Containerfile"],
        };
        for name in names {
            if let Some(text) = elsewhere.read(&tree.layer, name)? {
                return Ok(((*name).rsplit('/').next().unwrap_or_default().to_owned(), text));
            }
        }
        Err(engine::Error::Other(format!("there is no `{}` in the context `{}`", names[0], self.name)))
    }
}
