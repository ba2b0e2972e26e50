//! An image to the Go programs in it, with what they say of their own making.
//!
//! Reads the layers as they go to a registry, so it needs neither files on disk nor a user namespace. What a
//! layer removes is gone, what it replaces is replaced.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Write};

use layer::read::{MemberKind, Reader};
use oci::{Descriptor, Image};
use store::Store;

use crate::error::{Error, Result, doing};

/// Every Go program of an image whose layers are in the store, by path.
///
/// # Errors
/// If a layer can't be read, or a program's build info isn't what it should be.
pub fn programs(store: &Store, image: &Image) -> Result<Vec<sbom::Program>> {
    let mut found = BTreeMap::new();
    for blob in &image.manifest.layers {
        of_layer(store, blob, &mut found)
            .map_err(doing(format_args!("read layer {}", blob.digest.short())))?;
    }
    found.into_values().map(|program| program.map_err(Error::Other)).collect()
}

type Found = BTreeMap<String, std::result::Result<sbom::Program, String>>;

fn of_layer(store: &Store, blob: &Descriptor, found: &mut Found) -> io::Result<()> {
    let file = oci::Blobs::open(store, blob)?;
    let compression = oci::media::Compression::of_layer(&blob.media_type);
    let compression = compression.ok_or_else(|| io::Error::other("unknown media type"))?;
    let mut tar = Reader::new(layer::decode::layer_decoder(compression, file)?);
    while let Some(member) = tar.next()? {
        let path = format!("/{}", String::from_utf8_lossy(&member.path));
        // Directories merge; whatever else there is replaces what was there.
        if member.kind != MemberKind::Dir {
            remove(found, &path);
        }
        if matches!(member.kind, MemberKind::File { .. })
            && let Some(program) = program(store, &path, &mut tar)?
        {
            found.insert(path, program);
        }
    }
    Ok(())
}

/// What stood at a path, or what a whiteout names, is no more.
fn remove(found: &mut Found, path: &str) {
    let (folder, name) = path.rsplit_once('/').unwrap_or_default();
    let gone = match name.strip_prefix(".wh.") {
        Some(".wh..opq") => format!("{folder}/"),
        Some(name) => format!("{folder}/{name}"),
        None => path.to_owned(),
    };
    let below = format!("{}/", gone.trim_end_matches('/'));
    found.retain(|file, _| *file != gone && !file.starts_with(&below));
}

/// The member that the archive stands at, if it is a Go program.
fn program(
    store: &Store,
    path: &str,
    tar: &mut impl Read,
) -> io::Result<Option<std::result::Result<sbom::Program, String>>> {
    let mut head = Vec::with_capacity(64);
    tar.by_ref().take(64).read_to_end(&mut head)?;
    if !sbom::is_elf(&head) {
        return Ok(None);
    }
    let (file, sha256) = spool(store, head.as_slice().chain(tar))?;
    let info = sbom::read_from(file).map_err(|why| format!("read the build info of `{path}`: {why}"));
    let program = |info| sbom::Program { file: path.to_owned(), sha256, info };
    Ok(info.transpose().map(|info| info.map(program)))
}

/// Programs are large, and their parts are wanted out of order: through a file without a name.
fn spool(store: &Store, mut bytes: impl Read) -> io::Result<(File, String)> {
    let path = store.scratch("program").map_err(io::Error::other)?;
    let mut file = File::options().read(true).write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    let mut digest = oci::digest::Hasher::default();
    let mut buffer = vec![0; 1 << 17];
    loop {
        let n = bytes.read(&mut buffer)?;
        if n == 0 {
            return Ok((file, digest.finish().hex()));
        }
        digest.update(&buffer[..n]);
        file.write_all(&buffer[..n])?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_layer_takes_away_is_not_listed() {
        let check = |gone: &str, left: &[&str]| {
            let all = ["/a", "/d/x", "/d/y", "/dd"];
            let mut found: Found = all.iter().map(|p| (p.to_string(), Err(String::new()))).collect();
            remove(&mut found, gone);
            assert_eq!(found.keys().collect::<Vec<_>>(), left, "{gone}");
        };
        check("/a", &["/d/x", "/d/y", "/dd"]);
        check("/.wh.d", &["/a", "/dd"]);
        check("/d/.wh.x", &["/a", "/d/y", "/dd"]);
        check("/d/.wh..wh..opq", &["/a", "/dd"]);
        check("/d", &["/a", "/dd"]);
    }
}
