//! Content that is in no folder and no image, to a layer: a file on a web server, a repository, an archive.
//!
//! ```text
//! URL ──▶ file's digest ─┐
//! ref ──▶ commit ────────┼─▶ key ─▶ layer of the store, whose list COPY and ADD select from
//! archive's digest ──────┘
//! ```
//! What an address meant is remembered as a tag's image is: nobody is asked again until `--pull` or `--no-cache`, and
//! where a checksum says what must come not even then; what `tare.lock` says is taken, but with `--pull` compared. What came is kept under a key of its content, as a step's
//! result is, so it ages and goes as layers do. The layer is no layer of the image: steps copy from it.

mod checkout;
mod command;
mod git;
mod place;
mod repository;
mod trees;
mod web;

use std::collections::BTreeSet;
use std::sync::{Mutex, OnceLock};

use store::Store;
use transport::{Client, Env, Limits};

use crate::build::Session;
use crate::error::{Error, Result};
use crate::event::Voice;
use crate::settings::Settings;

pub use place::{Place, Remote, Tree};
pub use web::{Fetched, Wanted};

/// What bringing something takes.
#[derive(Clone, Copy)]
pub struct Elsewhere<'a> {
    store: &'a Store,
    settings: &'a Settings,
    voice: &'a Voice<'a>,
    memory: &'a Memory,
}

/// What one build has asked already, so that `--pull` asks once.
#[derive(Default)]
pub struct Memory {
    client: OnceLock<Client>,
    asked: Mutex<BTreeSet<String>>,
}

impl<'a> Elsewhere<'a> {
    /// Puts it together.
    pub fn new(
        store: &'a Store,
        settings: &'a Settings,
        voice: &'a Voice<'a>,
        memory: &'a Memory,
    ) -> Elsewhere<'a> {
        Elsewhere { store, settings, voice, memory }
    }

    fn client(&self) -> &Client {
        self.memory.client.get_or_init(|| Client::new(Env::process(), Limits::default()))
    }

    /// Whether what the store remembers of an address counts.
    fn may_remember(&self, address: &str) -> bool {
        let asks = self.settings.pull || self.settings.no_cache;
        !asks || self.memory.asked.lock().expect("no panic while held").contains(address)
    }

    /// Whether to ask if a name still means what the lock says.
    fn looks_for_drift(&self, address: &str) -> bool {
        self.settings.pull && !self.may_remember(address)
    }

    fn has_asked(&self, address: &str) {
        self.memory.asked.lock().expect("no panic while held").insert(address.to_owned());
    }

    /// From here on there will be requests, and files with other owners.
    fn must_work(&self) -> Result<()> {
        if self.settings.may_work { Ok(()) } else { Err(Error::NeedsWork) }
    }

    fn check_cancel(&self) -> Result<()> {
        match self.settings.cancel.load(std::sync::atomic::Ordering::SeqCst) {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    }
}

impl Session<'_> {
    /// What brings content to this build.
    pub(crate) fn elsewhere(&self) -> Elsewhere<'_> {
        Elsewhere::new(self.store, self.settings, self.voice, self.contexts.memory())
    }
}
