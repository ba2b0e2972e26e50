//! The three ways in which an instruction's text is cut into words: at blanks, at blanks outside
//! quotes, and into leading `--flags` and the rest.
//!
//! Quotes and escapes stay in the words here, except in flags; `expand` takes them off later.

/// More words than these are refused: Linux takes no command line of them, and each costs more memory than its
/// text, so that a line of ten megabytes would cost hundreds.
pub const MOST: usize = 100_000;

/// The same for flags.
pub const MOST_FLAGS: usize = 10_000;

/// The text in front of the first blank, and the text behind the blanks.
pub fn cut(text: &str) -> (&str, Option<&str>) {
    match text.find(is_blank) {
        Some(at) => (&text[..at], Some(text[at..].trim_start_matches(is_blank))),
        None => (text, None),
    }
}

/// The words between blanks, quotes or not.
pub fn split(text: &str) -> Vec<String> {
    blank(text).map(String::from).collect()
}

/// The same, one by one.
pub fn blank(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_blank).filter(|word| !word.is_empty())
}

// Only these separate; a no-break space is part of a word.
fn is_blank(c: char) -> bool {
    matches!(c, '\t' | '\x0b' | '\x0c' | '\r' | ' ')
}

/// The words between white space outside quotes, with their quotes and escapes.
pub fn quoted(text: &str, escape: char) -> impl Iterator<Item = String> {
    let mut rest = text.trim_start();
    let next = move || {
        let (word, behind) = (!rest.is_empty()).then(|| quoted_word(rest, escape))?;
        rest = behind.trim_start();
        Some(word)
    };
    std::iter::from_fn(next).filter(|word| !word.is_empty())
}

fn quoted_word(text: &str, escape: char) -> (String, &str) {
    let mut word = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            return (word, &text[at..]);
        }
        if c == escape && quote != Some('\'') {
            // An escape character at the very end is dropped.
            let Some((_, next)) = chars.next() else { break };
            word.push(c);
            word.push(next);
            continue;
        }
        quote = turn(quote, c);
        word.push(c);
    }
    (word, "")
}

fn turn(quote: Option<char>, c: char) -> Option<char> {
    match (quote, c) {
        (None, '\'' | '"') => Some(c),
        (Some(open), c) if open == c => None,
        (quote, _) => quote,
    }
}

/// The leading `--flags`, unquoted, and the text behind them. A lone `--` ends them, and so does one more than
/// anybody reads.
pub fn flags(text: &str, escape: char) -> (Vec<String>, &str) {
    let mut flags = Vec::new();
    let mut rest = text.trim_start();
    while rest.starts_with("--") && flags.len() <= MOST_FLAGS {
        let (flag, behind, quoted) = flag_word(rest, escape);
        if flag == "--" {
            return (flags, behind);
        }
        flags.extend((quoted || !flag.is_empty()).then_some(flag));
        rest = behind.trim_start();
    }
    (flags, rest)
}

fn flag_word(text: &str, escape: char) -> (String, &str, bool) {
    let mut word = String::new();
    let mut quote = None;
    let mut quoted = false;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        let turned = turn(quote, c);
        if turned != quote {
            (quote, quoted) = (turned, true);
        } else if quote.is_none() && c.is_whitespace() {
            return (word, &text[at..], quoted);
        } else if c == escape {
            word.extend(chars.next().map(|(_, next)| next));
        } else {
            word.push(c);
        }
    }
    (word, "", quoted)
}
