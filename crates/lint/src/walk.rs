//! The walk over the stages: what is set where, and what words come to.
//!
//! As BuildKit's own (`dockerfile2llb/convert.go`), which warns while it converts. Where that stops at a mistake, the
//! walk leaves the word out and goes on: the mistake is the build's to tell.

use std::borrow::Cow;

use dockerfile::expand::{Mode, expand, expand_words};
use dockerfile::instruction::{AddFlags, ArgDecl, CopyFlags};
use dockerfile::stage::Stage;
use dockerfile::{Found, Heredoc, Instruction, KeyValue, Kind, Mount, Stages};
use oci::{ImageConfig, Platform};
use plan::Options;
use plan::ends::Ends;
use plan::scope::{Scope, platform_args};

use crate::scene::{Scene, Sight, Step, Word};
use crate::{Input, Reach, lines, near, official};

/// Declared, they are not in the environment of a step.
const NO_VARIABLES: [&str; 2] = ["BUILDKIT_SBOM_SCAN_CONTEXT", "BUILDKIT_SBOM_SCAN_STAGE"];

/// Looks at a file.
pub fn scene<'a>(input: &Input<'a>) -> Scene<'a> {
    let parts = lines::parts(input.dockerfile);
    let empty = Scene { input: *input, is_whole: false, stages: Vec::new(), parts };
    if !input.problems.is_empty() {
        return empty;
    }
    let Ok(stages) = dockerfile::stages(input.dockerfile) else { return empty };
    let mut walk = Walk::new(input, &stages);
    let sights = stages.stages.iter().map(|stage| walk.stage(stage)).collect();
    Scene { is_whole: true, stages: sights, ..empty }
}

struct Walk<'a, 'w> {
    input: &'w Input<'a>,
    stages: &'w Stages<'a>,
    /// What FROM lines see, and what they would see without build arguments.
    globals: Scope,
    defaults: Scope,
    /// The stage that each stands on.
    parents: Vec<Option<usize>>,
    /// Whether the target needs it.
    needed: Vec<bool>,
    ends: Ends<State<'a>>,
}

/// A stage at one of its instructions.
#[derive(Clone, Default)]
struct State<'a> {
    vars: Scope,
    /// The names of the variables; what was set last stands last.
    names: Vec<String>,
    /// Arguments that are declared, those without a value too.
    declared: Vec<String>,
    has_shell: bool,
    has_workdir: bool,
    /// What ONBUILD says for those who build on it.
    triggers: Vec<Cow<'a, Instruction>>,
}

impl<'a, 'w> Walk<'a, 'w> {
    fn new(input: &'w Input<'a>, stages: &'w Stages<'a>) -> Walk<'a, 'w> {
        // An unknown target is the build's to tell, too.
        let options = Options { target: None, ..input.options.clone() };
        let globals =
            |options: &Options| plan::wants::globals(input.dockerfile, stages, options).unwrap_or_default();
        let mut bare = options.clone();
        let predefined = platform_args(&options, "");
        bare.build_args.retain(|name, _| predefined.contains_key(name));
        let (globals, defaults) = (globals(&options), globals(&bare));
        let (parents, needed, ends) = (Vec::new(), Vec::new(), Ends::of([]));
        let mut walk = Walk { input, stages, globals, defaults, parents, needed, ends };
        walk.parents = stages.stages.iter().map(|stage| walk.parent(stage)).collect();
        walk.ends = Ends::of(walk.parents.iter().copied().flatten());
        walk.needed = walk.needed();
        walk
    }

    fn stage(&mut self, stage: &Stage<'a>) -> Sight<'a> {
        let (from, options) = (stage.from, self.input.options);
        let image = self.global_word(&from.image);
        let platform = from.platform.as_ref().map(|text| self.global_word(text));
        let wanted = platform.as_ref().and_then(|word| word.text.parse().ok());
        let wanted = wanted.unwrap_or_else(|| options.platform.clone());
        let (mut state, offered) = self.below(stage.index, &image.text, &wanted);
        // BuildKit doesn't ask for the triggers of stages that it only looks at.
        let triggers = std::mem::take(&mut state.triggers);
        let triggers = triggers.into_iter().filter(|_| self.needed[stage.index]);
        let mut steps = Vec::new();
        let own = stage.instructions.iter().map(|one| (Cow::Borrowed(one), (one.line, one.end_line)));
        let of_from = (stage.instruction.line, stage.instruction.end_line);
        for (instruction, lines) in triggers.map(|one| (one, of_from)).chain(own) {
            steps.push(self.step(&mut state, instruction, lines));
        }
        let is_reached = self.is_reached(stage.index);
        if !is_reached {
            steps.clear();
        }
        self.ends.keep(stage.index, state);
        let default_image =
            expand(&from.image, self.escape(), &self.defaults, Mode::WORD).ok().map(|e| e.text);
        let target_platform = self.globals.value("TARGETPLATFORM").unwrap_or_default().to_owned();
        let (instruction, names) = (stage.instruction, self.global_names());
        let is_image = self.parents[stage.index].is_none() && image.text != "scratch";
        Sight {
            from,
            instruction,
            default_image,
            image,
            is_image,
            platform,
            names,
            offered,
            wanted,
            target_platform,
            is_reached,
            steps,
        }
    }

    /// What a stage starts from, and what the image below is for if that can be told.
    fn below(&mut self, index: usize, image: &str, wanted: &Platform) -> (State<'a>, Option<Platform>) {
        if let Some(parent) = self.parents[index] {
            let triggers = self.stages.stages[parent].instructions.iter().filter_map(trigger).collect();
            let end = self.ends.below(parent).expect("it stands above").into_owned();
            return (State { triggers, ..end }, None);
        }
        let mut state = State::default();
        let key = (image.to_owned(), wanted.clone());
        let fact = self.input.facts.and_then(|facts| facts.images.get(&key));
        match fact {
            Some(fact) => state.take(&fact.config),
            None if image == "scratch" || self.is_context(image) => {}
            None => official::variables(image).for_each(|(name, value)| state.set(name, value)),
        }
        if state.vars.value("PATH").is_none() {
            state.set("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        }
        let offered = fact.filter(|fact| !fact.base.layers.is_empty()).map(|fact| fact.config.platform());
        (state, offered)
    }

    fn step(&self, state: &mut State<'a>, instruction: Cow<'a, Instruction>, lines: (u32, u32)) -> Step<'a> {
        let (has_shell, has_workdir) = (state.has_shell, state.has_workdir);
        let mut reader = Reader { escape: self.escape(), state, unset: Vec::new() };
        let words = match &instruction.kind {
            Kind::Env(pairs) => reader.env(pairs),
            Kind::Label(pairs) => reader.pairs(pairs).into_iter().map(|(key, _)| key).collect(),
            Kind::Arg(all) => {
                all.iter().for_each(|arg| reader.arg(arg, &self.input.options.build_args, &self.globals));
                Vec::new()
            }
            Kind::Copy(copy) => {
                let CopyFlags { chown, chmod, .. } = &copy.flags;
                reader.copy(&[chown, chmod], &copy.sources, &copy.dest, &copy.heredocs)
            }
            Kind::Add(add) => {
                let AddFlags { chown, chmod, checksum, .. } = &add.flags;
                reader.copy(&[chown, chmod, checksum], &add.sources, &add.dest, &add.heredocs)
            }
            Kind::Run(run) => {
                run.flags.mounts.iter().for_each(|mount| reader.mount(mount));
                Vec::new()
            }
            Kind::Workdir(word) | Kind::User(word) | Kind::Stopsignal(word) => reader.words([word]),
            Kind::Volume(words) => reader.words(words),
            Kind::Expose(words) => reader.ports(words),
            _ => Vec::new(),
        };
        let unset = reader.unset;
        state.has_shell |= matches!(instruction.kind, Kind::Shell(_));
        state.has_workdir |= matches!(instruction.kind, Kind::Workdir(_));
        Step { instruction, lines, unset, words, has_shell, has_workdir }
    }

    fn global_word(&self, text: &str) -> Word {
        let Ok(read) = expand(text, self.escape(), &self.globals, Mode::WORD) else { return Word::default() };
        Word {
            text: read.text,
            used: read.used.into_iter().collect(),
            unset: read.unset.into_iter().collect(),
        }
    }

    /// What FROM may name: what has a value, and what is declared without one.
    fn global_names(&self) -> Vec<String> {
        let set = self.globals.all().iter().map(|(name, _)| name);
        set.chain(self.stages.global_args.iter().map(|(arg, _)| &arg.name)).cloned().collect()
    }

    fn escape(&self) -> char {
        self.input.dockerfile.directives.escape
    }

    fn is_context(&self, image: &str) -> bool {
        self.input.options.image_contexts.contains(image)
    }

    fn parent(&self, stage: &Stage) -> Option<usize> {
        let image = self.global_word(&stage.from.image).text;
        self.stages.base(&image, stage.index).filter(|_| !self.is_context(&image))
    }

    /// Whether a stage is looked into.
    fn is_reached(&self, index: usize) -> bool {
        let all = self.input.reach == Reach::Asked && self.input.options.target.is_none();
        all || self.needed[index]
    }

    /// For every stage, whether the target needs it; an unknown target is the last stage.
    fn needed(&self) -> Vec<bool> {
        let count = self.stages.stages.len();
        let named = self.input.options.target.as_ref().and_then(|name| self.stages.target(name));
        let mut open = vec![named.map_or(count - 1, |stage| stage.index)];
        let mut needed = vec![false; count];
        while let Some(index) = open.pop() {
            if !std::mem::replace(&mut needed[index], true) {
                let all = self.stages.stages[index].instructions.iter();
                open.extend(all.flat_map(|one| self.sources(one, index)).chain(self.parents[index]));
            }
        }
        needed
    }

    /// The stages that an instruction takes files from.
    fn sources(&self, instruction: &Instruction, index: usize) -> Vec<usize> {
        let found = match &instruction.kind {
            Kind::Copy(copy) => copy.flags.from.iter().map(|name| self.stages.find(name, index)).collect(),
            Kind::Run(run) => {
                let names = run.flags.mounts.iter().filter_map(|mount| Mount::raw_from(mount).ok().flatten());
                names.map(|name| self.stages.find_named(&name, index)).collect()
            }
            _ => Vec::new(),
        };
        let earlier = |found| if let Found::Earlier(stage) = found { Some(stage) } else { None };
        found.into_iter().filter_map(earlier).collect()
    }
}

fn trigger(instruction: &Instruction) -> Option<Cow<'_, Instruction>> {
    match &instruction.kind {
        Kind::Onbuild(trigger) => Some(Cow::Borrowed(&**trigger)),
        _ => None,
    }
}

impl State<'_> {
    fn set(&mut self, name: &str, value: &str) {
        if self.vars.value(name).is_some() {
            self.names.retain(|known| known != name);
        }
        self.vars.set(name, beginning(value));
        self.names.push(name.to_owned());
    }

    fn take(&mut self, image: &ImageConfig) {
        for pair in &image.config.env {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.set(name, value);
        }
        self.has_shell = !image.config.shell.is_empty();
        let triggers = image.config.on_build.iter().filter_map(|text| dockerfile::parse_trigger(text).ok());
        self.triggers = triggers.map(Cow::Owned).collect();
    }
}

/// As much of a value as any rule looks at: a few lines of `ENV A=$A$A` would take all memory otherwise.
fn beginning(value: &str) -> &str {
    &value[..value.floor_char_boundary(4096)]
}

/// Reads the words of one instruction; all of them see the variables as they were before it.
struct Reader<'s, 'a> {
    escape: char,
    state: &'s mut State<'a>,
    unset: Vec<(String, Option<String>)>,
}

impl Reader<'_, '_> {
    fn word(&mut self, text: &str) -> Option<String> {
        self.expanded(text, self.escape, Mode::WORD)
    }

    fn expanded(&mut self, text: &str, escape: char, mode: Mode) -> Option<String> {
        let read = expand(text, escape, &self.state.vars, mode).ok()?;
        for name in read.unset {
            if !self.state.declared.contains(&name) && !NO_VARIABLES.contains(&name.as_str()) {
                // Nobody has a thousand variables, but a file of garbage may.
                let known = self.state.names.iter().take(1000).map(String::as_str);
                let near = near::nearest(&name, known).map(str::to_owned);
                self.unset.push((name, near));
            }
        }
        Some(read.text)
    }

    fn words<'t>(&mut self, texts: impl IntoIterator<Item = &'t String>) -> Vec<String> {
        texts.into_iter().filter_map(|text| self.word(text)).collect()
    }

    fn pairs(&mut self, pairs: &[KeyValue]) -> Vec<(String, String)> {
        let both = |pair: &KeyValue| Some((self.word(&pair.key)?, self.word(&pair.value)?));
        pairs.iter().filter_map(both).collect()
    }

    fn env(&mut self, pairs: &[KeyValue]) -> Vec<String> {
        let read = self.pairs(pairs);
        read.iter().for_each(|(name, value)| self.state.set(name, value));
        read.into_iter().map(|(name, _)| name).collect()
    }

    fn arg(&mut self, arg: &ArgDecl, given: &std::collections::BTreeMap<String, String>, globals: &Scope) {
        let value = match (given.get(&arg.name), &arg.default) {
            (Some(given), _) => Some(given.clone()),
            (None, Some(default)) => self.word(default),
            (None, None) => globals.value(&arg.name).map(str::to_owned),
        };
        if let Some(value) = value.filter(|_| !NO_VARIABLES.contains(&arg.name.as_str())) {
            self.state.set(&arg.name, &value);
        }
        self.state.declared.push(arg.name.clone());
    }

    fn copy(
        &mut self,
        flags: &[&Option<String>],
        sources: &[String],
        dest: &str,
        documents: &[Heredoc],
    ) -> Vec<String> {
        flags.iter().copied().flatten().for_each(|flag| drop(self.word(flag)));
        let words = self.words(sources);
        self.word(dest);
        for document in documents.iter().filter(|document| document.expand) {
            // A document's escape character is always the usual one.
            self.expanded(&document.text(), '\\', Mode::HEREDOC);
        }
        words
    }

    fn mount(&mut self, value: &str) {
        let read = |field: &str| Ok(self.word(field).unwrap_or_default());
        // A wrong mount is the build's to tell; its words up to there were read.
        let _ = Mount::parse_with(value, read);
    }

    /// BuildKit doesn't ask whether the variables of ports are set.
    fn ports(&mut self, texts: &[String]) -> Vec<String> {
        let read =
            |text: &String| expand_words(text, self.escape, &self.state.vars, Mode::WORD).unwrap_or_default();
        texts.iter().flat_map(read).collect()
    }
}
