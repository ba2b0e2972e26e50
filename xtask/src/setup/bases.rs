//! The fixtures' scripts to base images in a registry's storage, and the example's Go modules to a folder
//! that `serve::goproxy` serves.
//!
//! `TARE_BASES/made` says what was made, and from which scripts: as long as it is right, nothing runs, and
//! an ordinary user can use what root once made.

use crate::{Result, place, shell};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The images that the cases and the examples name.
const IMAGES: &str = "busybox alpine golang-alpine multi";

/// The registry's storage.
pub fn storage() -> PathBuf {
    place::bases().join("registry")
}

/// Makes the base images if they aren't there as they should be; golang's ask the module proxy `goproxy`.
pub fn ensure_images(goproxy: &str) -> Result<()> {
    let made = place::bases().join("made");
    let want = stamp(goproxy)?;
    if std::fs::read_to_string(&made).is_ok_and(|text| text == want) && storage().is_dir() {
        return Ok(());
    }
    if !shell::is_root() {
        let which = place::bases();
        return Err(format!(
            "no base images in `{}`: run `cargo xtask test` or `demo` once as root",
            which.display()
        ));
    }
    shell::say("making base images (about a minute the first time)");
    let script = place::root().join("fixtures/make-base-images.sh");
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .map_err(|e| e.to_string())?
        .port();
    let mut command = Command::new("bash");
    command.arg(script).env("TARE_BASES", place::bases()).env("TARE_BASES_ONLY", IMAGES);
    command.env("TARE_GOPROXY", goproxy).env("TARE_REGISTRY_PORT", port.to_string());
    shell::run(command.stdout(std::process::Stdio::null()))?;
    shell::write(&made, want)
}

fn stamp(goproxy: &str) -> Result<String> {
    let mut hash = DefaultHasher::new();
    for name in ["make-base-images.sh", "bases.py"] {
        shell::read(&place::root().join("fixtures").join(name))?.hash(&mut hash);
    }
    Ok(format!("images={IMAGES}\ngoproxy={goproxy}\nscripts={:016x}\n", hash.finish()))
}

/// The folder with the examples' modules, laid out as a module proxy answers.
pub fn modules() -> PathBuf {
    place::bases().join("gomod/cache/download")
}

/// The examples that have modules of others in them.
const EXAMPLES: [&str; 3] = ["shop", "clock", "tools"];

/// The Go release that the examples' go.mod names, as the module proxies have it.
const TOOLCHAIN: &str = "golang.org/toolchain@v0.0.1-go1.26.8.linux-amd64";

/// Downloads the examples' modules and their toolchain with the machine's own Go settings, once for each go.sum.
/// What the checksum database says of the toolchain is kept with it.
pub fn ensure_modules() -> Result<()> {
    let cache = place::bases().join("gomod");
    let done = cache.join(format!("done-{:016x}", modules_stamp()?));
    if done.is_file() {
        return Ok(());
    }
    shell::say("downloading the examples' Go modules and toolchain");
    std::fs::create_dir_all(&cache)
        .map_err(|e| format!("make `{}`: {e}; run once as root", cache.display()))?;
    for example in EXAMPLES {
        download(&place::root().join("examples").join(example), &cache, &[])?;
    }
    // Its own GOPATH: what the database was proved to say is remembered there, and would not be asked again.
    let fresh = place::Scratch::new()?;
    download(fresh.path(), &cache, &[TOOLCHAIN])?;
    shell::write(&modules().join("sumdb/sum.golang.org/supported"), "")?;
    shell::write(&done, "")
}

fn download(folder: &Path, cache: &Path, modules: &[&str]) -> Result<()> {
    let go = shell::which("go").ok_or("no `go` on PATH: the examples' modules are downloaded with it")?;
    let mut command = Command::new(go);
    command.args(["mod", "download"]).args(modules).current_dir(folder);
    command.env("GOMODCACHE", cache).env("GOFLAGS", "-modcacherw").env("GOWORK", "off");
    if !modules.is_empty() {
        command.env("GOPATH", folder);
    }
    shell::capture(&mut command).map(drop)
}

fn modules_stamp() -> Result<u64> {
    let mut hash = DefaultHasher::new();
    TOOLCHAIN.hash(&mut hash);
    for example in EXAMPLES {
        shell::read(&place::root().join("examples").join(example).join("go.sum"))?.hash(&mut hash);
    }
    Ok(hash.finish())
}

/// A file's hash, to tell whether it changed.
pub fn hash_of(file: &Path) -> Result<u64> {
    let mut hash = DefaultHasher::new();
    shell::read(file)?.hash(&mut hash);
    Ok(hash.finish())
}
