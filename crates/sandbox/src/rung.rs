//! This machine to the rung of the ladder that we stand on: how much isolation we can have.
//!
//! ```text
//! Root             CAP_SYS_ADMIN outright: namespaces as they are
//! UsernsSubuids    a user namespace with a range of ids, through newuidmap
//! ```
//! Weaker rungs (one id only, a pod's own user namespace, a chroot) will stand below these. What is missing is
//! found by trying, since sysctls, seccomp and LSMs can each say no in their own way; the files are only read to say
//! what to do about it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::subid::{self, Range};
use crate::sys::{self, Ended, Forked};

/// How steps are isolated on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rung {
    /// We are root and may use namespaces without further ado.
    Root,
    /// We are an ordinary user with subordinate ids, and root in a user namespace of ours.
    UsernsSubuids,
}

/// Why there is no rung for us, and what would mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Root, but in a container that keeps mounting to itself.
    RootMayNotMount,
    /// `newuidmap` or `newgidmap` is not installed.
    NoMapTool {
        /// Which.
        tool: &'static str,
    },
    /// The user has no subordinate ids.
    NoSubids {
        /// The file that has none.
        file: &'static str,
        /// The user.
        user: String,
    },
    /// The user's number has no name, so that nobody could give it subordinate ids.
    NoName {
        /// The number.
        uid: u32,
    },
    /// AppArmor keeps user namespaces from programs that it doesn't know.
    AppArmor,
    /// `user.max_user_namespaces` is 0.
    NoUserNamespaces,
    /// `kernel.unprivileged_userns_clone` is 0, as in older Debian.
    NoUnprivilegedUserNamespaces,
    /// The kernel said no, most likely for the sake of the container around us.
    Denied {
        /// Its reason.
        errno: i32,
    },
}

impl Refused {
    /// The command or option that mends it.
    pub fn help(&self) -> String {
        match self {
            Refused::RootMayNotMount => {
                "start the container with `--privileged`, or with `--cap-add SYS_ADMIN --security-opt \
                 apparmor=unconfined --security-opt seccomp=unconfined`"
                    .to_owned()
            }
            Refused::NoMapTool { .. } => {
                "run `apt-get install uidmap` (Debian, Ubuntu), `dnf install shadow-utils` (Fedora, RHEL) or \
                 `apk add shadow-uidmap` (Alpine)"
                    .to_owned()
            }
            Refused::NoSubids { user, .. } => {
                format!("run `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}`")
            }
            Refused::NoName { uid } => {
                format!("run as a user that `/etc/passwd` knows, or add a line `{uid}:100000:65536` to `/etc/subuid` and `/etc/subgid`")
            }
            Refused::AppArmor => {
                "run `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or give this program an \
                 AppArmor profile with `userns,`"
                    .to_owned()
            }
            Refused::NoUserNamespaces => "run `sudo sysctl -w user.max_user_namespaces=28633`".to_owned(),
            Refused::NoUnprivilegedUserNamespaces => {
                "run `sudo sysctl -w kernel.unprivileged_userns_clone=1`".to_owned()
            }
            Refused::Denied { .. } => {
                "in a container, start it with `--security-opt seccomp=unconfined --security-opt \
                 apparmor=unconfined --security-opt systempaths=unconfined`"
                    .to_owned()
            }
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::RootMayNotMount => {
                write!(f, "we are root but may not mount: CAP_SYS_ADMIN is missing or kept from us")
            }
            Refused::NoMapTool { tool } => {
                write!(f, "`{tool}` is not installed, and without root it takes it to map user ids")
            }
            Refused::NoSubids { file, user } => write!(f, "`{file}` has no range of ids for user `{user}`"),
            Refused::NoName { uid } => {
                write!(f, "user {uid} is neither in `/etc/passwd` nor in `/etc/subuid`")
            }
            Refused::AppArmor => write!(
                f,
                "AppArmor restricts user namespaces (`kernel.apparmor_restrict_unprivileged_userns` is 1)"
            ),
            Refused::NoUserNamespaces => {
                write!(f, "user namespaces are off (`user.max_user_namespaces` is 0)")
            }
            Refused::NoUnprivilegedUserNamespaces => {
                write!(f, "user namespaces are for root only (`kernel.unprivileged_userns_clone` is 0)")
            }
            Refused::Denied { errno } => {
                let reason = io::Error::from_raw_os_error(*errno);
                write!(f, "make a user namespace: {}", crate::run::plain(&reason))
            }
        }
    }
}

impl std::error::Error for Refused {}

/// Finds the highest rung. Forks, so call it while the program has one thread.
pub fn probe() -> Result<Rung, Refused> {
    if rustix::process::geteuid().is_root() {
        return match try_in_child(may_mount) {
            Ok(()) => Ok(Rung::Root),
            Err(_) => Err(Refused::RootMayNotMount),
        };
    }
    Ids::of_user()?;
    match try_in_child(|| sys::unshare(libc::CLONE_NEWUSER | libc::CLONE_NEWNS)) {
        Ok(()) => Ok(Rung::UsernsSubuids),
        Err(errno) => Err(why_no_userns(errno, &|path| subid::read(path))),
    }
}

fn may_mount() -> io::Result<()> {
    use rustix::mount::MountPropagationFlags;
    if !sys::has_sys_admin() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    sys::unshare(libc::CLONE_NEWNS)?;
    // Where a container's AppArmor profile would object.
    Ok(rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?)
}

/// Tries something that can't be undone; the error is the kernel's number.
fn try_in_child(what: impl FnOnce() -> io::Result<()>) -> Result<(), i32> {
    match sys::fork().map_err(|e| number(&e))? {
        Forked::Child => sys::exit_now(what().map_or_else(|e| number(&e), |()| 0)),
        Forked::Parent(pid) => match sys::reap(pid, true) {
            Ok(Some(Ended::Code(0))) => Ok(()),
            Ok(Some(Ended::Code(errno))) => Err(errno),
            _ => Err(libc::EPERM),
        },
    }
}

fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EPERM)
}

fn why_no_userns(errno: i32, read: &dyn Fn(&str) -> String) -> Refused {
    let is = |path: &str, value: &str| read(path).trim() == value;
    if is("/proc/sys/user/max_user_namespaces", "0") {
        Refused::NoUserNamespaces
    } else if is("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        Refused::NoUnprivilegedUserNamespaces
    } else if is("/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1") {
        Refused::AppArmor
    } else {
        Refused::Denied { errno }
    }
}

/// What an ordinary user needs for a user namespace with many ids.
pub(crate) struct Ids {
    pub uids: Vec<Range>,
    pub gids: Vec<Range>,
    pub newuidmap: PathBuf,
    pub newgidmap: PathBuf,
}

impl Ids {
    /// Those of the calling user.
    pub(crate) fn of_user() -> Result<Ids, Refused> {
        let uid = rustix::process::getuid().as_raw();
        let name = subid::user_name(&subid::read("/etc/passwd"), uid);
        let uids = ranges("/etc/subuid", name.as_deref(), uid)?;
        let gids = ranges("/etc/subgid", name.as_deref(), uid)?;
        Ok(Ids { uids, gids, newuidmap: tool("newuidmap")?, newgidmap: tool("newgidmap")? })
    }
}

fn ranges(file: &'static str, name: Option<&str>, uid: u32) -> Result<Vec<Range>, Refused> {
    let ranges = subid::ranges(&subid::read(file), name.unwrap_or_default(), uid);
    match (ranges.is_empty(), name) {
        (false, _) => Ok(ranges),
        (true, Some(name)) => Err(Refused::NoSubids { file, user: name.to_owned() }),
        (true, None) => Err(Refused::NoName { uid }),
    }
}

fn tool(name: &'static str) -> Result<PathBuf, Refused> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Some shells of ordinary users leave these out.
    let usual = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut dirs = std::env::split_paths(&path).filter(|dir| dir.is_absolute()).chain(usual);
    dirs.find_map(|dir| executable(&dir.join(name))).ok_or(Refused::NoMapTool { tool: name })
}

fn executable(path: &Path) -> Option<PathBuf> {
    rustix::fs::access(path, rustix::fs::Access::EXEC_OK).ok().map(|()| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(file: &'static str, value: &'static str, expected: Refused, mends: &str) {
        let read = move |path: &str| if path.ends_with(file) { format!("{value}\n") } else { String::new() };
        let refused = why_no_userns(libc::EPERM, &read);
        assert_eq!(refused, expected);
        assert!(refused.help().contains(mends), "{}", refused.help());
    }

    #[test]
    fn a_refusal_names_the_switch() {
        check("user/max_user_namespaces", "0", Refused::NoUserNamespaces, "user.max_user_namespaces=");
        check(
            "apparmor_restrict_unprivileged_userns",
            "1",
            Refused::AppArmor,
            "apparmor_restrict_unprivileged_userns=0",
        );
        check("unprivileged_userns_clone", "0", Refused::NoUnprivilegedUserNamespaces, "userns_clone=1");
        check("user/max_user_namespaces", "9", Refused::Denied { errno: libc::EPERM }, "seccomp=unconfined");
    }

    #[test]
    fn help_for_missing_ids_names_the_user() {
        let refused = Refused::NoSubids { file: "/etc/subuid", user: "ann".to_owned() };
        assert_eq!(
            refused.help(),
            "run `sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ann`"
        );
        assert_eq!(refused.to_string(), "`/etc/subuid` has no range of ids for user `ann`");
    }
}
