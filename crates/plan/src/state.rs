//! What a stage is at one of its instructions: its file system so far, its config, its variables.

use std::collections::HashMap;
use std::sync::Arc;

use dockerfile::stage::Stage;
use oci::{History, ImageConfig, Platform};

use crate::graph::{Outcome, StepId};
use crate::options::Fact;
use crate::path;
use crate::scope::Scope;

/// What BuildKit puts into an image that has no PATH (trap 47).
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A stage at one of its instructions.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The top of the file system.
    pub tip: Option<StepId>,
    /// The image so far.
    pub image: ImageConfig,
    /// ENV and ARG.
    pub vars: Scope,
    /// Declared arguments that have a value, in order.
    pub args: Scope,
    /// What the last RUN was told, for the next one, until a variable changes.
    pub env: Option<Arc<[(String, String)]>>,
    /// Where in the image's environment each name is.
    places: HashMap<String, usize>,
    /// Whether this stage itself has set CMD.
    pub cmd_set: bool,
    /// How many history entries are the base image's.
    pub base_history: usize,
    /// When the base image was made.
    pub base_created: Option<String>,
}

impl State {
    /// `FROM scratch`.
    pub fn scratch(platform: &Platform) -> State {
        let mut state = State::default();
        state.image.os = platform.os.clone();
        state.image.architecture = platform.architecture.clone();
        state.image.variant = platform.variant.clone();
        state.image.config.working_dir = "/".to_owned();
        state.with_path()
    }

    /// `FROM` an image whose layers are provided by step `tip`.
    pub fn image(fact: &Fact, tip: StepId) -> State {
        let mut image = fact.config.clone();
        let base_created = image.created.take();
        let base_history = image.history.len();
        image.rootfs.diff_ids.clear();
        let mut state = State { tip: Some(tip), image, base_history, base_created, ..State::default() };
        for (place, pair) in state.image.config.env.iter().enumerate() {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            state.vars.set(name, value);
            // Of two of a name, the first is the one that is replaced.
            state.places.entry(name.to_owned()).or_insert(place);
        }
        state.with_path()
    }

    /// `FROM` another stage of the same file: everything goes on, but its CMD now counts as inherited.
    pub fn child(self) -> State {
        State { cmd_set: false, ..self }
    }

    /// What a copy takes, roughly, in bytes.
    pub fn bytes(&self) -> usize {
        let config = &self.image.config;
        let history = self
            .image
            .history
            .iter()
            .map(|entry| size_of::<History>() + entry.created_by.as_ref().map_or(0, String::len));
        let labels = config.labels.iter().map(|(name, value)| 64 + name.len() + value.len());
        let names = config.exposed_ports.keys().chain(config.volumes.keys()).map(|name| 64 + name.len());
        let words = [&config.cmd, &config.entrypoint].into_iter().flatten().flatten();
        let words = words.chain(&config.shell).chain(&config.on_build).map(|word| 24 + word.len());
        let lists: usize = history.chain(labels).chain(names).chain(words).sum();
        3 * self.vars.bytes() + self.args.bytes() + config.user.len() + config.working_dir.len() + lists
    }

    fn with_path(mut self) -> State {
        if self.vars.value("PATH").is_none() {
            self.set_env("PATH", PATH);
        }
        self
    }

    /// ENV: into the config and the variables.
    pub fn set_env(&mut self, name: &str, value: &str) {
        self.set_var(name, value);
        let pair = format!("{name}={value}");
        let all = &mut self.image.config.env;
        match self.places.get(name) {
            Some(place) => all[*place] = pair,
            None => {
                self.places.insert(name.to_owned(), all.len());
                all.push(pair);
            }
        }
    }

    /// ARG: into the variables only.
    pub fn set_var(&mut self, name: &str, value: &str) {
        self.vars.set(name, value);
        self.env = None;
    }

    /// The directory that relative paths start from.
    pub fn cwd(&self) -> &str {
        match self.image.config.working_dir.as_str() {
            "" => "/",
            dir => dir,
        }
    }

    /// A path of an instruction as seen from the root; a trailing slash stays.
    pub fn absolute(&self, path: &str) -> String {
        let joined = path::join(self.cwd(), path);
        let is_dir = path.ends_with('/') || path.ends_with("/.") || path == ".";
        if is_dir && joined != "/" { joined + "/" } else { joined }
    }

    /// What runs shell-form commands.
    pub fn shell(&self) -> Vec<String> {
        match self.image.config.shell.as_slice() {
            [] => vec!["/bin/sh".to_owned(), "-c".to_owned()],
            words => words.to_vec(),
        }
    }

    /// A shell-form command as an argument vector.
    pub fn in_shell(&self, text: &str) -> Vec<String> {
        let mut words = self.shell();
        words.push(text.to_owned());
        words
    }

    /// Adds a history entry.
    pub fn record(&mut self, entry: History) {
        self.image.history.push(entry);
    }

    /// The end of the stage.
    pub fn outcome(self) -> Outcome {
        let State { tip, image, base_history, base_created, .. } = self;
        Outcome { tip, config: image, base_history, base_created }
    }
}

/// A stage's name for people: its own, else its number.
pub fn label(stage: &Stage) -> String {
    stage.name.map(str::to_owned).unwrap_or_else(|| format!("stage-{}", stage.index))
}
