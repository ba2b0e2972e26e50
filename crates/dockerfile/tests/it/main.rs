//! What the language means, by subject, one helper each; `hostile` and `properties` are about all input.
//!
//! "Trap N" is an item in the project's list of what a builder must get right to be trusted.

mod expansion;
mod heredocs;
mod holds;
mod hostile;
mod ignoring;
mod instructions;
mod lines;
mod modes;
mod mounts;
mod properties;
mod references;
mod stages;
