//! The Merkle tree of a checksum database: records to hashes, hashes to the root, coordinates of tiles.
//!
//! As in RFC 6962: a record's hash is SHA-256 of a 0 byte and the record, a node's that of a 1 byte and
//! its two children. A tree that is not full is its largest full subtrees, the peaks, joined from the
//! right. Node `(level, n)` stands over the records `n << level` up to `(n + 1) << level`.
//!
//! Tiles cut the tree into pieces of height 8: tile `(level, n)` has the 256 nodes at `8 * level` from
//! `256 * n` on; the last one of a level may have fewer.
//! Pure: knows nothing of signatures, files or servers. See <https://research.swtch.com/tlog>.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

/// A record's or a node's.
pub(crate) type Hash = [u8; 32];

/// The height of a tile; servers have no other.
pub(crate) const HEIGHT: u32 = 8;
/// The nodes of a whole tile.
pub(crate) const WIDTH: u64 = 1 << HEIGHT;
/// Keeps all shifts of sizes and positions within 64 bits.
const MAX_SIZE: u64 = 1 << 56;

/// A tree: how many records it has and what is over them all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tree {
    pub size: u64,
    pub root: Hash,
}

impl Tree {
    /// Reads the text of a note: `go.sum database tree`, size and root on a line each. More lines may
    /// follow.
    pub(crate) fn parse(text: &str) -> Option<Tree> {
        let mut lines = text.strip_prefix("go.sum database tree\n")?.lines();
        let size = lines.next().and_then(number).filter(|&size| size <= MAX_SIZE)?;
        let root = STANDARD.decode(lines.next()?).ok()?.try_into().ok()?;
        Some(Tree { size, root })
    }
}

/// A decimal number as it is written by servers: without sign or leading zeros.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

/// A record's hash.
pub(crate) fn record_hash(record: &str) -> Hash {
    Sha256::new().chain_update([0]).chain_update(record).finalize().into()
}

/// The hash of a node with these children.
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The hash over a power of two of nodes.
pub(crate) fn full_hash(nodes: &[Hash]) -> Hash {
    match nodes {
        [node] => *node,
        _ => {
            let (left, right) = nodes.split_at(nodes.len() / 2);
            node_hash(&full_hash(left), &full_hash(right))
        }
    }
}

/// The largest full subtrees that make up a tree of this size, from left to right, as level and n.
pub(crate) fn peaks(size: u64) -> impl DoubleEndedIterator<Item = (u32, u64)> {
    let levels = (0..u64::BITS).rev().filter(move |level| size >> level & 1 == 1);
    levels.map(move |level| (level, (size >> level) - 1))
}

/// The root over peaks, given from left to right.
pub(crate) fn root(peaks: &[Hash]) -> Hash {
    let joined = peaks.iter().rev().copied().reduce(|right, left| node_hash(&left, &right));
    joined.unwrap_or_else(|| Sha256::digest([]).into())
}

/// The last tiles of a tree that are not whole, as level, n and width. All peaks are in them.
pub(crate) fn partial_tiles(size: u64) -> impl Iterator<Item = (u32, u64, u64)> {
    let levels = (0..).take_while(move |level| HEIGHT * level < u64::BITS && size >> (HEIGHT * level) > 0);
    let tiles = levels.map(move |level| (level, size >> (HEIGHT * level)));
    tiles.map(|(level, nodes)| (level, nodes / WIDTH, nodes % WIDTH)).filter(|&(_, _, width)| width > 0)
}

/// The tile that a node is in, and where: its level, n, the first and the number of the nodes in it that
/// the node stands over.
pub(crate) fn tile_of(level: u32, n: u64) -> (u32, u64, usize, usize) {
    let first = n << (level % HEIGHT);
    (level / HEIGHT, first / WIDTH, (first % WIDTH) as usize, 1 << (level % HEIGHT))
}

/// A tile's path on a server. Three digits an element, so that folders stay small.
pub(crate) fn tile_path(level: u32, n: u64, width: u64) -> String {
    let mut path = format!("{:03}", n % 1000);
    let mut rest = n / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    let part = if width == WIDTH { String::new() } else { format!(".p/{width}") };
    format!("tile/{HEIGHT}/{level}/{path}{part}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::log;

    fn hex(hash: Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The root over these leaves by peaks.
    fn by_peaks(leaves: &[Hash]) -> Hash {
        let over =
            |(level, n): (u32, u64)| full_hash(&leaves[(n << level) as usize..((n + 1) << level) as usize]);
        root(&peaks(leaves.len() as u64).map(over).collect::<Vec<_>>())
    }

    #[test]
    fn roots_are_those_of_certificate_transparency() {
        let records = ["", "\0", "\x10", " !", "01", "@ABC", "PQRSTUVW", "`abcdefghijklmno"];
        let leaves = records.map(record_hash);
        let expected = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (size, expected) in expected.iter().enumerate() {
            assert_eq!(hex(by_peaks(&leaves[..size])), *expected, "{size}");
        }
    }

    #[test]
    fn peaks_make_up_every_tree() {
        let leaves: Vec<Hash> = (0..600).map(|i| record_hash(&i.to_string())).collect();
        for size in (0..40).chain([255, 256, 257, 511, 512, 513, 600]) {
            assert_eq!(by_peaks(&leaves[..size]), log::root(&leaves[..size]), "{size}");
        }
    }

    #[test]
    fn the_last_tiles_hold_all_peaks() {
        assert_eq!(partial_tiles(0).count(), 0);
        assert_eq!(partial_tiles(5).collect::<Vec<_>>(), [(0, 0, 5)]);
        assert_eq!(partial_tiles(256).collect::<Vec<_>>(), [(1, 0, 1)]);
        assert_eq!(
            partial_tiles(66_332_798).collect::<Vec<_>>(),
            [(0, 259_112, 126), (1, 1012, 40), (2, 3, 244), (3, 0, 3)]
        );
        for size in [1, 5, 255, 256, 257, 65_536, 65_537, 66_332_798, MAX_SIZE, MAX_SIZE - 1] {
            let tiles: Vec<_> = partial_tiles(size).collect();
            for (level, n) in peaks(size) {
                let (tile, at, first, count) = tile_of(level, n);
                let fits = |&(l, n, width): &(u32, u64, u64)| {
                    (l, n) == (tile, at) && (first + count) as u64 <= width
                };
                assert!(tiles.iter().any(fits), "{size} {level} {n}");
            }
        }
    }

    #[test]
    fn paths_have_three_digits_an_element() {
        assert_eq!(tile_path(0, 5, WIDTH), "tile/8/0/005");
        assert_eq!(tile_path(1, 1000, 7), "tile/8/1/x001/000.p/7");
        assert_eq!(tile_path(0, 1_234_067, WIDTH), "tile/8/0/x001/x234/067");
    }

    #[test]
    fn trees_are_read_strictly() {
        let root = "czPocWFmMwQrSENohgEPvFiqA+2i/3lRZhHbxtma2UQ=";
        let tree =
            |size: &str, root: &str| Tree::parse(&format!("go.sum database tree\n{size}\n{root}\nmore\n"));
        assert_eq!(tree("66332798", root).unwrap().size, 66_332_798);
        for size in ["", "-1", "+1", "01", "1 ", "99999999999999999999", "72057594037927937"] {
            assert_eq!(tree(size, root), None, "{size}");
        }
        assert_eq!(tree("1", "AAAA"), None);
        assert_eq!(Tree::parse("go.sum database tree v2\n1\n"), None);
    }
}
