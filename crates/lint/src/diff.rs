//! Two texts to a unified diff, as `patch` reads it.
//!
//! Lines that are the same at both ends are left out first; the rest is compared by the longest common subsequence,
//! or shown as one change if it is too large for that.

use std::fmt::Write;

/// Lines around a change.
const AROUND: usize = 3;

/// Rows times columns up to which lines are compared one by one.
const LARGE: usize = 4_000_000;

/// A line of both texts, or of one.
#[derive(Clone, Copy)]
enum Row {
    Both(usize, usize),
    Old(usize),
    New(usize),
}

/// The diff between two texts of a file; empty if they are the same.
pub fn unified(old_name: &str, new_name: &str, old: &str, new: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let rows = rows(&a, &b);
    let changed: Vec<usize> =
        (0..rows.len()).filter(|index| !matches!(rows[*index], Row::Both(..))).collect();
    let Some(first) = changed.first() else { return String::new() };
    let mut out = format!("--- {old_name}\n+++ {new_name}\n");
    let mut range = (first.saturating_sub(AROUND), (first + AROUND + 1).min(rows.len()));
    for index in changed {
        if index > range.1 + AROUND {
            hunk(&mut out, &rows, range, &a, &b);
            range.0 = index - AROUND;
        }
        range.1 = (index + AROUND + 1).min(rows.len());
    }
    hunk(&mut out, &rows, range, &a, &b);
    out
}

fn rows(a: &[&str], b: &[&str]) -> Vec<Row> {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let tail = a[head..].iter().rev().zip(b[head..].iter().rev()).take_while(|(a, b)| a == b).count();
    let (a_end, b_end) = (a.len() - tail, b.len() - tail);
    let mut rows: Vec<Row> = (0..head).map(|index| Row::Both(index, index)).collect();
    rows.extend(middle(&a[head..a_end], &b[head..b_end]).into_iter().map(|row| match row {
        Row::Both(x, y) => Row::Both(x + head, y + head),
        Row::Old(x) => Row::Old(x + head),
        Row::New(y) => Row::New(y + head),
    }));
    rows.extend((0..tail).map(|index| Row::Both(a_end + index, b_end + index)));
    rows
}

fn middle(a: &[&str], b: &[&str]) -> Vec<Row> {
    let width = b.len() + 1;
    if a.len().saturating_mul(width) > LARGE {
        return (0..a.len()).map(Row::Old).chain((0..b.len()).map(Row::New)).collect();
    }
    let mut common = vec![0_u32; (a.len() + 1) * width];
    for x in (0..a.len()).rev() {
        for y in (0..b.len()).rev() {
            common[x * width + y] = match a[x] == b[y] {
                true => common[(x + 1) * width + y + 1] + 1,
                false => common[(x + 1) * width + y].max(common[x * width + y + 1]),
            };
        }
    }
    let (mut x, mut y, mut rows) = (0, 0, Vec::new());
    while x < a.len() || y < b.len() {
        if x < a.len() && y < b.len() && a[x] == b[y] {
            rows.push(Row::Both(x, y));
            (x, y) = (x + 1, y + 1);
        } else if y == b.len() || x < a.len() && common[(x + 1) * width + y] >= common[x * width + y + 1] {
            rows.push(Row::Old(x));
            x += 1;
        } else {
            rows.push(Row::New(y));
            y += 1;
        }
    }
    rows
}

fn hunk(out: &mut String, rows: &[Row], (start, end): (usize, usize), a: &[&str], b: &[&str]) {
    let count = |rows: &[Row], old: bool| {
        let counts = |row: &&Row| match row {
            Row::Both(..) => true,
            Row::Old(_) => old,
            Row::New(_) => !old,
        };
        rows.iter().filter(counts).count()
    };
    let place = |old: bool| {
        let (before, inside) = (count(&rows[..start], old), count(&rows[start..end], old));
        // An empty side stands behind the line before it.
        let first = before + usize::from(inside > 0);
        if inside == 1 { format!("{first}") } else { format!("{first},{inside}") }
    };
    let _ = writeln!(out, "@@ -{} +{} @@", place(true), place(false));
    for row in &rows[start..end] {
        let (sign, line) = match row {
            Row::Both(x, _) => (' ', a[*x]),
            Row::Old(x) => ('-', a[*x]),
            Row::New(y) => ('+', b[*y]),
        };
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::unified;

    #[test]
    fn changes_stand_between_what_is_the_same() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n";
        let new = old.replace("2\n3", "2\nx\n3").replace("12\n", "12");
        let expected = "--- a\n+++ b\n@@ -1,5 +1,6 @@\n 1\n 2\n+x\n 3\n 4\n 5\n@@ -9,4 +10,4 @@\n 9\n 10\n 11\n-12\n+12\n\\ No newline at end of file\n";
        assert_eq!(unified("a", "b", old, &new), expected);
        assert_eq!(unified("a", "b", old, old), "");
        assert_eq!(unified("a", "b", "", "x\n"), "--- a\n+++ b\n@@ -0,0 +1 @@\n+x\n");
    }
}
