//! An OCI archive, or a tar of a root file system, to text that a case can show.
//!
//! Reads with the `tar` and `flate2` crates, which are not what tare writes with.

use crate::Result;
use flate2::read::MultiGzDecoder;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

/// An image in an OCI archive.
pub struct Image {
    /// The image config.
    pub config: Value,
    /// Each layer's tar.
    pub layers: Vec<Vec<u8>>,
}

/// Reads the only image of an archive.
pub fn read(archive: &Path) -> Result<Image> {
    let blobs = files(archive)?;
    let get = |name: &str| blobs.get(name).ok_or_else(|| format!("the archive has no `{name}`"));
    let index = json(get("index.json")?)?;
    let manifest = json(get(&blob(&index["manifests"][0])?)?)?;
    let config = json(get(&blob(&manifest["config"])?)?)?;
    let layers = manifest["layers"].as_array().ok_or("the manifest has no layers")?;
    let layers = layers.iter().map(|layer| unzip(get(&blob(layer)?)?)).collect::<Result<_>>()?;
    Ok(Image { config, layers })
}

fn files(archive: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let wrong = |e: std::io::Error| format!("read `{}`: {e}", archive.display());
    let file = std::fs::File::open(archive).map_err(wrong)?;
    let mut all = BTreeMap::new();
    for entry in tar::Archive::new(file).entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).trim_start_matches("./").to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(wrong)?;
        all.insert(name, bytes);
    }
    Ok(all)
}

fn blob(descriptor: &Value) -> Result<String> {
    let digest = descriptor["digest"].as_str().ok_or("a descriptor has no digest")?;
    Ok(format!("blobs/{}", digest.replace(':', "/")))
}

fn json(bytes: &[u8]) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|e| format!("JSON in the archive: {e}"))
}

fn unzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut tar = Vec::new();
    MultiGzDecoder::new(bytes).read_to_end(&mut tar).map_err(|e| format!("unzip a layer: {e}"))?;
    Ok(tar)
}

impl Image {
    /// The entries of a layer in their order; `-1` is the last one.
    pub fn layer(&self, number: i64, times: bool) -> Result<String> {
        let count = i64::try_from(self.layers.len()).unwrap_or(i64::MAX);
        let index = if number < 0 { count + number } else { number };
        let tar = usize::try_from(index).ok().and_then(|i| self.layers.get(i));
        let tar = tar.ok_or_else(|| format!("layer {number}: there are {count}"))?;
        Ok(entries(tar.as_slice(), times)?.into_iter().map(|(_, line)| line + "\n").collect())
    }

    /// One line for each history entry, `(empty)` before those without a layer.
    pub fn history(&self) -> String {
        let entries = self.config["history"].as_array().map(Vec::as_slice).unwrap_or_default();
        let line = |entry: &Value| {
            let mark = if entry["empty_layer"] == true { "(empty) " } else { "" };
            format!("{mark}{}\n", entry["created_by"].as_str().unwrap_or("?"))
        };
        entries.iter().map(line).collect()
    }

    /// The value of a key as the image has it: in `config`, or else beside it. Absent is null.
    pub fn setting(&self, key: &str) -> &Value {
        let inner = &self.config["config"][key];
        if inner.is_null() { &self.config[key] } else { inner }
    }
}

/// A root file system's entries by path, those at or below one of `below`; all if that is empty.
pub fn tree(tar: &Path, below: &[String]) -> Result<String> {
    let file = std::fs::File::open(tar).map_err(|e| format!("read `{}`: {e}", tar.display()))?;
    let sorted: BTreeMap<String, String> =
        entries(std::io::BufReader::new(file), false)?.into_iter().collect();
    let wanted = |path: &str| below.is_empty() || below.iter().any(|b| is_below(path, b));
    Ok(sorted.iter().filter(|(path, _)| wanted(path)).map(|(_, line)| format!("{line}\n")).collect())
}

fn is_below(path: &str, above: &str) -> bool {
    let above = above.trim_end_matches('/');
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Path and line of each entry: `0644 0:0 9 /hi`. The root itself is left out.
fn entries(tar: impl Read, times: bool) -> Result<Vec<(String, String)>> {
    let wrong = |e: std::io::Error| format!("read a tar: {e}");
    let mut all = Vec::new();
    for entry in tar::Archive::new(tar).entries().map_err(wrong)? {
        let mut entry = entry.map_err(wrong)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let path = format!("/{}", name.trim_start_matches("./").trim_matches('/'));
        if path != "/" && name != "." {
            let line = line(&mut entry, &path, times).map_err(wrong)?;
            all.push((path, line));
        }
    }
    Ok(all)
}

fn line<R: Read>(entry: &mut tar::Entry<'_, R>, path: &str, times: bool) -> std::io::Result<String> {
    let xattrs = xattrs(entry)?;
    let header = entry.header();
    let owner = format!("{:04o} {}:{}", header.mode()? & 0o7777, header.uid()?, header.gid()?);
    let target =
        entry.link_name_bytes().map(|t| String::from_utf8_lossy(&t).into_owned()).unwrap_or_default();
    let device = || {
        Ok::<_, std::io::Error>((header.device_major()?.unwrap_or(0), header.device_minor()?.unwrap_or(0)))
    };
    let what = match header.entry_type() {
        tar::EntryType::Directory => format!("{owner} {path}/"),
        tar::EntryType::Symlink => format!("{owner} {path} -> {target}"),
        tar::EntryType::Link => format!("{owner} {path} = {target}"),
        tar::EntryType::Fifo => format!("{owner} fifo {path}"),
        tar::EntryType::Char => device().map(|(a, b)| format!("{owner} char {a}:{b} {path}"))?,
        tar::EntryType::Block => device().map(|(a, b)| format!("{owner} block {a}:{b} {path}"))?,
        _ => format!("{owner} {} {path}", entry.size()),
    };
    let time = if times { format!(" @{}", header.mtime()?) } else { String::new() };
    Ok(format!("{what}{xattrs}{time}"))
}

fn xattrs<R: Read>(entry: &mut tar::Entry<'_, R>) -> std::io::Result<String> {
    let mut names = String::new();
    for extension in entry.pax_extensions()?.into_iter().flatten() {
        let key = String::from_utf8_lossy(extension?.key_bytes()).into_owned();
        if let Some(name) = key.strip_prefix("SCHILY.xattr.") {
            names.push_str(&format!(" [{name}]"));
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut add = |name: &str, kind, mode, data: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_mode(mode);
            header.set_uid(1);
            header.set_gid(2);
            header.set_mtime(7);
            header.set_size(data.len() as u64);
            builder.append_data(&mut header, name, data).expect("in memory");
        };
        add("b/", tar::EntryType::Directory, 0o1777, b"");
        add("b/f", tar::EntryType::Regular, 0o4755, b"hello");
        builder.into_inner().expect("in memory")
    }

    #[test]
    fn entries_show_mode_owner_size_and_path() {
        let lines: Vec<String> =
            entries(sample().as_slice(), true).expect("a tar").into_iter().map(|e| e.1).collect();
        assert_eq!(lines, ["1777 1:2 /b/ @7", "4755 1:2 5 /b/f @7"]);
    }

    #[test]
    fn below_means_whole_names() {
        assert!(is_below("/a/b", "/a") && is_below("/a", "/a/") && !is_below("/ab", "/a"));
    }
}
