//! Plain chunks to gzip members, on several threads, in order.
//!
//! Every chunk becomes a member of its own, which gzip allows: so the bytes depend on the chunks alone and
//! not on how many threads there were. Memory is bounded by the queues.

use std::io::{self, Write};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use libdeflater::{CompressionLvl, Compressor};

use crate::failure::bad;
use crate::pump::Outlet;

/// Level when none is wanted: higher ones gain little and cost much.
const DEFAULT_LEVEL: i32 = 6;

struct Job {
    plain: Vec<u8>,
    done: SyncSender<io::Result<Vec<u8>>>,
}

/// Compresses all chunks that come, on `workers` threads.
///
/// # Errors
/// If there is no such level, or `out` fails.
pub fn compress(
    mut plain: Outlet,
    level: Option<i32>,
    workers: usize,
    out: &mut impl Write,
) -> io::Result<()> {
    let level = check(level)?;
    let (give, take) = sync_channel::<Job>(workers);
    let (give_order, take_order) = sync_channel(workers + 1);
    let take = Mutex::new(take);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| work(&take, level));
        }
        scope.spawn(move || {
            while let Some(chunk) = plain.chunk() {
                let (done, result) = sync_channel(1);
                if give_order.send(result).is_err() || give.send(Job { plain: chunk, done }).is_err() {
                    break;
                }
            }
        });
        collect(take_order, out)
    })
}

/// The order of the receivers is that of the chunks, whoever is ready first.
fn collect(order: Receiver<Receiver<io::Result<Vec<u8>>>>, out: &mut impl Write) -> io::Result<()> {
    for result in order {
        let member = result.recv().map_err(|_| io::Error::other("a compressing thread died"))??;
        out.write_all(&member)?;
    }
    Ok(())
}

fn work(jobs: &Mutex<Receiver<Job>>, level: CompressionLvl) {
    let mut compressor = Compressor::new(level);
    while let Some(job) = next(jobs) {
        // The collector is gone when `out` failed.
        let _ = job.done.send(member(&mut compressor, &job.plain));
    }
}

/// A function of its own: the head of a `while let` would hold the lock while the job is done.
fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    // Nobody panics with the lock held.
    jobs.lock().expect("no thread panics here").recv().ok()
}

/// Time 0, no name, system "unknown": libdeflate writes nothing else.
fn member(compressor: &mut Compressor, plain: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = vec![0; compressor.gzip_compress_bound(plain.len())];
    let size = compressor.gzip_compress(plain, &mut out).map_err(|e| io::Error::other(e.to_string()))?;
    out.truncate(size);
    Ok(out)
}

fn check(level: Option<i32>) -> io::Result<CompressionLvl> {
    let level = level.unwrap_or(DEFAULT_LEVEL);
    CompressionLvl::new(level).map_err(|_| bad(format!("gzip has levels 0 to 12, not {level}")))
}
