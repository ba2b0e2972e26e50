//! Blobs are streamed: neither a push nor a pull nor an archive holds one in memory.
//!
//! Alone in its file, as it looks at the memory of the whole process.

mod support;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use oci::{Blobs, Config, Descriptor, DiffId, Hasher, Image, ImageConfig, RootFs, media};
use support::{Scratch, quick, tagged};
use transport::archive::{self, Format};

const SIZE: u64 = 64 << 20;

/// A blob that is computed while it is read.
struct Endless;

impl Blobs for Endless {
    fn open(&self, _: &Descriptor) -> io::Result<Box<dyn Read + Send + '_>> {
        Ok(Box::new(io::repeat(b'x').take(SIZE)))
    }
}

fn image() -> Image {
    let mut hasher = Hasher::default();
    io::copy(&mut io::repeat(b'x').take(SIZE), &mut hasher).unwrap();
    let digest = hasher.finish();
    let rootfs = RootFs { diff_ids: vec![DiffId(digest)], ..RootFs::default() };
    let config = ImageConfig { config: Config::default(), rootfs, ..ImageConfig::default() };
    Image::new(config, vec![Descriptor::new(media::LAYER_TAR, digest, SIZE)])
}

/// A registry that keeps nothing and has everything.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || answer_all(stream));
        }
    });
    host
}

fn answer_all(mut stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut first, mut length) = (String::new(), 0);
        if reader.read_line(&mut first).unwrap_or(0) == 0 {
            return;
        }
        let mut line = String::new();
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        io::copy(&mut (&mut reader).take(length), &mut io::sink()).unwrap();
        let (status, size) = match first.split(' ').next().unwrap() {
            "HEAD" => (404, 0),
            "POST" | "PATCH" => (202, 0),
            "GET" if first.contains("/blobs/") => (200, SIZE),
            "GET" => (200, 0),
            _ => (201, 0),
        };
        let head = format!(
            "HTTP/1.1 {status} X\r\nLocation: /v2/a/blobs/uploads/1\r\nContent-Length: {size}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        io::copy(&mut io::repeat(b'x').take(size), &mut stream).unwrap();
    }
}

/// The most memory that this process ever had, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

#[test]
fn nothing_is_held_in_memory() {
    let (scratch, image) = (Scratch::new(), image());
    let registry = scratch.registry(quick());
    let reference = format!("{}/a:1", serve()).parse().unwrap();
    let before = peak();
    let pushed = registry.push(&tagged(&image), &Endless, &reference, &()).unwrap();
    assert!(pushed.sent > SIZE);
    let mut blob = registry.blob(&reference, &image.manifest.layers[0], &()).unwrap();
    assert_eq!(io::copy(&mut blob, &mut io::sink()).unwrap(), SIZE);
    archive::write(&mut io::sink(), Format::Oci, &tagged(&image), &[], &Endless, &()).unwrap();
    let grown = peak() - before;
    assert!(grown < 16 << 20, "{grown} bytes");
}
