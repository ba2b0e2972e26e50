//! The loop that turns a plan into an image: keys, cache, steps, layers, outputs.
//!
//! Has one voice, [`Event`], and prints nothing. Files are in the order of the flow: what is asked for,
//! what it stands on, how each op is done, in which order, and where the result goes.

pub mod clock;
pub mod error;
pub mod event;
pub mod annotation;
pub mod settings;
pub mod stop;
pub mod elsewhere;
pub mod context;
pub mod origin;
pub mod locked;
pub mod toolchain;
pub mod bases;
pub mod pin;
pub mod stack;
pub mod keys;
pub mod made;
pub mod copy;
pub mod workdir;
pub mod note;
pub mod sight;
pub mod loose;
pub mod readers;
pub mod traced;
pub mod tool_cache;
mod go_times;
pub mod prepare;
pub mod execute;
pub mod verify;
pub mod run;
pub mod mounts;
pub mod agent;
pub mod foreign;
pub mod output_pipe;
pub mod schedule;
pub mod times;
pub mod ahead;
pub mod assemble;
pub mod leave;
pub mod export;
pub mod files;
pub mod build;
pub mod container;
pub mod fetch;
pub mod logs;
pub mod record;
pub mod why;
pub mod reads;
pub mod programs;

pub use build::{Built, Part, build};
pub use error::{Error, Result};
pub use event::{Event, TaskId, Voice};
pub use settings::{Compress, Output, Settings, Timestamps};
pub use toolchain::Toolchain;
