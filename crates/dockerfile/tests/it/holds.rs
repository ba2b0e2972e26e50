//! What holds for every input, one function a parser: called by `properties` and by the targets in `fuzz`.

use std::collections::BTreeMap;

use dockerfile::lex::Lexer;
use dockerfile::{Mode, Patterns, expand, expand_words, heredoc, parse, stages};

/// Any bytes are read; places stay inside the text, in order and between characters.
pub fn lexer(source: &[u8]) {
    let (file, problems) = parse(source);
    assert!(!problems.is_empty() || !file.instructions.is_empty());
    let Ok(text) = std::str::from_utf8(source) else {
        assert!(!problems.is_empty(), "what is no UTF-8 is told");
        return;
    };
    let mut end = 0;
    for instruction in &file.instructions {
        let (first, last) = (instruction.span.start as usize, instruction.span.end as usize);
        assert!(end <= first && first <= last && instruction.line <= instruction.end_line);
        assert!(text.get(first..last).is_some(), "a place inside the text, between characters");
        end = last;
    }
    for problem in &problems {
        assert!(text.get(problem.span.start as usize..problem.span.end as usize).is_some());
        assert!(problem.message.len() < 1100, "a message is no place for a file");
    }
    let _ = stages(&file);
    again(text);
}

/// Lines, written one below the other, are the same lines.
fn again(text: &str) {
    let mut lexer = Lexer::new(text);
    let (mut lines, mut escape) = (Vec::new(), None);
    while let Some(line) = lexer.next_logical() {
        escape.get_or_insert(lexer.escape());
        lines.push(line.text.into_owned());
    }
    // A line may begin or end with what would mean something else once it is alone.
    let escape = escape.unwrap_or('\\');
    lines.retain(|line| is_plain(line, escape));
    let mut text = format!("# escape={escape}\n");
    lines.iter().for_each(|line| text.extend([line, "\n"]));
    let mut lexer = Lexer::new(&text);
    for line in &lines {
        assert_eq!(lexer.next_logical().map(|logical| logical.text.into_owned()).as_ref(), Some(line));
    }
    assert!(lexer.next_logical().is_none() && lexer.take_problems().is_empty());
}

fn is_plain(line: &str, escape: char) -> bool {
    let ends = line.trim_end_matches([' ', '\t', '\r']).ends_with(escape) || line.ends_with('\r');
    !(line.trim_start() != line || line.is_empty() || line.starts_with('#') || ends)
}

/// Any word is expanded or refused, and what came out can be accounted for.
pub fn expander(word: &str) {
    let vars: BTreeMap<String, String> =
        [("A", "aéa b"), ("E", ""), ("L", "x\ny")].map(|(name, value)| (name.into(), value.into())).into();
    for escape in ['\\', '`'] {
        for mode in [Mode::WORD, Mode::HEREDOC, Mode::DISPLAY] {
            let (text, words) = (expand(word, escape, &vars, mode), expand_words(word, escape, &vars, mode));
            assert_eq!(text.is_ok(), words.is_ok(), "text and words fail together");
            let Ok(text) = text else { continue };
            assert!(text.used.iter().all(|name| vars.contains_key(name)));
            assert!(!text.unset.iter().any(|name| vars.contains_key(name)));
            assert!(text.text.len() <= word.len() + text.work + 4 * word.len(), "nothing comes from nowhere");
        }
    }
    let _ = heredoc::find(word);
    let _ = heredoc::announced(word);
}

/// Any ignore file is read or refused, and a walk knows what a single question knows.
pub fn ignore(text: &[u8], path: &str) {
    let Ok(patterns) = Patterns::parse(text) else { return };
    let mut state = patterns.root();
    let mut ignored = false;
    for end in path.match_indices('/').map(|(at, _)| at).chain([path.len()]) {
        (state, ignored) = patterns.child(&state, &path[..end]);
    }
    assert_eq!(ignored, patterns.matches(path));
    assert_eq!(ignored, patterns.verdict(path).ignored);
    assert!(!ignored || patterns.verdict(path).by.is_some());
}
