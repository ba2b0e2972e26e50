//! What goes into a step's key, and what does not.
//!
//! | step | in | out, and why |
//! |---|---|---|
//! | RUN | words of the command, environment with declared arguments, user, directory, layers below by content, sources of mounts, network and security mode, further hosts, script, platform of the stage | platform of the target, which ARG brings in where it counts; labels, ports, CMD: the step can't see them; proxies: they are the network's; cache mounts' content: they are caches |
//! | COPY, ADD | selected sources by content, destination, every flag, layers below (not with `--link`) | times and owners of the context: trap 53 |
//! | ADD of a URL or repository | as above: name and content of what came | the address; the server's time |
//! | WORKDIR | path, user, layers below | |
//!
//! Layers that hold nothing are left out: `WORKDIR` of a directory that exists changes nothing below.

use plan::{Key, Part, StepId};
use store::LayerId;

use crate::build::Session;
use crate::mounts::Sources;

impl Session<'_> {
    /// The part that names the file system below a step: one for all its layers, so that the keys of a long stage don't
    /// grow with it. Which layers those are, is known from the steps that made them.
    pub fn layers_part(&self, name: impl Into<String>, stack: &[LayerId]) -> Part {
        let mut hasher = blake3::Hasher::new();
        for id in stack.iter().filter(|id| !self.is_empty(id)) {
            let (kind, digest) = match id {
                LayerId::Base(diff_id) => (b"b", diff_id.0.bytes()),
                LayerId::Made(digest) => (b"m", *digest),
            };
            hasher.update(kind).update(&digest);
        }
        Part::plain(name, hasher.finalize().to_hex().to_string())
    }

    /// The key of a RUN.
    pub fn run_key(&self, id: StepId, run: &plan::Run, sources: &Sources, stack: &[LayerId]) -> Key {
        let mut parts = self.run_parts(id, run);
        parts.extend(sources.parts.iter().cloned());
        parts.push(self.layers_part("layers", stack));
        Key::of(parts)
    }

    /// All of a RUN's key but what it reads.
    pub fn run_parts(&self, id: StepId, run: &plan::Run) -> Vec<Part> {
        let mut parts = vec![
            Part::plain("kind", "run"),
            Part::plain("command", json(&run.argv)),
            Part::plain("user", run.user.clone()),
            Part::plain("cwd", run.cwd.clone()),
            Part::plain("network", if run.offline { "none" } else { "default" }),
            Part::plain("security", if run.insecure { "insecure" } else { "sandbox" }),
            Part::plain("platform", self.plan.step(id).platform.to_string()),
        ];
        parts.extend(run.script.iter().map(|(name, text)| Part::digest(format!("script.{name}"), text)));
        parts.extend(
            run.env.iter().map(|(name, value)| Part::digest(format!("env.{name}"), value.as_bytes())),
        );
        let hosts = &self.settings.surroundings.hosts;
        parts.extend(hosts.iter().map(|(name, ip)| Part::plain(format!("host.{name}"), ip.to_string())));
        parts
    }

    /// The key of a COPY or ADD whose sources have the digest `content`.
    pub fn copy_key(&self, copy: &plan::Copy, content: Vec<Part>, stack: &[LayerId]) -> Key {
        let mut parts = vec![
            Part::plain("kind", if copy.add { "add" } else { "copy" }),
            Part::plain("sources", json(&copy.sources.iter().map(source).collect::<Vec<_>>())),
            Part::plain("dest", copy.dest.clone()),
            Part::plain("chown", format!("{:?}", copy.chown)),
            Part::plain("chmod", format!("{:?}", copy.chmod)),
            Part::plain(
                "flags",
                format!("link={} parents={} unpack={:?}", copy.link, copy.parents, copy.unpack),
            ),
            Part::plain("exclude", json(&copy.exclude)),
        ];
        parts.extend(copy.inline.iter().map(|(name, text)| Part::digest(format!("inline.{name}"), text)));
        parts.extend(content);
        // Names of owners are looked up in the files below, even when nothing else of them counts.
        if !copy.link || copy.chown.as_deref().is_some_and(|c| c.chars().any(char::is_alphabetic)) {
            parts.push(self.layers_part("layers", stack));
        }
        Key::of(parts)
    }

    /// The key of a WORKDIR.
    pub fn workdir_key(&self, workdir: &plan::graph::Workdir, stack: &[LayerId]) -> Key {
        let mut parts = vec![
            Part::plain("kind", "workdir"),
            Part::plain("path", workdir.path.clone()),
            Part::plain("user", workdir.user.clone()),
        ];
        parts.push(self.layers_part("layers", stack));
        Key::of(parts)
    }
}

/// A source as the key knows it: where a file or repository came from doesn't count, what came does.
fn source(source: &plan::Source) -> String {
    match source {
        plan::Source::Path(path) => path.clone(),
        plan::Source::Url { url, .. } => format!("url:{}", dockerfile::address::file_name(url)),
        plan::Source::Git { .. } => "git:".to_owned(),
    }
}

/// Words as JSON: no two lists of words look the same.
fn json(words: &[String]) -> String {
    serde_json::to_string(words).expect("words are plain data")
}
