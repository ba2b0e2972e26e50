//! `--verify`: a step that could be reused is run all the same, and what it makes is compared with what was kept.
//!
//! | first rerun | second rerun | so |
//! |---|---|---|
//! | as kept | | the reuse was right |
//! | other | other than the first | the step is not deterministic: whoever reuses it gets one of its results |
//! | other | as the first | what was kept is wrong: our fault, unless the world outside of the build is what changed |
//!
//! Times are not compared: layer ids know none.

use plan::StepId;
use store::{LayerId, Store};

use crate::build::Session;
use crate::error::{Error, Result};
use crate::event::Task;
use crate::execute::Asked;

/// How many paths a message names.
const SHOWN: usize = 5;

/// How often, and which.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Verify {
    /// With which probability a step is verified; 1 is always.
    pub probability: f64,
    /// Which of the steps; another number chooses others.
    pub seed: u64,
}

impl Verify {
    /// Whether the step of that key is to be verified.
    fn chooses(&self, key: &plan::Key) -> bool {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&key.digest);
        hasher.update(&self.seed.to_le_bytes());
        let bytes: [u8; 4] = hasher.finalize().as_bytes()[..4].try_into().expect("four bytes");
        f64::from(u32::from_le_bytes(bytes)) < self.probability * f64::from(u32::MAX)
            || self.probability >= 1.0
    }
}

impl Session<'_> {
    /// Whether a step is to be run although its result is known.
    pub(crate) fn is_verified(&self, key: &plan::Key) -> bool {
        self.settings.verify.is_some_and(|verify| verify.chooses(key))
    }

    /// Runs a step whose layer is known.
    ///
    /// # Errors
    /// If the step fails, or makes something else every time.
    pub(crate) fn verify(&self, id: StepId, asked: &Asked, kept: LayerId, task: &Task) -> Result<Verdict> {
        if !self.settings.may_work {
            return Err(Error::NeedsWork);
        }
        let first = self.execute(id, asked, task)?;
        if first.layer == kept {
            return Ok(Verdict::Right);
        }
        let second = self.execute(id, asked, task)?;
        let (a, b) =
            if first.layer == second.layer { (kept, first.layer) } else { (first.layer, second.layer) };
        let paths = differing(self.store, &a, &b);
        if first.layer == second.layer && !first.open && !second.open {
            return Ok(Verdict::Wrong(first.layer, paths));
        }
        self.note(id, |note| note.twins = vec![a, b]);
        self.voice.warn(format!("{} is not deterministic: {paths}", self.plan.step(id).text));
        Ok(Verdict::Right)
    }
}

/// The paths at which two layers differ, in words.
fn differing(store: &Store, a: &LayerId, b: &LayerId) -> String {
    let paths = crate::why::differing(store, a, b);
    let more = paths.len().saturating_sub(SHOWN);
    let rest = if more > 0 { format!(" and {more} more") } else { String::new() };
    let shown: Vec<String> = paths.iter().take(SHOWN).map(|path| format!("`{path}`")).collect();
    format!("two runs differ in {}{rest}", shown.join(", "))
}

/// What came of it.
pub(crate) enum Verdict {
    /// What was kept may be reused.
    Right,
    /// It isn't what the step makes; what it does make, and the difference.
    Wrong(LayerId, String),
}
