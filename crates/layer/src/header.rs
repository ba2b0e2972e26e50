//! One 512-byte tar header: fields to bytes and back, in the dialects v7, ustar and GNU.
//!
//! ```text
//!   0 name 100 | 100 mode 8 | 108 uid 8 | 116 gid 8 | 124 size 12 | 136 mtime 12 | 148 checksum 8
//! 156 type 1   | 157 link 100 | 257 magic 6 "ustar\0" | 263 version 2 "00" | 265 user 32 | 297 group 32
//! 329 major 8  | 337 minor 8  | 345 prefix 155 | 500 nothing 12
//! ```
//! Numbers are octal text; GNU writes large ones in base 256 with the top bit set. Knows nothing of PAX.
//! See POSIX.1-2017 pax "ustar Interchange Format".

use std::io;
use std::ops::Range;

use crate::failure::bad;

/// Headers and the padding of data come in blocks of this size.
pub const BLOCK: usize = 512;

const NAME: Range<usize> = 0..100;
const MODE: Range<usize> = 100..108;
const UID: Range<usize> = 108..116;
const GID: Range<usize> = 116..124;
const SIZE: Range<usize> = 124..136;
const MTIME: Range<usize> = 136..148;
const CHECKSUM: Range<usize> = 148..156;
const TYPE: usize = 156;
const LINK: Range<usize> = 157..257;
const MAGIC: Range<usize> = 257..263;
const VERSION: Range<usize> = 263..265;
const MAJOR: Range<usize> = 329..337;
const MINOR: Range<usize> = 337..345;
const PREFIX: Range<usize> = 345..500;

/// A header's block.
#[derive(Clone)]
pub struct Header(pub [u8; BLOCK]);

/// The fields that a writer fills; what did not fit is left zero for a PAX record to say.
#[derive(Clone, Default, Debug)]
pub struct Fields<'a> {
    /// Type flag, as `b'0'`.
    pub flag: u8,
    /// Path, directories with a trailing slash.
    pub path: &'a [u8],
    /// Target of a symbolic or hard link.
    pub link: &'a [u8],
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Bytes of data that follow.
    pub size: u64,
    /// Seconds since 1970.
    pub mtime: i64,
    /// Device numbers.
    pub major: u32,
    /// Device numbers.
    pub minor: u32,
}

/// Which fields of an entry a ustar header cannot hold.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Misfits {
    /// The path neither fits nor can be split.
    pub path: bool,
    /// The link's target is too long.
    pub link: bool,
    /// The owner's number is too big.
    pub uid: bool,
    /// The group's number is too big.
    pub gid: bool,
    /// 8 GiB and more.
    pub size: bool,
    /// Before 1970 or after 2242.
    pub mtime: bool,
}

impl Header {
    /// A ustar header, and what it could not hold.
    pub fn ustar(fields: &Fields<'_>) -> (Header, Misfits) {
        let mut header = Header([0; BLOCK]);
        let misfits = Misfits {
            path: !header.put_path(fields.path),
            link: !header.put_text(LINK, fields.link),
            uid: !header.put_octal(UID, fields.uid.into()),
            gid: !header.put_octal(GID, fields.gid.into()),
            size: !header.put_octal(SIZE, fields.size),
            mtime: !header.put_octal(MTIME, u64::try_from(fields.mtime).unwrap_or(u64::MAX)),
        };
        header.put_octal(MODE, fields.mode.into());
        header.put_octal(MAJOR, fields.major.into());
        header.put_octal(MINOR, fields.minor.into());
        header.0[TYPE] = fields.flag;
        header.0[MAGIC].copy_from_slice(b"ustar\0");
        header.0[VERSION].copy_from_slice(b"00");
        header.seal();
        (header, misfits)
    }

    /// Puts the path into name and prefix; a path that does not fit is cut for readers that know no PAX.
    fn put_path(&mut self, path: &[u8]) -> bool {
        if path.len() <= NAME.len() {
            return self.put_text(NAME, path);
        }
        match split(path) {
            Some((prefix, name)) => self.put_text(PREFIX, prefix) && self.put_text(NAME, name),
            None => self.put_text(NAME, path),
        }
    }

    fn put_text(&mut self, field: Range<usize>, text: &[u8]) -> bool {
        let fits = text.len() <= field.len();
        let text = &text[..text.len().min(field.len())];
        self.0[field.start..field.start + text.len()].copy_from_slice(text);
        fits
    }

    fn put_octal(&mut self, field: Range<usize>, number: u64) -> bool {
        let width = field.len() - 1;
        let fits = number < 1 << (3 * width);
        let text = format!("{:0width$o}", if fits { number } else { 0 });
        self.0[field][..width].copy_from_slice(text.as_bytes());
        fits
    }

    fn seal(&mut self) {
        let sum = self.sums().0;
        self.0[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }

    /// The sum of all bytes with the checksum's own as spaces: unsigned, and signed as some old tars did.
    fn sums(&self) -> (u64, i64) {
        self.0.iter().enumerate().fold((0, 0), |(unsigned, signed), (at, &byte)| {
            let byte = if CHECKSUM.contains(&at) { b' ' } else { byte };
            (unsigned + u64::from(byte), signed + i64::from(byte as i8))
        })
    }

    /// Whether the checksum is that of the bytes.
    pub fn is_sealed(&self) -> bool {
        let (unsigned, signed) = self.sums();
        number(&self.0[CHECKSUM])
            .is_some_and(|stored| stored == signed || u64::try_from(stored) == Ok(unsigned))
    }

    /// Whether it is the zero block that ends an archive.
    pub fn is_end(&self) -> bool {
        self.0.iter().all(|&byte| byte == 0)
    }

    /// Type flag.
    pub fn flag(&self) -> u8 {
        self.0[TYPE]
    }

    /// Path with the prefix that ustar has before it.
    pub fn path(&self) -> Vec<u8> {
        let prefix = text(&self.0[PREFIX]);
        // GNU has other things at that place, and v7 nothing: only the POSIX magic makes it a prefix.
        if &self.0[MAGIC] != b"ustar\0" || prefix.is_empty() {
            return text(&self.0[NAME]).to_vec();
        }
        [prefix, b"/", text(&self.0[NAME])].concat()
    }

    /// Link target.
    pub fn link(&self) -> &[u8] {
        text(&self.0[LINK])
    }

    /// Permission bits.
    ///
    /// # Errors
    /// If the field is no number. So do those below.
    pub fn mode(&self) -> io::Result<u32> {
        // Some writers put the file type's bits here as well, and Java ones a negative number.
        Ok((self.number("mode", MODE)? & 0o7777) as u32)
    }

    /// Owner.
    pub fn uid(&self) -> io::Result<u32> {
        self.small("uid", UID)
    }

    /// Group.
    pub fn gid(&self) -> io::Result<u32> {
        self.small("gid", GID)
    }

    /// Bytes of data.
    pub fn size(&self) -> io::Result<u64> {
        u64::try_from(self.number("size", SIZE)?).map_err(|_| bad("tar header has a negative size"))
    }

    /// Seconds since 1970.
    pub fn mtime(&self) -> io::Result<i64> {
        self.number("mtime", MTIME)
    }

    /// Major and minor device number.
    pub fn device(&self) -> io::Result<(u32, u32)> {
        Ok((self.small("major", MAJOR)?, self.small("minor", MINOR)?))
    }

    fn small(&self, what: &str, field: Range<usize>) -> io::Result<u32> {
        let number = self.number(what, field)?;
        u32::try_from(number)
            .map_err(|_| bad(format!("tar header has {what} {number}, which is out of range")))
    }

    fn number(&self, what: &str, field: Range<usize>) -> io::Result<i64> {
        number(&self.0[field]).ok_or_else(|| bad(format!("tar header has a {what} that is no number")))
    }
}

/// Splits a long path at a slash, so that the halves fit into prefix and name.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    let body = path.strip_suffix(b"/").unwrap_or(path);
    let reach = body.len().min(PREFIX.len() + 1);
    let at = body[..reach].iter().rposition(|&byte| byte == b'/').filter(|&at| at > 0)?;
    (path.len() - at - 1 <= NAME.len()).then(|| (&path[..at], &path[at + 1..]))
}

fn text(field: &[u8]) -> &[u8] {
    field.split(|&byte| byte == 0).next().unwrap_or_default()
}

/// Octal text between blanks, or base 256; nothing at all is zero.
fn number(field: &[u8]) -> Option<i64> {
    if field[0] & 0x80 != 0 {
        return base256(field);
    }
    let blank = |byte: &u8| matches!(byte, b' ' | 0);
    let start = field.iter().position(|byte| !blank(byte)).unwrap_or(field.len());
    let digits = field[start..].split(blank).next().unwrap_or_default();
    digits.iter().try_fold(0i64, |sum, &byte| match byte {
        b'0'..=b'7' => Some(sum.checked_mul(8)? + i64::from(byte - b'0')),
        _ => None,
    })
}

/// Big-endian two's complement below the flag bit.
fn base256(field: &[u8]) -> Option<i64> {
    let negative = field[0] & 0x40 != 0;
    let first = if negative { field[0] } else { field[0] & 0x7f };
    let bytes = std::iter::once(first).chain(field[1..].iter().copied());
    let sum = bytes.fold(if negative { -1i128 } else { 0 }, |sum, byte| (sum << 8) | i128::from(byte));
    i64::try_from(sum).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(edit: impl FnOnce(&mut [u8; BLOCK])) -> Header {
        let (mut header, _) = Header::ustar(&Fields { flag: b'0', path: b"a", ..Fields::default() });
        edit(&mut header.0);
        header.seal();
        header
    }

    #[test]
    fn fields_and_back() {
        let path = [b"d/".repeat(60), b"f".repeat(90)].concat();
        let fields = Fields {
            flag: b'3',
            path: &path,
            link: &[b'l'; 100],
            mode: 0o7777,
            uid: 0o7777777,
            gid: 5,
            size: 0o77777777777,
            mtime: 0o77777777777,
            major: 7,
            minor: 9,
        };
        let (header, misfits) = Header::ustar(&fields);
        assert_eq!(misfits, Misfits::default());
        assert!(header.is_sealed() && !header.is_end());
        assert_eq!(header.path(), path);
        assert_eq!(header.link(), fields.link);
        assert_eq!(
            (header.mode().unwrap(), header.uid().unwrap(), header.gid().unwrap()),
            (0o7777, 0o7777777, 5)
        );
        assert_eq!((header.size().unwrap(), header.mtime().unwrap()), (fields.size, fields.mtime));
        assert_eq!((header.flag(), header.device().unwrap()), (b'3', (7, 9)));
    }

    #[test]
    fn what_is_too_big_is_told() {
        let fields = Fields {
            path: &[b'p'; 101],
            link: &[b'l'; 101],
            uid: 1 << 21,
            gid: u32::MAX,
            size: 1 << 33,
            mtime: -1,
            ..Fields::default()
        };
        let all = Misfits { path: true, link: true, uid: true, gid: true, size: true, mtime: true };
        let (header, misfits) = Header::ustar(&fields);
        assert_eq!(misfits, all);
        assert!(header.is_sealed());
    }

    #[test]
    fn long_paths_split_only_where_both_halves_fit() {
        let long = |prefix: usize, name: usize| [&vec![b'p'; prefix][..], b"/", &vec![b'n'; name]].concat();
        for (prefix, name, fits) in [(155, 100, true), (156, 100, false), (155, 101, false), (1, 100, true)] {
            assert_eq!(split(&long(prefix, name)).is_some(), fits, "{prefix} {name}");
        }
        let dir = [&long(155, 99)[..], b"/"].concat();
        assert_eq!(split(&dir).unwrap().1.len(), 100);
        assert_eq!(split(&[b"/".to_vec(), vec![b'n'; 100]].concat()), None);
    }

    #[test]
    fn numbers_of_every_dialect() {
        let table: &[(&[u8], Option<i64>)] = &[
            (b"0000644\0", Some(0o644)),
            (b"   644 \0", Some(0o644)),
            (b"\0\0\0\0\0\0\0\0", Some(0)),
            (b"77777777", Some(0o77777777)),
            (b"12x4567\0", None),
            (b"-1\0\0\0\0\0\0", None),
            (b"\x80\0\0\0\0\0\x01\0", Some(256)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", Some(-1)),
            (b"\xff\xff\xff\xff\xff\xff\xff\xfe", Some(-2)),
            (b"\x80\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", None),
        ];
        for (field, expected) in table {
            assert_eq!(number(field), *expected, "{field:?}");
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        let big = header(|b| b[UID].copy_from_slice(b"\x80\0\0\x01\0\0\0\0"));
        assert!(big.uid().unwrap_err().to_string().contains("uid 4294967296"));
        let negative = header(|b| b[SIZE].copy_from_slice(&[0xff; 12]));
        assert!(negative.size().is_err());
        assert_eq!(header(|b| b[MTIME].copy_from_slice(&[0xff; 12])).mtime().unwrap(), -1);
    }

    #[test]
    fn only_posix_has_a_prefix() {
        let with = header(|b| b[PREFIX][..2].copy_from_slice(b"pp"));
        assert_eq!(with.path(), b"pp/a");
        let gnu = header(|b| {
            b[PREFIX][..2].copy_from_slice(b"pp");
            b[MAGIC].copy_from_slice(b"ustar ");
        });
        assert_eq!(gnu.path(), b"a");
    }

    #[test]
    fn a_checksum_is_checked_signed_and_unsigned() {
        let mut h = header(|b| b[0] = 0xe9);
        assert!(h.is_sealed());
        let signed = h.sums().1;
        h.0[CHECKSUM].copy_from_slice(format!("{signed:06o}\0 ").as_bytes());
        assert!(h.is_sealed());
        h.0[1] = b'!';
        assert!(!h.is_sealed());
    }
}
