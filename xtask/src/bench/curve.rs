//! Points to a line through them, where both axes are logarithms: how cost grows with size.

use super::meter::median_of;
use crate::Result;

/// What grows, and what it costs.
pub struct Curve {
    /// What was done.
    pub name: &'static str,
    /// Size and seconds.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// No points yet.
    pub fn new(name: &'static str) -> Curve {
        Curve { name, points: Vec::new() }
    }

    /// Takes a point: the median of some numbers.
    pub fn push(&mut self, size: usize, seconds: Vec<f64>) -> Result<()> {
        self.points.push((size as f64, median_of(seconds)?));
        Ok(())
    }

    /// The power of the size that the cost grows with, by least squares; 1 is linear. What it costs to do nothing
    /// makes it smaller, so a number above 1 is a finding, one below 1 is none.
    pub fn slope(&self) -> Option<f64> {
        slope(&self.points)
    }

    /// The same of the points of the last factor of ten, where what it costs to do nothing weighs least.
    pub fn end_slope(&self) -> Option<f64> {
        let from = self.points.last()?.0 / 10.0001;
        slope(&self.points.iter().copied().filter(|p| p.0 >= from).collect::<Vec<_>>())
    }
}

fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> = points.iter().map(|p| (p.0.ln(), p.1.ln())).collect();
    let count = logs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|p| p.0), mean(|p| p.1));
    let spread: f64 = logs.iter().map(|p| (p.0 - x).powi(2)).sum();
    let shared: f64 = logs.iter().map(|p| (p.0 - x) * (p.1 - y)).sum();
    (spread > 0.0).then(|| shared / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)]) -> Curve {
        Curve { name: "c", points: points.to_vec() }
    }

    #[test]
    fn the_slope_is_the_power() {
        let power = |n: i32| curve(&[1.0_f64, 4.0, 30.0, 1000.0].map(|x| (x, 3.0 * x.powi(n))));
        for n in [0, 1, 2] {
            assert!((power(n).slope().expect("four points") - f64::from(n)).abs() < 1e-9);
        }
    }

    #[test]
    fn one_point_has_none() {
        assert_eq!(curve(&[(1.0, 2.0)]).slope(), None);
        assert_eq!(curve(&[]).end_slope(), None);
    }

    #[test]
    fn the_end_is_a_factor_of_ten() {
        let bent = curve(&[(1.0, 5.0), (10.0, 5.0), (100.0, 5.0), (1000.0, 50.0)]);
        assert!((bent.end_slope().expect("two points") - 1.0).abs() < 1e-9);
        assert!(bent.slope().expect("four points") < 0.5);
    }
}
