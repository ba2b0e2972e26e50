//! The pattern forms of a variable: `${v#p}`, `${v##p}`, `${v%p}`, `${v%%p}`, `${v/p/r}`, `${v//p/r}`.
//!
//! Fed by `expand`. A pattern is literal text, `?` for one character and `*` for any, neither of which
//! crosses a line break. It is matched piece by piece between its stars: the earliest place of each
//! piece is always the right one, so no backtracking is needed.

use std::ops::Range;

/// Bytes of values that one word may copy or compare: `${U:+$A}` costs `A` and comes to nothing, and a word
/// of ten megabytes has a million of them. Only patterns with `?` in megabytes of value come near otherwise.
const MAX_WORK: usize = 1 << 26;

/// What a word has cost so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Work {
    /// Bytes that were copied or compared.
    pub done: usize,
}

impl Work {
    /// Counts `steps` more, or refuses the word.
    pub fn spend(&mut self, steps: usize) -> Result<(), String> {
        self.done = self.done.saturating_add(steps);
        if self.done > MAX_WORK { Err("the substitution takes too long".to_owned()) } else { Ok(()) }
    }
}

/// A stretch of a pattern between two stars.
struct Piece {
    literal: Vec<Option<char>>,
    /// The same as text, if it has no `?`.
    text: Option<Literal>,
    /// A star stands in front.
    star: bool,
}

impl Piece {
    fn new(star: bool) -> Piece {
        Piece { literal: Vec::new(), text: None, star }
    }
}

/// A piece that is only text.
struct Literal {
    text: String,
    /// Its first line break. Looked for once, as there may be many short lines and one long text.
    newline: Option<usize>,
}

struct Pattern<'w> {
    pieces: Vec<Piece>,
    work: &'w mut Work,
}

/// `value` without the part at its beginning (`#`) or end (`%`) that the pattern matches: the shortest,
/// or, with the operator doubled, the longest.
pub fn trim(value: &str, word: &str, operator: char, work: &mut Work) -> Result<String, String> {
    work.spend(value.len() + word.len())?;
    let (word, longest) = word.strip_prefix(operator).map_or((word, false), |word| (word, true));
    if operator == '#' {
        return trim_start(value, word, longest, work);
    }
    work.spend(4 * value.len())?;
    // The shortest match at the end is the shortest at the beginning of everything turned around.
    let value: String = value.chars().rev().collect();
    let kept = trim_start(&value, &reversed(word), longest, work)?;
    Ok(kept.chars().rev().collect())
}

fn trim_start(value: &str, word: &str, longest: bool, work: &mut Work) -> Result<String, String> {
    let mut pattern = Pattern::parse(word, work)?;
    let end = pattern.match_at(value, 0, longest)?;
    Ok(value[end.unwrap_or(0)..].to_owned())
}

/// The pattern turned around, each escape still in front of its character.
fn reversed(word: &str) -> String {
    let mut pieces = Vec::new();
    let mut chars = word.chars();
    while let Some(c) = chars.next() {
        let next = (c == '\\').then(|| chars.next()).flatten();
        pieces.push([Some(c), next]);
    }
    pieces.iter().rev().flatten().flatten().collect()
}

/// `value` with the first match of the pattern, or all, replaced. The result has at most `most` bytes.
pub fn replace(
    value: &str,
    word: &str,
    by: &str,
    all: bool,
    most: usize,
    work: &mut Work,
) -> Result<String, String> {
    work.spend(value.len() + word.len())?;
    let mut pattern = Pattern::parse(word, work)?;
    let mut out = String::new();
    let (mut copied, mut from, mut last_end) = (0, 0, None);
    while let Some((start, end)) = pattern.find(value, from)? {
        // An empty match right behind a match does not count.
        if !(start == end && last_end == Some(start)) {
            out.push_str(&value[copied..start]);
            out.push_str(by);
            (copied, last_end) = (end, Some(end));
        }
        pattern.work.spend(16)?;
        if out.len() > most {
            return Err(format!("the result is larger than {} MiB", most >> 20));
        }
        from = if end > start { end } else { end + char_len(value, end) };
        if !all || from > value.len() {
            break;
        }
    }
    out.push_str(&value[copied..]);
    work.spend(out.len())?;
    Ok(out)
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

impl<'w> Pattern<'w> {
    fn parse(word: &str, work: &'w mut Work) -> Result<Pattern<'w>, String> {
        let mut pieces = vec![Piece::new(false)];
        let mut chars = word.chars();
        while let Some(c) = chars.next() {
            let last = pieces.last_mut().expect("it began with a piece");
            match c {
                // Stars in a row are one star.
                '*' if last.star && last.literal.is_empty() => {}
                '*' => pieces.push(Piece::new(true)),
                '?' => last.literal.push(None),
                '\\' => last.literal.push(Some(unescape(word, chars.next())?)),
                c => last.literal.push(Some(c)),
            }
        }
        pieces.iter_mut().for_each(|piece| {
            let text = piece.literal.iter().copied().collect::<Option<String>>();
            piece.text = text.map(|text| Literal { newline: text.find('\n'), text });
        });
        Ok(Pattern { pieces, work })
    }

    /// The leftmost match at or behind `from`, and the longest there.
    fn find(&mut self, value: &str, mut from: usize) -> Result<Option<(usize, usize)>, String> {
        while from <= value.len() {
            // A pattern that begins with a star matches where its line begins, or nowhere in the line.
            let Some(start) = self.find_piece(0, value, from, value.len())? else { return Ok(None) };
            if let Some(end) = self.match_at(value, start, true)? {
                return Ok(Some((start, end)));
            }
            // Whatever follows the first piece is missing in the rest of this line.
            from = match value[start..].find('\n') {
                Some(newline) => start + newline + 1,
                None => return Ok(None),
            };
        }
        Ok(None)
    }

    /// The end of the shortest or longest match that begins at `at`.
    fn match_at(&mut self, value: &str, at: usize, longest: bool) -> Result<Option<usize>, String> {
        let Some(mut end) = self.piece_at(0, value, at)? else { return Ok(None) };
        if self.pieces.len() == 1 {
            return Ok(Some(end));
        }
        // A star ends at the line's end at the latest. Looked up once a line, not once a star.
        let mut limit = line_end(value, end);
        for index in 1..self.pieces.len() {
            if end > limit {
                limit = line_end(value, end);
            }
            let last = longest && index + 1 == self.pieces.len();
            let found = if last {
                self.rfind_piece(index, value, end, limit)?
            } else {
                self.find_piece(index, value, end, limit)?
            };
            let Some(start) = found else { return Ok(None) };
            end = self.piece_at(index, value, start)?.expect("the piece was found there");
        }
        Ok(Some(end))
    }

    fn piece_at(&mut self, index: usize, value: &str, at: usize) -> Result<Option<usize>, String> {
        let piece = &self.pieces[index];
        if let Some(Literal { text, .. }) = &piece.text {
            return Ok(value[at..].starts_with(text.as_str()).then(|| at + text.len()));
        }
        let mut rest = value[at..].chars();
        for item in &piece.literal {
            self.work.done += 1;
            let matches = match (item, rest.next()) {
                (Some(wanted), Some(c)) => c == *wanted,
                (None, Some(c)) => c != '\n',
                (_, None) => false,
            };
            if !matches {
                return Ok(None);
            }
        }
        self.work.spend(0)?;
        Ok(Some(value.len() - rest.as_str().len()))
    }

    /// The first place in `from..=limit` where a piece stands.
    fn find_piece(
        &mut self,
        index: usize,
        value: &str,
        from: usize,
        limit: usize,
    ) -> Result<Option<usize>, String> {
        if let Some(text) = &self.pieces[index].text {
            let found = text.within(value, from..limit, |room, text| room.find(text));
            self.work.spend(text.cost(limit - from) + found.unwrap_or(limit) - from)?;
            return Ok(found);
        }
        for (at, _) in value[from..].char_indices().take_while(|(at, _)| from + at <= limit) {
            if self.piece_at(index, value, from + at)?.is_some() {
                return Ok(Some(from + at));
            }
            self.work.spend(1)?;
        }
        Ok(None)
    }

    /// The last place in `from..=limit` where a piece stands.
    fn rfind_piece(
        &mut self,
        index: usize,
        value: &str,
        from: usize,
        limit: usize,
    ) -> Result<Option<usize>, String> {
        if let Some(text) = &self.pieces[index].text {
            let found = text.within(value, from..limit, |room, text| room.rfind(text));
            self.work.spend(text.cost(limit - from) + limit - found.unwrap_or(from))?;
            return Ok(found);
        }
        // From the line's end: from the value's end, each of many lines would cost all that follow it.
        let before = value[from..limit].char_indices().rev().map(|(at, _)| from + at);
        for at in std::iter::once(limit).chain(before) {
            if self.piece_at(index, value, at)?.is_some() {
                return Ok(Some(at));
            }
            self.work.spend(1)?;
        }
        Ok(None)
    }
}

impl Literal {
    /// Where it begins, in a range that ends where its line does, or the value.
    fn within(
        &self,
        value: &str,
        range: Range<usize>,
        find: fn(&str, &str) -> Option<usize>,
    ) -> Option<usize> {
        let (from, limit) = (range.start, range.end);
        match self.newline.filter(|_| limit < value.len()) {
            // Its first line break can only be the one at the end of the range.
            Some(newline) => {
                let at =
                    limit.checked_sub(newline).filter(|at| *at >= from && value.is_char_boundary(*at))?;
                value[at..].starts_with(self.text.as_str()).then_some(at)
            }
            // To prepare the search for a long text costs as much as it is long.
            None if self.text.len() > limit - from => None,
            None => find(&value[range], &self.text).map(|at| from + at),
        }
    }

    /// What that takes beside the way to the place.
    fn cost(&self, room: usize) -> usize {
        let length = self.text.len();
        if self.newline.is_some() { length } else { length.min(room) }
    }
}

fn line_end(value: &str, from: usize) -> usize {
    value[from..].find('\n').map_or(value.len(), |newline| from + newline)
}

/// What an escape stands for. `}` and `/` are escaped for the sake of `${…}`, the others for the pattern.
fn unescape(word: &str, c: Option<char>) -> Result<char, String> {
    match c {
        Some(c @ ('}' | '/' | '*' | '?' | '\\')) => Ok(c),
        c => {
            let c = c.map(String::from).unwrap_or_default();
            Err(format!("invalid pattern ({word}) in substitution: invalid escape '\\{c}'"))
        }
    }
}
