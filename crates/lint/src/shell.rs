//! A shell's text to the commands in it: their names and words, as far as rules ask for them.
//!
//! Knows words, quotes, `$(…)`, pipes, lists, redirections, here-documents and the words that begin a loop or a
//! condition; expands nothing. A word that a variable or a command makes has [`UNKNOWN`] in that place, and what is
//! inside `$(…)` and behind `sh -c` is looked at as commands of their own. Every byte is looked at a few times at
//! most: nesting is followed [`DEEPEST`] levels down.

mod command;
mod read;

pub use command::{Command, Word};

/// What stands in a word for what only a run can tell.
pub const UNKNOWN: &str = "${VAR}";

/// Deeper commands are not looked at; nobody writes them.
const DEEPEST: u32 = 8;

/// A script, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    /// Its commands, in order; one in `$(…)` stands behind the command that it is a word of.
    pub commands: Vec<Command>,
    /// Whether a command's output goes into another.
    pub has_pipe: bool,
    /// Whether it is nothing but commands with `&&` between them, so that another can be put behind it.
    pub is_chain: bool,
}

/// Takes a script apart.
pub fn script(text: &str) -> Script {
    let mut reader = read::Reader::new(text, 0, 0);
    reader.run();
    reader.finish()
}

/// The same for a command given word by word; its words stand nowhere in a text.
pub fn exec(words: &[String]) -> Script {
    let joined = script(&words.join(" "));
    let unplaced = |command: Command| Command { is_placed: false, ..command };
    Script { commands: joined.commands.into_iter().map(unplaced).collect(), ..joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<String> = script(text).commands.iter().map(shown).collect();
        assert_eq!(found, expected, "{text}");
    }

    fn shown(command: &Command) -> String {
        let words = command.words.iter().map(|word| word.text.as_str());
        std::iter::once(command.name.text.as_str()).chain(words).collect::<Vec<_>>().join("|")
    }

    #[test]
    fn lists_and_pipes_are_cut() {
        check("a b && c;d | e || f & g\nh", &["a|b", "c", "d", "e", "f", "g", "h"]);
        assert!(script("a | b").has_pipe);
        assert!(!script("a || b; echo '|'").has_pipe);
        assert!(script("A=1 a b && c > d").is_chain);
        for text in ["a; b", "a | b", "a &", "(a)", "a || b", "if a; then b; fi", "a # b", "a <<E\nE"] {
            assert!(!script(text).is_chain, "{text}");
        }
    }

    #[test]
    fn quotes_go_and_what_is_unknown_says_so() {
        check("a 'b c' \"d $E\" f\\ g h'i'j", &["a|b c|d ${VAR}|f g|hij"]);
        check("a ${B:-c d} $(e f) `g` $((1 + 2)) $h", &["a|${VAR}|${VAR}|${VAR}|${VAR}|${VAR}", "e|f", "g"]);
        check("a \"$(b \"c d\")\"", &["a|${VAR}", "b|c d"]);
        check("$a b; c", &["c"]);
    }

    #[test]
    fn redirections_are_no_words() {
        check("a >b 2>&1 c </d e &>f <<<g h", &["a|c|e|h"]);
        check("cat <<EOF >f\nsudo x\nEOF\nb", &["cat", "b"]);
        check("cat <<-'E' | c\n\tsudo\n\tE\nb", &["cat", "c", "b"]);
    }

    #[test]
    fn what_holds_commands_is_looked_into() {
        check("if a b; then c; elif d; then e; else f; fi", &["a|b", "c", "d", "e", "f"]);
        check("for i in x y; do a $i; done", &["a|${VAR}"]);
        check("while ! a; do b; done; (c; d) && { e; }", &["a", "b", "c", "d", "e"]);
        check("case $x in apt) a;; sudo|b) c d;; esac; e", &["a", "c|d", "e"]);
        check("f() { a; }; f", &["a", "f"]);
        check("sh -c 'a b && c'; bash -euxc \"d\"", &["sh|-c|a b && c", "a|b", "c", "bash|-euxc|d", "d"]);
        check("command a b; exec c; A=1 B='2 3' d e", &["a|a|b", "c|c", "d|e"]);
        check("# sudo a\nb # c", &["b"]);
    }

    #[test]
    fn a_word_knows_its_place() {
        let text = "a && apt-get \"install\" x";
        let script = script(text);
        let word = &script.commands[1].words[0];
        assert_eq!((&text[word.start..word.end], word.text.as_str()), ("\"install\"", "install"));
        assert!(script.commands[1].is_placed);
        assert!(!super::script("sh -c 'a'").commands[1].is_placed);
    }

    #[test]
    fn garbage_has_commands_too() {
        for text in [
            "$(",
            "'",
            "\"",
            "`",
            "${",
            "case",
            "case x in",
            "a <<",
            "((",
            "$((",
            "\\",
            "a >",
            ")",
            "$'\\",
            "é`",
        ] {
            script(text);
            script(&text.repeat(1000));
        }
    }
}
