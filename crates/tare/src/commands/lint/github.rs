//! Findings as workflow commands of GitHub Actions: a line each, which becomes an annotation of the file.
//!
//! `::warning file=…,line=…,endLine=…,title=…::message`; what would end a part is written as `%` and two hex digits.

use dockerfile::Diagnostic;
use lint::Warning;

use super::desk::Looked;

/// A line for every finding and mistake.
pub fn commands(all: &[Looked]) -> String {
    all.iter().flat_map(|looked| warnings(looked).chain(errors(looked))).collect()
}

fn warnings(looked: &Looked) -> impl Iterator<Item = String> {
    let one = |found: &Warning| {
        command("warning", &looked.name, (found.line, found.end_line), found.rule, &found.message)
    };
    looked.warnings.iter().map(one)
}

fn errors(looked: &Looked) -> impl Iterator<Item = String> {
    let one = |problem: &Diagnostic| {
        let help = problem.help.iter().map(|help| format!("\n{help}"));
        let text: String = std::iter::once(problem.message.clone()).chain(help).collect();
        command("error", &looked.name, (problem.line, problem.end_line), "syntax", &text)
    };
    looked.problems.iter().map(one)
}

fn command(kind: &str, file: &str, (line, end): (u32, u32), title: &str, message: &str) -> String {
    let (file, title, message) = (property(file), property(title), data(message));
    format!("::{kind} file={file},line={line},endLine={},title={title}::{message}\n", end.max(line))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::command;

    #[test]
    fn what_would_end_a_part_is_escaped() {
        let line = command("warning", "a,b:c%\n", (2, 1), "x", "50%, a::b\r\nc");
        assert_eq!(line, "::warning file=a%2Cb%3Ac%25%0A,line=2,endLine=2,title=x::50%25, a::b%0D%0Ac\n");
    }
}
