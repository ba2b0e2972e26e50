//! A toolchain's zip, or a Go of this machine, to the files below `/usr/local/go`.
//!
//! Go's zips know no modes. What has to be executable is known by place, as the go command knows it.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use goproxy::Zip;

/// Unpacks into a new folder, which gets the layer's root.
pub fn unpack(zip: &mut Zip, folder: &Path) -> io::Result<()> {
    let goroot = folder.join("usr/local/go");
    let mut made = BTreeSet::new();
    for index in 0..zip.entries().len() {
        let name = zip.entries()[index].name.clone();
        let path = goroot.join(&name);
        parent(&path, folder, &mut made)?;
        let mut out = File::options().write(true).create_new(true).mode(mode(&name)).open(&path)?;
        io::copy(&mut zip.read(index)?, &mut out)?;
        // Whatever the umask is.
        out.set_permissions(fs::Permissions::from_mode(mode(&name)))?;
    }
    Ok(())
}

/// What of a GOROOT is needed to build; an installed one has tests, documentation and caches besides.
const PARTS: [&str; 7] = ["VERSION", "bin", "go.env", "lib", "pkg/include", "pkg/tool", "src"];

/// Copies a Go of this machine into a new folder, which gets the layer's root.
pub fn copy(goroot: &Path, folder: &Path) -> io::Result<()> {
    let mut made = BTreeSet::new();
    for part in PARTS {
        // Some distributions link parts of it to elsewhere.
        if let Ok(from) = goroot.join(part).canonicalize() {
            copy_all(&from, &folder.join("usr/local/go").join(part), folder, &mut made)?;
        }
    }
    Ok(())
}

fn copy_all(from: &Path, to: &Path, folder: &Path, made: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    if !from.is_dir() {
        parent(to, folder, made)?;
        let executable = fs::metadata(from)?.permissions().mode() & 0o100 != 0;
        fs::copy(from, to)?;
        return fs::set_permissions(to, fs::Permissions::from_mode(if executable { 0o755 } else { 0o644 }));
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_name() != "testdata" {
            copy_all(&entry.path().canonicalize()?, &to.join(entry.file_name()), folder, made)?;
        }
    }
    Ok(())
}

fn parent(path: &Path, folder: &Path, made: &mut BTreeSet<PathBuf>) -> io::Result<()> {
    let parent = path.parent().expect("it is below the folder");
    if made.contains(parent) {
        return Ok(());
    }
    fs::create_dir_all(parent)?;
    let new: Vec<&Path> = parent.ancestors().take_while(|p| p.starts_with(folder)).collect();
    for dir in new {
        if made.insert(dir.to_owned()) {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
        }
    }
    Ok(())
}

fn mode(name: &str) -> u32 {
    let script = name.starts_with("lib/") && name.ends_with("_exec");
    match name.starts_with("bin/") || name.starts_with("pkg/tool/") || script {
        true => 0o755,
        false => 0o644,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_executable_and_sources_are_not() {
        assert_eq!(mode("bin/go"), 0o755);
        assert_eq!(mode("pkg/tool/linux_amd64/compile"), 0o755);
        assert_eq!(mode("lib/wasm/go_js_wasm_exec"), 0o755);
        assert_eq!(mode("src/fmt/print.go"), 0o644);
        assert_eq!(mode("binary"), 0o644);
    }
}
