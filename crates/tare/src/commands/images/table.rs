//! Rows to aligned columns, and text to standard output.

use std::io::Write;

use crate::failure::Failure;

/// Spaces between two columns.
const GAP: usize = 3;

/// A table: every column as wide as its widest cell, the last one as it is.
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let lines = || std::iter::once(&head).chain(rows);
    let width = |column: usize| lines().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    lines().map(|row| line(row, &widths)).collect()
}

fn line<const N: usize>(row: &[String; N], widths: &[usize; N]) -> String {
    let cell = |(text, width): (&String, &usize)| format!("{text:<0$}", width + GAP);
    let line: String = row.iter().zip(widths).map(cell).collect();
    line.trim_end().to_owned() + "\n"
}

/// Prints a command's result. A reader that has had enough (`tare images | head -1`) is no failure.
///
/// # Errors
/// If it can't be written for another reason: a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Other(format!("write to standard output: {e}")))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_they_must_be() {
        let rows = [
            ["a".to_owned(), "é".to_owned(), "x y".to_owned()],
            ["long name".to_owned(), String::new(), "z".to_owned()],
        ];
        let expected = "NAME        T   SIZE\na           é   x y\nlong name       z\n";
        assert_eq!(table(["NAME", "T", "SIZE"], &rows), expected);
    }

    #[test]
    fn an_empty_table_has_a_head() {
        assert_eq!(table(["A", "B"], &[]), "A   B\n");
    }
}
