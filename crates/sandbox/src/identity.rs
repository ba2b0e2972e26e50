//! Who the program is and what it may do: limits, filter, capabilities, ids. In the order that works.
//!
//! The filter comes while we still have CAP_SYS_ADMIN: without "no new privileges" the kernel wants that,
//! and "no new privileges" would break `sudo` and `su` in images. All that follows it here, it allows.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::Mode;
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::seccomp::{self, Sockets};
use crate::step::{Caps, Network, Step, Ulimit};
use crate::sys;
use crate::wire::{Doing, Failure};

/// Docker's default capabilities: CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP,
/// NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD, AUDIT_WRITE, SETFCAP. The filter's conditions follow from
/// it, so one without the other makes no sense.
const DEFAULT: u64 = 0xa804_25fb;

/// Gives up what the step must not have. Hands out the filter's listener if there is one.
pub(crate) fn assume(step: &Step) -> Result<Option<OwnedFd>, Failure> {
    for limit in &step.ulimits {
        apply(limit)?;
    }
    rustix::process::umask(Mode::from_raw_mode(step.umask));
    let listener = match step.seccomp {
        true => load_filter(step).doing(|| "load the system call filter".to_owned())?,
        false => None,
    };
    if step.caps == Caps::Default {
        sys::drop_bounding_set_to(DEFAULT).doing(|| "drop capabilities".to_owned())?;
    }
    sys::become_user(step.uid, step.gid, &step.groups)
        .doing(|| format!("become user {}:{}", step.uid, step.gid))?;
    if step.caps == Caps::Default && step.uid == 0 {
        limit_to(DEFAULT).doing(|| "drop capabilities".to_owned())?;
    }
    Ok(listener)
}

fn load_filter(step: &Step) -> io::Result<Option<OwnedFd>> {
    if step.watch_network && step.network == Network::Host {
        return sys::seccomp_load_listening(&seccomp::filter(Sockets::Watched)).map(Some);
    }
    sys::seccomp_load(&seccomp::filter(Sockets::Free)).map(|()| None)
}

fn limit_to(mask: u64) -> io::Result<()> {
    let set = CapabilitySet::from_bits_retain(mask);
    let sets = CapabilitySets { effective: set, permitted: set, inheritable: CapabilitySet::empty() };
    Ok(rustix::thread::set_capabilities(None, sets)?)
}

fn apply(limit: &Ulimit) -> Result<(), Failure> {
    let setting = || format!("set the limit `{}` to {}:{}", limit.name, limit.soft, limit.hard);
    let resource = resource(&limit.name).ok_or(io::Error::from_raw_os_error(libc::EINVAL)).doing(setting)?;
    sys::set_rlimit(resource, limit.soft, limit.hard).doing(setting)
}

fn resource(name: &str) -> Option<u32> {
    Some(match name {
        "as" => libc::RLIMIT_AS,
        "core" => libc::RLIMIT_CORE,
        "cpu" => libc::RLIMIT_CPU,
        "data" => libc::RLIMIT_DATA,
        "fsize" => libc::RLIMIT_FSIZE,
        "locks" => libc::RLIMIT_LOCKS,
        "memlock" => libc::RLIMIT_MEMLOCK,
        "msgqueue" => libc::RLIMIT_MSGQUEUE,
        "nice" => libc::RLIMIT_NICE,
        "nofile" => libc::RLIMIT_NOFILE,
        "nproc" => libc::RLIMIT_NPROC,
        "rss" => libc::RLIMIT_RSS,
        "rtprio" => libc::RLIMIT_RTPRIO,
        "rttime" => libc::RLIMIT_RTTIME,
        "sigpending" => libc::RLIMIT_SIGPENDING,
        "stack" => libc::RLIMIT_STACK,
        _ => return None,
    })
}
