//! An image as one tar stream: OCI's (`type=oci`) or Docker's (`type=docker`).
//!
//! ```text
//! blobs/sha256/<hex>    layers as they are, configs, manifests, maybe an index; in the order of their digests
//! index.json            as in a layout
//! manifest.json         Docker's only: the config, the names and the layers by path
//! oci-layout
//! ```
//! Docker itself has written this since version 25; older ones read `manifest.json` alone. Two equal images
//! give equal bytes: entries are sorted, owned by root, and from 1970.
//! `load` reads both kinds.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::Arc;

use oci::{Blobs, Descriptor, Image, Index, Publish, Published, Tagged};
use serde_json::json;

use crate::bundle::{self, Name, Part, blob_path};
use crate::error::{Error, Kind, Result};
use crate::layout::VERSION_FILE;
use crate::pull::Progress;
use crate::relay::relay;

/// Whose archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A layout in a tar.
    Oci,
    /// The same with `manifest.json`, for `docker load`.
    Docker,
}

/// A file to publish to.
pub struct Target {
    /// The archive; replaced when the new one is whole.
    pub path: PathBuf,
    /// Whose.
    pub format: Format,
    /// What the image is called in it.
    pub names: Vec<Name>,
    /// Who hears about it.
    pub progress: Arc<dyn Progress>,
}

impl Publish for Target {
    fn publish(&self, what: &Tagged, blobs: &dyn Blobs) -> Result<Published, String> {
        let failed = |e: Error| String::from(e.during(format_args!("write `{}`", self.path.display())));
        self.replace(what, blobs).map_err(failed)
    }
}

impl Target {
    fn replace(&self, what: &Tagged, blobs: &dyn Blobs) -> Result<Published> {
        let name =
            self.path.file_name().ok_or_else(|| Error::new(Kind::Config, "it is not a file's name"))?;
        let beside = self.path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let written = self.write_to(&beside, what, blobs);
        let done = written.and_then(|done| {
            fs::rename(&beside, &self.path).map(|()| done).map_err(|e| Error::io("rename the new file", &e))
        });
        done.inspect_err(|_| drop(fs::remove_file(&beside)))
    }

    fn write_to(&self, beside: &std::path::Path, what: &Tagged, blobs: &dyn Blobs) -> Result<Published> {
        let file = File::create(beside).map_err(|e| Error::io("create a file beside it", &e))?;
        write(&mut BufWriter::new(file), self.format, what, &self.names, blobs, &*self.progress)
    }
}

/// Writes an archive to any stream, and flushes it.
///
/// # Errors
/// If a blob can't be read or isn't what its descriptor says, or the stream can't be written; then what was
/// written is not an archive. `Config`, and nothing is written, for an index in Docker's format.
pub fn write(
    out: &mut dyn Write,
    format: Format,
    what: &Tagged,
    names: &[Name],
    blobs: &dyn Blobs,
    progress: &dyn Progress,
) -> Result<Published> {
    let table = match format {
        Format::Oci => None,
        Format::Docker => Some(docker_manifest(what.only().ok_or_else(several)?, names)),
    };
    let mut sent = 0;
    let wrong = |e: &io::Error| Error::io("write the archive", e);
    write_folders(out).map_err(|e| wrong(&e))?;
    for part in bundle::parts(what) {
        let failed = |e: io::Error| Error::io(format_args!("blob {}", part.blob.digest), &e);
        write_part(out, &part, blobs, progress).map_err(failed)?;
        sent += part.blob.size;
    }
    write_tables(out, what, names, table.as_deref()).map_err(|e| wrong(&e))?;
    Ok(Published { sent, skipped: 0 })
}

fn write_folders(out: &mut dyn Write) -> io::Result<()> {
    out.write_all(&header("blobs/", 0, b'5'))?;
    out.write_all(&header("blobs/sha256/", 0, b'5'))
}

/// `docker load` takes the first image that it finds, or all of them under one name.
fn several() -> Error {
    Error::new(Kind::Config, "a Docker archive holds an image for one platform, not several")
}

fn write_tables(out: &mut dyn Write, what: &Tagged, names: &[Name], docker: Option<&[u8]>) -> io::Result<()> {
    let index = Index::new(bundle::entries(what, names)).to_bytes();
    write_bytes(out, "index.json", &index)?;
    if let Some(table) = docker {
        write_bytes(out, "manifest.json", table)?;
    }
    write_bytes(out, "oci-layout", VERSION_FILE.as_bytes())?;
    out.write_all(&[0; 1024])?;
    out.flush()
}

fn docker_manifest(image: &Image, names: &[Name]) -> Vec<u8> {
    let tag = |name: &Name| match name {
        Name::Image(reference) if reference.tag.is_some() => {
            Some(oci::Reference { digest: None, ..reference.clone() }.familiar())
        }
        _ => None,
    };
    let tags: Vec<String> = names.iter().filter_map(tag).collect();
    let paths: Vec<String> = image.manifest.layers.iter().map(blob_path).collect();
    let config = blob_path(&Descriptor::of("", &image.config_bytes));
    let entry = json!([{ "Config": config, "RepoTags": tags, "Layers": paths }]);
    serde_json::to_vec(&entry).expect("a JSON tree is plain data")
}

fn write_part(
    out: &mut dyn Write,
    part: &Part<'_>,
    blobs: &dyn Blobs,
    progress: &dyn Progress,
) -> io::Result<()> {
    out.write_all(&header(&blob_path(&part.blob), part.blob.size, b'0'))?;
    relay(part, blobs, progress, out)?;
    pad(out, part.blob.size)
}

fn write_bytes(out: &mut dyn Write, path: &str, bytes: &[u8]) -> io::Result<()> {
    let size = bytes.len() as u64;
    out.write_all(&header(path, size, b'0'))?;
    out.write_all(bytes)?;
    pad(out, size)
}

/// To the end of a block, after a file's bytes.
fn pad(out: &mut dyn Write, size: u64) -> io::Result<()> {
    let padding = size.next_multiple_of(512) - size;
    out.write_all(&[0; 512][..usize::try_from(padding).expect("it is below 512")])
}

/// A ustar header. Our paths are short and plain, so there is no need for pax.
fn header(path: &str, size: u64, kind: u8) -> [u8; 512] {
    let mut block = [0; 512];
    let mut put = |at: usize, bytes: &[u8]| block[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, path.as_bytes());
    put(100, if kind == b'5' { b"0000755" } else { b"0000644" });
    put(108, b"0000000");
    put(116, b"0000000");
    put(124, &number(size));
    put(136, b"00000000000");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar\x0000");
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

/// Eleven octal digits, or from 8 GiB on the binary form that GNU tar invented and everybody reads.
fn number(size: u64) -> [u8; 12] {
    let mut field = [0; 12];
    if size < 1 << 33 {
        field[..11].copy_from_slice(format!("{size:011o}").as_bytes());
    } else {
        field[0] = 0x80;
        field[4..].copy_from_slice(&size.to_be_bytes());
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(size: u64) {
        let block = header("blobs/x", size, b'0');
        let read = tar::Header::from_byte_slice(&block);
        assert_eq!(read.entry_size().unwrap(), size);
        assert_eq!(read.path().unwrap().to_str(), Some("blobs/x"));
        assert_eq!(read.mode().unwrap(), 0o644);
        let sum: u32 = block
            .iter()
            .enumerate()
            .map(|(i, &b)| if (148..156).contains(&i) { 32 } else { u32::from(b) })
            .sum();
        assert_eq!(read.cksum().unwrap(), sum);
    }

    #[test]
    fn headers_are_read_by_others() {
        [0, 1, 511, (1 << 33) - 1, 1 << 33, 1 << 40].into_iter().for_each(check);
    }
}
