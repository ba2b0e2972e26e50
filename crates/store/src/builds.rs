//! What is kept of builds: one record each, beside the logs of its steps.
//!
//! ```text
//! builds/ID/record.json   version 1
//! {"version":1, "id", "started": ms since 1970, "millis", "tare", "context", "dockerfile", "target",
//!  "platforms":["linux/amd64"], "outcome":"ok"|"failed"|"cancelled", "image":"sha256:…",
//!  "steps":[{"place":"builder 2/6", "stage", "number", "line", "instruction", "platform",
//!            "kind":"base"|"run"|"copy"|"workdir", "ended":"well"|"badly"|"stopped"|"never",
//!            "how":"exact"|"traced"|"anew", "millis", "parent", "inputs", "layers", "base":{"name","manifest"},
//!            "key":[["env.PATH","0123456789abcdef"], …], "mounts":[{"number","kind","place"}],
//!            "watched", "broken":{"gap","fact","now"}, "network", "wide", "twins",
//!            "asked", "cache_lost"}]}
//! builds/ID/step-NNN.log  what a step printed, if it printed anything or failed
//! ```
//! An id begins with the time, so that names sort by age; of several builds the last [`KEPT`] are kept. What is below a
//! step is not written at each of them but found by way of `parent` and `inputs`, places in the list: a record stays
//! as long as its Dockerfile. Of a key's parts only digests are kept, for arguments and commands may be private, and
//! none of layers, which are known from the steps that made them.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use trace::Fact;

use crate::file::read_json;
use crate::{LayerId, Result, Store};

/// How many builds are kept: enough to look at yesterday's failure.
const KEPT: usize = 50;

/// Raise it when records of before would be misread; those are then as if they weren't there.
const VERSION: u32 = 1;

const RECORD: &str = "record.json";

/// One build.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Record {
    /// Of its form.
    pub version: u32,
    /// Its name in the store.
    pub id: String,
    /// When it started, in milliseconds since 1970.
    pub started: u64,
    /// How long it took.
    pub millis: u64,
    /// The version of the tare that did it.
    pub tare: String,
    /// The context: a folder's path, or an address without credentials.
    pub context: String,
    /// The Dockerfile, as seen from the context if it is in there.
    pub dockerfile: String,
    /// The stage that was asked for, if any was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// What it was for.
    pub platforms: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// The digest of the image, or of the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Every step, those of one platform behind those of another.
    pub steps: Vec<Step>,
}

/// How a build ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Well.
    Ok,
    /// With an error.
    Failed,
    /// Somebody stopped it.
    Cancelled,
}

/// One step of a build.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Step {
    /// Its place as it is shown: `builder 2/6`.
    pub place: String,
    /// Its stage.
    pub stage: String,
    /// Which of the stage's steps it is, from 1.
    pub number: u32,
    /// Its line in the Dockerfile.
    pub line: u32,
    /// The instruction, as it is shown.
    pub instruction: String,
    /// What the image is for.
    pub platform: String,
    /// What it does.
    pub kind: Kind,
    /// Whether it came to its end.
    pub ended: Ended,
    /// How it came to its layers; none if it didn't.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub how: Option<How>,
    /// How long it took.
    #[serde(default, skip_serializing_if = "is_default")]
    pub millis: u64,
    /// The step below in its stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<u32>,
    /// Steps of other stages that it takes from.
    #[serde(default, skip_serializing_if = "is_default")]
    pub inputs: Vec<u32>,
    /// What it put on top of its parent.
    #[serde(default, skip_serializing_if = "is_default")]
    pub layers: Vec<LayerId>,
    /// The base image that it stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<Base>,
    /// The parts of its key: names, and digests of the values.
    #[serde(default, skip_serializing_if = "is_default")]
    pub key: Vec<(String, String)>,
    /// What it had mounted.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mounts: Vec<Mount>,
    /// The static key of its traces, if what it reads is watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub watched: Option<String>,
    /// Why a known run couldn't stand in for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<Broken>,
    /// Whether it was seen to use the network.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: bool,
    /// Whether it looked at so much that it won't be watched again.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wide: bool,
    /// Two layers that it made of the same, if it was found to make something else every time.
    #[serde(default, skip_serializing_if = "is_default")]
    pub twins: Vec<LayerId>,
    /// The flag that asked to do it again whatever was known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Whether only a cache that it had filled was missing.
    #[serde(default, skip_serializing_if = "is_default")]
    pub cache_lost: bool,
}

/// What a step does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// FROM an image.
    Base,
    /// RUN.
    Run,
    /// COPY and ADD.
    Copy,
    /// WORKDIR.
    Workdir,
}

/// How far a step came.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ended {
    /// To its end.
    Well,
    /// It failed.
    Badly,
    /// It was stopped, since the build was.
    Stopped,
    /// It never started.
    #[default]
    Never,
}

/// How a step came to its layers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum How {
    /// All that it depends on was as before.
    Exact,
    /// All that it had read was as before.
    Traced,
    /// The work was done.
    Anew,
}

/// A base image.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Base {
    /// As the Dockerfile names it.
    pub name: String,
    /// Its manifest's digest.
    pub manifest: String,
}

/// A mount of a RUN.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Mount {
    /// Which of the step's mounts it is, from 0.
    pub number: usize,
    /// `bind`, `cache`, `tmpfs`, `secret` or `ssh`.
    pub kind: String,
    /// Where it is, or what it is known by.
    pub place: String,
}

/// A fact that didn't hold any more.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Broken {
    /// Which of the step's gaps it is about; see engine's `sight`.
    pub gap: String,
    /// What an earlier run saw.
    pub fact: Fact,
    /// What was there this time.
    pub now: String,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Record {
    /// An empty one of a build that starts now.
    pub fn begin() -> Record {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Record {
            version: VERSION,
            id: id(now),
            started: now.as_millis() as u64,
            millis: 0,
            tare: String::new(),
            context: String::new(),
            dockerfile: String::new(),
            target: None,
            platforms: Vec::new(),
            outcome: Outcome::Ok,
            image: None,
            steps: Vec::new(),
        }
    }

    /// Whether it is of the same context, Dockerfile and target.
    pub fn is_like(&self, other: &Record) -> bool {
        (&self.context, &self.dockerfile, &self.target) == (&other.context, &other.dockerfile, &other.target)
    }

    /// What is below a step: places in the list, the lowest first, across stages that stand on each other.
    pub fn chain(&self, step: &Step) -> Vec<usize> {
        let parent = |step: &Step| step.parent.map(|parent| parent as usize);
        let next = |at: &usize| self.steps.get(*at).and_then(parent);
        let mut chain: Vec<usize> = std::iter::successors(parent(step), next)
            .take_while(|at| *at < self.steps.len())
            // A file that somebody has written by hand may go in a circle.
            .take(self.steps.len())
            .collect();
        chain.reverse();
        chain
    }

    /// The layers below a step, the lowest first.
    pub fn below(&self, step: &Step) -> Vec<LayerId> {
        self.chain(step).into_iter().flat_map(|at| self.steps[at].layers.iter().copied()).collect()
    }
}

/// Sorts by time, and two builds of one process differ in their nanoseconds.
fn id(now: Duration) -> String {
    format!("{:010}-{:09}-{}", now.as_secs(), now.subsec_nanos(), std::process::id())
}

impl Store {
    /// The folder of a build's record and logs.
    pub fn build_folder(&self, id: &str) -> PathBuf {
        self.path("builds").join(id)
    }

    /// Keeps a record, and forgets the oldest builds.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_build(&self, record: &Record) -> Result<()> {
        self.make_room(&record.id);
        self.write_json(&self.build_folder(&record.id).join(RECORD), record)
    }

    /// Forgets builds, so that there is room for one more. To remove a folder takes some file systems a millisecond,
    /// which is what a build may take that has nothing to do: so the oldest one's is emptied and becomes the new one's.
    fn make_room(&self, id: &str) {
        let new = self.build_folder(id);
        let names = self.build_names();
        let all = names.len() + usize::from(!new.exists());
        for name in names.iter().take(all.saturating_sub(KEPT)) {
            let old = self.build_folder(name);
            match !new.exists() && std::fs::rename(&old, &new).is_ok() {
                true => empty(&new),
                false => crate::clean::remove_tree(&old),
            }
        }
    }

    /// The oldest first.
    fn build_names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path("builds")).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|e| e.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// A build by its id.
    pub fn build(&self, id: &str) -> Option<Record> {
        let record: Record = read_json(&self.build_folder(id).join(RECORD))?;
        (record.version == VERSION && record.id == id).then_some(record)
    }

    /// The builds, newest first; each is read when it is its turn.
    pub fn builds(&self) -> impl Iterator<Item = Record> + '_ {
        self.build_names().into_iter().rev().filter_map(|id| self.build(&id))
    }

    /// The last build of a context.
    pub fn last_build(&self, context: &str) -> Option<Record> {
        self.builds().find(|record| record.context == context)
    }
}

/// The old record too: ext4 writes a file out at once that takes another one's place.
fn empty(folder: &Path) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.for_each(|entry| crate::clean::remove_tree(&entry.path()));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scratch() -> (PathBuf, Store) {
        let path = std::env::temp_dir().join(format!("tare-builds-{}", Record::begin().id));
        let store = Store::open(&path).unwrap();
        (path, store)
    }

    fn record(second: u64, context: &str) -> Record {
        let id = id(Duration::from_secs(second));
        Record { id, context: context.to_owned(), ..Record::begin() }
    }

    #[test]
    fn the_newest_come_first_and_the_oldest_go() {
        let (path, store) = scratch();
        for second in 0..KEPT as u64 + 2 {
            store.put_build(&record(second, if second < 40 { "a" } else { "b" })).unwrap();
        }
        let ids: Vec<String> = store.builds().map(|record| record.id).collect();
        assert_eq!((ids.len(), &ids[0]), (KEPT, &record(KEPT as u64 + 1, "").id));
        assert!(store.build(&record(1, "").id).is_none());
        assert_eq!(store.last_build("a").unwrap().id, record(39, "").id);
        assert!(store.last_build("c").is_none());
        drop(store);
        crate::clean::remove_tree(&path);
    }

    #[test]
    fn logs_go_with_their_build() {
        let (path, store) = scratch();
        let log = |id: &str| store.build_folder(id).join("step-001.log");
        for second in 0..KEPT as u64 {
            store.put_build(&record(second, "a")).unwrap();
        }
        std::fs::write(log(&record(0, "").id), "old").unwrap();
        std::fs::write(log(&record(1, "").id), "old").unwrap();
        store.put_build(&record(100, "a")).unwrap();
        // This one has printed before it ends.
        std::fs::create_dir(store.build_folder(&record(101, "").id)).unwrap();
        std::fs::write(log(&record(101, "").id), "new").unwrap();
        store.put_build(&record(101, "a")).unwrap();
        let logs = [0, 1, 100, 101].map(|second| log(&record(second, "").id).exists());
        assert_eq!(logs, [false, false, false, true]);
        assert_eq!(store.builds().count(), KEPT);
        drop(store);
        crate::clean::remove_tree(&path);
    }

    #[test]
    fn another_version_is_as_if_it_were_not_there() {
        let (path, store) = scratch();
        let later = Record { version: VERSION + 1, ..record(1, "a") };
        store.put_build(&later).unwrap();
        assert!(store.build(&later.id).is_none());
        drop(store);
        crate::clean::remove_tree(&path);
    }
}
