//! A Go program to the list of what it was made of: its own build info to SPDX and CycloneDX.
//!
//! Every Go program carries the modules that it was linked from, so nothing has to be guessed from file
//! names, and no Go is needed. [`read`] finds them, [`spdx`] and [`cyclonedx`] write them down for an image.
//! Same input, same bytes: ids come from content, the time is the image's.

mod elf;
mod info;
mod quote;
mod read;
mod purl;
mod parts;
mod spdx;
mod cyclonedx;

pub use cyclonedx::cyclonedx;
pub use info::{BuildInfo, Module, text};
pub use parts::{Program, Subject};
pub use read::{is_elf, read, read_from};
pub use spdx::spdx;
