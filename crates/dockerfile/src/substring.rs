//! The pattern forms of a variable: `${v#p}`, `${v##p}`, `${v%p}`, `${v%%p}`, `${v/p/r}`, `${v//p/r}`.
//!
//! Fed by `expand`. A pattern is literal text, `?` for one character and `*` for any, neither of which
//! crosses a line break. It is matched piece by piece between its stars: the earliest place of each
//! piece is always the right one, so no backtracking is needed.

/// Comparisons that one match may take. Only patterns with `?` in megabytes of value come near.
const MAX_WORK: usize = 1 << 24;

/// A stretch of a pattern between two stars.
struct Piece {
    literal: Vec<Option<char>>,
    /// The same as text, if it has no `?`.
    text: Option<String>,
    /// A star stands in front.
    star: bool,
}

impl Piece {
    fn new(star: bool) -> Piece {
        Piece { literal: Vec::new(), text: None, star }
    }
}

struct Pattern {
    pieces: Vec<Piece>,
    work: usize,
}

/// `value` without the part at its beginning (`#`) or end (`%`) that the pattern matches: the shortest,
/// or, with the operator doubled, the longest.
pub fn trim(value: &str, word: &str, operator: char) -> Result<String, String> {
    let (word, longest) = word.strip_prefix(operator).map_or((word, false), |word| (word, true));
    if operator == '#' {
        return trim_start(value, word, longest);
    }
    // The shortest match at the end is the shortest at the beginning of everything turned around.
    let value: String = value.chars().rev().collect();
    let kept = trim_start(&value, &reversed(word), longest)?;
    Ok(kept.chars().rev().collect())
}

fn trim_start(value: &str, word: &str, longest: bool) -> Result<String, String> {
    let mut pattern = Pattern::parse(word)?;
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
pub fn replace(value: &str, word: &str, by: &str, all: bool, most: usize) -> Result<String, String> {
    let mut pattern = Pattern::parse(word)?;
    let mut out = String::new();
    let (mut copied, mut from, mut last_end) = (0, 0, None);
    while let Some((start, end)) = pattern.find(value, from)? {
        // An empty match right behind a match does not count.
        if !(start == end && last_end == Some(start)) {
            out.push_str(&value[copied..start]);
            out.push_str(by);
            (copied, last_end) = (end, Some(end));
        }
        if out.len() > most {
            return Err(format!("the result is larger than {} MiB", most >> 20));
        }
        from = if end > start { end } else { end + char_len(value, end) };
        if !all || from > value.len() {
            break;
        }
    }
    out.push_str(&value[copied..]);
    Ok(out)
}

fn char_len(text: &str, at: usize) -> usize {
    text[at..].chars().next().map_or(1, char::len_utf8)
}

impl Pattern {
    fn parse(word: &str) -> Result<Pattern, String> {
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
        pieces.iter_mut().for_each(|piece| piece.text = piece.literal.iter().copied().collect());
        Ok(Pattern { pieces, work: 0 })
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
        if let Some(text) = &piece.text {
            return Ok(value[at..].starts_with(text.as_str()).then(|| at + text.len()));
        }
        let mut rest = value[at..].chars();
        for item in &piece.literal {
            self.work += 1;
            let matches = match (item, rest.next()) {
                (Some(wanted), Some(c)) => c == *wanted,
                (None, Some(c)) => c != '\n',
                (_, None) => false,
            };
            if !matches {
                return Ok(None);
            }
        }
        self.check_work()?;
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
            let found = window(value, from, limit, text.len()).find(text.as_str());
            return Ok(found.map(|at| from + at));
        }
        for (at, _) in value[from..].char_indices().take_while(|(at, _)| from + at <= limit) {
            if self.piece_at(index, value, from + at)?.is_some() {
                return Ok(Some(from + at));
            }
            self.check_work()?;
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
            let found = window(value, from, limit, text.len()).rfind(text.as_str());
            return Ok(found.map(|at| from + at));
        }
        for (at, _) in value[from..].char_indices().rev().skip_while(|(at, _)| from + at > limit) {
            if self.piece_at(index, value, from + at)?.is_some() {
                return Ok(Some(from + at));
            }
            self.check_work()?;
        }
        Ok(None)
    }

    fn check_work(&self) -> Result<(), String> {
        if self.work > MAX_WORK {
            return Err("the pattern takes too long to match".to_owned());
        }
        Ok(())
    }
}

fn line_end(value: &str, from: usize) -> usize {
    value[from..].find('\n').map_or(value.len(), |newline| from + newline)
}

/// The part of `value` in which a text of `length` bytes can begin between `from` and `limit`.
fn window(value: &str, from: usize, limit: usize, length: usize) -> &str {
    let mut end = limit.saturating_add(length).min(value.len());
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    &value[from..end]
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
