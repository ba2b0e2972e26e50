//! Changes, or a tar, to a layer's blob, with both digests in one pass.
//!
//! ```text
//! tar ─▶ chunks ─▶ sha256 (diff id) ─▶ compress ─▶ sha256 (digest) ─▶ out
//! a thread         the same one        n threads   the caller's
//! ```
//! The bytes depend on the input, the format and the level, never on the number of threads.
//! The compressors are pinned: another version may make other bytes.

use std::io::{self, Read, Write};
use std::thread;

use oci::media::Compression;
use oci::{DiffId, Digest, Hasher};
use tree::{Change, Entry, Kind};
use zstd::stream::write::Encoder;
use zstd::stream::{raw, zio};
use zstd::zstd_safe::CParameter;

use crate::failure::bad;
use crate::gzip;
use crate::pump::{Inlet, Outlet, pump};
use crate::write::{Times, write};

/// Size of a gzip member, and so part of the bytes of every blob.
const MEMBER: usize = 1 << 20;
/// How the tar moves where nothing hangs on it: small enough for a cache, large enough not to wake a thread too often.
const CHUNK: usize = 256 << 10;
/// As many changes make a small layer.
const FEW: usize = 256;
/// zstd's own default, as good as gzip at 6 and twice as fast.
const ZSTD_LEVEL: i32 = 3;
/// More threads than this would only wait for the tar.
const MOST_WORKERS: usize = 8;
/// The same for zstd, each of whose workers holds some 10 MiB.
const MOST_ZSTD_WORKERS: usize = 4;
/// What one zstd worker takes at a time, and so part of the bytes of every blob. zstd's own choice is four
/// times the window, 8 MiB at level 3, which took 120 MB of memory on two cores.
const ZSTD_JOB: u32 = 2 << 20;

/// What a blob is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlobInfo {
    /// Digest of the tar.
    pub diff_id: DiffId,
    /// Digest of the blob.
    pub digest: Digest,
    /// Bytes of the blob.
    pub size: u64,
    /// Bytes of the tar.
    pub tar_size: u64,
}

/// Writes the blob of a layer. `level` is the compressor's own, its default if there is none.
///
/// # Errors
/// As [`write()`], and if there is no such level. What `out` got by then is no blob.
pub fn blob(
    changes: &[Change],
    times: &Times,
    compression: Compression,
    level: Option<i32>,
    out: impl Write,
) -> io::Result<BlobInfo> {
    if compression == Compression::None && level.is_none() && is_small(changes) {
        return at_once(changes, times, out);
    }
    let tar = |inlet: &mut Plain| write(changes, times, inlet).map(drop);
    pipeline(tar, How { compression, level, workers: workers() }, out)
}

/// Whether a layer is so small that to have a thread for its tar would take longer than to make it.
fn is_small(changes: &[Change]) -> bool {
    let bytes = |change: &Change| match change {
        Change::Put(Entry { kind: Kind::File { size, .. }, .. }) => *size,
        _ => 0,
    };
    changes.len() <= FEW && changes.iter().map(bytes).sum::<u64>() <= CHUNK as u64
}

fn at_once(changes: &[Change], times: &Times, mut out: impl Write) -> io::Result<BlobInfo> {
    let mut tar = Vec::new();
    write(changes, times, &mut tar)?;
    out.write_all(&tar)?;
    out.flush()?;
    let (digest, size) = (Digest::of(&tar), tar.len() as u64);
    Ok(BlobInfo { diff_id: DiffId(digest), digest, size, tar_size: size })
}

/// Writes the blob of a layer whose tar is there already.
///
/// # Errors
/// If `tar` or `out` fails, or there is no such level.
pub fn recompress(
    mut tar: impl Read + Send,
    compression: Compression,
    level: Option<i32>,
    out: impl Write,
) -> io::Result<BlobInfo> {
    let copy = |inlet: &mut Plain| io::copy(&mut tar, inlet).map(drop);
    pipeline(copy, How { compression, level, workers: workers() }, out)
}

struct How {
    compression: Compression,
    level: Option<i32>,
    workers: usize,
}

fn workers() -> usize {
    thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS)
}

/// The tar on its way into the pump.
struct Plain {
    /// None if the tar is the blob: to hash it once is enough, and this side has more to do.
    hasher: Option<Hasher>,
    inlet: Inlet,
}

impl Write for Plain {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inlet.write_all(bytes)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn pipeline(
    tar: impl FnOnce(&mut Plain) -> io::Result<()> + Send,
    how: How,
    out: impl Write,
) -> io::Result<BlobInfo> {
    let (inlet, outlet) = pump(chunk_of(how.compression));
    thread::scope(|scope| {
        let made = scope.spawn(|| {
            let hasher = (how.compression != Compression::None).then(Hasher::default);
            let mut plain = Plain { hasher, inlet };
            tar(&mut plain)?;
            plain.inlet.finish().map(|()| plain.hasher)
        });
        let compressed = compress(outlet, &how, out);
        let made = made.join().map_err(|_| io::Error::other("the thread that makes the tar died"))?;
        join(made, compressed)
    })
}

fn chunk_of(compression: Compression) -> usize {
    if compression == Compression::Gzip { MEMBER } else { CHUNK }
}

/// If the blob's side failed, the tar's side failed only because of that.
fn join(tar: io::Result<Option<Hasher>>, blob: io::Result<Hasher>) -> io::Result<BlobInfo> {
    let (blob, tar) = (blob?, tar?);
    let (size, digest) = (blob.count(), blob.finish());
    let (tar_size, diff_id) = tar.map_or((size, digest), |tar| (tar.count(), tar.finish()));
    Ok(BlobInfo { diff_id: DiffId(diff_id), digest, size, tar_size })
}

fn compress(plain: Outlet, how: &How, out: impl Write) -> io::Result<Hasher> {
    let mut out = Hashed { hasher: Hasher::default(), out };
    match how.compression {
        Compression::None => store(plain, how.level, &mut out)?,
        Compression::Gzip => gzip::compress(plain, how.level, how.workers, &mut out)?,
        Compression::Zstd => zstd(plain, how.level, how.workers, &mut out)?,
    }
    out.out.flush()?;
    Ok(out.hasher)
}

fn store(mut plain: Outlet, level: Option<i32>, out: &mut impl Write) -> io::Result<()> {
    if level.is_some() {
        return Err(bad("a layer without compression has no level"));
    }
    while let Some(chunk) = plain.chunk() {
        out.write_all(&chunk)?;
    }
    Ok(())
}

fn zstd(mut plain: Outlet, level: Option<i32>, workers: usize, out: &mut impl Write) -> io::Result<()> {
    let level = level.unwrap_or(ZSTD_LEVEL);
    if !(0..=22).contains(&level) {
        return Err(bad(format!("zstd has levels 0 to 22, not {level}")));
    }
    let mut encoder = raw::Encoder::new(level)?;
    // Never 0: the streams of one and of many workers are equal, that without a worker is not.
    encoder.set_parameter(CParameter::NbWorkers(workers.clamp(1, MOST_ZSTD_WORKERS) as u32))?;
    encoder.set_parameter(CParameter::JobSize(ZSTD_JOB))?;
    // For each chunk that goes in, one buffer comes out. In a smaller one than the chunk less would come out than goes
    // in where little can be saved, and some 10 MB would pile up inside.
    let mut encoder = Encoder::with_writer(zio::Writer::new_with_capacity(out, encoder, CHUNK));
    while let Some(chunk) = plain.chunk() {
        encoder.write_all(&chunk)?;
    }
    encoder.finish().map(drop)
}

/// The blob on its way out.
struct Hashed<W> {
    hasher: Hasher,
    out: W,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use tree::{Content, Meta, Source};

    use super::*;

    /// Words in no order, enough for several of zstd's jobs.
    fn tar() -> Vec<u8> {
        let mut state = 1u64;
        let mut next = || {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 48) as u16
        };
        let noise = (0..2_000_000).flat_map(|_| next().to_le_bytes().map(|byte| byte & 0x3f));
        noise.chain(std::iter::repeat_n(0, 8 << 20)).collect()
    }

    #[test]
    fn the_number_of_threads_does_not_matter() {
        let tar = tar();
        for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
            let made = |workers| {
                let mut out = Vec::new();
                let level = (compression != Compression::None).then_some(1);
                let how = How { compression, level, workers };
                let info = pipeline(|plain| plain.write_all(&tar), how, &mut out).unwrap();
                assert_eq!(info.digest, Digest::of(&out));
                assert_eq!(info.diff_id.0, Digest::of(&tar));
                info
            };
            assert_eq!((made(1), made(1)), (made(2), made(4)), "{compression:?}");
        }
    }

    #[test]
    fn a_small_layer_is_what_it_would_be_on_two_threads() {
        let bytes: Source = Source::Bytes(vec![7; 1000].into());
        let kind =
            Kind::File { size: 1000, content: Content(*blake3::hash(&[7; 1000]).as_bytes()), source: bytes };
        let file = Entry { path: b"f".to_vec().into(), meta: Meta::default(), kind };
        let changes = [Change::Put(file), Change::Remove(b"gone".to_vec())];
        assert!(is_small(&changes));
        let (mut small, mut large) = (Vec::new(), Vec::new());
        let times = Times::Preserve;
        let info = blob(&changes, &times, Compression::None, None, &mut small).unwrap();
        let how = How { compression: Compression::None, level: None, workers: 2 };
        let other = pipeline(|plain| write(&changes, &times, plain).map(drop), how, &mut large).unwrap();
        assert_eq!((info, small), (other, large));
        let kind = Kind::File { size: 1 << 30, content: Content([0; 32]), source: Source::Bytes([].into()) };
        let file = Entry { path: b"f".to_vec().into(), meta: Meta::default(), kind };
        assert!(!is_small(&[Change::Put(file)]) && !is_small(&vec![changes[1].clone(); FEW + 1]));
    }

    #[test]
    fn how_the_tar_is_written_does_not_matter() {
        let tar = &tar()[..3 << 20];
        let made = |step| {
            let how = How { compression: Compression::Gzip, level: Some(1), workers: 2 };
            pipeline(|plain| tar.chunks(step).try_for_each(|part| plain.write_all(part)), how, io::sink())
                .unwrap()
        };
        assert_eq!(made(1 << 22), made(1000));
    }
}
