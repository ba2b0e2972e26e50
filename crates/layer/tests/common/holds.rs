//! What holds for every archive: called by `hostile` and by the target in `fuzz`.

use std::io::{self, Read};

use layer::Reader;
use layer::read::{Member, MemberKind};

/// Any bytes are read or refused; names stay inside, and no more is read than there is or was declared.
pub fn tar(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    let mut members = 0;
    while let Ok(Some(member)) = reader.next() {
        members += 1;
        assert!(members * 512 <= bytes.len(), "a member takes a header");
        inside(&member);
        let MemberKind::File { size } = member.kind else {
            assert_eq!(reader.read(&mut [0; 1]).ok(), Some(0), "only files have data");
            continue;
        };
        if let Ok(count) = io::copy(&mut reader, &mut io::sink()) {
            assert_eq!(count, size);
        }
        assert!(reader.consumed() <= bytes.len() as u64);
    }
}

fn inside(member: &Member) {
    assert!(is_clean(&member.path), "{member:?}");
    match &member.kind {
        MemberKind::Hardlink { target } => assert!(is_clean(target), "{member:?}"),
        MemberKind::Symlink { target } => assert!(target.len() <= 4096),
        _ => {}
    }
    assert!(member.meta.mode <= 0o7777 && member.meta.mtime.nsec < 1_000_000_000);
    assert!(member.meta.xattrs.keys().all(|name| !name.is_empty() && !name.contains(&0)));
}

/// Relative, and nothing in it that leads anywhere else.
pub fn is_clean(path: &[u8]) -> bool {
    let mut parts = path.split(|byte| *byte == b'/');
    path.is_empty() || (path.len() <= 4096 && parts.all(|part| !matches!(part, b"" | b"." | b"..")))
}
