//! What a Dockerfile that is there already could do better, as text: the ignore file of its context, and the
//! two-stage form of a Go project's.
//!
//! ```text
//! Dockerfile ─▶ plans ─┬▶ ignore: what its context holds, what steps read ─▶ lines for `.dockerignore`
//!                      └▶ beside: what its image offers ─▶ what `recipe` keeps of it, what changes, and why
//! ```
//! Fed by `dockerfile` and `plan`, and with lists that others made. Reads no file, prints nothing; what a builder's
//! store knows of steps comes as plain paths.

mod plans;
mod listing;
mod named;
mod project;
mod catalog;
mod reads;
mod propose;
pub mod beside;

pub use listing::{Entry, Listing};
pub use plans::{ANYTHING, Guess, open_arguments, plans};
pub use project::{Project, TEXTS};
pub use propose::{Left, Proposal, Subject, propose};
pub use reads::{Look, Reads, Seen, unknown};
