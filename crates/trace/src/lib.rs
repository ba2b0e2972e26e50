//! What a step read: layers served by FUSE to the facts that it saw.
//!
//! A [`Tree`] merges the changes of adjacent layers, a [`Server`] answers the kernel for it and writes down what
//! was asked, and [`Touched::facts`] makes a list of [`Fact`]s of that. As long as none of them is
//! [`broken`], a step would see the same again. Knows nothing of images, plans or the store.

// In the order in which to read them; the gaps keep rustfmt from sorting.
pub mod tree;

pub mod look;

pub mod fact;

mod go;

mod go_head;

mod embed;

pub mod policy;

pub mod ground;

pub mod touched;

mod wire;

mod shown;

mod answers;

mod contents;

mod mount;

mod table;

mod serve;

#[cfg(test)]
mod testing;

pub use fact::{Fact, Facts, broken};
pub use ground::{Ground, Natives};
pub use look::{Look, answer};
pub use mount::available;
pub use policy::{Policy, Reader, Strict};
pub use serve::Server;
pub use touched::Touched;
pub use tree::{Tree, traceable};
