//! `tare du` and `tare prune`: how much the store holds, and making room.

use std::path::Path;

use store::usage::{Room, Usage};
use store::{Store, Stored};

use super::images::table::{print, table};
use crate::cli::Prune;
use crate::failure::{Failure, Outcome};
use crate::units;

/// Shows how much the store holds.
pub fn usage() -> Outcome {
    enter_if_possible()?;
    let store = crate::home::store()?;
    print(&report(&store.usage(), store.root()))?;
    Ok(0)
}

/// What other users' ids own can be counted and removed only in the user namespace. Where there is none, there
/// are no such files either.
fn enter_if_possible() -> Result<(), Failure> {
    sandbox::probe().map_or(Ok(()), |_| crate::namespace::enter())
}

fn report(usage: &Usage, folder: &Path) -> String {
    let row =
        |what: &str, bytes: u64, command: &str| [units::bytes(bytes), what.to_owned(), command.to_owned()];
    let rows = [
        row("unpacked layers", usage.layers, "tare prune"),
        row("layers as blobs, manifests, configs", usage.blobs, "tare rmi IMAGE, then tare prune"),
        row("cache mounts", usage.mounts, "tare prune"),
        row("step cache, names, logs", usage.other, "tare prune"),
        row("in all", usage.total(), "tare prune --all"),
    ];
    format!("{}\nThe store is {}\n", table(["ON DISK", "WHAT", "FREED BY"], &rows), folder.display())
}

/// Removes what no image needs; with `--all` no image needs anything.
pub fn prune(args: &Prune) -> Outcome {
    let room = room(args)?;
    crate::namespace::enter()?;
    let store = crate::home::store()?;
    let Some(_alone) = store.alone()? else {
        return Err(Failure::Other("the store is in use by another tare; try again".to_owned()));
    };
    let before = store.usage().total();
    store.sweep();
    let named = if args.all { store.images() } else { Vec::new() };
    unname(&store, &named)?;
    store.prune(room)?;
    print(&format!("freed {}\n", units::bytes(before.saturating_sub(store.usage().total()))))?;
    Ok(0)
}

fn room(args: &Prune) -> Result<Room, Failure> {
    let Some(text) = &args.max_cache else { return Ok(Room::Unused) };
    let bad = || Failure::Usage(format!("`{text}` is not a size; write it as 20GB or 500MiB"));
    units::parse_bytes(text).map(Room::AtMost).ok_or_else(bad)
}

fn unname(store: &Store, images: &[Stored]) -> Result<(), Failure> {
    Ok(images.iter().try_for_each(|stored| store.remove_image(&stored.name).map(drop))?)
}

/// Keeps a cap on the store after a build. Where another tare is at work, the last one to end does it.
///
/// # Errors
/// If the store can't be opened, or the user namespace not be entered.
pub fn keep_below(max: u64) -> Result<(), Failure> {
    if crate::home::store()?.usage().total() <= max {
        return Ok(());
    }
    enter_if_possible()?;
    let store = crate::home::store()?;
    if let Some(_alone) = store.alone()? {
        store.prune(Room::AtMost(max))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_what_frees_what() {
        let usage = Usage { layers: 1_200_000_000, blobs: 300_000_000, mounts: 0, other: 1000 };
        let expected = "\
ON DISK   WHAT                                  FREED BY
1.20 GB   unpacked layers                       tare prune
300 MB    layers as blobs, manifests, configs   tare rmi IMAGE, then tare prune
0 B       cache mounts                          tare prune
1.00 kB   step cache, names, logs               tare prune
1.50 GB   in all                                tare prune --all

The store is /s
";
        assert_eq!(report(&usage, Path::new("/s")), expected);
    }

    #[test]
    fn a_cap_is_a_size() {
        let prune = |max: Option<&str>| Prune { all: false, max_cache: max.map(str::to_owned), force: false };
        assert_eq!(room(&prune(None)).ok(), Some(Room::Unused));
        assert_eq!(room(&prune(Some("20GB"))).ok(), Some(Room::AtMost(20_000_000_000)));
        assert!(matches!(room(&prune(Some("much"))), Err(Failure::Usage(_))));
    }

    #[test]
    fn without_names_nothing_is_kept() {
        let folder = std::env::temp_dir().join(format!("tare-space-{}", std::process::id()));
        let store = Store::open(&folder).unwrap();
        let manifest = oci::Descriptor::of("x", b"");
        let stored = Stored {
            name: "docker.io/library/a:1".to_owned(),
            id: manifest.digest,
            manifest,
            layers: vec![],
            at: 0,
            size: 0,
            plain: false,
            timestamps: String::new(),
            platforms: vec![],
        };
        store.put_image(&stored).unwrap();
        unname(&store, &store.images()).ok().unwrap();
        assert_eq!(store.images(), []);
        drop(store);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
