//! What the machine itself can do, measured beside the builders: the column that nobody gets below.
//!
//! Each is the plainest program that does the work and nothing else, with the libraries that tare has where it takes
//! one, on as many threads as there are cores. Data is in the page cache, as it is for the builders.

use super::meter::median_of;
use crate::{Result, shell};
use flate2::read::MultiGzDecoder;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::Instant;

/// How many threads a limit takes.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Seconds that something takes.
pub fn time<T>(work: impl FnOnce() -> Result<T>) -> Result<(f64, T)> {
    let start = Instant::now();
    let made = work()?;
    Ok((start.elapsed().as_secs_f64(), made))
}

/// Does something with each item, on several threads.
fn on_threads<T: Send>(threads: usize, items: Vec<T>, work: impl Fn(T) -> Result<()> + Sync) -> Result<()> {
    let items = Mutex::new(items.into_iter());
    let next = || items.lock().expect("no thread panics").next();
    std::thread::scope(|scope| {
        let worker = || std::iter::from_fn(&next).try_for_each(&work);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().try_for_each(|w| w.join().expect("no thread panics"))
    })
}

/// Starting a static program that does nothing: the median of many.
pub fn start() -> Result<f64> {
    median_of((0..31).map(|_| start_at_once(1)).collect::<Result<_>>()?)
}

/// Starting so many of them at once, until the last has ended.
pub fn start_at_once(count: usize) -> Result<f64> {
    let mut quiet = Command::new(busybox()?);
    quiet.arg("true").stdin(Stdio::null());
    let all = || {
        let start = |_| quiet.spawn().map_err(|e| format!("run busybox: {e}"));
        let children: Vec<_> = (0..count).map(start).collect::<Result<_>>()?;
        children.into_iter().try_for_each(|mut c| c.wait().map(drop).map_err(|e| format!("wait: {e}")))
    };
    time(all).map(|(seconds, ())| seconds)
}

fn busybox() -> Result<PathBuf> {
    shell::which("busybox").ok_or_else(|| "no `busybox`: apt-get install busybox-static".into())
}

/// Asking for the status of every file below a folder: its number and the seconds.
pub fn walk(dir: &Path) -> Result<(usize, f64)> {
    let count = Mutex::new(0);
    // Two levels down there is enough to share.
    let (folders, above) = two_levels(dir)?;
    let each = |folder: PathBuf| {
        let mut found = 0;
        files(&folder, &mut |_| found += 1)?;
        *count.lock().expect("no thread panics") += found;
        Ok(())
    };
    let (seconds, ()) = time(|| on_threads(cores(), folders, each))?;
    Ok((count.into_inner().expect("no thread panics") + above, seconds))
}

fn two_levels(dir: &Path) -> Result<(Vec<PathBuf>, usize)> {
    let (mut folders, mut above) = (Vec::new(), 0);
    for path in entries(dir)? {
        if !path.is_dir() {
            above += 1;
            continue;
        }
        let (below, others): (Vec<_>, Vec<_>) = entries(&path)?.into_iter().partition(|p| p.is_dir());
        folders.extend(below);
        above += others.len();
    }
    Ok((folders, above))
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(dir).map_err(|e| format!("list `{}`: {e}", dir.display()))?;
    Ok(entries.flatten().map(|e| e.path()).collect())
}

/// Visits every file below a folder, having asked for its status.
pub fn files(dir: &Path, visit: &mut dyn FnMut(&Path)) -> Result<()> {
    for path in entries(dir)? {
        let status = path.symlink_metadata().map_err(|e| format!("stat `{}`: {e}", path.display()))?;
        if status.is_dir() {
            files(&path, visit)?;
        } else {
            visit(&path);
        }
    }
    Ok(())
}

/// Reading, hashing and writing every file below a folder once; the copy is in `to`.
pub fn copy(dir: &Path, to: &Path) -> Result<f64> {
    shell::mkdir(to)?;
    let once = || {
        let mut all = Vec::new();
        files(dir, &mut |file| all.push(file.to_path_buf()))?;
        let numbered: Vec<_> = all.into_iter().enumerate().collect();
        on_threads(cores(), numbered, |(number, file)| copy_one(&file, &to.join(number.to_string())))
    };
    time(once).map(|(seconds, ())| seconds)
}

fn copy_one(from: &Path, to: &Path) -> Result<()> {
    let bytes = read(from)?;
    std::hint::black_box(Sha256::digest(&bytes));
    shell::write(to, bytes)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|e| format!("read `{}`: {e}", file.display()))
}

/// What tare's layers are compressed with, at its levels.
#[derive(Clone, Copy)]
pub enum Compressor {
    /// libdeflate, level 6.
    Gzip,
    /// zstd, level 3.
    Zstd,
}

/// Compressing files and hashing both sides, in memory, a megabyte at a time.
pub fn compress(files: &[PathBuf], with: Compressor, threads: usize) -> Result<f64> {
    let blocks: Vec<Vec<u8>> = files
        .iter()
        .map(|file| Ok(read(file)?.chunks(1 << 20).map(<[u8]>::to_vec).collect::<Vec<_>>()))
        .collect::<Result<Vec<_>>>()?
        .concat();
    let each = |block: Vec<u8>| {
        let small = compressed(&block, with)?;
        std::hint::black_box((Sha256::digest(&block), Sha256::digest(&small)));
        Ok(())
    };
    time(|| on_threads(threads, blocks, each)).map(|(seconds, ())| seconds)
}

fn compressed(block: &[u8], with: Compressor) -> Result<Vec<u8>> {
    match with {
        Compressor::Zstd => zstd::bulk::compress(block, 3).map_err(|e| format!("zstd: {e}")),
        Compressor::Gzip => {
            let mut compressor = libdeflater::Compressor::new(libdeflater::CompressionLvl::default());
            let mut small = vec![0; compressor.gzip_compress_bound(block.len())];
            compressor.gzip_compress(block, &mut small).map_err(|e| format!("gzip: {e}"))?;
            Ok(small)
        }
    }
}

/// Inflating gzip blobs, hashing both sides, and making every file that is in them, below `to`.
pub fn unpack(blobs: &[PathBuf], to: &Path) -> Result<f64> {
    let numbered: Vec<_> = blobs.iter().cloned().enumerate().collect();
    let each = |(number, blob): (usize, PathBuf)| unpack_one(&blob, &to.join(number.to_string()));
    time(|| on_threads(cores(), numbered, each)).map(|(seconds, ())| seconds)
}

fn unpack_one(blob: &Path, to: &Path) -> Result<()> {
    shell::mkdir(to)?;
    let file = File::open(blob).map_err(|e| format!("open `{}`: {e}", blob.display()))?;
    let inflated = Hashing { inner: MultiGzDecoder::new(Hashing::new(file)), hasher: Sha256::new() };
    let buffered = std::io::BufReader::with_capacity(1 << 17, inflated);
    let mut archive = tar::Archive::new(buffered);
    archive.set_preserve_permissions(true);
    archive.unpack(to).map_err(|e| format!("unpack `{}`: {e}", blob.display()))
}

/// Hashes what is read.
struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R> Hashing<R> {
    fn new(inner: R) -> Hashing<R> {
        Hashing { inner, hasher: Sha256::new() }
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        Ok(count)
    }
}

/// Namespaces, an overlay, a program in it, many times over by util-linux and busybox: four programs are started for
/// each, so a builder that starts one can be below it.
const STEPS: &str = r#"
cd "$1"; mkdir lower upper work merged lower/bin; cp "$2" lower/bin/true
for i in $(seq 50); do
    unshare --mount --pid --fork "$2" sh -c 'mount -t overlay -o lowerdir=lower,upperdir=upper,workdir=work none merged && exec chroot merged /bin/true'
done
"#;

/// Seconds that a step takes that does nothing.
pub fn step(dir: &Path) -> Result<f64> {
    shell::mkdir(dir)?;
    let mut command = Command::new("sh");
    command.args(["-euc", STEPS, "sh"]).arg(dir).arg(busybox()?);
    time(|| shell::capture(&mut command)).map(|(seconds, _)| seconds / 50.0)
}

/// Bytes a second into files, not waiting for the disk.
pub fn write(dir: &Path, megabytes: usize) -> Result<f64> {
    let block = vec![7_u8; 1 << 20];
    let once = || {
        let path = dir.join("written");
        let mut file = File::create(&path).map_err(|e| format!("make `{}`: {e}", path.display()))?;
        (0..megabytes)
            .try_for_each(|_| file.write_all(&block))
            .map_err(|e| format!("write `{}`: {e}", path.display()))
    };
    time(once).map(|(seconds, ())| seconds)
}

/// Seconds that hashing so many megabytes takes, on one thread.
pub fn hash(megabytes: usize) -> f64 {
    let block = vec![7_u8; 1 << 20];
    let start = Instant::now();
    let mut hasher = Sha256::new();
    (0..megabytes).for_each(|_| hasher.update(&block));
    std::hint::black_box(hasher.finalize());
    start.elapsed().as_secs_f64()
}
