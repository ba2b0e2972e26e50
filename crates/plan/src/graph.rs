//! The graph: a `Vec` of steps in an order in which they could be run one by one.
//!
//! A stage's file system is a chain: each step that makes a layer names the one below it as its `parent`.
//! Instructions that only change the config make no step; they are in [`Outcome`].

use std::sync::Arc;

use oci::{DiffId, ImageConfig, Platform};

use dockerfile::Git;
use dockerfile::mount::Mount;

/// Which step; an index into [`Plan::steps`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct StepId(pub u32);

/// Which base image; an index into [`Plan::bases`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct BaseId(pub u32);

/// Everything that has to be done for the target.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Every step after its dependencies.
    pub steps: Vec<Step>,
    /// The base images that the steps name.
    pub bases: Vec<Base>,
    /// What the target comes to.
    pub outcome: Outcome,
    /// Things the user should know: unused build arguments and the like.
    pub warnings: Vec<String>,
}

/// A base image, resolved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Base {
    /// As the Dockerfile names it.
    pub name: String,
    /// The digest of its manifest.
    pub manifest: oci::Digest,
    /// Its layers, lowest first.
    pub layers: Vec<DiffId>,
}

/// One node of the graph.
#[derive(Clone, Debug)]
pub struct Step {
    /// The step below in the same stage; `None` on an empty root.
    pub parent: Option<StepId>,
    /// Other steps whose results it takes.
    pub inputs: Vec<StepId>,
    /// The stage's name or number.
    pub stage: String,
    /// What the stage's base image is for: its own, whatever the target is for.
    pub platform: Platform,
    /// Which of the stage's layer instructions it is, from 1, and how many there are.
    pub position: (u32, u32),
    /// The instruction, as people know it.
    pub text: String,
    /// Its line in the Dockerfile, from 1.
    pub line: u32,
    /// What it does.
    pub op: Op,
}

/// What a step does.
#[derive(Clone, Debug)]
pub enum Op {
    /// Provides a base image's layers.
    Base(BaseId),
    /// COPY and ADD.
    Copy(Box<Copy>),
    /// RUN.
    Run(Box<Run>),
    /// WORKDIR: makes a directory.
    Workdir(Workdir),
}

/// Where files come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum From {
    /// The build context.
    Context,
    /// A named context that is a folder.
    Named(String),
    /// The result of a step; `None` is an empty stage.
    Step(Option<StepId>),
}

/// What COPY or ADD takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A path or pattern in the place that it copies from.
    Path(String),
    /// ADD: a file that a web server has.
    Url {
        /// The address.
        url: String,
        /// `--checksum`.
        checksum: Option<oci::Digest>,
    },
    /// ADD: a repository.
    Git {
        /// As written.
        text: String,
        /// What that stands for, flags included.
        git: Box<Git>,
    },
}

impl Source {
    /// As written.
    pub fn text(&self) -> &str {
        match self {
            Source::Path(text) | Source::Url { url: text, .. } | Source::Git { text, .. } => text,
        }
    }

    /// The path, if it is one.
    pub fn path(&self) -> Option<&str> {
        match self {
            Source::Path(path) => Some(path),
            _ => None,
        }
    }
}

/// COPY or ADD, all words expanded.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Whether it is ADD: local archives are unpacked.
    pub add: bool,
    /// Where the sources are.
    pub from: From,
    /// What is copied.
    pub sources: Vec<Source>,
    /// Here-documents: name and content.
    pub inline: Vec<(String, Vec<u8>)>,
    /// The destination as seen from `/`; with a trailing slash if it was written so.
    pub dest: String,
    /// `--chown`.
    pub chown: Option<String>,
    /// `--chmod`.
    pub chmod: Option<String>,
    /// `--link`.
    pub link: bool,
    /// `--parents`.
    pub parents: bool,
    /// `--exclude`.
    pub exclude: Vec<String>,
    /// ADD `--unpack`.
    pub unpack: Option<bool>,
}

/// RUN, all words that the builder expands expanded.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program and its arguments, with the shell in front.
    pub argv: Vec<String>,
    /// The environment, in order of definition. A thousand RUNs in a row have the same.
    pub env: Arc<[(String, String)]>,
    /// Proxy variables: given to the step, never part of its key.
    pub proxies: Vec<(String, String)>,
    /// `USER`.
    pub user: String,
    /// `WORKDIR`.
    pub cwd: String,
    /// `--mount`, targets absolute, each with the tree it comes from.
    pub mounts: Vec<(Mount, From)>,
    /// `--network=none`.
    pub offline: bool,
    /// `--security=insecure`.
    pub insecure: bool,
    /// A here-document that is executed as a file: its name and content.
    pub script: Option<(String, Vec<u8>)>,
}

/// WORKDIR.
#[derive(Clone, Debug)]
pub struct Workdir {
    /// Absolute.
    pub path: String,
    /// `USER`, who owns what is made.
    pub user: String,
}

/// What a target comes to.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// The top of its file system; `None` for an empty one.
    pub tip: Option<StepId>,
    /// The config without diff ids and without times of this build's history.
    pub config: ImageConfig,
    /// How many of the history entries are the base image's.
    pub base_history: usize,
    /// When the base image was made.
    pub base_created: Option<String>,
}

impl Plan {
    /// A step.
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.0 as usize]
    }

    /// Every step's id, in order.
    pub fn ids(&self) -> impl Iterator<Item = StepId> + use<> {
        (0..self.steps.len() as u32).map(StepId)
    }

    /// A base image.
    pub fn base(&self, id: BaseId) -> &Base {
        &self.bases[id.0 as usize]
    }

    /// The steps of a file system, lowest first.
    pub fn chain(&self, tip: Option<StepId>) -> Vec<StepId> {
        let mut chain: Vec<StepId> = std::iter::successors(tip, |id| self.step(*id).parent).collect();
        chain.reverse();
        chain
    }

    /// Whether a step is another, or has it below it in its file system.
    pub fn stands_on(&self, top: StepId, id: StepId) -> bool {
        std::iter::successors(Some(top), |id| self.step(*id).parent).any(|below| below == id)
    }

    /// For each step whether a RUN stands on it.
    pub fn below_runs(&self) -> Vec<bool> {
        let mut below = vec![false; self.steps.len()];
        // A step comes behind those that it stands on.
        for (number, step) in self.steps.iter().enumerate().rev() {
            if let Some(parent) = step.parent {
                below[parent.0 as usize] |= below[number] || matches!(step.op, Op::Run(_));
            }
        }
        below
    }

    /// Everything that a step must wait for.
    pub fn needs(&self, id: StepId) -> impl Iterator<Item = StepId> + '_ {
        let step = self.step(id);
        step.parent.into_iter().chain(step.inputs.iter().copied())
    }
}
