//! What was measured: scenes of a workload, each with its aims, its limit and a list of numbers a builder.
//!
//! Filled by `work`, read by `table` and `record`.

use super::meter::Sample;

/// The name that aims are about.
pub const OURS: &str = "tare";

/// The name of numbers that are no builder's.
pub const MACHINE: &str = "machine";

/// All that came of a workload.
pub struct Sheet {
    /// The workload's name.
    pub workload: &'static str,
    /// In the order in which they were first met.
    pub scenes: Vec<Scene>,
}

/// A thing that people do, and how long it takes.
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// What the numbers are.
    pub unit: Unit,
    /// What tare wants to reach; all of it.
    pub aims: &'static [Aim],
    /// What no builder could get below, and what was measured to know that.
    pub limit: Option<(String, f64)>,
    /// Numbers by builder.
    pub entries: Vec<(&'static str, Vec<Sample>)>,
}

/// What a number is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// Time.
    Seconds,
    /// Size.
    Bytes,
}

/// Something to reach.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Aim {
    /// At most so much.
    Under(f64),
    /// So many times faster than the best peer.
    Faster(f64),
    /// At most so many times the limit.
    Within(f64),
}

impl Sheet {
    /// An empty one.
    pub fn new(workload: &'static str) -> Sheet {
        Sheet { workload, scenes: Vec::new() }
    }

    /// Announces a scene, so that it has its place and its aims.
    pub fn scene(&mut self, name: &'static str, aims: &'static [Aim]) {
        self.scenes.push(Scene { name, unit: Unit::Seconds, aims, limit: None, entries: Vec::new() });
    }

    /// As `scene`, with sizes for numbers.
    pub fn size(&mut self, name: &'static str, aims: &'static [Aim]) {
        self.scene(name, aims);
        self.named(name).unit = Unit::Bytes;
    }

    /// Notes a number.
    pub fn add(&mut self, scene: &'static str, builder: &'static str, sample: Sample) {
        let entries = &mut self.named(scene).entries;
        match entries.iter_mut().find(|entry| entry.0 == builder) {
            Some(entry) => entry.1.push(sample),
            None => entries.push((builder, vec![sample])),
        }
    }

    /// Notes what can't be beaten.
    pub fn limit(&mut self, scene: &'static str, what: impl Into<String>, value: f64) {
        self.named(scene).limit = Some((what.into(), value));
    }

    fn named(&mut self, name: &str) -> &mut Scene {
        self.scenes.iter_mut().find(|s| s.name == name).expect("scenes are announced before they are played")
    }
}

impl Scene {
    /// tare's number.
    pub fn ours(&self) -> Option<f64> {
        self.of(OURS)
    }

    /// The best of the others, and its name.
    pub fn best_peer(&self) -> Option<(&'static str, f64)> {
        let peers = self.entries.iter().filter(|entry| ![OURS, MACHINE].contains(&entry.0));
        peers.filter_map(|(name, samples)| Some((*name, median(samples)?))).min_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Whether all aims are reached; nothing if that isn't known.
    pub fn reached(&self) -> Option<bool> {
        let ours = self.ours()?;
        let each = self.aims.iter().map(|aim| match aim {
            Aim::Under(most) => Some(ours <= *most),
            Aim::Faster(times) => self.best_peer().map(|peer| ours * times <= peer.1),
            Aim::Within(times) => self.limit.as_ref().map(|limit| ours <= times * limit.1),
        });
        let each: Vec<Option<bool>> = each.collect();
        if each.contains(&Some(false)) {
            return Some(false);
        }
        (!each.is_empty() && !each.contains(&None)).then_some(true)
    }

    fn of(&self, builder: &str) -> Option<f64> {
        median(&self.entries.iter().find(|entry| entry.0 == builder)?.1)
    }
}

/// The one in the middle, the upper of two.
pub fn median(samples: &[Sample]) -> Option<f64> {
    let mut sorted: Vec<f64> = samples.iter().map(|s| s.value).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(aims: &'static [Aim]) -> Sheet {
        let mut sheet = Sheet::new("w");
        sheet.scene("cold", aims);
        for (builder, seconds) in [("tare", 3.0), ("tare", 1.0), ("tare", 2.0), ("a", 9.0), ("b", 8.0)] {
            sheet.add("cold", builder, Sample::of(seconds));
        }
        sheet
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(median(&[3.0, 1.0, 2.0].map(Sample::of)), Some(2.0));
        assert_eq!(median(&[Sample::of(1.0)]), Some(1.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_best_peer_is_never_tare() {
        let scene = &sheet(&[]).scenes[0];
        assert_eq!((scene.ours(), scene.best_peer()), (Some(2.0), Some(("b", 8.0))));
    }

    #[test]
    fn aims_are_reached_all_or_not() {
        assert_eq!(sheet(&[]).scenes[0].reached(), None);
        assert_eq!(sheet(&[Aim::Under(2.0), Aim::Faster(4.0)]).scenes[0].reached(), Some(true));
        assert_eq!(sheet(&[Aim::Under(2.0), Aim::Faster(4.1)]).scenes[0].reached(), Some(false));
        // Nobody measured the limit.
        assert_eq!(sheet(&[Aim::Under(2.0), Aim::Within(2.0)]).scenes[0].reached(), None);
        let mut sheet = sheet(&[Aim::Within(1.5)]);
        sheet.limit("cold", "reading", 1.5);
        assert_eq!(sheet.scenes[0].reached(), Some(true));
    }
}
