//! How fast layers go through: `cargo run -p layer --example measure -- FOLDER` packs a folder's files,
//! compresses and unpacks them in the system's scratch folder, and prints what it took.

use std::error::Error;
use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use layer::Times;
use oci::media::Compression;
use tree::root::Root;
use tree::{Change, Content, Entry, Kind, Meta, Source};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: measure FOLDER")?;
    let folder = Path::new(&folder);
    let (changes, bytes) = changes(folder)?;
    let scratch = std::env::temp_dir().join(format!("measure-{}", std::process::id()));
    fs::create_dir(&scratch)?;
    let mut tar = Vec::new();
    let megabytes = bytes as f64 / 1e6;
    let files = changes.len() as f64;
    println!("{files} changes, {megabytes:.0} MB");
    let took = timed(|| layer::write(&changes, &Times::Preserve, &mut tar).map(drop))?;
    println!("write        {:7.0} MB/s", megabytes / took);
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let took = timed(|| layer::recompress(tar.as_slice(), compression, None, io::sink()).map(drop))?;
        println!("{compression:12?} {:7.0} MB/s", megabytes / took);
    }
    let took = timed(|| layer::apply(tar.as_slice(), &scratch.join("a"), &|_| None, &|_| {}).map(drop))?;
    println!("apply        {:7.0} MB/s, {:.0} files/s", megabytes / took, files / took);
    let took = timed(|| layer::materialise(&changes, &scratch.join("b")).map(drop))?;
    println!("materialise  {:7.0} MB/s, {:.0} files/s", megabytes / took, files / took);
    Ok(fs::remove_dir_all(&scratch)?)
}

fn timed(run: impl FnOnce() -> io::Result<()>) -> io::Result<f64> {
    let start = Instant::now();
    run()?;
    Ok(start.elapsed().as_secs_f64())
}

/// The folder's directories and files; owners and times are of no interest.
fn changes(folder: &Path) -> io::Result<(Vec<Change>, u64)> {
    let root = Root::open(folder)?;
    let (mut changes, mut bytes, mut todo) = (Vec::new(), 0, vec![folder.to_owned()]);
    while let Some(dir) = todo.pop() {
        for found in fs::read_dir(&dir)? {
            let path = found?.path();
            let below =
                path.strip_prefix(folder).map_err(io::Error::other)?.as_os_str().as_encoded_bytes().to_vec();
            let kind = path.symlink_metadata()?.file_type();
            let kind = if kind.is_dir() {
                todo.push(path);
                Kind::Dir
            } else if kind.is_file() {
                let data = fs::read(&path)?;
                bytes += data.len() as u64;
                let content = Content(*blake3::hash(&data).as_bytes());
                let source = Source::Disk { root: root.clone(), path: below.clone().into() };
                Kind::File { size: data.len() as u64, content, source }
            } else {
                continue;
            };
            changes.push(Change::Put(Entry { path: below.into(), meta: meta(), kind }));
        }
    }
    tree::entry::sort(&mut changes);
    Ok((changes, bytes))
}

fn meta() -> Meta {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    Meta { mode: 0o755, uid, gid, ..Meta::default() }
}
