//! How buildah is called: as it comes from Debian, with a storage of its own and without namespaces.
//!
//! Its storage has one user at a time, so that no two calls wait for each other's lock; base images stay in it.
//! Asked for the Docker format, which has more in it than OCI's: HEALTHCHECK, ONBUILD, SHELL (trap 45).

use crate::case::room::Room;
use crate::demo;
use crate::world::Around;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder in which buildah keeps its images; dropped, it is gone.
pub struct Storage<'a> {
    dir: PathBuf,
    around: &'a Around,
}

impl Storage<'_> {
    /// Names one; `number` tells it from others.
    pub fn new(number: usize, around: &Around) -> Storage<'_> {
        Storage { dir: around.scratch.join(format!("buildah-{number}")), around }
    }

    /// Where the test finds things.
    pub fn around(&self) -> &Around {
        self.around
    }

    /// The command that builds the room's context into a folder of blobs.
    pub fn build(&self, room: &Room, flags: &[String], to: &Path) -> Command {
        let mut command = room.command("timeout");
        command.args(["-k", "10", "120", "buildah", "--storage-driver", "vfs", "--root"]).arg(&self.dir);
        command.arg("--runroot").arg(self.dir.join("run"));
        command.args(["bud", "--isolation", "chroot", "--network", "host", "--format", "docker"]);
        command.args(["--layers=false", "--identity-label=false", "--pull=false"]).args(flags);
        command.arg("-t").arg(format!("dir:{}", to.display())).arg(".");
        command
            .env("CONTAINERS_REGISTRIES_CONF", &self.around.conf)
            .env("XDG_RUNTIME_DIR", room.beside("tmp"));
        command
    }
}

impl Drop for Storage<'_> {
    fn drop(&mut self) {
        demo::remove_as_inside(&self.around.tare, &self.dir);
    }
}
