//! Real trees in a scratch directory, through the public API; one file a subject.

mod support;

mod copy_alone;
mod copy_dest;
mod copy_flags;
mod copy_source;
mod hash;
mod id;
mod listing;
mod look;
mod root;
mod scan;
mod snapshot;
mod swap;
mod users;
mod view;
