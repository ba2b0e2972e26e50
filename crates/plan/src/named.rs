//! A Dockerfile to what it takes from outside by names whose meaning can change: images, addresses, repositories.
//!
//! Of all stages, whatever the target. Feeds `tare pin`. What base images set and trigger counts as far as their
//! configs are known: the caller asks once without them, and again when it has them.
//! A name with a variable that has no value is left out, and so is one that the build itself will complain about.

use std::borrow::Cow;
use std::collections::BTreeSet;

use dockerfile::expand::Mode;
use dockerfile::instruction::{Add, ArgDecl, Instruction, KeyValue, Kind};
use dockerfile::stage::Stage;
use dockerfile::{Diagnostic, Dockerfile, Found, Git, Stages, expand_words};
use oci::{ImageConfig, Platform, Reference};

use crate::graph::Source;
use crate::lock;
use crate::options::Options;
use crate::scope::{Scope, platform_args};
use crate::wants::{self, FromMeaning};
use crate::{mounts, sources};

/// A name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Named {
    /// What it names.
    pub what: What,
    /// The line that does.
    pub line: u32,
    /// The instruction's place in the Dockerfile; none for a trigger of a base image.
    pub instruction: Option<usize>,
    /// The word as it stands there, if it is all of the name.
    pub word: Option<String>,
    /// The digest that stands there too.
    pub written: Option<String>,
}

/// What is named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum What {
    /// An image, and for which platform.
    Image(Reference, Platform),
    /// A file that a web server has.
    Url(String),
    /// A repository and a ref.
    Git(Box<Git>),
}

/// What can't be pinned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Left {
    /// The line.
    pub line: u32,
    /// As it stands there.
    pub text: String,
    /// Why not.
    pub why: String,
}

/// What a Dockerfile names.
#[derive(Default, Debug)]
pub struct All {
    /// What can be pinned, in the order of the lines; the same name may come again.
    pub names: Vec<Named>,
    /// What can't.
    pub left: BTreeSet<Left>,
}

/// What is known of an image.
pub type Configs<'a> = &'a dyn Fn(&Reference, &Platform) -> Option<ImageConfig>;

impl What {
    /// The kind of its entry in the lock.
    pub fn kind(&self) -> lock::Kind {
        match self {
            What::Image(..) => lock::Kind::Image,
            What::Url(_) => lock::Kind::Url,
            What::Git(_) => lock::Kind::Git,
        }
    }

    /// Its name in the lock.
    pub fn name(&self) -> String {
        match self {
            What::Image(reference, _) => lock::image_name(reference),
            What::Url(url) => lock::url_name(url),
            What::Git(git) => lock::git_name(git),
        }
    }
}

/// Everything that the stages name.
///
/// # Errors
/// If the global arguments can't be expanded.
pub fn named(
    source: &Dockerfile,
    stages: &Stages,
    options: &Options,
    configs: Configs,
) -> Result<All, Diagnostic> {
    let options = &Options { target: None, ..options.clone() };
    let globals = wants::globals(source, stages, options)?;
    let label = stages.stages.last().map(crate::state::label).unwrap_or_default();
    let predefined = platform_args(options, &label);
    let escape = source.directives.escape;
    let mut walk = Walk {
        source,
        stages,
        options,
        globals,
        predefined,
        escape,
        configs,
        ends: Vec::new(),
        all: All::default(),
    };
    stages.stages.iter().for_each(|stage| walk.stage(stage));
    Ok(walk.all)
}

struct Walk<'a> {
    source: &'a Dockerfile,
    stages: &'a Stages<'a>,
    options: &'a Options,
    globals: Scope,
    predefined: std::collections::BTreeMap<String, String>,
    escape: char,
    configs: Configs<'a>,
    /// The variables at the end of the stages so far.
    ends: Vec<Scope>,
    all: All,
}

/// Where a name stands.
#[derive(Clone, Copy)]
struct Site {
    stage: usize,
    line: u32,
    instruction: Option<usize>,
}

impl<'a> Walk<'a> {
    fn stage(&mut self, stage: &Stage<'a>) {
        let (mut vars, triggers) = self.below(stage);
        let site = |one: &Instruction, line| Site { stage: stage.index, line, instruction: self.place(one) };
        let triggers: Vec<_> = triggers.into_iter().map(|one| (site(&one, stage.line), one)).collect();
        let own: Vec<_> =
            stage.instructions.iter().map(|one| (site(one, one.line), Cow::Borrowed(one))).collect();
        for (site, one) in triggers.into_iter().chain(own) {
            self.instruction(site, &one, &mut vars);
        }
        self.ends.push(vars);
    }

    /// The instruction's number in the file.
    fn place(&self, one: &Instruction) -> Option<usize> {
        let all = &self.source.instructions;
        let at = all.partition_point(|known| known.span.start < one.span.start);
        all.get(at).filter(|known| std::ptr::eq(*known, one)).map(|_| at)
    }

    /// The variables that a stage starts with, and the triggers that it runs.
    fn below(&mut self, stage: &Stage<'a>) -> (Scope, Vec<Cow<'a, Instruction>>) {
        let nothing = || (self.fresh(), Vec::new());
        let image = &stage.from.image;
        let words = std::iter::once(image).chain(&stage.from.platform);
        if let Some(name) = words.flat_map(|text| self.unset(text)).next() {
            let start = nothing();
            self.leave(stage.line, image, &name);
            return start;
        }
        let Ok(meaning) = wants::meaning(self.stages, stage, &self.globals, self.options) else {
            return nothing();
        };
        match meaning {
            FromMeaning::Stage(parent) => {
                let triggers = self.stages.stages[parent].instructions.iter().filter_map(trigger).collect();
                (self.end_of(parent), triggers)
            }
            FromMeaning::Image { name, .. } if self.is_context(&name) => nothing(),
            FromMeaning::Image { name, platform } => {
                let start = self.of_image(&name, &platform).unwrap_or_else(nothing);
                let site =
                    Site { stage: stage.index, line: stage.line, instruction: self.place(stage.instruction) };
                self.image(site, &name, image, &platform);
                start
            }
            FromMeaning::Scratch => nothing(),
        }
    }

    fn fresh(&self) -> Scope {
        Scope::within(&self.globals.budget)
    }

    /// What is copied is charged, too: of a large stage there may be a thousand others.
    fn end_of(&self, stage: usize) -> Scope {
        match self.globals.budget.charge(self.ends[stage].bytes()) {
            Ok(()) => self.ends[stage].clone(),
            Err(_) => self.fresh(),
        }
    }

    fn unset(&self, text: &str) -> Option<String> {
        let expanded = self.globals.expand(text, '\\', Mode::WORD).ok()?;
        missing(text, &expanded.unset).map(str::to_owned)
    }

    fn of_image(&self, name: &str, platform: &Platform) -> Option<(Scope, Vec<Cow<'a, Instruction>>)> {
        let config = (self.configs)(&name.parse().ok()?, platform)?;
        let mut vars = self.fresh();
        for pair in &config.config.env {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            vars.set(name, value);
        }
        let triggers = config.config.on_build.iter().filter_map(|text| dockerfile::parse_trigger(text).ok());
        Some((vars, triggers.map(Cow::Owned).collect()))
    }

    fn instruction(&mut self, site: Site, one: &Instruction, vars: &mut Scope) {
        match &one.kind {
            Kind::Arg(all) => all.iter().for_each(|arg| self.arg(arg, vars)),
            Kind::Env(pairs) => self.env(pairs, vars),
            Kind::Copy(copy) => {
                let name = copy.flags.from.iter();
                name.for_each(|name| self.other(site, name, self.stages.find(name, site.stage)));
            }
            Kind::Run(run) => {
                for name in run.flags.mounts.iter().filter_map(|mount| mounts::from_option(mount)) {
                    self.other(site, &name, self.stages.find_named(&name, site.stage));
                }
            }
            Kind::Add(add) => self.add(site, add, vars),
            _ => {}
        }
    }

    /// An argument without a value stays one: what has it in its name is left.
    fn arg(&self, arg: &ArgDecl, vars: &mut Scope) {
        let given = self.options.build_args.get(&arg.name).cloned();
        let default = || self.word(arg.default.as_ref()?, vars);
        let global = || self.globals.value(&arg.name).map(str::to_owned);
        let predefined = || self.predefined.get(&arg.name).cloned();
        if let Some(value) = given.or_else(default).or_else(global).or_else(predefined) {
            vars.set(&arg.name, &value);
        }
    }

    fn env(&self, pairs: &[KeyValue], vars: &mut Scope) {
        let both = |pair: &KeyValue| Some((self.word(&pair.key, vars)?, self.word(&pair.value, vars)?));
        let read: Vec<_> = pairs.iter().filter_map(both).collect();
        read.iter().for_each(|(name, value)| vars.set(name, value));
    }

    /// A word whose variables all have values.
    fn word(&self, text: &str, vars: &Scope) -> Option<String> {
        let expanded = vars.expand(text, self.escape, Mode::WORD).ok();
        expanded.filter(|e| missing(text, &e.unset).is_none()).map(|e| e.text)
    }

    /// `--from` of COPY and of a mount.
    fn other(&mut self, site: Site, name: &str, found: Found) {
        if matches!(found, Found::Outside) && name != "scratch" && !self.is_context(name) {
            self.image(site, name, name, &self.options.platform);
        }
    }

    fn is_context(&self, name: &str) -> bool {
        self.options.image_contexts.contains(name) || self.options.folder_contexts.contains(name)
    }

    fn image(&mut self, site: Site, name: &str, text: &str, platform: &Platform) {
        let Ok(reference) = name.parse::<Reference>() else { return };
        let written = reference.digest.map(|digest| digest.to_string());
        // Without a tag there is nothing that could change.
        if written.is_none() || reference.tag.is_some() {
            self.push(site, What::Image(reference, platform.clone()), (name, text), written);
        }
    }

    fn add(&mut self, site: Site, add: &Add, vars: &Scope) {
        for text in &add.sources {
            let unset = vars.expand(text, self.escape, Mode::WORD).map(|e| e.unset).unwrap_or_default();
            if let Some(name) = missing(text, &unset) {
                // All else is a path, as far as it can be told.
                if text.contains("://") {
                    self.leave(site.line, text, name);
                }
                continue;
            }
            let words = expand_words(text, self.escape, vars, Mode::WORD).unwrap_or_default();
            let checksum = add.flags.checksum.as_ref().and_then(|sum| self.word(sum, vars));
            let Ok(found) = sources::of_add(words, &add.flags, checksum.as_deref()) else { continue };
            found.into_iter().for_each(|one| self.source(site, text, one));
        }
    }

    fn source(&mut self, site: Site, text: &str, one: Source) {
        match one {
            Source::Path(_) => {}
            Source::Url { url, checksum } => {
                let written = checksum.map(|sum| sum.to_string());
                self.push(site, What::Url(url.clone()), (&url, text), written);
            }
            Source::Git { git, .. } if git.commit().is_some() => {}
            Source::Git { text: name, git } => {
                let written = git.checksum.clone();
                self.push(site, What::Git(git), (&name, text), written);
            }
        }
    }

    fn push(&mut self, site: Site, what: What, (name, text): (&str, &str), written: Option<String>) {
        let word = (name == text).then(|| text.to_owned());
        let Site { line, instruction, .. } = site;
        self.all.names.push(Named { what, line, instruction, word, written });
    }

    fn leave(&mut self, line: u32, text: &str, variable: &str) {
        let (text, why) =
            (dockerfile::diagnostic::short(text.to_owned()), format!("`{variable}` has no value"));
        self.all.left.insert(Left { line, text, why });
    }
}

/// The first of the variables that leaves a gap: `$A` and `${A}`, not `${A:-b}`.
fn missing<'n>(text: &str, unset: &'n BTreeSet<String>) -> Option<&'n str> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let leaves_gap = |name: &&String| {
        let bare = format!("${name}");
        let mut ends = text.match_indices(&bare).map(|(at, _)| &text[at + bare.len()..]);
        text.contains(&format!("${{{name}}}")) || ends.any(|rest| !rest.starts_with(is_name))
    };
    unset.iter().find(leaves_gap).map(String::as_str)
}

fn trigger<'a>(instruction: &'a Instruction) -> Option<Cow<'a, Instruction>> {
    match &instruction.kind {
        Kind::Onbuild(trigger) => Some(Cow::Borrowed(&**trigger)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, options: &Options, configs: Configs) -> All {
        let (source, problems) = dockerfile::parse(text.as_bytes());
        assert!(problems.is_empty(), "{problems:?}");
        named(&source, &dockerfile::stages(&source).unwrap(), options, configs).unwrap()
    }

    /// Names with their lines, then what is left.
    fn check_with(text: &str, options: &Options, configs: Configs, names: &[&str], left: &[&str]) {
        let found = all(text, options, configs);
        let shown: Vec<_> =
            found.names.iter().map(|n| format!("{} {} {}", n.line, n.what.kind(), n.what.name())).collect();
        assert_eq!(shown, names, "{text}");
        let shown: Vec<_> = found.left.iter().map(|l| format!("{} {}: {}", l.line, l.text, l.why)).collect();
        assert_eq!(shown, left, "{text}");
    }

    fn check(text: &str, names: &[&str], left: &[&str]) {
        check_with(text, &Options::here(), &|_, _| None, names, left);
    }

    #[test]
    fn every_stage_counts() {
        check(
            "ARG V=3\nFROM a:$V AS base\nFROM scratch AS unused\nCOPY --from=b/c /x /\nCOPY --from=base /y /\n\
             FROM base\nRUN --mount=from=h.test/d:1,target=/d true\nCOPY --from=0 /z /\n",
            &["2 image a:3", "4 image b/c:latest", "7 image h.test/d:1"],
            &[],
        );
    }

    #[test]
    fn what_has_no_value_is_left() {
        check(
            "ARG U\nFROM a:$U AS a\nFROM b:${U:-1}\nARG W\nADD https://h.test/$W/x https://h.test/y /\n",
            &["3 image b:1", "5 url https://h.test/y"],
            &["2 a:$U: `U` has no value", "5 https://h.test/$W/x: `W` has no value"],
        );
        let options = Options { build_args: [("U".to_owned(), "2".to_owned())].into(), ..Options::here() };
        check_with("ARG U\nFROM a:$U\n", &options, &|_, _| None, &["2 image a:2"], &[]);
    }

    #[test]
    fn addresses_see_the_variables_of_their_place() {
        check(
            "FROM scratch AS s\nENV V=1\nADD http://me:pw@h.test/$V /a\nFROM s\nARG V=2\n\
             ADD https://h.test/r.git#v$V https://h.test/r.git git@h.test:a/b.git /\n",
            &[
                "3 url http://h.test/1",
                "6 git https://h.test/r.git#v2",
                "6 git https://h.test/r.git#HEAD",
                "6 git git@h.test:a/b.git#HEAD",
            ],
            &[],
        );
    }

    #[test]
    fn what_can_change_no_more_is_no_name() {
        let (sum, commit) = ("a".repeat(64), "b".repeat(40));
        let text = format!(
            "FROM a@sha256:{sum}\nFROM b:1@sha256:{sum}\nADD https://h.test/r.git#{commit} /\n\
             ADD --checksum=sha256:{sum} https://h.test/x /\nADD x /\n"
        );
        check(&text, &["2 image b:1", "4 url https://h.test/x"], &[]);
        let written: Vec<_> = all(&text, &Options::here(), &|_, _| None).names;
        assert!(written.iter().all(|name| name.written == Some(format!("sha256:{sum}"))), "{written:?}");
    }

    #[test]
    fn named_contexts_are_the_callers() {
        let names = |name: &str| [name.to_owned()].into();
        let options =
            Options { image_contexts: names("base"), folder_contexts: names("files"), ..Options::here() };
        check_with("FROM base\nCOPY --from=files x /\n", &options, &|_, _| None, &[], &[]);
    }

    #[test]
    fn base_images_have_variables_and_triggers() {
        let mut config = ImageConfig::default();
        config.config.env = vec!["V=7".to_owned()];
        config.config.on_build = vec!["ADD http://h.test/of-base /".to_owned()];
        let text = "FROM a\nADD http://h.test/$V /\n";
        let known = |_: &Reference, _: &Platform| Some(config.clone());
        let names = ["1 image a:latest", "1 url http://h.test/of-base", "2 url http://h.test/7"];
        check_with(text, &Options::here(), &known, &names, &[]);
        check(text, &["1 image a:latest"], &["2 http://h.test/$V: `V` has no value"]);
        assert_eq!(all(text, &Options::here(), &known).names[1].instruction, None);
    }

    #[test]
    fn variables_of_a_hostile_file_take_no_memory() {
        let text = format!("FROM scratch\nENV A=aaaaaaaaaaaaaaaa\n{}", "ENV A=$A$A$A$A\n".repeat(100));
        assert!(all(&text, &Options::here(), &|_, _| None).names.is_empty());
    }
}
