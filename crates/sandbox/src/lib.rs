//! One process in namespaces: a [`Step`] to an [`Exit`].
//!
//! `rung` finds out what this machine lets us do, `enter` takes the whole program there once, and from
//! then on each `spawn` costs two or three milliseconds. Knows nothing of images, plans or the store.
//!
//! The program's `main` starts with two calls, while it still has one thread:
//! ```no_run
//! sandbox::main_if_sandbox();
//! let rung = sandbox::probe()?;
//! let _entered = sandbox::enter(rung)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod child;
mod enter;
mod exec;
mod identity;
mod idle;
mod inside;
mod monitor;
mod mounts;
mod place;
mod root;
mod run;
mod rung;
mod seccomp;
mod step;
mod subid;
mod sys;
mod syscalls;
mod system;
mod tty;
mod wire;

pub use enter::{Entered, enter};
pub use idle::dismiss;
pub use monitor::main_if_sandbox;
pub use place::make_stubs;
pub use run::{Control, Error, Exit, Finished, Input, Io, Output, Running, spawn, spawn_with};
pub use rung::{Refused, Rung, probe};
pub use step::{Caps, Lower, Mount, MountKind, Network, Root, Step, Ulimit};
