//! Stages to a graph of steps: what has to be done, in which order, and what each result depends on.
//!
//! Fed by `dockerfile`; what it must know of base images it asks for once ([`wants`]), then takes as data
//! ([`Facts`]). Does no I/O, reads no clock and starts no thread.

pub mod budget;
pub mod graph;
pub mod key;
pub mod options;
pub mod lock;
pub mod path;
pub mod scope;
pub mod ends;
pub mod history;
pub mod state;
pub mod wants;
pub mod named;
mod instruction;
pub mod lower;
pub mod outline;
mod mounts;
mod sources;

pub use graph::{Base, BaseId, Copy, From, Op, Outcome, Plan, Run, Source, Step, StepId};
pub use key::{Key, Part};
pub use lower::lower;
pub use options::{Facts, Options};
pub use wants::{Want, wants};
