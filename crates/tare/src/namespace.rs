//! Entering the user namespace: once, before there is a second thread.

use crate::failure::{Failure, doing};

/// Takes the whole program to where it may mount and give files any owner.
///
/// # Errors
/// If this machine refuses, with the command that mends it.
pub fn enter() -> Result<(), Failure> {
    let rung = sandbox::probe()
        .map_err(|refused| Failure::Refused(format!("{refused}\nhelp: {}", refused.help())))?;
    sandbox::enter(rung).map(drop).map_err(doing("enter the user namespace"))
}
