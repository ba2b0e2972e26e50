//! The step cache: a key to the layer that the step made.
//!
//! The key's parts are kept with the answer, so that a later miss can be explained by comparing them.

use std::path::PathBuf;

use plan::Key;
use serde::{Deserialize, Serialize};

use crate::file::read_json;
use crate::{LayerId, Result, Store};

/// What a step came to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Action {
    /// The layer that it made.
    pub layer: LayerId,
    /// What the key was made of: names and values.
    pub parts: Vec<(String, String)>,
    /// How long it took, in milliseconds.
    pub millis: u64,
}

impl Store {
    fn action_path(&self, key: &Key) -> PathBuf {
        let name = key.hex();
        self.path("actions").join(&name[..2]).join(format!("{name}.json"))
    }

    /// What the step of that key came to, if its layer is still here.
    pub fn action(&self, key: &Key) -> Option<Action> {
        let action: Action = read_json(&self.action_path(key))?;
        self.has_layer(&action.layer).then_some(action)
    }

    /// Remembers what a step came to.
    ///
    /// # Errors
    /// If it can't be written.
    pub fn put_action(&self, key: &Key, layer: LayerId, millis: u64) -> Result<()> {
        let parts = key.parts.iter().map(|p| (p.name.clone(), p.value.clone())).collect();
        let action = Action { layer, parts, millis };
        self.write_json(&self.action_path(key), &action)
    }
}
