//! The programs of an image to the list that both documents are made of: who needs which part.
//!
//! Fed by `info`, feeds `spdx` and `cyclonedx`. What the two have in common is decided here: names, what a
//! replaced module is called, which ids there are. Order: as in the build infos, a part where it is first met.
//!
//! Ids are hashes of what the reader of a document would call the same thing:
//!
//! | of | goes in | does not |
//! |---|---|---|
//! | a program | file, its SHA-256 | build info: the file has it |
//! | a part | name, version, sum, what it replaces, folder | who needs it: two programs share a part |
//! | a document | kind, tare's version, image, digest | the programs: the digest has them |
//!
//! Build info has no graph, only a flat list: what a part needs itself is not known, and not said.

use std::collections::HashSet;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use oci::Digest;

use crate::info::{BuildInfo, Module};
use crate::purl;

/// tare's own version.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The last second of the year 9999: neither document can say a later one.
const LAST_TIME: i64 = 253_402_300_799;

/// A Go program in an image.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Program {
    /// Absolute path in the image.
    pub file: String,
    /// Of the file, 64 hex digits.
    pub sha256: String,
    /// What the program says of itself.
    pub info: BuildInfo,
}

/// The image that a document is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subject {
    /// Its name, or `image`.
    pub name: String,
    /// `sha256:…` of the manifest.
    pub digest: String,
    /// When it was made, in seconds since 1970; also the document's own time, for there is no clock here.
    pub created: i64,
    /// `linux/amd64`.
    pub platform: String,
}

impl Subject {
    /// The 64 hex digits of the digest.
    pub(crate) fn sha256(&self) -> &str {
        self.digest.strip_prefix("sha256:").unwrap_or(&self.digest)
    }

    pub(crate) fn time(&self) -> String {
        oci::time::rfc3339(self.created.clamp(0, LAST_TIME), 0)
    }

    /// The name of the document of this kind, as a URN of a UUID.
    pub(crate) fn urn(&self, kind: &str) -> String {
        let mut id = [0; 16];
        id.copy_from_slice(&hash(&[kind, VERSION, &self.name, &self.digest]).bytes()[..16]);
        // RFC 9562: version 8 is a UUID of one's own making, which a truncated SHA-256 is.
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        let hex = oci::digest::hex(&id);
        format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
    }
}

/// What an image has in it.
pub(crate) struct Parts<'a> {
    pub(crate) programs: Vec<Built<'a>>,
    pub(crate) parts: Vec<Part>,
}

/// A program and what it was built from.
pub(crate) struct Built<'a> {
    pub(crate) program: &'a Program,
    pub(crate) id: String,
    pub(crate) main: Part,
    /// Ids of parts.
    pub(crate) needs: Vec<String>,
}

/// A module, or the standard library.
pub(crate) struct Part {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    pub(crate) purl: Option<String>,
    pub(crate) cpe: Option<String>,
    pub(crate) sum: Option<Sum>,
    /// `example.com/a@v1.0.0`, in whose place this one was taken.
    pub(crate) replaces: Option<String>,
    /// The folder it came from, as in `go.mod`.
    pub(crate) folder: Option<String>,
}

/// A sum of `go.sum`: the SHA-256 not of a file, but of a list of files and their SHA-256s.
pub(crate) struct Sum {
    /// `h1:…`.
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
}

/// The programs, and each part once.
pub(crate) fn parts(programs: &[Program]) -> Parts<'_> {
    let (mut all, mut seen) = (Parts { programs: Vec::new(), parts: Vec::new() }, HashSet::new());
    for program in programs {
        let id = format!("program-{}", short(&[&program.file, &program.sha256]));
        if seen.insert(id.clone()) {
            let needs = add_needs(&program.info, &mut all.parts, &mut seen);
            all.programs.push(Built { program, id, main: main_part(program), needs });
        }
    }
    all
}

/// The ids of what a program needs; new ones are added to `parts`.
fn add_needs(info: &BuildInfo, parts: &mut Vec<Part>, seen: &mut HashSet<String>) -> Vec<String> {
    let (mut needs, mut own) = (Vec::new(), HashSet::new());
    for part in std::iter::once(library(info)).chain(info.deps.iter().filter_map(part)) {
        if own.insert(part.id.clone()) {
            needs.push(part.id.clone());
        }
        if seen.insert(part.id.clone()) {
            parts.push(part);
        }
    }
    needs
}

fn library(info: &BuildInfo) -> Part {
    let release = purl::release(&info.go_version);
    Part { purl: purl::golang("stdlib", release), cpe: release.map(purl::go_cpe), ..named("stdlib", release) }
}

/// What the program itself is called: its module, its main package, or its file if Go was told no more.
fn main_part(program: &Program) -> Part {
    let info = &program.info;
    let name = match info.path.as_str() {
        "" | "command-line-arguments" => &program.file,
        path => path,
    };
    info.main.as_ref().and_then(part).unwrap_or_else(|| named(name, None))
}

/// `None` for a module without a name, which Go doesn't make.
fn part(module: &Module) -> Option<Part> {
    let part = match module.replace.as_deref() {
        None => taken(module, None, None),
        // The folder says nothing to anybody else, and what is in it may have another module's name.
        Some(other) if is_folder(&other.path) => {
            let local = Module { path: module.path.clone(), ..Module::default() };
            Part { purl: None, ..taken(&local, Some(module), Some(&other.path)) }
        }
        Some(other) => taken(other, Some(module), None),
    };
    Some(part).filter(|part| !part.name.is_empty())
}

fn taken(module: &Module, replaced: Option<&Module>, folder: Option<&str>) -> Part {
    let known = version(module);
    let replaces = replaced.map(|m| match version(m) {
        Some(version) => format!("{}@{version}", m.path),
        None => m.path.clone(),
    });
    let sum = sum(&module.sum);
    let sum_text = sum.as_ref().map_or("", |sum| &sum.text);
    let (replaces_text, folder_text) = (replaces.as_deref().unwrap_or(""), folder.unwrap_or(""));
    Part {
        id: part_id(&[&module.path, known.unwrap_or(""), sum_text, replaces_text, folder_text]),
        purl: purl::golang(&module.path, known),
        sum,
        replaces,
        folder: folder.map(str::to_owned),
        ..named(&module.path, known)
    }
}

fn named(name: &str, version: Option<&str>) -> Part {
    Part {
        id: part_id(&[name, version.unwrap_or(""), "", "", ""]),
        name: name.to_owned(),
        version: version.map(str::to_owned),
        purl: None,
        cpe: None,
        sum: None,
        replaces: None,
        folder: None,
    }
}

fn part_id(fields: &[&str]) -> String {
    format!("go-{}", short(fields))
}

/// `None` if Go didn't know it either.
fn version(module: &Module) -> Option<&str> {
    Some(module.version.as_str()).filter(|v| !v.is_empty() && *v != "(devel)")
}

/// As Go tells a folder from a module in `go.mod`.
fn is_folder(path: &str) -> bool {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let starts = ["./", "../", "/", ".\\", "..\\", "\\"];
    drive || matches!(path, "." | "..") || starts.iter().any(|start| path.starts_with(start))
}

fn sum(text: &str) -> Option<Sum> {
    let bytes = BASE64_STANDARD.decode(text.strip_prefix("h1:")?).ok().filter(|bytes| bytes.len() == 32)?;
    Some(Sum { text: text.to_owned(), bytes })
}

/// Enough digits that nobody finds two alike.
fn short(fields: &[&str]) -> String {
    hash(fields).hex()[..32].to_owned()
}

fn hash(fields: &[&str]) -> Digest {
    let mut all = Vec::new();
    for field in fields {
        all.extend((field.len() as u64).to_le_bytes());
        all.extend(field.as_bytes());
    }
    Digest::of(&all)
}
