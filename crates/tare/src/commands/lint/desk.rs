//! A place to what was found there: reads the Dockerfile, its ignore file, its lock and its context, each when it is
//! the first to ask for it, and mends it if that is asked for.

use std::io::Read;
use std::path::PathBuf;

use dockerfile::{Diagnostic, Kind, Patterns, Span};
use lint::{Changes, Context, Reach, Rule, Warning};
use oci::Platform;
use plan::Options;
use plan::lock::Lock;

use super::drafts::{self, Drafts};
use super::folders::Folders;
use super::places::Place;
use super::subject::{Look, Subject};
use crate::cli::{Lint, RuleSet};
use crate::commands::facts::{Images, Memory};
use crate::commands::{lock, source};
use crate::failure::Failure;

/// What all Dockerfiles have in common.
pub struct Desk {
    rules: Vec<&'static Rule>,
    options: Options,
    further: Vec<Platform>,
    mends: bool,
    /// The rules of BuildKit know of no context but its ignore file.
    reads_context: bool,
    memory: Memory,
    folders: Folders,
}

/// A Dockerfile, looked at; with `--fix` as it is when it is mended.
pub struct Looked {
    /// For people.
    pub name: String,
    pub text: Vec<u8>,
    /// What was found, and isn't mended.
    pub warnings: Vec<Warning>,
    /// What can't be read of it.
    pub problems: Vec<Diagnostic>,
    /// How many findings were mended.
    pub mended: usize,
    /// What that may have changed in the image.
    pub changes: Vec<Changes>,
}

impl Looked {
    /// Tells what can't be read of it.
    pub fn report(&self) {
        if !self.problems.is_empty() {
            let (name, text) = (self.name.clone(), self.text.clone());
            Failure::Dockerfile { name, text, problems: self.problems.clone() }.report();
        }
    }
}

/// The ignore file in force, or the one that could be made.
struct Ignore {
    path: PathBuf,
    text: Option<Vec<u8>>,
}

impl Desk {
    /// # Errors
    /// If a platform or a build argument is none.
    pub fn new(args: &Lint) -> Result<Desk, Failure> {
        let mut further = crate::commands::platforms::read(args.platform.as_deref())?;
        let platform = further.remove(0);
        let build_args = crate::commands::build::pairs(&args.build_args, true)?;
        let options = Options { target: args.target.clone(), build_args, platform, ..Options::here() };
        Ok(Desk {
            rules: super::rules(args),
            options,
            further,
            mends: args.fix || args.diff,
            reads_context: args.rules != RuleSet::Buildkit,
            memory: Memory::default(),
            folders: Folders::default(),
        })
    }

    /// Looks at a Dockerfile. Changes to it and to its ignore file are drafts.
    ///
    /// # Errors
    /// If something can't be read that has to be.
    pub fn look(&self, place: &Place, drafts: &mut Drafts) -> Result<Looked, Failure> {
        let (mut subject, ignore) = self.subject(place, drafts)?;
        self.check_target(place, &subject)?;
        let lock = self.lock(place)?;
        let known = |images: Images| self.memory.known(&lock, images);
        let (options, further, rules) = (&self.options, &self.further[..], &self.rules[..]);
        let look = Look { options, further, reach: Reach::Asked, rules, known: &known };
        let (mut mended, mut changes) = (0, Vec::new());
        if self.mends && subject.problems.is_empty() {
            let new = subject.mended(&look).map_err(|message| misread(place, &subject, message))?;
            (mended, changes) = (new.count, new.changes);
            drafts.change(&place.file, Some(subject.text.clone()), new.text.clone());
            if !new.unseen.is_empty() {
                let text = drafts::extended(ignore.text.as_deref().unwrap_or_default(), &new.unseen);
                drafts.change(&ignore.path, ignore.text, text);
            }
            let patterns = lint::extended(subject.ignore.as_ref(), &new.unseen).or(subject.ignore);
            subject = Subject { context: subject.context, ..Subject::read(new.text, patterns) };
        }
        let checked = subject.check(&look).map_err(|message| misread(place, &subject, message))?;
        let (name, warnings) = (place.name(), checked.warnings);
        Ok(Looked { name, text: subject.text, warnings, problems: subject.problems, mended, changes })
    }

    fn subject(&self, place: &Place, drafts: &Drafts) -> Result<(Subject, Ignore), Failure> {
        let mut subject = Subject::read(text(place, drafts)?, None);
        if !takes_files(&subject) {
            return Ok((subject, Ignore { path: PathBuf::new(), text: None }));
        }
        let ignore = ignore(place, drafts);
        subject.ignore = ignore.patterns()?;
        if self.reads_context {
            let context = self.folders.context(&place.context, &self.options);
            let input = subject.input(&self.options, Reach::Asked);
            let is_it = |context: &Context| !place.is_guessed || lint::could_be_context(&input, context);
            subject.context = context.filter(is_it);
        }
        Ok((subject, ignore))
    }

    fn check_target(&self, place: &Place, subject: &Subject) -> Result<(), Failure> {
        let (Some(name), Ok(stages)) = (&self.options.target, dockerfile::stages(&subject.dockerfile)) else {
            return Ok(());
        };
        let none = || format!("{}: target stage `{name}` could not be found", place.name());
        stages.target(name).map(drop).ok_or_else(|| Failure::Usage(none()))
    }

    /// The lock that a build would go by.
    fn lock(&self, place: &Place) -> Result<Lock, Failure> {
        if !self.memory.is_any() {
            return Ok(Lock::default());
        }
        let path = match place.is_stdin() {
            true => place.context.join(plan::lock::NAME),
            false => place.file.with_file_name(plan::lock::NAME),
        };
        lock::read(Some(path.strip_prefix(".").unwrap_or(&path)))
    }
}

impl Ignore {
    fn patterns(&self) -> Result<Option<Patterns>, Failure> {
        let Some(text) = &self.text else { return Ok(None) };
        let name = super::places::shown(&self.path);
        super::subject::patterns(&name, text).map(Some).map_err(Failure::Usage)
    }
}

/// Whether it takes anything from its context: else nobody asks what is there.
fn takes_files(subject: &Subject) -> bool {
    let mut kinds = subject.dockerfile.instructions.iter().map(|one| &one.kind);
    kinds.any(|kind| matches!(kind, Kind::Copy(_) | Kind::Add(_) | Kind::Onbuild(_)))
}

fn text(place: &Place, drafts: &Drafts) -> Result<Vec<u8>, Failure> {
    if !place.is_stdin() {
        return drafts.read(&place.file).map_err(unreadable(format!("`{}`", place.name())));
    }
    let mut text = Vec::new();
    let read = std::io::stdin().lock().read_to_end(&mut text);
    read.map_err(unreadable("the Dockerfile from standard input".to_owned())).map(|_| text)
}

/// There is nothing to have findings in.
fn unreadable(what: String) -> impl FnOnce(std::io::Error) -> Failure {
    move |e| Failure::Usage(format!("read {what}: {}", store::plain(&e)))
}

fn ignore(place: &Place, drafts: &Drafts) -> Ignore {
    let (path, text) = match source::found_ignore_file(&place.context, place.named.as_deref()) {
        Some((path, text)) => (path, Some(text)),
        None => (place.context.join(".dockerignore"), None),
    };
    let text = if drafts.is_empty() { text } else { drafts.read(&path).ok() };
    Ignore { path, text }
}

/// The directive stands at the top.
fn misread(place: &Place, subject: &Subject, message: String) -> Failure {
    let problem = Diagnostic { line: 1, end_line: 1, span: Span::default(), message, help: None };
    Failure::Dockerfile { name: place.name(), text: subject.text.clone(), problems: vec![problem] }
}
