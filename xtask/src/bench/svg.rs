//! Curves to a picture: both axes are logarithms, and a grey line shows what is linear.

use super::curve::Curve;
use super::sheet::Unit;
use super::table::shown;
use std::fmt::Write;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 440.0;
/// Left, top, right, bottom.
const MARGINS: [f64; 4] = [80.0, 50.0, 30.0, 60.0];
const COLOURS: [&str; 4] = ["#1f6fb4", "#c8551b", "#2f8a3c", "#7a4fa3"];

/// The whole file.
pub fn text(title: &str, sizes: &str, note: &str, curves: &[Curve]) -> String {
    let frame = Frame::around(curves);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"#ffffff\"/>\n\
         {}{}",
        label(MARGINS[0], 22.0, "start", "#111111", title),
        label(MARGINS[0], 38.0, "start", "#777777", note),
    );
    text += &frame.grid(sizes);
    text += &frame.linear(curves);
    for (number, curve) in curves.iter().enumerate() {
        text += &frame.curve(curve, COLOURS[number % COLOURS.len()], number);
    }
    text + "</svg>\n"
}

/// Where the powers of ten are.
struct Frame {
    x: (i32, i32),
    y: (i32, i32),
}

impl Frame {
    fn around(curves: &[Curve]) -> Frame {
        let of = |pick: fn(&(f64, f64)) -> f64| {
            let values: Vec<f64> = curves.iter().flat_map(|c| &c.points).map(pick).collect();
            let least = values.iter().copied().fold(f64::INFINITY, f64::min).log10().floor();
            let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max).log10().ceil();
            if least.is_finite() { (least as i32, (most as i32).max(least as i32 + 1)) } else { (0, 1) }
        };
        Frame { x: of(|p| p.0), y: of(|p| p.1) }
    }

    fn place(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let part = |value: f64, (least, most): (i32, i32)| {
            (value.log10() - f64::from(least)) / f64::from(most - least)
        };
        let (wide, high) = (WIDTH - MARGINS[0] - MARGINS[2], HEIGHT - MARGINS[1] - MARGINS[3]);
        (MARGINS[0] + wide * part(x, self.x), HEIGHT - MARGINS[3] - high * part(y, self.y))
    }

    fn grid(&self, sizes: &str) -> String {
        let (left, bottom) = self.place((10_f64.powi(self.x.0), 10_f64.powi(self.y.0)));
        let (right, top) = self.place((10_f64.powi(self.x.1), 10_f64.powi(self.y.1)));
        let mut text = String::new();
        for power in self.x.0..=self.x.1 {
            let x = self.place((10_f64.powi(power), 1.0)).0;
            text += &line((x, top), (x, bottom), "#dddddd", 1.0);
            text += &label(x, bottom + 18.0, "middle", "#333333", &count(power));
        }
        for power in self.y.0..=self.y.1 {
            let y = self.place((1.0, 10_f64.powi(power))).1;
            text += &line((left, y), (right, y), "#dddddd", 1.0);
            let seconds = shown(10_f64.powi(power), Unit::Seconds).replace(".00", "").replace(".0 ", " ");
            text += &label(left - 8.0, y + 4.0, "end", "#333333", &seconds);
        }
        text + &label((left + right) / 2.0, bottom + 40.0, "middle", "#333333", sizes)
    }

    /// From the first curve's end downwards, as far as the picture goes.
    fn linear(&self, curves: &[Curve]) -> String {
        let Some(end) = curves.first().and_then(|c| c.points.last()) else { return String::new() };
        let decades = (end.0.log10() - f64::from(self.x.0)).min(end.1.log10() - f64::from(self.y.0));
        let start = (end.0 / 10_f64.powf(decades), end.1 / 10_f64.powf(decades));
        line(self.place(start), self.place(*end), "#aaaaaa", 1.5)
    }

    fn curve(&self, curve: &Curve, colour: &str, number: usize) -> String {
        let places: Vec<(f64, f64)> = curve.points.iter().map(|p| self.place(*p)).collect();
        let mut text = String::new();
        for pair in places.windows(2) {
            text += &line(pair[0], pair[1], colour, 2.0);
        }
        for (x, y) in &places {
            let _ = writeln!(text, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\" fill=\"{colour}\"/>");
        }
        let y = MARGINS[1] + 18.0 * (number + 1) as f64;
        text + &label(MARGINS[0] + 12.0, y, "start", colour, &legend(curve))
    }
}

/// A curve's name and its slopes.
pub fn legend(curve: &Curve) -> String {
    let number = |slope: Option<f64>| slope.map_or("?".into(), |slope| format!("{slope:.2}"));
    format!("{}: slope {}, at the end {}", curve.name, number(curve.slope()), number(curve.end_slope()))
}

fn count(power: i32) -> String {
    let ten = |power: i32| format!("{}", 10_u64.pow(power.unsigned_abs()));
    match power {
        9.. => format!("{} G", ten(power - 9)),
        6.. => format!("{} M", ten(power - 6)),
        4.. => format!("{} k", ten(power - 3)),
        0.. => ten(power),
        _ => format!("1/{}", ten(power)),
    }
}

fn line(from: (f64, f64), to: (f64, f64), colour: &str, width: f64) -> String {
    let (x1, y1, x2, y2) = (from.0, from.1, to.0, to.1);
    format!(
        "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\" stroke-width=\"{width}\"/>\n"
    )
}

fn label(x: f64, y: f64, anchor: &str, colour: &str, text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_its_points_and_names_its_slopes() {
        let points = vec![(1.0, 0.01), (10.0, 0.1), (100.0, 1.0)];
        let text = text("a < b", "files", "2 cores", &[Curve { name: "cold", points }]);
        assert!(text.contains(">a &lt; b</text>"), "{text}");
        assert!(text.contains(">cold: slope 1.00, at the end 1.00</text>"), "{text}");
        // The corners: least size at the left and below, most at the right and above.
        assert!(text.contains("<circle cx=\"80.0\" cy=\"380.0\""), "{text}");
        assert!(text.contains("<circle cx=\"690.0\" cy=\"50.0\""), "{text}");
        assert_eq!(text.matches("<circle").count(), 3);
        assert_eq!(text.matches("<svg").count(), text.matches("</svg>").count());
    }

    #[test]
    fn no_points_are_no_panic() {
        assert!(text("t", "s", "n", &[Curve::new("c")]).contains("c: slope ?"));
    }

    #[test]
    fn powers_of_ten_are_short() {
        assert_eq!([0, 3, 4, 6, 10, -1].map(count), ["1", "1000", "10 k", "1 M", "10 G", "1/10"]);
    }
}
