//! The text of a case to sections of blocks, each with its place in the file.
//!
//! Knows Markdown's headings and fences and nothing else of it: all other text is for readers.

use crate::Result;
use std::path::{Path, PathBuf};

/// The line that says so.
const LONG: &str = "<!-- long -->";

/// A story: what is in a folder, what is built, what came out, and how it goes on.
pub struct Case {
    /// The file.
    pub path: PathBuf,
    /// Its path below tests/cases, without `.md`.
    pub name: String,
    /// The first heading.
    pub title: String,
    /// It takes a minute of a processor, so `test` runs it once.
    pub is_long: bool,
    /// One for each `##`, and one for what stands before the first.
    pub sections: Vec<Section>,
}

/// A part of a story; folder and store stay as the last part left them.
pub struct Section {
    /// The heading.
    pub title: String,
    /// In the order of the text.
    pub blocks: Vec<Block>,
}

/// A fenced block.
pub struct Block {
    /// The first word behind the fence.
    pub kind: Kind,
    /// The words after it.
    pub args: Vec<String>,
    /// The lines, each with its end.
    pub body: String,
    /// Where the body starts: lines before it in the file.
    pub start: usize,
}

/// What a block is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file `Dockerfile`, or another name.
    Dockerfile,
    /// A file of the context.
    File,
    /// The file .dockerignore.
    Ignore,
    /// Paths that go.
    Rm,
    /// Flags of a build, and the steps that it shows.
    Build,
    /// The message of a build that fails.
    Error,
    /// What the image looks like when it runs.
    Tree,
    /// The entries of one layer.
    Layer,
    /// Part of the image's config.
    Config,
    /// The image's history.
    History,
    /// Why the steps of the last build ran, or didn't have to.
    Why,
    /// Commands of a shell.
    Sh,
    /// What they printed.
    Output,
    /// In what tare's image and another builder's are known to differ; for `oracle`.
    Differs,
}

const KINDS: &[(&str, Kind)] = &[
    ("dockerfile", Kind::Dockerfile),
    ("file", Kind::File),
    ("ignore", Kind::Ignore),
    ("rm", Kind::Rm),
    ("build", Kind::Build),
    ("error", Kind::Error),
    ("tree", Kind::Tree),
    ("layer", Kind::Layer),
    ("config", Kind::Config),
    ("history", Kind::History),
    ("why", Kind::Why),
    ("sh", Kind::Sh),
    ("output", Kind::Output),
    ("differs", Kind::Differs),
];

/// Reads a case; an unknown kind of block is an error, because a misspelt expectation would hold for ever.
pub fn parse(path: &Path, name: String, text: &str) -> Result<Case> {
    let (title, is_long) = (String::new(), text.lines().any(|line| line == LONG));
    let mut case = Case { path: path.to_path_buf(), name, title, is_long, sections: vec![section("")] };
    let mut lines = text.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(title) = line.strip_prefix("# ") {
            title.clone_into(&mut case.title);
        } else if let Some(title) = line.strip_prefix("## ") {
            case.sections.push(section(title));
        } else if line.starts_with("```") {
            let block = block(line, number + 1, &mut lines)
                .map_err(|e| format!("{}:{}: {e}", path.display(), number + 1))?;
            case.sections.last_mut().expect("there is one").blocks.push(block);
        }
    }
    if case.title.is_empty() { Err(format!("{}: no title", path.display())) } else { Ok(case) }
}

fn section(title: &str) -> Section {
    Section { title: title.to_owned(), blocks: Vec::new() }
}

fn block<'a>(open: &str, start: usize, lines: &mut impl Iterator<Item = (usize, &'a str)>) -> Result<Block> {
    let info = open.trim_start_matches('`');
    let fence = &open[..open.len() - info.len()];
    let mut body = String::new();
    for (_, line) in lines {
        if line == fence {
            let mut args = words(info)?;
            if args.is_empty() {
                return Err("a block without a kind".into());
            }
            let word = args.remove(0);
            let kind = KINDS
                .iter()
                .find(|k| k.0 == word)
                .ok_or_else(|| format!("no such kind of block: `{word}`"))?
                .1;
            return Ok(Block { kind, args, body, start });
        }
        body.push_str(line);
        body.push('\n');
    }
    Err("a block that doesn't end".into())
}

/// Words between blanks; quotes keep blanks.
fn words(text: &str) -> Result<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote that doesn't end".into()) } else { Ok(words) }
}

impl Block {
    /// The value of `name=value` among the arguments.
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.args.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='))
    }

    /// Whether a bare word is among the arguments.
    pub fn has(&self, word: &str) -> bool {
        self.args.iter().any(|arg| arg == word)
    }

    /// How many lines the body has in the file.
    pub fn lines(&self) -> usize {
        self.body.lines().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(text: &str) -> Result<Case> {
        parse(Path::new("x.md"), "x".into(), text)
    }

    #[test]
    fn blocks_know_their_section_and_their_lines() {
        let case = case("# T\nprose\n```file a b=1\none\n```\n## More\n````sh\n```\n````\n").expect("a case");
        assert_eq!((case.title.as_str(), case.sections.len()), ("T", 2));
        let file = &case.sections[0].blocks[0];
        assert_eq!(
            (file.kind, file.body.as_str(), file.start, file.setting("b")),
            (Kind::File, "one\n", 3, Some("1"))
        );
        assert_eq!(case.sections[1].blocks[0].body, "```\n");
    }

    #[test]
    fn what_is_misspelt_is_an_error() {
        for text in
            ["no title", "# T\n```tre\n```\n", "# T\n```sh\n", "# T\n```\n```\n", "# T\n```sh \"a\n```\n"]
        {
            assert!(case(text).is_err(), "{text}");
        }
    }

    #[test]
    fn quotes_keep_blanks() {
        assert_eq!(words(" a  --x='b c' \"\" ").expect("words"), ["a", "--x=b c", ""]);
    }
}
