//! The workloads, one file each, and what `--quick` may spend on them.

mod shop;
mod files;
pub mod layer;
mod stages;
pub mod steps;
mod pull;
mod at_once;
mod start;
mod machine;

use super::run::Run;
use super::sheet::Sheet;
use crate::Result;

/// Something that people do with a builder.
pub struct Workload {
    /// As FILTER and the results name it.
    pub name: &'static str,
    /// Seconds after which `--quick` stops the peers; the last workload has what the others left of ten minutes.
    pub quick_seconds: u64,
    /// Whether `--tiny` has it: not if it needs minutes of a compiler.
    pub tiny: bool,
    /// Plays it.
    pub run: fn(&Run, &mut Sheet) -> Result<()>,
}

/// In the order in which they run.
#[rustfmt::skip]
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "machine", quick_seconds: 15, tiny: true, run: machine::run },
    Workload { name: "start", quick_seconds: 10, tiny: true, run: start::run },
    Workload { name: "w4-stages", quick_seconds: 30, tiny: true, run: stages::run },
    Workload { name: "w5-steps", quick_seconds: 60, tiny: true, run: steps::run },
    Workload { name: "w2-files", quick_seconds: 55, tiny: true, run: files::run },
    Workload { name: "w3-layer", quick_seconds: 75, tiny: true, run: layer::run },
    Workload { name: "w6-pull", quick_seconds: 45, tiny: true, run: pull::run },
    Workload { name: "w7-at-once", quick_seconds: 70, tiny: true, run: at_once::run },
    Workload { name: "w1-shop", quick_seconds: 570, tiny: false, run: shop::run },
];
