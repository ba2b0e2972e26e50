//! `tare save` and `tare load`: images between the store and archives.

mod contents;
mod input;

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;

use engine::Voice;
use engine::ahead::Goals;
use engine::fetch::{self, Want};
use oci::{Blobs, Image, Platform, Publish, Tagged};
use store::{Store, Stored};
use transport::Name;
use transport::archive::{Format, Target, write};

use self::contents::Entry;
use self::input::Input;
use super::images::table::print;
use super::leaving::Leaving;
use super::names;
use super::registry::shown;
use crate::cli::{ArchiveFormat, Load, Save};
use crate::failure::{Failure, Outcome, doing};

/// Writes an image, or all images of an index, to an archive.
pub fn save(args: &Save) -> Outcome {
    if args.output.is_none() && io::stdout().is_terminal() {
        return Err(Failure::Usage(
            "an archive is nothing for a terminal: use `-o FILE`, or redirect".to_owned(),
        ));
    }
    let store = crate::home::store()?;
    let _in_use = store.share()?;
    let stored = names::find(&store, &args.image)?;
    let what = store.load(&stored)?;
    if what.is_index() && args.format == ArchiveFormat::Docker {
        return Err(several(&args.image));
    }
    let parts = Leaving::new(&store);
    let what = shown(false, |voice| parts.packed(&stored, what, Goals::default(), voice))?;
    let saved = match &args.output {
        Some(path) if !is_special(path) => save_file(path, args.format, &stored, &what, &parts),
        Some(path) => save_stream(open_special(path)?, args.format, &stored, &what, &parts),
        None => save_stream(own_stdout()?, args.format, &stored, &what, &parts),
    };
    parts.ended(saved)?;
    Ok(0)
}

fn several(name: &str) -> Failure {
    Failure::Usage(format!(
        "`{name}` is for several platforms, and a Docker archive holds an image for one: use `--format oci`"
    ))
}

fn format(format: ArchiveFormat) -> Format {
    match format {
        ArchiveFormat::Docker => Format::Docker,
        ArchiveFormat::Oci => Format::Oci,
    }
}

fn archive_names(stored: &Stored) -> Vec<Name> {
    names::reference(stored).map(Name::Image).into_iter().collect()
}

/// A file that can't be replaced by a new one: `/dev/null`, a pipe.
fn is_special(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir())
}

fn open_special(path: &Path) -> Result<File, Failure> {
    File::options().write(true).open(path).map_err(doing(format!("write `{}`", path.display())))
}

/// Standard output as a file: std's own looks for line ends in what is written.
fn own_stdout() -> Result<File, Failure> {
    let copied = io::stdout().as_fd().try_clone_to_owned();
    copied.map(File::from).map_err(doing("write to standard output"))
}

fn save_file(
    path: &Path,
    kind: ArchiveFormat,
    stored: &Stored,
    what: &Tagged,
    parts: &dyn Blobs,
) -> Result<(), Failure> {
    let (path, names) = (path.to_owned(), archive_names(stored));
    let target = Target { path, format: format(kind), names, progress: Arc::new(()) };
    Ok(target.publish(what, parts).map(drop)?)
}

fn save_stream(
    file: File,
    kind: ArchiveFormat,
    stored: &Stored,
    what: &Tagged,
    parts: &dyn Blobs,
) -> Result<(), Failure> {
    let mut out = BufWriter::with_capacity(1 << 17, file);
    Ok(write(&mut out, format(kind), what, &archive_names(stored), parts, &()).map(drop)?)
}

/// Reads every image of an archive.
pub fn load(args: &Load) -> Outcome {
    let store = crate::home::store()?;
    let _in_use = store.share()?;
    let input = Input::open(args.input.as_deref(), &store)?;
    let entries = contents::list(&input).map_err(|why| input.failed(&why))?;
    for entry in &entries {
        let image = shown(args.quiet, |voice| load_one(&store, &input, entry, voice))?;
        for name in keep(&store, &image, entry)? {
            print(&if args.quiet { format!("{name}\n") } else { format!("loaded {name}\n") })?;
        }
    }
    Ok(0)
}

fn load_one(store: &Store, input: &Input, entry: &Entry, voice: &Voice) -> Result<Image, Failure> {
    let source = transport::load::open(input.path(), entry.selector.clone(), input.scratch())?;
    let doing = format!("load {}", entry.display());
    let want = Want { doing: &doing, from: &*source, platform: &Platform::host() };
    Ok(fetch::fetch(store, &want, voice)?.image)
}

/// The image under its names, or under its id.
fn keep(store: &Store, image: &Image, entry: &Entry) -> Result<Vec<String>, Failure> {
    if entry.names.is_empty() {
        let name = names::unnamed(&image.id());
        fetch::name(store, image, &name, "as loaded")?;
        return Ok(vec![name]);
    }
    entry.names.iter().try_for_each(|name| fetch::name(store, image, &name.to_string(), "as loaded"))?;
    Ok(entry.names.iter().map(oci::Reference::familiar).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_written_and_not_replaced() {
        assert!(is_special(Path::new("/dev/null")));
        assert!(!is_special(&std::env::temp_dir()));
        assert!(!is_special(Path::new("no such file")));
    }
}
