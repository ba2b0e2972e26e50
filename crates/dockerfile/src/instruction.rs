//! What an instruction is once read: closed types, words still with their variables and quotes.
//!
//! Made by `syntax`. Where BuildKit expands a word, the text here is the raw word for `expand`; where it
//! does not (commands, `--from`, stage names), it is final.

use std::borrow::Cow;

use crate::diagnostic::Span;
use crate::heredoc::Heredoc;

/// One instruction of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// The keyword as written: `run`, `RUN`, `Run`.
    pub keyword_text: String,
    /// First line, counted from 1.
    pub line: u32,
    /// Last line, here-documents included.
    pub end_line: u32,
    /// The bytes, here-documents included.
    pub span: Span,
    /// The logical line: continuations joined, comments gone, here-documents left out.
    pub original: String,
    /// The comment lines right before it, joined by line breaks, without their signs.
    pub comment: Option<String>,
    /// What it says.
    pub kind: Kind,
}

/// What an instruction says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `FROM`
    From(From),
    /// `RUN`
    Run(Run),
    /// `COPY`
    Copy(Copy),
    /// `ADD`
    Add(Add),
    /// `CMD`
    Cmd(Command),
    /// `ENTRYPOINT`
    Entrypoint(Command),
    /// `ENV`
    Env(Vec<KeyValue>),
    /// `LABEL`
    Label(Vec<KeyValue>),
    /// `ARG`
    Arg(Vec<ArgDecl>),
    /// `WORKDIR`
    Workdir(String),
    /// `USER`
    User(String),
    /// `EXPOSE`, sorted as BuildKit does; `expose` reads the words once they are expanded.
    Expose(Vec<String>),
    /// `VOLUME`
    Volume(Vec<String>),
    /// `HEALTHCHECK`
    Healthcheck(Healthcheck),
    /// `SHELL`
    Shell(Vec<String>),
    /// `STOPSIGNAL`
    Stopsignal(String),
    /// `ONBUILD` and its trigger.
    Onbuild(Box<Instruction>),
    /// `MAINTAINER`
    Maintainer(String),
}

/// A command line: for the shell, or word by word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// The text for the shell.
    Shell(String),
    /// The words of the JSON form.
    Exec(Vec<String>),
}

/// `FROM [--platform=P] image [AS alias]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct From {
    /// The image or stage; global arguments count.
    pub image: String,
    /// `--platform`; global arguments count.
    pub platform: Option<String>,
    /// The stage's name, in lower case.
    pub alias: Option<String>,
    /// The stage's name as written.
    pub alias_text: Option<String>,
    /// The word `AS` as written.
    pub as_text: Option<String>,
}

/// `RUN`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The command; with here-documents, see `script`.
    pub command: Command,
    /// Its flags.
    pub flags: RunFlags,
    /// The here-documents of the line, in order.
    pub heredocs: Vec<Heredoc>,
}

/// Flags of RUN, values raw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFlags {
    /// `--mount` values; `Mount::parse_with` reads and expands them.
    pub mounts: Vec<String>,
    /// `--network`: `default`, `none` or `host`.
    pub network: Option<String>,
    /// `--security`: `sandbox` or `insecure`.
    pub security: Option<String>,
    /// `--device` values; checked.
    pub devices: Vec<String>,
}

/// What a RUN runs once its here-documents are put in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Script<'a> {
    /// This text, behind the words of SHELL.
    Shell(Cow<'a, str>),
    /// These words.
    Exec(&'a [String]),
    /// This text as a read-only file of mode 0755 at `/dev/pipes/<name>`, then that file, behind the
    /// words of SHELL. It leaves no trace in the image.
    File {
        /// The file's name.
        name: &'a str,
        /// The file's content.
        content: Cow<'a, str>,
    },
}

impl Run {
    /// What to run: a lone here-document is the script itself, or a program if it begins with `#!`;
    /// documents behind a command stay documents, for the shell to read.
    pub fn script(&self) -> Script<'_> {
        let text = match &self.command {
            Command::Exec(words) => return Script::Exec(words),
            Command::Shell(text) => text,
        };
        let Some(first) = self.heredocs.first() else { return Script::Shell(Cow::Borrowed(text)) };
        if !matches!(crate::heredoc::announced(text), Ok(Some(_))) {
            return Script::Shell(Cow::Owned(with_documents(text, &self.heredocs)));
        }
        let content = first.text();
        if content.starts_with("#!") {
            return Script::File { name: &first.name, content };
        }
        Script::Shell(content)
    }
}

fn with_documents(text: &str, heredocs: &[Heredoc]) -> String {
    let mut script = text.to_owned();
    heredocs.iter().for_each(|heredoc| heredoc.push_to(&mut script));
    script
}

/// `COPY`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// Paths and patterns; variables count.
    pub sources: Vec<String>,
    /// Where to; variables count.
    pub dest: String,
    /// Files written in the Dockerfile itself.
    pub heredocs: Vec<Heredoc>,
    /// Its flags.
    pub flags: CopyFlags,
}

/// Flags of COPY.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CopyFlags {
    /// `--from`; variables do not count.
    pub from: Option<String>,
    /// `--chown`; variables count.
    pub chown: Option<String>,
    /// `--chmod`; variables count.
    pub chmod: Option<String>,
    /// `--link`
    pub link: bool,
    /// `--parents`
    pub parents: bool,
    /// `--exclude` patterns; variables do not count.
    pub exclude: Vec<String>,
}

/// `ADD`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// Paths, patterns and addresses; variables count.
    pub sources: Vec<String>,
    /// Where to; variables count.
    pub dest: String,
    /// Files written in the Dockerfile itself.
    pub heredocs: Vec<Heredoc>,
    /// Its flags.
    pub flags: AddFlags,
}

/// Flags of ADD.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddFlags {
    /// `--chown`; variables count.
    pub chown: Option<String>,
    /// `--chmod`; variables count.
    pub chmod: Option<String>,
    /// `--link`
    pub link: bool,
    /// `--exclude` patterns; variables do not count.
    pub exclude: Vec<String>,
    /// `--checksum`; variables count.
    pub checksum: Option<String>,
    /// `--keep-git-dir`
    pub keep_git_dir: Option<bool>,
    /// `--unpack`
    pub unpack: Option<bool>,
}

/// A pair of ENV or LABEL; variables count in both halves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The name.
    pub key: String,
    /// The value.
    pub value: String,
    /// Written `KEY value`, without `=`.
    pub old_form: bool,
}

/// An argument that ARG declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgDecl {
    /// Its name.
    pub name: String,
    /// Its default; variables count.
    pub default: Option<String>,
}

/// `HEALTHCHECK`
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Healthcheck {
    /// `NONE`: not even what the base image asks for.
    None,
    /// `CMD`
    Check(Check),
}

/// `HEALTHCHECK CMD`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// `--interval`
    pub interval: Option<Timing>,
    /// `--timeout`
    pub timeout: Option<Timing>,
    /// `--start-period`
    pub start_period: Option<Timing>,
    /// `--start-interval`
    pub start_interval: Option<Timing>,
    /// `--retries`
    pub retries: Option<u32>,
    /// What to run: `CMD-SHELL` if it is for the shell, `CMD` otherwise.
    pub command: Command,
}

/// A duration as written and as meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// As written.
    pub text: String,
    /// In nanoseconds.
    pub nanoseconds: i64,
}

impl Instruction {
    /// The logical line without white space around it, as histories and logs show it.
    pub fn code(&self) -> &str {
        self.original.trim()
    }

    /// What the comment before it says about `name`, a stage or an argument.
    pub fn doc_comment(&self, name: &str) -> Option<&str> {
        let lines = self.comment.as_deref().unwrap_or_default().lines();
        lines
            .filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .next()
            .filter(|_| !name.is_empty())
    }

    /// The here-documents of the line.
    pub fn heredocs(&self) -> &[Heredoc] {
        match &self.kind {
            Kind::Run(run) => &run.heredocs,
            Kind::Copy(copy) => &copy.heredocs,
            Kind::Add(add) => &add.heredocs,
            Kind::Onbuild(trigger) => trigger.heredocs(),
            _ => &[],
        }
    }

    /// The text to keep in an image's `OnBuild`, if this is the trigger of an ONBUILD: the line and its
    /// here-documents. `parse_trigger` reads it again.
    pub fn trigger_text(&self) -> Cow<'_, str> {
        match self.heredocs() {
            [] => Cow::Borrowed(&self.original),
            heredocs => Cow::Owned(with_documents(&self.original, heredocs)),
        }
    }
}

impl Kind {
    /// The keyword in upper case.
    pub fn keyword(&self) -> &'static str {
        match self {
            Kind::From(_) => "FROM",
            Kind::Run(_) => "RUN",
            Kind::Copy(_) => "COPY",
            Kind::Add(_) => "ADD",
            Kind::Cmd(_) => "CMD",
            Kind::Entrypoint(_) => "ENTRYPOINT",
            Kind::Env(_) => "ENV",
            Kind::Label(_) => "LABEL",
            Kind::Arg(_) => "ARG",
            Kind::Workdir(_) => "WORKDIR",
            Kind::User(_) => "USER",
            Kind::Expose(_) => "EXPOSE",
            Kind::Volume(_) => "VOLUME",
            Kind::Healthcheck(_) => "HEALTHCHECK",
            Kind::Shell(_) => "SHELL",
            Kind::Stopsignal(_) => "STOPSIGNAL",
            Kind::Onbuild(_) => "ONBUILD",
            Kind::Maintainer(_) => "MAINTAINER",
        }
    }
}
