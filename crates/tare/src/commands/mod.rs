//! One file a command: what was asked for on the command line to calls, results to text.

mod annotation;
mod archive;
mod build;
mod call;
mod context;
mod credentials;
mod diff;
mod docs;
mod expand;
mod facts;
mod foreign;
mod history;
mod ignore;
mod leaving;
mod lock;
mod images;
mod init;
mod lint;
mod names;
mod output;
mod outside;
mod parse;
mod pin;
mod platforms;
mod recipe;
mod registry;
mod report;
mod run;
mod sbom;
mod secrets;
mod source;
mod space;
mod surroundings;
mod unshare;
mod verify;
mod why;

use crate::cli::{Cli, Command};
use crate::failure::Outcome;

/// Does what was asked for, and gives the exit code.
pub fn run(cli: Cli) -> Outcome {
    match cli.command {
        Command::Build(build) => build::run(*build),
        Command::Init(init) => init::run(&init),
        Command::Ignore(args) => ignore::run(&args),
        Command::Pin(pin) => pin::run(&pin),
        Command::Why(args) => why::run(&args),
        Command::History(args) => history::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Run(run) => run::run(run),
        Command::Images(images) => images::list(&images),
        Command::Inspect(names) => images::inspect(&names),
        Command::Tag(tag) => images::tag(&tag),
        Command::Rmi(names) => images::remove(&names),
        Command::Push(push) => registry::push(&push),
        Command::Pull(pull) => registry::pull(&pull),
        Command::Save(save) => archive::save(&save),
        Command::Load(load) => archive::load(&load),
        Command::Login(login) => credentials::login(&login),
        Command::Logout(logout) => credentials::logout(&logout),
        Command::Sbom(args) => sbom::run(&args),
        Command::Du => space::usage(),
        Command::Prune(prune) => space::prune(&prune),
        Command::Lint(args) => lint::run(&args),
        Command::Parse(parse) => parse::run(&parse),
        Command::Expand(expand) => expand::run(&expand),
        Command::Context { command } => context::run(&command),
        Command::Completion { shell } => docs::completion(shell),
        Command::Man { folder } => docs::man(&folder),
        Command::Docs { rules: false, folder } => docs::commands(&folder),
        Command::Docs { rules: true, folder } => docs::rules(&folder),
        Command::Unshare { command } => unshare::run(&command),
    }
}
