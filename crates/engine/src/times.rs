//! The times of a layer's entries: which rule, and the one time of the reproducible rule.
//!
//! | entry | `preserve` | `reproducible` |
//! |---|---|---|
//! | of a layer that COPY, ADD or WORKDIR made | its own | the layer's time |
//! | of a RUN layer, from the step's start on | its own | the layer's time |
//! | of a RUN layer, older, but with the time of a copied file (`cp -p`, `chmod`) | its own | the layer's time |
//! | of a RUN layer, older | its own | its own: a package set it |
//! | of a base layer | never touched | never touched |
//!
//! The layer's time is `SOURCE_DATE_EPOCH` if that is set. Else it is the base image's creation (2000-01-01
//! at the earliest) plus the first 19 bits of the layer's time-free digest as seconds, so that a changed
//! file never keeps both size and time and ETags stay right; plus 2^19 seconds more for RUN, so that
//! outputs are never older than sources. Steps always see true times; this is for export only.

use std::collections::BTreeSet;
use std::path::Path;

use layer::Times;
use rustix::fs::{AtFlags, CWD, Timespec, Timestamps as FileTimes, utimensat};
use store::layers::{Maker, Meta};
use store::{LayerId, Variant};
use tree::{Change, Time};

use crate::error::{Result, doing};
use crate::settings::{Compress, Timestamps};

/// Bits of the digest that go into the time: six days, less than any image is old.
const BITS: u32 = 19;

/// What the times of one stage's layers are made from.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Which rule.
    pub timestamps: Timestamps,
    /// `SOURCE_DATE_EPOCH`.
    pub epoch: Option<i64>,
    /// The base image's creation, 2000-01-01 at the earliest.
    pub base: i64,
}

impl Rule {
    /// The one time of a layer; `None` if its entries keep theirs.
    pub fn time(&self, id: &LayerId, maker: Maker) -> Option<i64> {
        let LayerId::Made(digest) = id else { return None };
        match (self.timestamps, self.epoch) {
            (Timestamps::Preserve, _) => None,
            (Timestamps::Reproducible, Some(epoch)) => Some(epoch),
            (Timestamps::Reproducible, None) => Some(self.base + offset(digest) + after(maker)),
        }
    }

    /// The form of a layer that this rule and compression give.
    pub fn variant(&self, id: &LayerId, maker: Maker, compress: Compress) -> Variant {
        Variant { time: self.time(id, maker), compression: compress.format, level: compress.level }
    }

    /// In a word, for `tare inspect`.
    pub fn name(&self) -> &'static str {
        match (self.timestamps, self.epoch) {
            (Timestamps::Preserve, _) => "preserve",
            (Timestamps::Reproducible, Some(_)) => "reproducible, SOURCE_DATE_EPOCH",
            (Timestamps::Reproducible, None) => "reproducible, base image and content",
        }
    }
}

fn offset(digest: &[u8; 32]) -> i64 {
    let first = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    i64::from(first >> (32 - BITS))
}

fn after(maker: Maker) -> i64 {
    match maker {
        Maker::Copy => 0,
        Maker::Run => 1 << BITS,
    }
}

/// The writer's rule for one layer.
pub fn of_layer(time: Option<i64>, meta: &Meta) -> Times {
    match (time, meta.maker) {
        (None, _) => Times::Preserve,
        (Some(to), Maker::Copy) => Times::All { to },
        (Some(to), Maker::Run) => {
            let also = meta.copied.iter().map(|&(sec, nsec)| Time { sec, nsec }).collect();
            Times::Made { to, since: meta.start(), also }
        }
    }
}

/// Times in a RUN's changes that are older than its start and are those of copied files, given in seconds:
/// not every `cp -p` keeps the nanoseconds.
pub fn copied(changes: &[Change], started: Time, below: &BTreeSet<i64>) -> Vec<(i64, u32)> {
    let times = mtimes(changes).filter(|t| *t < started && below.contains(&t.sec));
    let unique: BTreeSet<Time> = times.collect();
    unique.into_iter().map(|t| (t.sec, t.nsec)).collect()
}

/// Whether any of a RUN's entries is older than its start.
pub fn has_older(changes: &[Change], started: Time) -> bool {
    mtimes(changes).any(|t| t < started)
}

/// Every entry's time.
pub fn mtimes(changes: &[Change]) -> impl Iterator<Item = Time> + '_ {
    changes.iter().filter_map(|change| match change {
        Change::Put(entry) => Some(entry.meta.mtime),
        _ => None,
    })
}

/// Gives a folder that was unpacked from a rewritten tar its true times back.
///
/// # Errors
/// If a time can't be set.
pub fn restore(folder: &Path, changes: &[Change]) -> Result<()> {
    use std::os::unix::ffi::OsStrExt;
    // Children first: writing to a directory changes nothing here, but the order costs nothing either.
    for change in changes.iter().rev() {
        if let Change::Put(entry) = change {
            let path = folder.join(std::ffi::OsStr::from_bytes(&entry.path));
            set(&path, entry.meta.mtime)
                .map_err(doing(format_args!("set the time of `{}`", path.display())))?;
        }
    }
    Ok(())
}

/// Sets a file's modification time, of a link itself.
///
/// # Errors
/// If it isn't there, or isn't ours.
pub fn set(path: &Path, time: Time) -> std::io::Result<()> {
    let spec = Timespec { tv_sec: time.sec, tv_nsec: i64::from(time.nsec) };
    let times = FileTimes { last_access: spec, last_modification: spec };
    Ok(utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(epoch: Option<i64>) -> Rule {
        Rule { timestamps: Timestamps::Reproducible, epoch, base: 1_000_000_000 }
    }

    #[test]
    fn the_first_nineteen_bits_are_seconds() {
        let id = LayerId::Made([0xff; 32]);
        assert_eq!(rule(None).time(&id, Maker::Copy), Some(1_000_000_000 + (1 << 19) - 1));
        assert_eq!(rule(None).time(&id, Maker::Run), Some(1_000_000_000 + (1 << 20) - 1));
        assert_eq!(rule(None).time(&LayerId::Made([0; 32]), Maker::Copy), Some(1_000_000_000));
    }

    #[test]
    fn an_epoch_is_taken_as_it_is() {
        assert_eq!(rule(Some(5)).time(&LayerId::Made([0xff; 32]), Maker::Run), Some(5));
    }

    #[test]
    fn a_copied_time_may_have_lost_its_nanoseconds() {
        let put = |sec, nsec| {
            let meta = tree::Meta { mtime: Time { sec, nsec }, ..tree::Meta::default() };
            Change::Put(tree::Entry { path: "f".into(), meta, kind: tree::Kind::Dir })
        };
        let changes = [put(5, 0), put(6, 7), put(9, 0)];
        let started = Time { sec: 8, nsec: 0 };
        assert_eq!(copied(&changes, started, &BTreeSet::from([5, 9])), [(5, 0)]);
    }

    #[test]
    fn base_layers_are_never_touched() {
        let id = LayerId::Base(oci::DiffId(oci::Digest::of(b"")));
        assert_eq!(rule(Some(5)).time(&id, Maker::Copy), None);
    }
}
