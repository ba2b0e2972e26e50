//! tare: argv to what the engine is asked for, events to what people see.

mod cli;
mod commands;
mod config;
mod failure;
mod home;
mod namespace;
mod progress;
mod signals;
mod units;

use clap::Parser;

fn main() {
    // The same binary is the monitor of its steps; nothing may come before this.
    sandbox::main_if_sandbox();
    let cli = cli::Cli::parse();
    let code = match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => failure.report(),
    };
    std::process::exit(code);
}
