//! Compressed bytes to plain ones, as they stream by.
//!
//! What a stream is compressed with is told by its first bytes: registries' media types are wrong often
//! enough that every runtime looks for itself, and `ADD` has nothing else to go by. Nothing is held but the
//! decoders' windows, so a bomb costs time and not memory.

use std::io::{self, BufReader, Cursor, Read};

use oci::media::Compression;

use crate::failure::bad;

const BUFFER: usize = 64 * 1024;

/// How bytes are compressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum Format {
    Plain,
    Gzip,
    Zstd,
    Xz,
    Bzip2,
}

impl Format {
    /// What starts so; six bytes tell them all apart.
    pub fn of(start: &[u8]) -> Format {
        match start {
            [0x1f, 0x8b, 8, ..] => Format::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Format::Zstd,
            // A frame to be skipped, which seekable zstd has first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Format::Zstd,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Format::Xz,
            [b'B', b'Z', b'h', b'1'..=b'9', ..] => Format::Bzip2,
            _ => Format::Plain,
        }
    }
}

/// The plain bytes of a stream, whatever it is compressed with.
///
/// # Errors
/// If the first bytes cannot be read. What is broken further on fails when it is read.
pub fn decoder<'a>(mut read: impl Read + Send + 'a) -> io::Result<(Format, Box<dyn Read + Send + 'a>)> {
    let mut start = Vec::with_capacity(6);
    (&mut read).take(6).read_to_end(&mut start)?;
    let format = Format::of(&start);
    Ok((format, decode(format, Cursor::new(start).chain(read))?))
}

/// The plain bytes of a layer blob, which must be compressed as its media type says.
///
/// # Errors
/// As [`decoder`], and if the content is not what the type says.
pub fn layer_decoder<'a>(
    compression: Compression,
    read: impl Read + Send + 'a,
) -> io::Result<Box<dyn Read + Send + 'a>> {
    let (format, plain) = decoder(read)?;
    let said = match compression {
        Compression::None => Format::Plain,
        Compression::Gzip => Format::Gzip,
        Compression::Zstd => Format::Zstd,
    };
    if format != said {
        return Err(bad(format!("layer is {format:?}, its media type says {said:?}").to_lowercase()));
    }
    Ok(plain)
}

fn decode<'a>(format: Format, read: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let read = BufReader::with_capacity(BUFFER, read);
    Ok(match format {
        Format::Plain => Box::new(read),
        Format::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(read)),
        Format::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(read)?),
        Format::Xz => Box::new(lzma_rust2::XzReader::new(read, true)),
        Format::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(read)),
    })
}
