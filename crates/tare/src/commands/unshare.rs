//! `tare __unshare`: a program in the user namespace, where the store's files can be removed.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::failure::{Failure, Outcome};

/// Becomes the program.
pub fn run(command: &[String]) -> Outcome {
    let [program, args @ ..] = command else {
        return Err(Failure::Usage("there is no program to run".to_owned()));
    };
    crate::namespace::enter()?;
    let error = Command::new(program).args(args).exec();
    Err(Failure::Other(format!("run `{program}`: {error}")))
}
