//! Changes, or a tar, to a layer's blob, with both digests in one pass.
//!
//! ```text
//! tar ─▶ 1 MiB chunks ─▶ sha256 (diff id) ─▶ compress ─▶ sha256 (digest) ─▶ out
//! a thread               the same one        n threads   the caller's
//! ```
//! The bytes depend on the input, the format and the level, never on the number of threads.
//! The compressors are pinned: another version may make other bytes.

use std::io::{self, Read, Write};
use std::thread;

use oci::media::Compression;
use oci::{DiffId, Digest, Hasher};
use tree::Change;

use crate::failure::bad;
use crate::gzip;
use crate::pump::{Inlet, Outlet, pump};
use crate::write::{Times, write};

/// Size of a gzip member, and so part of the bytes of every blob.
const CHUNK: usize = 1 << 20;
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
    let tar = |inlet: &mut Plain| write(changes, times, inlet).map(drop);
    pipeline(tar, How { compression, level, workers: workers() }, out)
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
    let (inlet, outlet) = pump(CHUNK);
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
    let mut encoder = zstd::stream::write::Encoder::new(out, level)?;
    // Never 0: the streams of one and of many workers are equal, that without a worker is not.
    encoder.multithread(workers.clamp(1, MOST_ZSTD_WORKERS) as u32)?;
    encoder.set_parameter(zstd::zstd_safe::CParameter::JobSize(ZSTD_JOB))?;
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
