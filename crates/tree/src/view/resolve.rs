//! A path as a process writes it to the path of the object it means: links followed, never out of the view.

use std::io;

use super::View;
use crate::found::join;
use crate::root::{Type, text};

/// After so many links a path is taken to be a circle.
const MOST_LINKS: usize = 255;

impl View {
    /// Follows the links in `path`, the last one only if asked to.
    ///
    /// Absolute targets start at the view's root, and `..` ends there. What does not exist stays as it is
    /// written, so the result may name nothing yet.
    pub fn resolve(&self, path: &[u8], follow_last: bool) -> io::Result<Vec<u8>> {
        resolve(path, follow_last, |at| {
            let Some(node) = self.lookup(at)? else { return Ok(None) };
            match node.stat.kind {
                Type::Symlink => self.readlink(at, &node).map(Some),
                _ => Ok(None),
            }
        })
    }
}

/// The walk itself; `link` tells the target of what is at a path, if that is a link.
pub(crate) fn resolve(
    path: &[u8],
    follow_last: bool,
    link: impl Fn(&[u8]) -> io::Result<Option<Vec<u8>>>,
) -> io::Result<Vec<u8>> {
    let mut done: Vec<u8> = Vec::new();
    let mut todo: Vec<Vec<u8>> = reversed(path);
    let mut links = 0;
    while let Some(part) = todo.pop() {
        if part == b".." {
            done.truncate(done.iter().rposition(|&b| b == b'/').unwrap_or(0));
            continue;
        }
        let next = join(&done, &part);
        let target = if todo.is_empty() && !follow_last { None } else { link(&next)? };
        let Some(target) = target else {
            done = next;
            continue;
        };
        links += 1;
        if links > MOST_LINKS {
            return Err(io::Error::other(format!("too many symbolic links in `{}`", text(path))));
        }
        if target.starts_with(b"/") {
            done.clear();
        }
        todo.extend(reversed(&target));
    }
    Ok(done)
}

/// The components, last first, without `.` and empty ones.
fn reversed(path: &[u8]) -> Vec<Vec<u8>> {
    let parts = path.split(|&b| b == b'/').filter(|part| !part.is_empty() && *part != b".");
    parts.rev().map(<[u8]>::to_vec).collect()
}
