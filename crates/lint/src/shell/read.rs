//! The loop over a script's text.

use super::command::{Command, Word};
use super::{DEEPEST, Script, UNKNOWN};

/// Reads one text; what is inside it by another reader, one level deeper.
pub struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Where the text begins in the whole script.
    base: usize,
    depth: u32,
    out: Script,
    command: Command,
    /// The commands in words of the one that is being read.
    inner: Vec<Command>,
    has_name: bool,
    is_skipped: bool,
    /// `case … in`: for every open one, whether a pattern comes next.
    cases: Vec<bool>,
    documents: Vec<(String, bool)>,
}

/// A word as it is read.
#[derive(Default)]
struct Read {
    word: Word,
    /// Whether any of it is unknown.
    is_made: bool,
    /// Whether any of it was quoted.
    is_quoted: bool,
}

/// Words that stand before a command.
const LEADING: [&str; 11] = ["if", "then", "elif", "else", "do", "while", "until", "!", "{", "time", "}"];

/// Words that stand in the place of one.
const CLOSING: [&str; 3] = ["fi", "done", "esac"];

/// Programs that run what their first word names.
const RUNNERS: [&str; 5] = ["busybox", "builtin", "command", "run", "exec"];

const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "zsh"];

impl<'t> Reader<'t> {
    pub fn new(text: &'t str, base: usize, depth: u32) -> Reader<'t> {
        Reader {
            text,
            at: 0,
            base,
            depth,
            out: Script { is_chain: true, ..Script::default() },
            command: Command::default(),
            inner: Vec::new(),
            has_name: false,
            is_skipped: false,
            cases: Vec::new(),
            documents: Vec::new(),
        }
    }

    pub fn finish(mut self) -> Script {
        self.end();
        self.out
    }

    pub fn run(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.peek(1) == Some(b'\n') => self.at += 2,
                b'\n' => self.line_break(),
                b'#' => self.comment(),
                b';' | b'&' | b'|' | b'(' | b')' => self.operator(byte),
                b'<' | b'>' => self.redirection(),
                _ => self.next_word(),
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn comment(&mut self) {
        self.out.is_chain = false;
        self.at += self.rest().find('\n').unwrap_or(self.rest().len());
    }

    fn line_break(&mut self) {
        // A line break between commands is a `;`.
        self.out.is_chain &= self.rest().trim().is_empty();
        self.at += 1;
        self.end();
        for (name, tabs) in std::mem::take(&mut self.documents) {
            self.document(&name, tabs);
        }
    }

    fn document(&mut self, name: &str, tabs: bool) {
        while self.at < self.text.len() {
            let length = self.rest().find('\n').map_or(self.rest().len(), |found| found + 1);
            let line = self.rest()[..length].trim_end_matches('\n');
            self.at += length;
            if if tabs { line.trim_start_matches('\t') } else { line } == name {
                return;
            }
        }
    }

    fn operator(&mut self, byte: u8) {
        let twice = self.peek(1) == Some(byte);
        let is_and = byte == b'&' && twice;
        if byte == b'&' && self.peek(1) == Some(b'>') {
            self.at += 1;
            return self.redirection();
        }
        self.out.is_chain &= is_and;
        self.out.has_pipe |= byte == b'|' && !twice && self.cases.last() != Some(&true);
        self.at += if twice && !matches!(byte, b'(' | b')') { 2 } else { 1 };
        match (byte, self.cases.last_mut()) {
            (b')', Some(pattern)) if *pattern => *pattern = false,
            (b';', Some(pattern)) if twice => *pattern = true,
            // What is in front of it is a function's name.
            (b'(', _) if self.has_name => self.forget(),
            _ => {}
        }
        self.end();
    }

    fn redirection(&mut self) {
        let sign = self.rest().bytes().take_while(|byte| matches!(byte, b'<' | b'>' | b'&' | b'|')).count();
        let (sign, is_bare) = (&self.rest()[..sign], self.rest()[sign..].starts_with('('));
        if is_bare && sign.len() == 1 {
            self.at += 1;
            let inside = self.nested(b')');
            return self.look_into(inside);
        }
        self.at += sign.len();
        let tabs = sign == "<<" && self.peek(0) == Some(b'-');
        self.at += usize::from(tabs);
        while matches!(self.peek(0), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let target = self.word();
        if sign == "<<" {
            self.out.is_chain = false;
            self.documents.push((target.word.text, tabs));
        }
    }

    /// A word of a command, or one of the language.
    fn next_word(&mut self) {
        let read = self.word();
        let text = read.word.text.as_str();
        // `2>`
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if is_number && matches!(self.peek(0), Some(b'<' | b'>')) {
            return;
        }
        if self.cases.last() == Some(&true) {
            if text == "esac" {
                self.cases.pop();
            }
            return;
        }
        if self.is_skipped {
            if text == "in" && self.command.is("case") {
                self.cases.push(true);
                self.forget();
            }
            return;
        }
        match self.has_name {
            true => self.command.words.push(read.word),
            false => self.first(read),
        }
    }

    fn first(&mut self, read: Read) {
        let text = read.word.text.as_str();
        if !read.is_quoted {
            if LEADING.contains(&text) {
                self.out.is_chain = false;
                return;
            }
            if CLOSING.contains(&text) {
                self.out.is_chain = false;
                if text == "esac" {
                    self.cases.pop();
                }
                return;
            }
        }
        if is_assignment(text) {
            self.command.variables.push(read.word.text);
            return;
        }
        self.is_skipped = !read.is_quoted && matches!(text, "for" | "case" | "select" | "function");
        self.out.is_chain &= !self.is_skipped;
        self.is_skipped |= read.is_made;
        self.has_name = true;
        self.command.name = read.word;
    }

    /// The command that was read so far is none.
    fn forget(&mut self) {
        self.command = Command::default();
        (self.has_name, self.is_skipped) = (false, false);
    }

    fn end(&mut self) {
        let mut command = std::mem::take(&mut self.command);
        command.is_placed = true;
        let shell_text = shell_text(&command).map(str::to_owned);
        if self.has_name && !self.is_skipped {
            let runs = RUNNERS.contains(&command.name.text.as_str());
            if let Some(word) = command.words.first().filter(|word| runs && !word.text.starts_with('-')) {
                command.name = word.clone();
            }
            self.out.commands.push(command);
        }
        self.out.commands.append(&mut self.inner);
        if let Some(text) = shell_text.filter(|_| self.depth < DEEPEST) {
            let mut reader = Reader::new(&text, 0, self.depth + 1);
            reader.run();
            let inside = reader.finish().commands.into_iter();
            self.out.commands.extend(inside.map(|command| Command { is_placed: false, ..command }));
        }
        (self.has_name, self.is_skipped) = (false, false);
    }

    fn word(&mut self) -> Read {
        let mut read = Read::default();
        read.word.start = self.base + self.at;
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' => break,
                b'\\' => self.escaped(&mut read),
                b'\'' => self.single(&mut read),
                b'"' => self.double(&mut read),
                b'$' => self.dollar(&mut read),
                b'`' => self.backtick(&mut read),
                _ => self.plain(&mut read),
            }
        }
        read.word.end = self.base + self.at;
        read
    }

    fn plain(&mut self, read: &mut Read) {
        let stop = |c: char| " \t\r\n;&|<>()\\'\"$`".contains(c);
        let length = self.rest().find(stop).unwrap_or(self.rest().len());
        read.word.text += &self.rest()[..length];
        self.at += length;
    }

    fn escaped(&mut self, read: &mut Read) {
        self.at += 1;
        let Some(next) = self.rest().chars().next() else { return };
        self.at += next.len_utf8();
        if next != '\n' {
            read.word.text.push(next);
        }
    }

    fn single(&mut self, read: &mut Read) {
        self.at += 1;
        read.is_quoted = true;
        let length = self.rest().find('\'').unwrap_or(self.rest().len());
        read.word.text += &self.rest()[..length];
        self.at = (self.at + length + 1).min(self.text.len());
    }

    fn double(&mut self, read: &mut Read) {
        self.at += 1;
        read.is_quoted = true;
        while let Some(byte) = self.peek(0) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return;
                }
                b'\\' if matches!(self.peek(1), Some(b'"' | b'\\' | b'$' | b'`' | b'\n')) => {
                    self.escaped(read)
                }
                b'\\' => {
                    read.word.text.push('\\');
                    self.at += 1;
                }
                b'$' => self.dollar(read),
                b'`' => self.backtick(read),
                _ => {
                    let length = self.rest().find(['"', '\\', '$', '`']).unwrap_or(self.rest().len());
                    read.word.text += &self.rest()[..length];
                    self.at += length;
                }
            }
        }
    }

    fn dollar(&mut self, read: &mut Read) {
        self.at += 1;
        match self.peek(0) {
            Some(b'(') => {
                let inside = self.nested(b')');
                self.look_into(inside);
            }
            Some(b'{') => drop(self.nested(b'}')),
            Some(b'\'') => return self.single(read),
            Some(byte) if byte == b'_' || byte.is_ascii_alphabetic() => {
                let is_name = |c: char| c == '_' || c.is_ascii_alphanumeric();
                let rest = self.rest();
                self.at += rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            }
            Some(byte) if byte.is_ascii_digit() || b"@*#?$!-".contains(&byte) => self.at += 1,
            _ => return read.word.text.push('$'),
        }
        read.is_made = true;
        read.word.text += UNKNOWN;
    }

    fn backtick(&mut self, read: &mut Read) {
        self.at += 1;
        let start = self.at;
        while let Some(byte) = self.peek(0).filter(|byte| *byte != b'`') {
            self.at += if byte == b'\\' { 2 } else { 1 };
        }
        self.at = self.at.min(self.text.len());
        let inside = self.text.get(start..self.at).map(|text| (start, text));
        self.at = (self.at + 1).min(self.text.len());
        self.align();
        self.look_into(inside);
        read.is_made = true;
        read.word.text += UNKNOWN;
    }

    /// Goes past the bracket that closes the one here, and gives what is between them.
    fn nested(&mut self, close: u8) -> Option<(usize, &'t str)> {
        let open = self.peek(0)?;
        let (start, mut depth) = (self.at + 1, 0);
        while let Some(byte) = self.peek(0) {
            self.at += 1;
            match byte {
                b'\\' => self.at += 1,
                b'\'' => self.at += self.rest().find('\'').map_or(self.rest().len(), |found| found + 1),
                _ if byte == open => depth += 1,
                _ if byte == close => depth -= 1,
                _ => {}
            }
            self.align();
            if depth == 0 {
                return self.text.get(start..self.at - 1).map(|text| (start, text));
            }
        }
        None
    }

    /// An escaped letter may take several bytes.
    fn align(&mut self) {
        self.at = self.at.min(self.text.len());
        while !self.text.is_char_boundary(self.at) {
            self.at += 1;
        }
    }

    /// Looks at the commands in `$(…)`; arithmetic has none.
    fn look_into(&mut self, inside: Option<(usize, &'t str)>) {
        let Some((start, text)) = inside.filter(|(_, text)| !text.starts_with('(') && self.depth < DEEPEST)
        else {
            return;
        };
        let mut reader = Reader::new(text, self.base + start, self.depth + 1);
        reader.run();
        let script = reader.finish();
        self.out.has_pipe |= script.has_pipe;
        self.inner.extend(script.commands);
    }
}

fn is_assignment(text: &str) -> bool {
    let Some((name, _)) = text.split_once('=') else { return false };
    let name = name.strip_suffix('+').unwrap_or(name);
    let is_letter = |c: char| c == '_' || c.is_ascii_alphanumeric();
    !name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(is_letter)
}

/// What `sh -c` is told.
fn shell_text(command: &Command) -> Option<&str> {
    let name = command.name.text.rsplit('/').next()?;
    let is_shell = SHELLS.contains(&name);
    let is_flag = |text: &str| text.starts_with('-') && !text.starts_with("--") && text.ends_with('c');
    let index = command.words.iter().position(|word| is_shell && is_flag(&word.text))?;
    command.words.get(index + 1).map(|word| word.text.as_str())
}
