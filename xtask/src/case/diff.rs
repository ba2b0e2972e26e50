//! Two texts to the lines in which they differ, for people.

/// Each line with ` `, `-` (only wanted) or `+` (only there) before it.
pub fn lines(want: &str, got: &str) -> String {
    let (want, got): (Vec<&str>, Vec<&str>) = (want.lines().collect(), got.lines().collect());
    let common = table(&want, &got);
    let (mut i, mut j, mut text) = (0, 0, String::new());
    while i < want.len() || j < got.len() {
        let (mark, line) = if i < want.len() && j < got.len() && want[i] == got[j] {
            (i, j) = (i + 1, j + 1);
            (' ', want[i - 1])
        } else if j == got.len() || i < want.len() && common[i + 1][j] >= common[i][j + 1] {
            i += 1;
            ('-', want[i - 1])
        } else {
            j += 1;
            ('+', got[j - 1])
        };
        text.push_str(&format!("      {mark} {line}\n"));
    }
    text
}

/// The length of the longest common subsequence from each pair of places on.
fn table(a: &[&str], b: &[&str]) -> Vec<Vec<usize>> {
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in (0..a.len()).rev() {
        for j in (0..b.len()).rev() {
            table[i][j] =
                if a[i] == b[j] { table[i + 1][j + 1] + 1 } else { table[i + 1][j].max(table[i][j + 1]) };
        }
    }
    table
}

#[cfg(test)]
mod tests {
    #[test]
    fn only_what_differs_is_marked() {
        let got = super::lines("a\nb\nc\n", "a\nx\nc\nd\n");
        assert_eq!(got.split_whitespace().collect::<Vec<_>>().join(" "), "a - b + x c + d");
    }
}
