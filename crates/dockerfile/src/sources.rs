//! The words of COPY and ADD to paths, here-documents and a destination.
//!
//! Used by `syntax`; the documents' bodies were read by `parse`.

use std::collections::HashMap;

use crate::diagnostic::Problem;
use crate::heredoc::{self, Heredoc};
use crate::steps;

/// Sources that are paths, the destination, and sources that are documents.
pub type Sources = (Vec<String>, String, Vec<Heredoc>);

/// Bytes of bodies that are copied because a name is announced more than once. `<<A <<A <<A …` and one large
/// body would exhaust memory otherwise.
const MOST_REPEATED: usize = 1 << 20;

/// Takes the words of a COPY or ADD apart.
pub fn sources(mut words: Vec<String>, bodies: Vec<Heredoc>, keyword: &str) -> Result<Sources, Problem> {
    let dest = words.pop().unwrap_or_default();
    let announced = |word: &str| heredoc::announced(word).ok().flatten();
    if announced(&dest).is_some() {
        return Err(format!("{keyword} cannot accept a heredoc as a destination").into());
    }
    let mut bodies = Bodies::new(bodies);
    let (mut paths, mut heredocs) = (Vec::new(), Vec::new());
    for word in words {
        match announced(&word) {
            Some(heredoc) => heredocs.push(bodies.fill(heredoc, keyword)?),
            None => paths.push(word),
        }
    }
    Ok((paths, dest, heredocs))
}

/// Bodies by name. The last body of a name counts for each of its announcements.
struct Bodies {
    by_name: HashMap<String, (String, bool)>,
    repeated: usize,
}

impl Bodies {
    fn new(all: Vec<Heredoc>) -> Bodies {
        let by_name = all.into_iter().map(|body| (body.name, (body.content, false))).collect();
        Bodies { by_name, repeated: 0 }
    }

    /// BuildKit makes an empty file where the line as a whole has no documents, because of an open quote or the
    /// JSON form; that was never meant.
    fn fill(&mut self, heredoc: Heredoc, keyword: &str) -> Result<Heredoc, Problem> {
        let (body, was_used) = self.by_name.get_mut(&heredoc.name).ok_or_else(|| {
            let problem = Problem::new(format!("{keyword} has no body for the heredoc `{}`", heredoc.name));
            problem.help("the JSON form takes no heredocs, nor does a line with an open quote")
        })?;
        if std::mem::replace(was_used, true) {
            self.repeated += body.len();
        }
        if self.repeated > MOST_REPEATED {
            return Err(format!("the heredoc `{}` is announced too often for its size", heredoc.name).into());
        }
        steps::note(body.len());
        Ok(Heredoc { content: body.clone(), ..heredoc })
    }
}
