//! A Dockerfile to its names, and what they stand for today.
//!
//! Looked through twice: for images, and once these are known, which may set variables, for what ADD fetches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::Ordering;

use dockerfile::{Diagnostic, Dockerfile, Stages};
use engine::origin::Origins;
use engine::pin::{Ask, Asker};
use engine::{Error, Settings};
use oci::{ImageConfig, Platform, Reference};
use plan::Options;
use plan::lock::{Kind, Lock};
use plan::named::{All, Configs, Named, What};

use super::Mode;
use crate::cli::Pin;
use crate::failure::Failure;

/// A name's place in the lock.
pub type Key = (Kind, String);

/// What was found out.
#[derive(Default)]
pub struct Found {
    /// What the Dockerfile names.
    pub all: All,
    /// What is known of the names: of those that were asked for today's digest, of the others the lock's.
    pub digests: BTreeMap<Key, String>,
    /// What was asked.
    pub asked: BTreeSet<Key>,
    /// What other Dockerfiles of the folder name, which have the same lock.
    pub siblings: BTreeSet<Key>,
    /// What this one names on other platforms.
    pub elsewhere: BTreeSet<Key>,
}

/// The place of a name.
pub fn key(named: &Named) -> Key {
    (named.what.kind(), named.what.name())
}

/// Finds out.
pub fn find(settings: &mut Settings, lock: &Lock, args: &Pin, mode: Mode) -> Result<Found, Failure> {
    let (source, problems) = dockerfile::parse(&settings.dockerfile);
    let stages = match dockerfile::stages(&source) {
        Ok(stages) if problems.is_empty() => stages,
        Ok(_) => return Err(wrong(settings, problems)),
        Err(more) => return Err(wrong(settings, if problems.is_empty() { more } else { problems })),
    };
    if !args.offline {
        crate::namespace::enter()?;
    }
    (settings.pull, settings.may_work) = (true, true);
    settings.cancel = crate::signals::listen();
    let store = crate::home::store()?;
    let _user = store.share()?;
    let settings = &*settings;
    let (origins, text) = (Origins::default(), Text { source: &source, stages: &stages, settings });
    let ask = if args.offline { Ask::Store } else { Ask::Everybody };
    let (mut found, configs) = super::super::registry::shown(false, |voice| {
        let asker = Asker { store: &store, settings, origins: &origins, voice, ask };
        let mut search = Search {
            text,
            asker,
            lock,
            mode,
            write: args.write,
            found: Found::default(),
            configs: Known::new(),
        };
        search.all()?;
        Ok((search.found, search.configs))
    })?;
    if settings.cancel.load(Ordering::SeqCst) {
        return Err(Failure::Stopped(crate::signals::first()));
    }
    let known = known(&configs);
    found.siblings = siblings(settings, &known);
    found.elsewhere = on_other_platforms(&text, &known);
    Ok(found)
}

/// What was found out of an image, and for which platform.
type Known = BTreeMap<(String, String), ImageConfig>;

fn known(configs: &Known) -> impl Fn(&Reference, &Platform) -> Option<ImageConfig> {
    |name, platform| configs.get(&(name.to_string(), platform.to_string())).cloned()
}

fn wrong(settings: &Settings, problems: Vec<Diagnostic>) -> Failure {
    super::super::build::failure(settings, Error::Dockerfile(problems))
}

/// The Dockerfile.
#[derive(Clone, Copy)]
struct Text<'a> {
    source: &'a Dockerfile,
    stages: &'a Stages<'a>,
    settings: &'a Settings,
}

impl Text<'_> {
    /// What is named for any of the platforms, once.
    fn named(&self, configs: Configs) -> Result<All, Diagnostic> {
        let mut all = All::default();
        for options in options(self.settings) {
            let found = plan::named::named(self.source, self.stages, &options, configs)?;
            all.left.extend(found.left);
            for name in found.names {
                let is_same = |known: &Named| known.line == name.line && key(known) == key(&name);
                // One RUN may have two mounts of an image; two platforms have the same one.
                if options.platform == self.settings.plan.platform || !all.names.iter().any(is_same) {
                    all.names.push(name);
                }
            }
        }
        Ok(all)
    }
}

fn options(settings: &Settings) -> Vec<Options> {
    let further = settings.further.iter().cloned();
    let further = further.map(|platform| Options { platform, ..settings.plan.clone() });
    std::iter::once(settings.plan.clone()).chain(further).collect()
}

struct Search<'a> {
    text: Text<'a>,
    asker: Asker<'a>,
    lock: &'a Lock,
    mode: Mode,
    write: bool,
    found: Found,
    configs: Known,
}

impl Search<'_> {
    fn all(&mut self) -> Result<(), Failure> {
        let settings = self.text.settings;
        let bad = |problem| wrong(settings, vec![problem]);
        let first = self.text.named(&|_, _| None).map_err(bad)?;
        let mut problems = self.ask(&first.names, true);
        let has_gaps = !first.left.is_empty();
        for name in &first.names {
            self.look_into(name, has_gaps);
        }
        let all = self.text.named(&known(&self.configs)).map_err(bad)?;
        problems.extend(self.ask(&all.names, false));
        self.found.all = all;
        match problems.is_empty() {
            true => Ok(()),
            false => Err(wrong(settings, problems)),
        }
    }

    /// Asks for what has to be known.
    fn ask(&mut self, names: &[Named], images: bool) -> Vec<Diagnostic> {
        let mut problems = Vec::new();
        for name in names.iter().filter(|name| (name.what.kind() == Kind::Image) == images) {
            let key = key(name);
            if self.is_stopped() || self.found.asked.contains(&key) {
                continue;
            }
            let locked = self.lock.digest(key.0, &key.1).map(str::to_owned);
            if !self.is_to_ask(name, locked.is_some()) {
                self.found.digests.extend(locked.map(|digest| (key, digest)));
                continue;
            }
            self.found.asked.insert(key.clone());
            match self.asker.today(&name.what) {
                Ok(digest) => drop(self.found.digests.insert(key, digest)),
                Err(e) => problems.push(problem(name.line, &e)),
            }
        }
        problems
    }

    fn is_stopped(&self) -> bool {
        self.text.settings.cancel.load(Ordering::SeqCst)
    }

    fn is_to_ask(&self, name: &Named, is_locked: bool) -> bool {
        match (self.mode, &name.written) {
            (Mode::Check, _) => true,
            (Mode::Update, None) => true,
            (Mode::Update, Some(_)) => self.write,
            (Mode::Add, None) => !is_locked,
            (Mode::Add, Some(_)) => false,
        }
    }

    /// What an image sets. Others than the store are asked where that is of use: for the next build, or for a gap.
    fn look_into(&mut self, name: &Named, has_gaps: bool) {
        let What::Image(reference, platform) = &name.what else { return };
        let place = key(name);
        let today = self.found.digests.get(&place).cloned();
        // A check is about the build as it is.
        let locked =
            self.lock.digest(place.0, &place.1).map(str::to_owned).filter(|_| self.mode == Mode::Check);
        let digest = name.written.clone().or(locked).or(today).and_then(|text| text.parse().ok());
        let Some(digest) = digest else { return };
        let is_new = self.mode != Mode::Check && self.found.asked.contains(&place);
        let ask = if is_new || has_gaps { self.asker.ask } else { Ask::Store };
        let asker = Asker { ask, ..self.asker };
        if let Some(config) = asker.config(reference, digest, platform) {
            self.configs.insert((reference.to_string(), platform.to_string()), config);
        }
    }
}

/// What went wrong with a name, and what to do about it.
fn problem(line: u32, e: &Error) -> Diagnostic {
    let text = e.to_string();
    let (message, help) = match text.split_once("\nhint: ") {
        Some((message, help)) => (message.to_owned(), Some(help.to_owned())),
        None => (text, None),
    };
    Diagnostic { line, end_line: line, span: Default::default(), message, help }
}

/// What the other Dockerfiles of the folder name, as far as they can be read.
fn siblings(settings: &Settings, configs: Configs) -> BTreeSet<Key> {
    let folder = settings.lock_file.as_deref().and_then(Path::parent);
    let folder = folder.map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let files = folder.and_then(|folder| std::fs::read_dir(folder).ok()).into_iter().flatten().flatten();
    let mut keys = BTreeSet::new();
    for file in files {
        let name = file.file_name().to_string_lossy().into_owned();
        if name == settings.dockerfile_name || !is_dockerfile(&name) {
            continue;
        }
        let Ok(text) = std::fs::read(file.path()) else { continue };
        let (source, _) = dockerfile::parse(&text);
        let Ok(stages) = dockerfile::stages(&source) else { continue };
        keys.extend(on_other_platforms(&Text { source: &source, stages: &stages, settings }, configs));
    }
    keys
}

/// What a Dockerfile names on any of the platforms that people build for.
fn on_other_platforms(text: &Text, configs: Configs) -> BTreeSet<Key> {
    let named = |options| plan::named::named(text.source, text.stages, &options, configs).ok();
    let all = everywhere(text.settings).filter_map(named).flat_map(|all| all.names);
    all.filter(|name| name.written.is_none()).map(|name| key(&name)).collect()
}

/// What official images are built for.
const PLATFORMS: [&str; 8] = [
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
    "linux/arm/v6",
    "linux/386",
    "linux/ppc64le",
    "linux/riscv64",
    "linux/s390x",
];

fn everywhere(settings: &Settings) -> impl Iterator<Item = Options> {
    let platforms = PLATFORMS.iter().filter_map(|text| text.parse().ok());
    platforms.map(|platform| Options { platform, ..settings.plan.clone() })
}

/// The names that people give them.
fn is_dockerfile(name: &str) -> bool {
    let name = name.to_lowercase();
    let is_one = |word: &str| {
        name == word
            || name.strip_prefix(word).is_some_and(|rest| rest.starts_with('.'))
            || name.ends_with(&format!(".{word}"))
    };
    (is_one("dockerfile") || is_one("containerfile")) && !name.ends_with("ignore")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_dockerfiles() {
        for name in ["Dockerfile", "dockerfile", "Dockerfile.dev", "app.Dockerfile", "Containerfile"] {
            assert!(is_dockerfile(name), "{name}");
        }
        for name in ["Dockerfile.dockerignore", "Dockerfiles", "tare.lock", "MyDockerfile"] {
            assert!(!is_dockerfile(name), "{name}");
        }
    }
}
