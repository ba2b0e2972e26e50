//! Blobs: the right digests, the same bytes on every machine, readable by others.

mod common;

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};

use common::{dir, file};
use layer::{BlobInfo, Format, Times, Verified};
use oci::media::Compression;
use oci::{DiffId, Digest};
use tree::Change;

const ALL: [Compression; 3] = [Compression::None, Compression::Gzip, Compression::Zstd];

/// Enough for several chunks, neither random nor all the same.
fn text(bytes: usize) -> String {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        format!("{:x} ", state >> 40)
    };
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes {
        text.push_str(&next());
    }
    text
}

fn changes() -> Vec<Change> {
    vec![dir("d"), file("d/big", &text(3_500_000)), file("d/small", "hello")]
}

fn blob(changes: &[Change], compression: Compression) -> (Vec<u8>, BlobInfo) {
    let mut out = Vec::new();
    let info = layer::blob(changes, &Times::Preserve, compression, None, &mut out).unwrap();
    (out, info)
}

fn decoded(bytes: &[u8]) -> (Format, Vec<u8>) {
    let (format, mut read) = layer::decoder(bytes).unwrap();
    let mut out = Vec::new();
    read.read_to_end(&mut out).unwrap();
    (format, out)
}

#[test]
fn digests_and_sizes_are_those_of_the_bytes() {
    let changes = changes();
    let mut tar = Vec::new();
    layer::write(&changes, &Times::Preserve, &mut tar).unwrap();
    for compression in ALL {
        let (bytes, info) = blob(&changes, compression);
        let expected = BlobInfo {
            diff_id: DiffId(Digest::of(&tar)),
            digest: Digest::of(&bytes),
            size: bytes.len() as u64,
            tar_size: tar.len() as u64,
        };
        assert_eq!(info, expected, "{compression:?}");
        assert_eq!(decoded(&bytes).1, tar, "{compression:?}");
        let mut again = Vec::new();
        assert_eq!(layer::recompress(tar.as_slice(), compression, None, &mut again).unwrap(), info);
        assert_eq!(again, bytes);
    }
}

#[test]
fn an_empty_layer_is_a_blob_too() {
    for compression in ALL {
        let (bytes, info) = blob(&[], compression);
        assert_eq!(decoded(&bytes).1, [0; 1024]);
        assert_eq!(info.diff_id.0.short(), "5f70bf18a086");
    }
}

#[test]
fn gzip_is_read_by_others() {
    let (bytes, info) = blob(&changes(), Compression::Gzip);
    // Several members, no time, system unknown.
    assert_eq!((&bytes[..8], bytes[9]), (&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0][..], 255));
    let mut first = Vec::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_end(&mut first).unwrap();
    assert_eq!(first.len(), 1 << 20);
    let mut all = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut all).unwrap();
    assert_eq!(all.len() as u64, info.tar_size);
}

#[test]
fn gzip_is_read_by_gzip_if_there_is_one() {
    let (bytes, _) = blob(&changes(), Compression::Gzip);
    let gzip = Command::new("gzip").arg("-t").stdin(Stdio::piped()).spawn();
    let Ok(mut gzip) = gzip else { return };
    gzip.stdin.take().unwrap().write_all(&bytes).unwrap();
    assert!(gzip.wait().unwrap().success());
}

#[test]
fn levels_are_kept_or_refused() {
    let tar = text(100_000).into_bytes();
    let blob = |compression, level| {
        let mut out = Vec::new();
        layer::recompress(tar.as_slice(), compression, level, &mut out)
            .map(|_| out)
            .map_err(|e| e.to_string())
    };
    assert_eq!(blob(Compression::Gzip, Some(6)), blob(Compression::Gzip, None));
    assert_eq!(blob(Compression::Zstd, Some(3)), blob(Compression::Zstd, None));
    assert!(blob(Compression::Gzip, Some(0)).unwrap().len() > tar.len());
    assert_ne!(blob(Compression::Zstd, Some(12)), blob(Compression::Zstd, Some(1)));
    let refused = [
        (Compression::Gzip, 13, "gzip has levels 0 to 12, not 13"),
        (Compression::Gzip, -1, "gzip has levels 0 to 12, not -1"),
        (Compression::Zstd, 23, "zstd has levels 0 to 22, not 23"),
        (Compression::None, 1, "a layer without compression has no level"),
    ];
    for (compression, level, message) in refused {
        assert_eq!(blob(compression, Some(level)).unwrap_err(), message);
    }
}

struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("no more"))
    }
}

impl Write for Broken {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::Error::other("no room"))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn the_cause_of_a_failure_comes_through() {
    for compression in ALL {
        let endless = io::repeat(7);
        let error = layer::recompress(endless, compression, None, Broken).unwrap_err();
        assert_eq!(error.to_string(), "no room", "{compression:?}");
        let error = layer::recompress(Broken, compression, None, io::sink()).unwrap_err();
        assert_eq!(error.to_string(), "no more", "{compression:?}");
        let error = layer::recompress(io::repeat(7), compression, Some(99), io::sink()).unwrap_err();
        assert!(error.to_string().contains("level"), "{error}");
    }
}

#[test]
fn a_pull_checks_what_it_decodes() {
    let changes = changes();
    for compression in ALL {
        let (bytes, info) = blob(&changes, compression);
        let pull = |bytes: &[u8], digest| {
            let checked = Verified::new(bytes, digest, Some(info.size));
            let plain = layer::decode::layer_decoder(compression, checked)?;
            let mut plain = Verified::new(plain, info.diff_id.0, None);
            io::copy(&mut plain, &mut io::sink())
        };
        assert_eq!(pull(&bytes, info.digest).unwrap(), info.tar_size);
        let error = pull(&bytes, Digest::of(b"other")).unwrap_err();
        assert!(error.to_string().contains("digest mismatch"), "{compression:?}: {error}");
        assert!(pull(&bytes[..bytes.len() - 1], info.digest).is_err());
    }
}

#[test]
fn a_layer_must_be_what_its_type_says() {
    let (bytes, _) = blob(&[], Compression::Gzip);
    let error = layer::decode::layer_decoder(Compression::Zstd, bytes.as_slice()).err().unwrap();
    assert_eq!(error.to_string(), "layer is gzip, its media type says zstd");
}
