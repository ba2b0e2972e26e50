//! A context's folder to what the rules have to know of it: the names at its top.
//!
//! Read once a folder, whatever Dockerfiles it is the context of. What another Dockerfile at its top asks for by name is
//! no clutter: the ignore file is that one's, too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::DirEntry;
use std::path::{Path, PathBuf};

use lint::{Context, Reach};
use plan::Options;

use super::subject::Subject;

/// The folders that were read.
#[derive(Default)]
pub struct Folders {
    all: RefCell<BTreeMap<PathBuf, Option<Context>>>,
}

impl Folders {
    /// What lies in a context; nothing if it can't be read.
    pub fn context(&self, folder: &Path, options: &Options) -> Option<Context> {
        let mut all = self.all.borrow_mut();
        all.entry(folder.to_owned()).or_insert_with(|| read(folder, options)).clone()
    }
}

fn read(folder: &Path, options: &Options) -> Option<Context> {
    let mut names: Vec<String> = std::fs::read_dir(folder).ok()?.flatten().filter_map(name).collect();
    names.sort_unstable();
    let mut context = Context { names };
    if context.has_clutter() {
        let texts =
            context.dockerfiles().into_iter().filter_map(|name| std::fs::read(folder.join(name)).ok());
        let subjects: Vec<Subject> = texts.map(|text| Subject::read(text, None)).collect();
        let inputs: Vec<_> = subjects.iter().map(|subject| subject.input(options, Reach::Asked)).collect();
        context.spare(|name| inputs.iter().any(|input| lint::asks_for(input, name)));
    }
    Some(context)
}

/// A name that no ignore file can have in it is none.
fn name(entry: DirEntry) -> Option<String> {
    let name = entry.file_name().into_string().ok()?;
    let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
    Some(if is_folder { name + "/" } else { name })
}
