//! `--verify[=P]` as text to which steps are run again.

use std::time::{SystemTime, UNIX_EPOCH};

use engine::verify::Verify;

use crate::failure::Failure;

/// `0.02`, `2%` or `1`.
pub fn read(text: &str) -> Result<Verify, Failure> {
    let (number, of) = text.strip_suffix('%').map_or((text, 1.0), |number| (number, 100.0));
    let value = number.parse::<f64>().ok().map(|n| n / of).filter(|p| (0.0..=1.0).contains(p));
    let bad =
        || Failure::Usage(format!("--verify={text}: the probability is a number from 0 to 1, or 0% to 100%"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Verify { probability: value.ok_or_else(bad)?, seed: now.as_nanos() as u64 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_percentages() {
        let check = |text: &str, expected: Option<f64>| {
            assert_eq!(read(text).ok().map(|verify| verify.probability), expected, "{text}");
        };
        check("1", Some(1.0));
        check("0.25", Some(0.25));
        check("2%", Some(0.02));
        check("0", Some(0.0));
        check("1.5", None);
        check("-1", None);
        check("NaN", None);
        check("", None);
        check("often", None);
    }
}
