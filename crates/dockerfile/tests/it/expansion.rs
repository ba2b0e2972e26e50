//! Variables in words.

use dockerfile::{Mode, expand, expand_words};

/// Variables of all tests.
fn vars() -> Vec<(String, String)> {
    let pairs = [
        ("a", "old"),
        ("a", "aabab"),
        ("e", ""),
        ("p", "/x/y.tar.gz"),
        ("w", "8000  8001/udp"),
        ("n", "1\n2"),
    ];
    pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

fn check(word: &str, expected: &str) {
    check_as(word, Mode::WORD, expected);
}

fn check_as(word: &str, mode: Mode, expected: &str) {
    let text = expand(word, '\\', &vars()[..], mode).map(|expanded| expanded.text);
    assert_eq!(text.as_deref(), Ok(expected), "{word}");
}

fn complain(word: &str, expected: &str) {
    let error = expand(word, '\\', &vars()[..], Mode::WORD).unwrap_err();
    assert_eq!(error.message, expected, "{word}");
}

fn check_words(word: &str, expected: &[&str]) {
    let words = expand_words(word, '\\', &vars()[..], Mode::WORD).unwrap();
    assert_eq!(words, expected, "{word}");
}

#[test]
fn plain_variables() {
    check("$a-${a}b", "aabab-aababb");
    check("$a_", "");
    check("$u|${u}", "|");
    check("\\$a \\\\ \\x", "$a \\ x");
    check("$ $", "$ $");
    check("$1a", "a");
    check("$$a", "a");
    check("a\\", "a");
}

#[test]
fn trap_38_quotes_go_away_and_single_ones_suppress() {
    check("'$a'", "$a");
    check("\"$a\"", "aabab");
    check("\"'$a'\"", "'aabab'");
    check(r#""\$a \" \\ \x""#, r#"$a " \ \x"#);
    check(r"c\ d", "c d");
    check("'a\\'", "a\\");
}

#[test]
fn defaults_and_demands() {
    check("${u-d}${u:-d}${e-d}${e:-d}${a:-d}", "dddaabab");
    check("${u+d}|${e+d}|${e:+d}|${a:+d}", "|d||d");
    check("${u:-${e:-$a}}", "aabab");
    check("${u:-'$a' \"}\"}", "$a }");
    check("${u:-\\}}", "}");
    check("${a:?no}${e?no}", "aabab");
    complain("${u:?is missing}", "u: is missing");
    complain("${u?}", "u: is not allowed to be unset");
    complain("${e:?}", "e: is not allowed to be empty");
}

#[test]
fn patterns_trim_and_replace() {
    check("${a#a*b}|${a##a*b}|${a%b*}|${a%%b*}", "ab||aaba|aa");
    check("${p##*/}|${p%.*}|${p%%.*}", "y.tar.gz|/x/y.tar|/x/y");
    check("${a#?}|${a%??}|${a#x}", "abab|aab|aabab");
    check("${a/a/x}|${a//a/x}|${a/b*/x}|${a//[/x}", "xabab|xxbxb|aax|aabab");
    check("${a//\"a\"/x}|${p//\\//_}", "xxbxb|_x_y.tar.gz");
    check("${a//*/x}|${a///-}", "x|-a-a-b-a-b-");
    check("${n#*2}|${n#?}|${n//?/x}", "1\n2|\n2|x\nx");
    complain("${a#\\x}", "invalid pattern (\\x) in substitution: invalid escape '\\x'");
}

#[test]
fn what_cannot_be_read_is_an_error() {
    complain("${a", "syntax error: missing '}'");
    complain("${", "syntax error: missing '}'");
    complain("${}", "syntax error: bad substitution");
    complain("${:-a}", "syntax error: bad substitution");
    complain("${a:x}", "unsupported modifier (:x) in substitution");
    complain("${a^}", "unsupported modifier (^) in substitution");
    complain("${a:#b}", "unsupported modifier (:#) in substitution");
    complain("${a/b}", "syntax error: missing '/' in ${}");
    complain("'a", "unexpected end of statement while looking for matching single-quote");
    complain("\"a", "unexpected end of statement while looking for matching double-quote");
    let error = expand("${", '\\', &(), Mode::WORD).unwrap_err();
    assert_eq!(error.to_string(), "failed to process \"${\": syntax error: missing '}'");
}

#[test]
fn trap_8_here_documents_keep_their_quotes() {
    check_as("\"$a\" '$a' \\$a it's $u.", Mode::HEREDOC, "\"aabab\" 'aabab' $a it's .");
}

#[test]
fn lines_to_show_keep_everything_but_values() {
    check_as(
        r#"RUN echo "$a" '$a' \$a $u ${u:-x}"#,
        Mode::DISPLAY,
        r#"RUN echo "aabab" '$a' \$a $u ${u:-x}"#,
    );
}

#[test]
fn words_are_cut_behind_the_variables() {
    check_words("$w", &["8000", "8001/udp"]);
    check_words("\"$w\" x", &["8000  8001/udp", "x"]);
    check_words("a\\ b '' c", &["a b", "c"]);
    check_words("$u", &[]);
    // BuildKit drops the 1 here.
    check_words("1${u:-80}", &["180"]);
}

#[test]
fn the_escape_character_is_the_directives() {
    assert_eq!(expand("`$a \\", '`', &vars()[..], Mode::WORD).unwrap().text, "$a \\");
}

#[test]
fn looked_up_variables_are_told() {
    let expanded = expand("$a ${u:-$e} '$x' ${a:+$y}", '\\', &vars()[..], Mode::WORD).unwrap();
    assert_eq!(expanded.used.into_iter().collect::<Vec<_>>(), ["a", "e"]);
    assert_eq!(expanded.unset.into_iter().collect::<Vec<_>>(), ["u", "y"]);
}
