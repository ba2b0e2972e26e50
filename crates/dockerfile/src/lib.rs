//! A Dockerfile's text to typed instructions, stages and the rules that go with them.
//!
//! `lex` makes logical lines of bytes, `parse` makes instructions of lines, `stage` groups them; `expand`
//! fills in variables later, when the plan knows them. Beside these stand the small languages that
//! instructions carry: ignore patterns, wildcards, modes, durations, signals, ports, mounts.
//! Pure: no files, no environment, no network. Nothing in here panics, whatever the bytes.

pub mod address;
pub mod chmod;
pub mod csv;
pub mod device;
pub mod diagnostic;
pub mod directive;
pub mod duration;
pub mod expand;
pub mod expose;
pub mod flag;
pub mod glob;
pub mod heredoc;
pub mod ignore;
pub mod instruction;
mod json;
pub mod lex;
pub mod mount;
pub mod parse;
pub mod pattern;
pub mod quote;
pub mod signal;
mod sources;
pub mod stage;
pub mod steps;
pub mod substring;
pub mod suggest;
pub mod syntax;
pub mod words;

pub use address::{Address, Git};
pub use chmod::Chmod;
pub use diagnostic::{Diagnostic, Span};
pub use directive::Directives;
pub use expand::{ExpandError, Expanded, Mode, Vars, expand, expand_words};
pub use heredoc::Heredoc;
pub use ignore::Patterns;
pub use instruction::{
    Add, AddFlags, ArgDecl, Check, Command, Copy, CopyFlags, From, Healthcheck, Instruction, KeyValue, Kind,
    Run, RunFlags, Script, Timing,
};
pub use mount::Mount;
pub use parse::{Dockerfile, parse, parse_trigger};
pub use stage::{Found, Stage, Stages, stages};
