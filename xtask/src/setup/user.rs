//! The ordinary user `tare-test`, with a range of subordinate ids, and commands that run as that user.

use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "tare-test";
/// As many ids as an image may use, and what `useradd` gives everybody.
const RANGE: u64 = 65536;

/// Most distributions let everybody open `/dev/fuse`, machines without udev don't. This one's device stays as it is: the
/// user gets one like it, in a mount namespace that ends with the command. Where there is none it isn't invented.
const OPEN_FUSE: &str = r#"
if [ -c /dev/fuse ] && mount -t tmpfs -o size=64k fuse /mnt; then
    if mknod -m 666 /mnt/fuse c 10 229; then mount --bind /mnt/fuse /dev/fuse; fi
    umount -l /mnt
fi
exec "$@""#;

/// An ordinary user.
pub struct User {
    uid: u32,
    gid: u32,
    home: PathBuf,
}

/// Makes the user and the range if they are missing; root only.
pub fn ensure() -> Result<User> {
    if find()?.is_none() {
        shell::say(&format!("making the user {NAME}"));
        shell::capture(Command::new("useradd").args(["--create-home", "--shell", "/bin/sh", NAME]))?;
    }
    for (file, option) in [("/etc/subuid", "--add-subuids"), ("/etc/subgid", "--add-subgids")] {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        if !text.lines().any(|line| line.starts_with(&format!("{NAME}:"))) {
            shell::capture(Command::new("usermod").args([option, &free_range(&text), NAME]))?;
        }
    }
    find()?.ok_or_else(|| format!("`useradd {NAME}` made no user"))
}

fn find() -> Result<Option<User>> {
    Ok(entry(&shell::read(Path::new("/etc/passwd"))?))
}

fn entry(passwd: &str) -> Option<User> {
    let line = passwd.lines().find(|line| line.starts_with(&format!("{NAME}:")))?;
    let fields: Vec<&str> = line.split(':').collect();
    Some(User {
        uid: fields.get(2)?.parse().ok()?,
        gid: fields.get(3)?.parse().ok()?,
        home: fields.get(5)?.into(),
    })
}

/// The first range behind all others.
fn free_range(text: &str) -> String {
    let ends = text.lines().filter_map(|line| {
        let mut fields = line.split(':').skip(1).map(|f| f.parse::<u64>().ok());
        Some(fields.next()?? + fields.next()??)
    });
    let start = ends.max().unwrap_or(0).max(100_000);
    format!("{start}-{}", start + RANGE - 1)
}

impl User {
    /// A command that runs as the user, with nothing of our environment.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--propagation=private", "sh", "-euc", OPEN_FUSE, "sh", "setpriv"])
            .arg(format!("--reuid={}", self.uid))
            .arg(format!("--regid={}", self.gid))
            .args(["--init-groups", "--inh-caps=-all", "--"])
            .arg(program)
            .env_clear()
            .env("HOME", &self.home)
            .env("USER", NAME)
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir(&self.home);
        command
    }

    /// Makes a folder that is the user's own.
    pub fn mkdir(&self, path: &Path) -> Result<()> {
        shell::mkdir(path)?;
        std::os::unix::fs::chown(path, Some(self.uid), Some(self.gid))
            .map_err(|e| format!("chown `{}`: {e}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_overlaps_no_other() {
        assert_eq!(free_range(""), "100000-165535");
        assert_eq!(free_range("a:100000:65536\nb:1:5\n"), "165536-231071");
    }

    #[test]
    fn a_user_is_found_by_the_whole_name() {
        let passwd = "tare-test2:x:7:7::/x:/bin/sh\ntare-test:x:1001:1002::/home/t:/bin/sh\n";
        let user = entry(passwd).expect("the second line");
        assert_eq!((user.uid, user.gid, user.home), (1001, 1002, "/home/t".into()));
        assert!(entry("tare-test:x:bad").is_none());
    }
}
