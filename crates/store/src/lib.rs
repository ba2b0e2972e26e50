//! Everything that tare keeps on disk, in plain content-addressed files with atomic renames.
//!
//! Any number of processes may use one store at once; nothing here is a database and nothing has to be
//! recovered. Knows nothing of HTTP, and never decides whether something is fresh.

pub mod action;
pub mod addresses;
pub mod blobs;
pub mod builds;
pub mod changes;
pub mod clean;
pub mod doubt;
pub mod file;
pub mod growing;
pub mod home;
pub mod images;
pub mod layers;
pub mod lock;
pub mod refs;
pub mod stats;
pub mod traces;
pub mod usage;

pub use action::{Action, CacheId};
pub use addresses::{Commit, Download};
pub use home::{Error, Result, Store, plain};
pub use images::{Member, Stored};
pub use layers::{BlobRecord, LayerId, Variant};
pub use refs::Resolution;
