//! What steps read: a static key to the runs that are known of it, each with the facts on which it rests.
//!
//! ```text
//! traces/H/HEX.json   {"version":1,"wide":false,"runs":[{"layer","facts":{"GAP":[fact, …]},"millis","caches"}]}
//! ```
//! A static key leaves out what is below a step in its gaps, the parts of its file system that are watched; the facts
//! say what it saw there. Newest first, and no more than [`MOST`]: a project swings between a few states.

use std::collections::BTreeMap;
use std::path::PathBuf;

use plan::Key;
use serde::{Deserialize, Serialize};
use trace::{Facts, Look};

use crate::file::read_json;
use crate::{CacheId, LayerId, Result, Store};

/// How many runs are kept for one key.
const MOST: usize = 8;

/// One for all keys: it is held for a moment, and a file for each would be made for each.
const LOCK: &str = "traces";

/// Raise it when facts of before would be misread; what an older tare wrote is then not found.
const VERSION: u32 = 1;

/// One run of a step, and what it rests on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The layer that it made.
    pub layer: LayerId,
    /// What it saw, gap by gap. A gap that isn't named was empty and not watched.
    pub facts: BTreeMap<String, Facts>,
    /// How long it took, in milliseconds.
    pub millis: u64,
    /// Caches without which there would be nothing to show for it; see [`crate::Action`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caches: Vec<CacheId>,
}

impl Run {
    /// Whether two runs saw the same, whoever of their programs looked first.
    fn saw_what(&self, other: &Run) -> bool {
        fn seen(facts: &Facts) -> impl Iterator<Item = (&str, Look, &str)> {
            facts.iter().map(|fact| (fact.path.as_str(), fact.look, fact.answer.as_str()))
        }
        self.facts.len() == other.facts.len()
            && self.facts.iter().zip(&other.facts).all(|(a, b)| a.0 == b.0 && seen(a.1).eq(seen(b.1)))
    }
}

/// All that is known of a static key.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Traces {
    version: u32,
    /// The step looks at so much that watching it costs more than it can gain.
    pub wide: bool,
    /// Newest first.
    pub runs: Vec<Run>,
}

impl Store {
    fn traces_path(&self, key: &Key) -> PathBuf {
        let name = key.hex();
        self.path("traces").join(&name[..1]).join(format!("{name}.json"))
    }

    /// What is known of a static key. Runs whose layer or caches are gone are left out.
    pub fn traces(&self, key: &Key) -> Traces {
        let mut known: Traces = self.read_traces(key).unwrap_or_default();
        known.runs.retain(|run| self.has_layer(&run.layer) && self.all_live(&run.caches));
        known
    }

    fn read_traces(&self, key: &Key) -> Option<Traces> {
        read_json(&self.traces_path(key)).filter(|known: &Traces| known.version == VERSION)
    }

    /// Remembers a run. One with the same facts takes the place of the earlier one.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_run(&self, key: &Key, run: Run) -> Result<()> {
        let _lock = self.lock(LOCK)?;
        let mut known = self.traces(key);
        known.runs.retain(|other| !other.saw_what(&run));
        known.runs.insert(0, run);
        known.runs.truncate(MOST);
        self.write_json(&self.traces_path(key), &Traces { version: VERSION, ..known })
    }

    /// Forgets the runs that came to a layer which turned out to be wrong.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn forget_run(&self, key: &Key, layer: &LayerId) -> Result<()> {
        let _lock = self.lock(LOCK)?;
        let mut known = self.traces(key);
        known.runs.retain(|other| other.layer != *layer);
        self.write_json(&self.traces_path(key), &Traces { version: VERSION, ..known })
    }

    /// Remembers that the step of that key is not worth watching.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_wide(&self, key: &Key) -> Result<()> {
        let known = Traces { version: VERSION, wide: true, runs: Vec::new() };
        self.write_json(&self.traces_path(key), &known)
    }
}
