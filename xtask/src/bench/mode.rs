//! How much is measured: three sizes of everything.

/// The size of a run.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// Seconds: proves that the harness works, and measures nothing worth keeping.
    Tiny,
    /// Under ten minutes on two cores, peers and all.
    Quick,
    /// The sizes that the aims are about.
    Full,
}

impl Mode {
    /// Whichever is meant.
    pub fn of<T>(self, tiny: T, quick: T, full: T) -> T {
        match self {
            Mode::Tiny => tiny,
            Mode::Quick => quick,
            Mode::Full => full,
        }
    }

    /// As results name it.
    pub fn name(self) -> &'static str {
        self.of("tiny", "quick", "full")
    }
}
