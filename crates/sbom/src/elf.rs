//! An ELF file to what lies at an address of the program's memory, and to where its data begins.
//!
//! Feeds `read`. Knows nothing of Go but the name of one section. Any class, any byte order. A file whose
//! headers don't hold is no ELF file; only a read that fails is an error.

use std::io::{self, Read, Seek, SeekFrom};

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, PF_W, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};
use object::read::{ReadCache, ReadCacheOps, ReadRef};

/// More sections or segments than this are an attack: Go's linker makes a few dozen, C++ some thousands.
const MOST_HEADERS: u32 = 1 << 16;

const SECTION: &[u8] = b".go.buildinfo\0";

/// An ELF file, opened.
pub(crate) struct Elf<R> {
    file: R,
    layout: Layout,
}

/// What the headers say.
struct Layout {
    segments: Vec<Segment>,
    data: Span,
}

/// A piece of memory that comes out of the file.
struct Segment {
    memory: Span,
    offset: u64,
}

/// Addresses from `start`, `size` of them.
#[derive(Clone, Copy, Default)]
pub(crate) struct Span {
    pub(crate) start: u64,
    pub(crate) size: u64,
}

impl<R: Read + Seek> Elf<R> {
    /// `None` if it isn't an ELF file.
    pub(crate) fn open(file: R) -> io::Result<Option<Elf<R>>> {
        let cache = ReadCache::new(Noted { file, failed: None });
        let layout = layout(&cache);
        match cache.into_inner() {
            Noted { failed: Some(error), .. } => Err(error),
            Noted { file, .. } => Ok(layout.map(|layout| Elf { file, layout })),
        }
    }

    /// Where Go's build info is: its own section, or the first data segment. Empty if there is neither.
    pub(crate) fn data(&self) -> Span {
        self.layout.data
    }

    /// What is at `address`: `most` bytes, or fewer if the segment or the file ends before.
    pub(crate) fn at(&mut self, address: u64, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        if let Some((offset, rest)) = self.layout.segments.iter().find_map(|s| s.place(address)) {
            self.file.seek(SeekFrom::Start(offset))?;
            self.file.by_ref().take(most.min(rest)).read_to_end(&mut bytes)?;
        }
        Ok(bytes)
    }
}

impl Segment {
    /// Where in the file `address` is, and how much of the segment follows.
    fn place(&self, address: u64) -> Option<(u64, u64)> {
        let into = address.checked_sub(self.memory.start)?;
        let rest = self.memory.size.checked_sub(into).filter(|&rest| rest > 0)?;
        // Seeking further than i64 fails on every system, and no file is that long.
        let offset = self.offset.checked_add(into).filter(|&o| i64::try_from(o).is_ok())?;
        Some((offset, rest))
    }
}

fn layout<S: ReadCacheOps>(data: &ReadCache<S>) -> Option<Layout> {
    match data.read_bytes_at(0, 5).ok()? {
        b"\x7fELF\x01" => layout_of::<FileHeader32<Endianness>, S>(data),
        b"\x7fELF\x02" => layout_of::<FileHeader64<Endianness>, S>(data),
        _ => None,
    }
}

fn layout_of<H, S>(data: &ReadCache<S>) -> Option<Layout>
where
    H: FileHeader<Endian = Endianness>,
    S: ReadCacheOps,
{
    let header = H::parse(data).ok()?;
    let endian = header.endian().ok()?;
    if header.phnum(endian, data).ok()? > MOST_HEADERS || header.shnum(endian, data).ok()? > MOST_HEADERS {
        return None;
    }
    let programs = header.program_headers(endian, data).ok()?;
    let segments = programs.iter().map(|p| segment(p, endian)).collect();
    let blob = section(header, endian, data).or_else(|| first_data(programs, endian));
    Some(Layout { segments, data: blob.unwrap_or_default() })
}

fn segment<P: ProgramHeader<Endian = Endianness>>(program: &P, endian: Endianness) -> Segment {
    let memory = Span { start: program.p_vaddr(endian).into(), size: program.p_filesz(endian).into() };
    Segment { memory, offset: program.p_offset(endian).into() }
}

/// The section that Go's linker makes for it.
fn section<H, S>(header: &H, endian: Endianness, data: &ReadCache<S>) -> Option<Span>
where
    H: FileHeader<Endian = Endianness>,
    S: ReadCacheOps,
{
    let sections = header.section_headers(endian, data).ok()?;
    let names = sections.get(header.section_strings_index(endian, data).ok()?.0)?.sh_offset(endian).into();
    // Not by the section's whole name, which would keep up to 4 KB of each in the cache.
    let named = |s: &&H::SectionHeader| {
        let name = u64::checked_add(names, s.sh_name(endian).into());
        name.and_then(|at| data.read_bytes_at(at, SECTION.len() as u64).ok()) == Some(SECTION)
    };
    let found = sections.iter().find(named)?;
    Some(Span { start: found.sh_addr(endian).into(), size: found.sh_size(endian).into() })
}

/// Where other linkers put it: near the beginning of the first segment that can be written and not run.
fn first_data<P: ProgramHeader<Endian = Endianness>>(programs: &[P], endian: Endianness) -> Option<Span> {
    let found =
        programs.iter().find(|p| p.p_type(endian) == PT_LOAD && p.p_flags(endian) & (PF_X | PF_W) == PF_W)?;
    Some(Span { start: found.p_vaddr(endian).into(), size: found.p_memsz(endian).into() })
}

/// A file that keeps the error which `object` would drop.
struct Noted<R> {
    file: R,
    failed: Option<io::Error>,
}

impl<R> Noted<R> {
    fn note<T>(&mut self, result: io::Result<T>) -> Result<T, ()> {
        result.map_err(|error| self.failed = Some(error))
    }
}

impl<R: Read + Seek> ReadCacheOps for Noted<R> {
    fn len(&mut self) -> Result<u64, ()> {
        let result = self.file.seek(SeekFrom::End(0));
        self.note(result)
    }

    fn seek(&mut self, pos: u64) -> Result<u64, ()> {
        let result = self.file.seek(SeekFrom::Start(pos));
        self.note(result)
    }

    fn read(&mut self, buf: &mut [u8]) -> Result<usize, ()> {
        let result = self.file.read(buf);
        self.note(result)
    }

    fn read_exact(&mut self, buf: &mut [u8]) -> Result<(), ()> {
        let result = self.file.read_exact(buf);
        self.note(result)
    }
}
