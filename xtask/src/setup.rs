//! A fresh Debian machine to one that can run everything: packages, base images, Go modules, a test user.
//!
//! What is there already is left alone, so a second run takes no time. Without root it checks only, and
//! says what is missing.

pub mod bases;
pub mod packages;
pub mod programs;
pub mod user;

/// The folders that a run needs: the registry's storage and the Go modules.
pub fn prepare(packages: &[packages::Package]) -> crate::Result<()> {
    packages::ensure(packages)?;
    bases::ensure_modules()
}
