//! `tare pin`: what the names in a build stand for today, into `tare.lock` or into the Dockerfile.
//!
//! Of a Dockerfile all stages count, whatever is built. Without one there is only a toolchain to pin: see `go`.
//!
//! ```text
//! text ─▶ names ─▶ asked ─▶ names of what ADD fetches ─▶ asked ─▶ compared with the lock ─▶ lock, Dockerfile
//! ```

mod compare;
mod go;
mod names;
mod write;

use std::path::{Path, PathBuf};

use clap::Parser;
use engine::Settings;
use plan::lock::Lock;
use plan::named::All;

use crate::cli::{Build, Cli, Command, Pin};
use crate::failure::{Failure, Outcome};
use compare::{Change, Compared};
use names::Found;

/// What is to be done with names that are in the lock already.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// They stay.
    Add,
    /// They are asked for again.
    Update,
    /// They are asked for again, and nothing is changed.
    Check,
}

/// Pins.
pub fn run(args: &Pin) -> Outcome {
    let mode = match (args.update, args.check) {
        (true, _) => Mode::Update,
        (_, true) => Mode::Check,
        _ => Mode::Add,
    };
    if args.file.is_none() && super::source::found_dockerfile(&args.folder).is_none() {
        return go::pin(args, mode);
    }
    let build = as_build(args)?;
    let (mut settings, ..) = super::build::settings(&build, &crate::config::read()?)?;
    let lock = std::mem::take(&mut settings.lock);
    let found = names::find(&mut settings, &lock, args, mode)?;
    found.all.left.iter().for_each(|left| {
        eprintln!("note: line {}: `{}` can't be pinned: {}", left.line, left.text, left.why);
    });
    let compared = compare::compare(&lock, &found, mode, &today());
    match mode {
        Mode::Check => Ok(told(&compared)),
        Mode::Add | Mode::Update => save(args, &settings, &lock, found, compared),
    }
}

/// The build that is pinned, as it would be asked for.
fn as_build(args: &Pin) -> Result<Box<Build>, Failure> {
    let text = |path: &Path| {
        let text = path.to_str().map(str::to_owned);
        text.ok_or_else(|| Failure::Usage(format!("`{}` is not text", path.display())))
    };
    let mut words = vec!["tare".to_owned(), "build".to_owned()];
    words.extend(args.file.as_deref().map(text).transpose()?.map(|file| format!("--file={file}")));
    words.extend(args.platform.iter().map(|platform| format!("--platform={platform}")));
    for (flag, values) in [
        ("--build-arg", &args.build_args),
        ("--build-context", &args.build_contexts),
        ("--secret", &args.secrets),
        ("--ssh", &args.ssh),
    ] {
        words.extend(values.iter().map(|value| format!("{flag}={value}")));
    }
    words.extend(["--".to_owned(), text(&args.folder)?]);
    match Cli::try_parse_from(words).map(|cli| cli.command) {
        Ok(Command::Build(mut build)) => {
            build.go = args.go.clone();
            Ok(build)
        }
        Ok(_) => Err(Failure::Other("`tare build` is not a build".to_owned())),
        Err(e) => Err(Failure::Usage(e.to_string())),
    }
}

/// The day, as the lock has it.
fn today() -> String {
    oci::time::rfc3339(engine::clock::now(), 0)[..10].to_owned()
}

fn told(compared: &Compared) -> i32 {
    compared.changes.iter().for_each(say);
    let is_wrong = |change: &&Change| matches!(change, Change::Moved { .. } | Change::Missing { .. });
    match compared.changes.iter().filter(is_wrong).count() {
        0 => 0,
        _ => 1,
    }
}

fn save(args: &Pin, settings: &Settings, old: &Lock, found: Found, compared: Compared) -> Outcome {
    let Some(path) = &settings.lock_file else {
        return Err(Failure::Usage("there is no folder for a tare.lock".to_owned()));
    };
    compared.changes.iter().for_each(say);
    let mut lock = compared.lock;
    if args.write {
        let written = write::edit(&settings.dockerfile, &found);
        let file = dockerfile_path(path, settings)?;
        if written.text != settings.dockerfile {
            super::lock::replace(&file, &written.text)?;
            println!("wrote {} into `{}`", count(written.count), settings.dockerfile_name);
        }
        lock.entries.retain(|key, _| !written.names.contains(key) || found.siblings.contains(key));
        note_rest(&found.all, &lock);
    }
    if lock != *old {
        super::lock::write(path, &lock)?;
    }
    Ok(0)
}

fn count(digests: usize) -> String {
    format!("{digests} digest{}", if digests == 1 { "" } else { "s" })
}

/// Beside the lock, and there for writing to.
fn dockerfile_path(lock: &Path, settings: &Settings) -> Result<PathBuf, Failure> {
    match settings.dockerfile_name.as_str() {
        "-" => Err(Failure::Usage("`--write` needs a file, and the Dockerfile is standard input".to_owned())),
        name => {
            let path = lock.with_file_name(name);
            // What a link leads to is what is meant.
            Ok(path.canonicalize().unwrap_or(path))
        }
    }
}

/// What stays in the lock although it was to be written.
fn note_rest(all: &All, lock: &Lock) {
    for name in all.names.iter().filter(|name| name.written.is_none()) {
        if lock.entries.contains_key(&(name.what.kind(), name.what.name())) {
            eprintln!(
                "note: line {}: the digest of `{}` can't be written there, and stays in tare.lock",
                name.line,
                name.what.name()
            );
        }
    }
}

fn say(change: &Change) {
    match change {
        Change::Added { name, to } => println!("pinned {name} to {to}"),
        Change::Kept { name } => println!("{name} is pinned already"),
        Change::Same { name } => println!("{name} is what it was"),
        Change::Moved { name, from, to } => println!("{name}  {from} → {to}"),
        Change::Missing { name } => println!("{name} is not in tare.lock"),
        Change::Dropped { name } => println!("dropped {name}: no Dockerfile here names it"),
    }
}
