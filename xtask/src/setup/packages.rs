//! Missing commands to installed Debian packages.

use crate::{Result, shell};
use std::process::Command;

/// A command and the package that brings it.
pub type Package = (&'static str, &'static str);

/// What building and running images needs.
pub const DEMO: &[Package] = &[
    ("newuidmap", "uidmap"),
    ("skopeo", "skopeo"),
    ("docker-registry", "docker-registry"),
    ("setpriv", "util-linux"),
    ("timeout", "coreutils"),
];

/// What the tests need beyond that: independent readers of what we write, and tools that cases call.
pub const TEST: &[Package] = &[
    ("newuidmap", "uidmap"),
    ("skopeo", "skopeo"),
    ("docker-registry", "docker-registry"),
    ("setpriv", "util-linux"),
    ("timeout", "coreutils"),
    ("umoci", "umoci"),
    ("buildah", "buildah"),
    ("podman", "podman"),
    ("jq", "jq"),
    ("openssl", "openssl"),
    ("findmnt", "util-linux"),
    ("pgrep", "procps"),
    ("ss", "iproute2"),
    ("busybox", "busybox-static"),
    ("git", "git"),
    ("ssh-keygen", "openssh-client"),
];

/// Installs the packages of the commands that are missing.
pub fn ensure(wanted: &[Package]) -> Result<()> {
    let mut missing: Vec<&str> = wanted.iter().filter(|p| shell::which(p.0).is_none()).map(|p| p.1).collect();
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !shell::is_root() {
        return Err(format!(
            "packages are missing: run `cargo xtask test` once as root, or `apt-get install {list}`"
        ));
    }
    shell::say(&format!("apt-get install {list}"));
    // An old list of packages is better than none: the install says what is really wrong.
    let _ = shell::capture(apt().args(["update", "-q"]));
    shell::capture(apt().args(["install", "-yq", "--no-install-recommends"]).args(&missing)).map(drop)
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.args(["-o", "DPkg::Lock::Timeout=600"]).env("DEBIAN_FRONTEND", "noninteractive");
    command
}
