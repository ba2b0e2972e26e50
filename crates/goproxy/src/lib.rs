//! Go's module protocol: a module's version to its verified zip.
//!
//! tare gets Go's toolchain as the go command does: as the module `golang.org/toolchain`, from a module
//! proxy, checked against the checksum database or against what tare.lock says. No Go on the machine.
//!
//! [`Settings`] read the go command's variables, [`Fetcher::fetch`] downloads and checks, [`Zip`] reads.
//! Version control (`direct`) is not for this crate.
//! See <https://go.dev/ref/mod#module-proxy> and <https://go.dev/design/25530-sumdb>.

// What is asked for and what the user says about it.
mod error;
mod module;
mod pattern;
mod settings;

// What comes back.
mod sum;
mod source;
mod zip;

// The wire.
mod url;
mod netrc;
mod auth;
mod command;
mod web;
mod proxies;

// The checksum database, from the signature upwards.
mod note;
mod tree;
mod tiles;
mod state;
mod sumdb;

mod fetch;

#[cfg(test)]
mod testing;

pub use error::{Error, Kind};
pub use fetch::{Fetcher, Progress};
pub use module::{Module, toolchain};
pub use settings::Settings;
pub use sum::Sum;
pub use zip::{Entry, Zip};
