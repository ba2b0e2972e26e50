//! An archive's tables to the images that it has, and their names.
//!
//! `index.json` goes before `manifest.json`, as the newer of the two; Docker writes both.

use std::fs::File;
use std::io::{BufReader, Read};

use layer::read::MemberKind;
use layer::{Reader, read};
use oci::{Descriptor, Index, Platform, Reference};
use serde::Deserialize;
use transport::layout::Selector;

use super::input::Input;

/// A larger table is no honest one.
const MOST: u64 = 4 << 20;
/// The full name of an image, as containerd, Docker and tare write it.
const IMAGE_NAME: &str = "io.containerd.image.name";
/// The tag of an image, or with `podman` and `skopeo` its name.
const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// One image of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// How to get it.
    pub selector: Selector,
    /// What it is called; maybe nothing.
    pub names: Vec<Reference>,
}

impl Entry {
    fn new(selector: Selector, names: Vec<Reference>) -> Entry {
        Entry { selector, names }
    }

    /// For people.
    pub fn display(&self) -> String {
        self.names.first().map_or_else(|| "unnamed image".to_owned(), Reference::familiar)
    }
}

/// The images of an archive.
///
/// # Errors
/// If it isn't one.
pub fn list(input: &Input) -> Result<Vec<Entry>, String> {
    let file = File::open(input.path()).map_err(|e| e.to_string())?;
    let tables = tables(BufReader::with_capacity(1 << 17, file))?;
    match (tables.index, tables.manifest) {
        (Some(index), _) => from_index(&index),
        (None, Some(manifest)) => from_manifest(&manifest),
        (None, None) => {
            Err("it has neither `index.json` nor `manifest.json`, so it is no image archive".to_owned())
        }
    }
}

#[derive(Default)]
struct Tables {
    index: Option<Vec<u8>>,
    manifest: Option<Vec<u8>>,
}

fn tables(input: impl Read) -> Result<Tables, String> {
    let mut reader = Reader::new(input);
    let mut tables = Tables::default();
    while let Some(member) = reader.next().map_err(|e| e.to_string())? {
        match &member.path[..] {
            b"index.json" => tables.index = Some(table(&mut reader, &member)?),
            b"manifest.json" => tables.manifest = Some(table(&mut reader, &member)?),
            _ => {}
        }
    }
    Ok(tables)
}

fn table(reader: &mut impl Read, member: &read::Member) -> Result<Vec<u8>, String> {
    let name = String::from_utf8_lossy(&member.path);
    if !matches!(member.kind, MemberKind::File { size } if size <= MOST) {
        return Err(format!("`{name}` is not a file of at most {MOST} bytes"));
    }
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map(|_| bytes).map_err(|e| format!("`{name}`: {e}"))
}

fn from_index(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let index: Index =
        serde_json::from_slice(bytes).map_err(|e| format!("`index.json` is not valid: {e}"))?;
    let mut entries: Vec<Entry> = Vec::new();
    for found in ours(&index.manifests) {
        let selector = Selector::Digest(found.digest);
        match entries.iter_mut().find(|entry| entry.selector == selector) {
            Some(entry) => entry.names.extend(name_of(found)),
            None => entries.push(Entry::new(selector, name_of(found).into_iter().collect())),
        }
    }
    Ok(entries)
}

/// Of images for several platforms those that run here; of others all.
fn ours(all: &[Descriptor]) -> Vec<&Descriptor> {
    let host = Platform::host();
    let runs = |entry: &&Descriptor| entry.platform.as_ref().is_none_or(|p| host.accepts(p));
    let here: Vec<&Descriptor> = all.iter().filter(runs).collect();
    if here.is_empty() { all.iter().collect() } else { here }
}

fn name_of(entry: &Descriptor) -> Option<Reference> {
    let value = |key| entry.annotations.get(key).and_then(|name: &String| name.parse().ok());
    value(IMAGE_NAME).or_else(|| value(REF_NAME))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Item {
    #[serde(default)]
    repo_tags: Option<Vec<String>>,
}

fn from_manifest(bytes: &[u8]) -> Result<Vec<Entry>, String> {
    let items: Vec<Item> =
        serde_json::from_slice(bytes).map_err(|e| format!("`manifest.json` is not valid: {e}"))?;
    let alone = items.len() == 1;
    items.into_iter().map(|item| from_item(item.repo_tags.unwrap_or_default(), alone)).collect()
}

fn from_item(tags: Vec<String>, alone: bool) -> Result<Entry, String> {
    let selector = match (alone, tags.first()) {
        (true, _) => Selector::Any,
        (false, Some(tag)) => Selector::Name(tag.clone()),
        (false, None) => {
            return Err("one of several images has no name, so there is no telling which".to_owned());
        }
    };
    Ok(Entry::new(selector, tags.iter().filter_map(|tag| tag.parse().ok()).collect()))
}

#[cfg(test)]
mod tests {
    use oci::Digest;
    use serde_json::json;

    use super::*;

    fn names(entries: &[Entry]) -> Vec<Vec<String>> {
        entries.iter().map(|e| e.names.iter().map(Reference::familiar).collect()).collect()
    }

    /// Content, annotations, platform.
    type Line<'a> = (&'a str, &'a [(&'a str, &'a str)], Option<&'a str>);

    fn index(entries: &[Line]) -> Vec<Entry> {
        let one = |(content, annotations, platform): &Line| {
            let mut entry = Descriptor::of(oci::media::MANIFEST, content.as_bytes());
            entry.annotations = annotations.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            entry.platform = platform.map(|p| p.parse().unwrap());
            entry
        };
        from_index(&Index::new(entries.iter().map(one).collect()).to_bytes()).unwrap()
    }

    #[test]
    fn a_full_name_goes_before_a_tag() {
        let both = [(IMAGE_NAME, "docker.io/library/app:1"), (REF_NAME, "1")];
        assert_eq!(names(&index(&[("a", &both, None)])), [["app:1"]]);
        assert_eq!(names(&index(&[("a", &[(REF_NAME, "r.example/app:1")], None)])), [["r.example/app:1"]]);
        assert_eq!(names(&index(&[("a", &[], None)])), [[""; 0]]);
    }

    #[test]
    fn several_names_of_one_image_are_one_entry() {
        let found = index(&[
            ("a", &[(IMAGE_NAME, "x:1")], None),
            ("a", &[(IMAGE_NAME, "x:2")], None),
            ("b", &[], None),
        ]);
        assert_eq!(names(&found), [vec!["x:1", "x:2"], vec![]]);
        assert_eq!(found[0].selector, Selector::Digest(Digest::of(b"a")));
    }

    #[test]
    fn what_runs_elsewhere_is_left_out_if_something_runs_here() {
        let host = Platform::host().to_string();
        let names_of = |platforms: &[&str]| {
            let all: Vec<Line> = platforms.iter().map(|p| (*p, &[][..], Some(*p))).collect();
            index(&all).len()
        };
        assert_eq!(names_of(&[&host, "plan9/mips", "unknown/unknown"]), 1);
        assert_eq!(names_of(&["plan9/mips"]), 1);
    }

    #[test]
    fn dockers_own_table() {
        let check = |value: serde_json::Value| from_manifest(value.to_string().as_bytes());
        let one = check(json!([{ "Config": "c", "RepoTags": ["app:1", "app:2"], "Layers": [] }])).unwrap();
        assert_eq!(
            (names(&one), &one[0].selector),
            (vec![vec!["app:1".into(), "app:2".into()]], &Selector::Any)
        );
        let two = check(json!([{ "RepoTags": ["a:1"] }, { "RepoTags": ["b:1"] }])).unwrap();
        assert_eq!(two[1].selector, Selector::Name("b:1".to_owned()));
        assert_eq!(check(json!([{ "RepoTags": null }])).unwrap()[0].names, []);
        assert!(check(json!([{ "RepoTags": null }, { "RepoTags": ["b:1"] }])).is_err());
        assert!(check(json!({})).is_err());
    }

    fn tar(path: &str, bytes: &[u8]) -> Vec<u8> {
        let mut block = [0; 512];
        let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
        put(0, path.as_bytes());
        put(124, format!("{:011o}", bytes.len()).as_bytes());
        put(148, b"        ");
        put(156, b"0");
        let sum: u32 = block.iter().map(|&b| u32::from(b)).sum();
        block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let mut out = [&block[..], bytes].concat();
        out.resize(out.len().next_multiple_of(512) + 1024, 0);
        out
    }

    #[test]
    fn tables_are_found_under_any_spelling() {
        let found = tables(&tar("./index.json", b"{}")[..]).unwrap();
        assert_eq!((found.index.as_deref(), found.manifest), (Some(&b"{}"[..]), None));
        assert!(tables(&b"this is not a tar, but it is long enough to be looked at"[..]).is_err());
    }
}
