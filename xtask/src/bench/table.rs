//! Sheets to the table that a run ends with, one row a scene.

use super::sheet::{Aim, Scene, Sheet, Unit};

const HEAD: [&str; 9] =
    ["workload", "scene", "aim", "tare", "best peer", "ratio", "limit", "of limit", "reached"];

/// The whole text, with columns as wide as they need to be.
pub fn text(sheets: &[Sheet]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    for sheet in sheets {
        rows.extend(sheet.scenes.iter().filter(|s| !s.entries.is_empty()).map(|s| row(sheet.workload, s)));
    }
    let wide = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 9] = std::array::from_fn(wide);
    let mut text = String::new();
    for (number, row) in rows.iter().enumerate() {
        text += &line(row, &widths);
        if number == 0 {
            text += &line(&widths.map(|w| "-".repeat(w)), &widths);
        }
    }
    text
}

fn line(row: &[String; 9], widths: &[usize; 9]) -> String {
    let cells: Vec<String> = row.iter().zip(widths).map(|(cell, w)| format!("{cell:<w$}")).collect();
    format!("| {} |\n", cells.join(" | "))
}

fn row(workload: &str, scene: &Scene) -> [String; 9] {
    let number = |value: f64| shown(value, scene.unit);
    let aims: Vec<String> = scene.aims.iter().map(|aim| aim_text(*aim, scene.unit)).collect();
    let (ours, peer, limit) = (scene.ours(), scene.best_peer(), scene.limit.as_ref());
    [
        workload.into(),
        scene.name.into(),
        aims.join(", "),
        ours.map(number).unwrap_or_default(),
        peer.map(|(name, value)| format!("{} {name}", number(value))).unwrap_or_default(),
        ours.zip(peer).map(|(ours, peer)| ratio(peer.1, ours)).unwrap_or_default(),
        limit.map(|(what, value)| format!("{} {what}", number(*value))).unwrap_or_default(),
        ours.zip(limit).map(|(ours, limit)| ratio(ours, limit.1)).unwrap_or_default(),
        scene.reached().map_or("", |reached| if reached { "yes" } else { "NO" }).into(),
    ]
}

fn aim_text(aim: Aim, unit: Unit) -> String {
    match aim {
        Aim::Under(most) => format!("< {}", shown(most, unit)),
        Aim::Faster(times) => format!("peer / {times}"),
        Aim::Within(times) => format!("limit × {times}"),
    }
}

fn ratio(big: f64, small: f64) -> String {
    let times = big / small;
    if times < 9.95 { format!("{times:.1} ×") } else { format!("{times:.0} ×") }
}

/// A number with three digits or so.
pub fn shown(value: f64, unit: Unit) -> String {
    let (value, name) = match unit {
        Unit::Seconds if value < 0.9995 => (value * 1e3, "ms"),
        Unit::Seconds => (value, "s"),
        Unit::Bytes => (value / 1e6, "MB"),
    };
    let digits = if value < 9.995 { 2 } else { usize::from(value < 99.95) };
    format!("{value:.digits$} {name}")
}

#[cfg(test)]
mod tests {
    use super::super::meter::Sample;
    use super::*;

    #[test]
    fn a_row_has_the_aim_both_sides_and_the_limit() {
        let mut sheet = Sheet::new("w4");
        sheet.scene("cold", &[Aim::Under(1.1), Aim::Faster(3.0)]);
        sheet.scene("never played", &[]);
        for (builder, seconds) in [("tare", 1.05), ("podman", 7.0), ("buildah", 6.5)] {
            sheet.add("cold", builder, Sample::of(seconds));
        }
        sheet.limit("cold", "one sleep", 1.0);
        let want = "\
| workload | scene | aim                | tare   | best peer      | ratio | limit            | of limit | reached |
| -------- | ----- | ------------------ | ------ | -------------- | ----- | ---------------- | -------- | ------- |
| w4       | cold  | < 1.10 s, peer / 3 | 1.05 s | 6.50 s buildah | 6.2 × | 1.00 s one sleep | 1.1 ×    | yes     |
";
        assert_eq!(text(&[sheet]), want);
    }

    #[test]
    fn numbers_have_three_digits() {
        let seconds = [0.0042, 0.0999, 0.9994, 0.9996, 31.26, 431.0].map(|s| shown(s, Unit::Seconds));
        assert_eq!(seconds, ["4.20 ms", "99.9 ms", "999 ms", "1.00 s", "31.3 s", "431 s"]);
        assert_eq!(shown(12_984_160.0, Unit::Bytes), "13.0 MB");
        assert_eq!([ratio(31.0, 1.0), ratio(9.9, 1.0)], ["31 ×", "9.9 ×"]);
    }
}
