//! What the caller knows before planning: the command line, and the facts about base images.

use std::collections::{BTreeMap, BTreeSet};

use oci::{ImageConfig, Platform};

use crate::graph::Base;

/// The part of the command line that decides what is planned.
#[derive(Clone, Debug)]
pub struct Options {
    /// `--target`: a stage's name or number; the last stage if not given.
    pub target: Option<String>,
    /// `--build-arg`.
    pub build_args: BTreeMap<String, String>,
    /// `--platform`: what the image is for.
    pub platform: Platform,
    /// What the build runs on.
    pub build_platform: Platform,
    /// Names of named contexts that are images.
    pub image_contexts: BTreeSet<String>,
    /// Names of named contexts that are folders.
    pub folder_contexts: BTreeSet<String>,
    /// `--label`.
    pub labels: BTreeMap<String, String>,
    /// `SOURCE_DATE_EPOCH`; every RUN gets it.
    pub epoch: Option<i64>,
    /// `--reproducible`: every RUN gets an epoch, if only the base image's.
    pub reproducible: bool,
    /// Variables of every RUN that are in no key, like the proxies': they say where content comes from, and the
    /// step itself checks what it is.
    pub outside: BTreeMap<String, String>,
    /// Lines of RUN instructions that get no network, whatever they say: those of a recipe that have to find
    /// everything in place.
    pub offline: BTreeSet<u32>,
}

impl Options {
    /// The defaults for a build on and for this machine.
    pub fn here() -> Options {
        Options {
            target: None,
            build_args: BTreeMap::new(),
            platform: Platform::host(),
            build_platform: Platform::host(),
            image_contexts: BTreeSet::new(),
            folder_contexts: BTreeSet::new(),
            labels: BTreeMap::new(),
            epoch: None,
            reproducible: false,
            outside: BTreeMap::new(),
            offline: BTreeSet::new(),
        }
    }
}

/// What was found out about the wanted images.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Name as wanted and platform to the image.
    pub images: BTreeMap<(String, Platform), Fact>,
}

/// One base image.
#[derive(Clone, Debug)]
pub struct Fact {
    /// Where its layers are to be had.
    pub base: Base,
    /// Its config, which the stage's config starts from.
    pub config: ImageConfig,
}

/// The earliest time of the reproducible rule: 2000-01-01. Files from before 1980 break zip and Python.
pub const EARLIEST: i64 = 946_684_800;

impl Options {
    /// The one time that a stage's outputs are counted from: `SOURCE_DATE_EPOCH`, else when its base image
    /// was made. `None` if the build isn't meant to be reproducible.
    pub fn epoch_for(&self, base_created: Option<&str>) -> Option<i64> {
        if self.epoch.is_some() || !self.reproducible {
            return self.epoch;
        }
        let created = base_created.and_then(oci::time::parse_rfc3339).unwrap_or(EARLIEST);
        Some(created.max(EARLIEST))
    }
}
