//! A RUN's command in a sandbox, and what it changed as a layer.

use std::collections::BTreeSet;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use plan::StepId;
use sandbox::{Input, Io, Output};
use store::LayerId;
use store::layers::Maker;
use tree::root::Root;
use tree::{Change, Snapshot, Time, View};

use crate::build::Session;
use crate::error::{Error, Result, StepError, doing};
use crate::event::Task;
use crate::made::meta_of;
use crate::prepare::{Ready, Scratch};
use crate::sight::Sight;
use crate::traced::{Ran, Seen, Serving, Shown};

/// What is asked of a RUN.
pub struct Asked<'a> {
    /// The instruction.
    pub run: &'a plan::Run,
    /// The layers below it, lowest first.
    pub stack: &'a [LayerId],
    /// What of that is watched, if anything is.
    pub sight: Option<Sight>,
}

/// What came of it.
pub struct Executed {
    /// What it changed.
    pub layer: LayerId,
    /// What it read, where that is known.
    pub seen: Option<Seen>,
    /// Whether it may have seen more of the world than its key and its facts tell: the network, or a cache.
    pub open: bool,
    /// Whether the user edited something that it read meanwhile: then nothing of it may be kept.
    pub edited: bool,
}

/// A step that ran to its end, and well.
struct Done {
    /// Mount points that had to be made.
    created: Vec<Vec<u8>>,
    /// Whether it may have used the network.
    network: bool,
}

impl Session<'_> {
    /// Runs the step. With a sight, its gaps are served, and what it read of them is handed out.
    ///
    /// # Errors
    /// If the command fails, or can't be started, or its changes can't be kept.
    pub fn execute(&self, id: StepId, asked: &Asked, task: &Task) -> Result<Executed> {
        let (run, sight) = (asked.run, asked.sight.as_ref());
        let ready = self.voice.timed("prepare", || self.prepare(id, asked))?;
        let Ready { step, below, scratch, serving, readers, mounts, has_cache, times } = ready;
        let started = self.store.disk_time()?;
        let served = serving.as_ref().map_or(&[][..], |serving| &serving.mounts);
        let done = self.voice.timed("run", || self.supervise(id, step, served, task))?;
        drop(mounts);
        let is_watched = serving.is_some() && !run.insecure;
        self.note(id, |note| note.network = done.network && is_watched);
        serving.iter().for_each(Serving::stop);
        if let Some(sight) = sight.filter(|_| times == Shown::ByContent) {
            crate::go_times::give_back(&scratch.upper, sight)?;
        }
        let ran = self.voice.timed("read what changed", || self.collect(&scratch, &below, &done.created))?;
        let layer =
            self.voice.timed("keep the layer", || self.keep_run(&scratch, &ran, asked.stack, started))?;
        let touched = serving.map(Serving::finish);
        let seen = match (sight, touched) {
            (Some(sight), Some(touched)) if !done.network => {
                let see = || self.seen(run, sight, &touched, &ran, &readers);
                Some(self.voice.timed("note what was read", see)?)
            }
            _ => None,
        };
        let edited = sight.zip(seen.as_ref()).and_then(|(sight, seen)| edited(sight, seen, started));
        if let Some(path) = &edited {
            self.voice
                .warn(format!("`/{path}` was changed while a step read it, so the step will run again"));
        }
        Ok(Executed { layer, seen, open: done.network || has_cache, edited: edited.is_some() })
    }

    /// Starts the step, listens to it, and waits.
    fn supervise(&self, id: StepId, step: sandbox::Step, served: &[OwnedFd], task: &Task) -> Result<Done> {
        let (reader, writer) = std::io::pipe().map_err(doing("make a pipe"))?;
        let stdout = writer.try_clone().map_err(doing("make a pipe"))?;
        let io =
            Io { stdin: Input::Empty, stdout: Output::Fd(stdout.into()), stderr: Output::Fd(writer.into()) };
        let running = sandbox::spawn_with(&step, io, served).map_err(doing("start a sandbox"))?;
        self.watch(id, running.control());
        let log = self.logs.step(id);
        // The pipe is at its end at the latest when the last process of the step is gone.
        let tail = crate::output_pipe::follow(reader, task, log.clone());
        let ended = running.wait();
        self.unwatch(id);
        self.check_cancel()?;
        let command = step.argv.iter().map(|w| w.to_string_lossy()).collect::<Vec<_>>().join(" ");
        let foreign =
            ended.as_ref().err().and_then(|e| crate::foreign::translate(&self.plan.step(id).platform, e));
        let message = match ended {
            Ok(finished) if finished.exit == sandbox::Exit::Code(0) => {
                let created = finished.created.iter().map(|p| relative(p)).collect();
                return Ok(Done { created, network: finished.network });
            }
            Ok(finished) => {
                format!("process {command:?} did not complete successfully: {}", outcome(finished.exit))
            }
            Err(e) => e.to_string(),
        };
        let of = self.plan.step(id);
        let help = help_for(&message);
        let (message, help) = foreign.map_or((message, help), |(message, help)| (message, Some(help)));
        let tail = tail.finish();
        // Whoever is told of a failure is told where the log is, also of a step that has printed nothing.
        let log = log.inspect(|path| drop(File::options().create(true).append(true).open(path)));
        Err(Error::Step(Box::new(StepError {
            line: of.line,
            text: of.text.clone(),
            message,
            help,
            tail,
            log,
        })))
    }

    fn collect<'a>(&self, scratch: &Scratch, below: &'a View, created: &[Vec<u8>]) -> Result<Ran<'a>> {
        let upper = Root::open(&scratch.upper).map_err(doing("open a step's changes"))?;
        let Snapshot { changes, unchanged } = tree::snapshot(&upper, below, created, &tree::hash::NoHashes)
            .map_err(doing("read a step's changes"))?;
        Ok(Ran { below, changes, unchanged })
    }

    fn keep_run(&self, scratch: &Scratch, ran: &Ran, stack: &[LayerId], started: Time) -> Result<LayerId> {
        let id = LayerId::Made(tree::id(&ran.changes));
        let copied = self.copied_times(&ran.changes, stack, started)?;
        self.store.place_fs(&id, &scratch.upper)?;
        self.store.put_layer(&id, &ran.changes, &meta_of(&ran.changes, Maker::Run, started, copied))?;
        Ok(id)
    }

    /// Times that a step took over from files that COPY had brought; see `times`.
    fn copied_times(&self, changes: &[Change], stack: &[LayerId], started: Time) -> Result<Vec<(i64, u32)>> {
        if !crate::times::has_older(changes, started) {
            return Ok(Vec::new());
        }
        let mut below = BTreeSet::new();
        for id in stack {
            match self.store.layer_meta(id) {
                Some(meta) if meta.maker == Maker::Copy => {
                    below.extend(crate::times::mtimes(&self.store.layer_changes(id)?).map(|t| t.sec));
                }
                Some(meta) => below.extend(meta.copied.iter().map(|&(sec, _)| sec)),
                None => {}
            }
        }
        Ok(crate::times::copied(changes, started, &below))
    }
}

fn edited(sight: &Sight, seen: &Seen, started: Time) -> Option<String> {
    let of = |(name, facts): (&String, &trace::Facts)| {
        sight.gaps.get(name).and_then(|gap| crate::loose::edited(&gap.loose, facts, started))
    };
    seen.facts.iter().find_map(of)
}

fn relative(path: &Path) -> Vec<u8> {
    let bytes = path.as_os_str().as_bytes();
    bytes.strip_prefix(b"/").unwrap_or(bytes).to_vec()
}

fn outcome(exit: sandbox::Exit) -> String {
    match exit {
        sandbox::Exit::Code(code) => format!("exit code: {code}"),
        sandbox::Exit::Signal(signal) => format!("killed by signal {signal}"),
    }
}

/// What can be done, for failures that have one usual cause.
fn help_for(message: &str) -> Option<String> {
    let text = if message.ends_with("exit code: 127") {
        "127 means that a program was not found: is it installed in this stage, and in PATH?"
    } else if message.ends_with("killed by signal 9") || message.ends_with("exit code: 137") {
        "something killed it, most often the kernel for want of memory"
    } else if message.starts_with("exec `/bin/sh`") {
        "this image has no shell; use the JSON form: RUN [\"program\", \"argument\"]"
    } else {
        return None;
    };
    Some(text.to_owned())
}
