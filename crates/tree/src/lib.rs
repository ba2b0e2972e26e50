//! File trees by content: what is in a folder, in a stack of layers, and what changed between them.
//!
//! `scan` sees a build context and `view` a stack of layers, neither reads what is in the files; `hash`
//! does, once something is wanted. `snapshot` (a `RUN`) and `copy` (a `COPY`) end in a list of changes,
//! and `id` is that list's digest.
//! Feeds `layer` (changes to tar) and `engine` (keys). Knows nothing of mounts, images or plans.

// In the order in which to read them; the gaps keep rustfmt from sorting.
pub mod entry;
mod path;
pub mod root;

pub mod found;
pub mod scan;

pub mod listed;

pub mod hash;
pub mod view;

pub mod snapshot;

pub mod copy;
pub mod look;
pub mod users;

pub mod id;
mod xattr;

pub use copy::copy;
pub use entry::{Change, Content, Entry, Kind, Meta, Path, PathOrder, Source, Time, Xattrs};
pub use found::{Found, Known};
pub use hash::hash;
pub use id::id;
pub use listed::listed;
pub use look::look;
pub use root::Root;
pub use scan::scan;
pub use snapshot::{Snapshot, snapshot};
pub use view::View;
