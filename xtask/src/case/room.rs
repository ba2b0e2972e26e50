//! A case to a folder of its own, with a context, a store and an environment: the world that its commands see.

use super::{leftover, normal};
use crate::world::Around;
use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folder of one case; dropped, it is gone, with whatever other users' files are in it.
pub struct Room {
    dir: PathBuf,
    around: Around,
}

impl Room {
    /// Makes an empty one.
    pub fn new(number: usize, around: &Around) -> Result<Room> {
        let dir = around.scratch.join(format!("case-{number}"));
        for name in ["context", "home", "tmp"] {
            shell::mkdir(&dir.join(name))?;
        }
        Ok(Room { dir, around: around.clone() })
    }

    /// The context folder.
    pub fn context(&self) -> PathBuf {
        self.dir.join("context")
    }

    /// A file beside the context.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn store(&self) -> PathBuf {
        self.dir.join("store")
    }

    /// A tare that is ended if it hangs.
    pub fn tare(&self) -> Command {
        let mut command = self.command("timeout");
        command.args(["-k", "10", "900"]).arg(&self.around.tare);
        command
    }

    /// A command in the context folder, with nothing of our environment.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let bin = self.around.tare.parent().unwrap_or(Path::new("/")).display().to_string();
        command.current_dir(self.context()).env_clear();
        command.env("PATH", format!("{bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
        command
            .env("HOME", self.dir.join("home"))
            .env("TMPDIR", self.dir.join("tmp"))
            .env("LC_ALL", "C.UTF-8");
        command.env("TARE_HOME", self.store()).env("TARE_REGISTRIES_CONF", &self.around.conf);
        // What a module proxy on loopback doesn't have, nobody is to be asked for. go.sum holds modules to their sums.
        command.env("GOPROXY", &self.around.goproxy).env("GONOSUMDB", "*");
        command.env("TARE", &self.around.tare).env("REGISTRY", &self.around.pushed);
        command.env("BASES", &self.around.bases).env("EXAMPLES", &self.around.examples);
        command
    }

    /// What this room's names are called in expectations.
    pub fn names(&self) -> Vec<(String, &'static str)> {
        vec![
            (self.context().display().to_string(), "<context>"),
            (self.store().display().to_string(), "<store>"),
            (self.dir.display().to_string(), "<dir>"),
            (self.around.bases.clone(), "<bases>"),
            (self.around.pushed.clone(), "<registry>"),
            (self.around.goproxy.clone(), "<goproxy>"),
        ]
    }

    /// For what tare tells people.
    pub fn normal(&self, text: &str) -> String {
        normal::all(text, &self.names())
    }

    /// Processes, mounts and temporary files that should be gone.
    pub fn leftovers(&self) -> Vec<String> {
        leftover::find(&self.dir, &self.store().join("tmp"))
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        crate::demo::remove_as_inside(&self.around.tare, &self.dir);
    }
}
