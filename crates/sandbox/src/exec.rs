//! An argv and an environment to a running program: the last step inside.
//!
//! Looks the program up as a shell would, but never asks a shell: in the `PATH` of the step's own environment, within
//! its own root.

use std::ffi::{CString, OsStr};
use std::os::unix::ffi::OsStrExt;

use crate::inside::c_string;
use crate::step::Step;
use crate::sys;
use crate::wire::Failure;

/// Where to look when the environment has no `PATH`.
const DEFAULT_PATH: &[u8] = b"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// All that `execve` needs, made while errors are still cheap.
pub(crate) struct Launch {
    name: String,
    candidates: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
}

impl Launch {
    pub(crate) fn new(step: &Step) -> Result<Launch, Failure> {
        let Some(program) = step.argv.first().filter(|program| !program.is_empty()) else {
            return Err(Failure::Exec { program: String::new(), errno: libc::ENOENT, interpreter: false });
        };
        let argument = |argument: &OsStr| c_string(argument.as_bytes(), "an argument");
        Ok(Launch {
            name: program.to_string_lossy().into_owned(),
            candidates: candidates(program, path(step))?,
            argv: step.argv.iter().map(|a| argument(a)).collect::<Result<_, _>>()?,
            env: step.env.iter().map(|(name, value)| variable(name, value)).collect::<Result<_, _>>()?,
        })
    }

    /// Becomes the program; returns only if it can't.
    pub(crate) fn exec(&self) -> Failure {
        let mut failure = (libc::ENOENT, None);
        for candidate in &self.candidates {
            let errno = sys::execve(candidate, &self.argv, &self.env).raw_os_error().unwrap_or(libc::EIO);
            match errno {
                libc::ENOENT | libc::ENOTDIR if exists(candidate) => failure = (errno, Some(candidate)),
                libc::ENOENT | libc::ENOTDIR => continue,
                // A shell goes on looking, but remembers.
                libc::EACCES => failure = (errno, None),
                _ => return self.failure(errno, false),
            }
            if failure.1.is_some() {
                break;
            }
        }
        self.failure(failure.0, failure.1.is_some())
    }

    fn failure(&self, errno: i32, interpreter: bool) -> Failure {
        Failure::Exec { program: self.name.clone(), errno, interpreter }
    }
}

fn exists(candidate: &CString) -> bool {
    rustix::fs::stat(candidate.as_c_str()).is_ok()
}

fn path(step: &Step) -> &[u8] {
    let path = step.env.iter().rev().find(|(name, _)| name == "PATH");
    path.map_or(DEFAULT_PATH, |(_, value)| value.as_bytes())
}

fn candidates(program: &OsStr, path: &[u8]) -> Result<Vec<CString>, Failure> {
    let program = program.as_bytes();
    if program.contains(&b'/') {
        return Ok(vec![c_string(program, "a program")?]);
    }
    let in_dir = |dir: &[u8]| {
        // An empty element is the working directory.
        let dir = if dir.is_empty() { b"." } else { dir };
        c_string(&[dir, b"/", program].concat(), "a program")
    };
    path.split(|&byte| byte == b':').map(in_dir).collect()
}

fn variable(name: &OsStr, value: &OsStr) -> Result<CString, Failure> {
    c_string(&[name.as_bytes(), b"=", value.as_bytes()].concat(), "an environment variable")
}
