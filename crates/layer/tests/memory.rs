//! Alone in its process, as it looks at the process's memory.

use std::io::{self, Read};

use oci::media::Compression;

/// However large a layer is, making its blob takes the memory of a few chunks.
#[test]
fn memory_is_bounded() {
    let size = 120 << 20;
    for compression in [Compression::None, Compression::Gzip, Compression::Zstd] {
        let before = high_water();
        layer::recompress(io::repeat(7).take(size), compression, None, io::sink()).unwrap();
        let grown = high_water() - before;
        assert!(grown < 64 << 10, "{compression:?}: {grown} KiB");
    }
}

fn high_water() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
