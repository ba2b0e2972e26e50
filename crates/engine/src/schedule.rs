//! The order: every step as soon as what it needs is done, independent ones at the same time.
//!
//! A few threads take ready steps off a board. The first failure stops the rest: what runs is killed, what
//! waits never starts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use plan::{Op, StepId};
use store::LayerId;

use crate::build::Session;
use crate::error::{Error, Result, StepError};
use crate::event::{Ended, Task};
use crate::made::Form;
use crate::note::How;

/// How long a running step may go on after Ctrl-C: shorter than anybody notices.
const GLANCE: Duration = Duration::from_millis(50);

/// What a step came to.
#[derive(Clone, Debug)]
pub struct Made {
    /// The layer on top of the step's parent.
    pub layer: LayerId,
    /// How it came to be.
    pub how: How,
}

impl Made {
    /// It was there already.
    pub fn cached(layer: LayerId) -> Made {
        Made { layer, how: How::Exact }
    }

    /// It was there already, though something below the step is new.
    pub fn traced(layer: LayerId) -> Made {
        Made { layer, how: How::Traced }
    }

    /// It was made now.
    pub fn new(layer: LayerId) -> Made {
        Made { layer, how: How::Anew }
    }
}

/// Where a step stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    Want,
    Running,
    Done,
}

struct Board {
    states: Vec<State>,
    error: Option<Error>,
}

impl Session<'_> {
    /// Does every step of the plan.
    ///
    /// # Errors
    /// The first failure; nothing of the build is running any more then.
    pub fn run_all(&self) -> Result<()> {
        let board = Mutex::new(Board { states: vec![State::Want; self.plan.steps.len()], error: None });
        let changed = Condvar::new();
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            // A look-only pass runs nothing that could be killed, and shouldn't pay for a thread.
            let guard = self.settings.may_work.then(|| scope.spawn(|| self.guard(&over)));
            let workers: Vec<_> =
                (1..self.width()).map(|_| scope.spawn(|| self.work(&board, &changed))).collect();
            self.work(&board, &changed);
            workers.into_iter().for_each(|worker| drop(worker.join()));
            over.store(true, Ordering::SeqCst);
            guard.iter().for_each(|guard| guard.thread().unpark());
        });
        sandbox::dismiss();
        let board = board.into_inner().expect("the workers are done");
        board.error.map_or(Ok(()), Err)
    }

    /// Kills what runs when the build is stopped from outside.
    fn guard(&self, over: &AtomicBool) {
        while !over.load(Ordering::SeqCst) {
            if self.settings.cancel.load(Ordering::SeqCst) {
                self.stop();
            }
            std::thread::park_timeout(GLANCE);
        }
    }

    /// No more than one step of a stage can run at a time.
    fn width(&self) -> usize {
        let stages: BTreeSet<&str> = self.plan.steps.iter().map(|s| s.stage.as_str()).collect();
        stages.len().clamp(1, self.settings.parallel.max(1))
    }

    fn work(&self, board: &Mutex<Board>, changed: &Condvar) {
        while let Some(id) = self.take(board, changed) {
            let result = self.step(id);
            let mut board = board.lock().expect("no panic while held");
            match result {
                Ok(()) => board.states[id.0 as usize] = State::Done,
                Err(e) => {
                    // What the first failure, or the user, stopped fails too, but that is no news.
                    let stopped = board.error.is_none() && self.check_cancel().is_err();
                    board.error.get_or_insert(if stopped { Error::Cancelled } else { e });
                    self.stop();
                }
            }
            changed.notify_all();
        }
        changed.notify_all();
    }

    /// The next ready step; waits for one, `None` when there will be none.
    fn take(&self, board: &Mutex<Board>, changed: &Condvar) -> Option<StepId> {
        let mut board = board.lock().expect("no panic while held");
        loop {
            if board.error.is_some() || board.states.iter().all(|s| *s == State::Done) {
                return None;
            }
            if let Some(id) = self.plan.ids().find(|id| self.is_ready(*id, &board.states)) {
                board.states[id.0 as usize] = State::Running;
                return Some(id);
            }
            if !board.states.contains(&State::Running) {
                return None;
            }
            board = changed.wait(board).expect("no panic while held");
        }
    }

    fn is_ready(&self, id: StepId, states: &[State]) -> bool {
        let done = |id: StepId| states[id.0 as usize] == State::Done;
        states[id.0 as usize] == State::Want && self.plan.needs(id).all(done)
    }

    fn step(&self, id: StepId) -> Result<()> {
        self.check_cancel()?;
        let step = self.plan.step(id);
        let task = self.voice.task(self.step_name(step));
        let below = step.parent.map(|p| self.stack_of(p)).unwrap_or_default();
        let result = self.perform(id, &below, &task);
        self.note_end(id, &task, &result);
        match result {
            Ok((layers, how)) => {
                task.end(how);
                layers.iter().for_each(|layer| self.store.touch(layer));
                self.finish(id, layers, how == Ended::Cached);
                Ok(())
            }
            Err(e) => {
                let e = self.locate(step, e);
                task.fail(match &e {
                    Error::Step(s) => s.message.clone(),
                    other => other.to_string(),
                });
                Err(e)
            }
        }
    }

    fn note_end<T>(&self, id: StepId, task: &Task, result: &Result<T>) {
        use store::builds::Ended;
        let ended = match result {
            Ok(_) => Ended::Well,
            Err(Error::Cancelled) => Ended::Stopped,
            Err(_) => Ended::Badly,
        };
        self.note(id, |note| (note.ended, note.millis) = (ended, task.age().as_millis() as u64));
    }

    /// Does a step: the layers that it puts on top of `below`.
    fn perform(&self, id: StepId, below: &[LayerId], task: &Task) -> Result<(Vec<LayerId>, Ended)> {
        let made = match &self.plan.step(id).op {
            Op::Base(base) => {
                let (stack, ended) = self.base(*base);
                let how = if ended == Ended::Cached { How::Exact } else { How::Anew };
                self.note(id, |note| note.how = Some(how));
                return Ok((stack, ended));
            }
            Op::Copy(copy) => self.copy(id, copy, below, self.form(id))?,
            Op::Workdir(workdir) => self.workdir(id, workdir, below, self.form(id))?,
            Op::Run(run) => self.run(id, run, below, task)?,
        };
        let ended = if made.how == How::Anew { Ended::Done } else { Ended::Cached };
        self.note(id, |note| note.how = Some(made.how));
        Ok((vec![made.layer], ended))
    }

    /// A base image is only named here; its layers are fetched by whoever needs them.
    fn base(&self, id: plan::BaseId) -> (Vec<LayerId>, Ended) {
        let base = self.plan.base(id);
        let resolved = self.bases.by_manifest(&base.manifest).expect("the plan's bases were resolved");
        let here = resolved.layers().iter().all(|l| self.store.has_fs(l));
        (resolved.layers(), if here || resolved.was_known { Ended::Cached } else { Ended::Done })
    }

    /// Only the top of the target is read by nobody but the export.
    fn form(&self, id: StepId) -> Form {
        let needed = self.plan.ids().any(|other| self.plan.needs(other).any(|n| n == id));
        let as_files = self.settings.wants_files();
        if needed || as_files { Form::Files } else { Form::Blob }
    }

    fn step_name(&self, step: &plan::Step) -> String {
        format!("[{}] {}", self.place(step), step.text)
    }

    /// Which step it is, for people: `builder 2/6`.
    pub(crate) fn place(&self, step: &plan::Step) -> String {
        let (n, of) = step.position;
        let platform = if self.settings.is_several() { self.platforms_of(step) + " " } else { String::new() };
        match self.one_stage {
            true => format!("{platform}{n}/{of}"),
            false => format!("{platform}{} {n}/{of}", step.stage),
        }
    }

    /// As buildx has it: `linux/arm64`, and `linux/amd64->arm64` of a stage that runs on one for the other.
    fn platforms_of(&self, step: &plan::Step) -> String {
        let (own, target) = (step.platform.to_string(), self.platform.to_string());
        match target.strip_prefix(&format!("{}/", step.platform.os)) {
            _ if own == target => own,
            Some(architecture) => format!("{own}->{architecture}"),
            None => format!("{own}->{target}"),
        }
    }

    /// What to add to the name of a task that there is one of for each platform.
    pub(crate) fn purpose(&self) -> String {
        if self.settings.is_several() { format!(" for {}", self.platform) } else { String::new() }
    }

    /// An error without a place happened at this step.
    fn locate(&self, step: &plan::Step, e: Error) -> Error {
        match e {
            Error::Other(message) => {
                let (line, text) = (step.line, step.text.clone());
                Error::Step(Box::new(StepError {
                    line,
                    text,
                    message,
                    help: None,
                    tail: Vec::new(),
                    log: None,
                }))
            }
            other => other,
        }
    }
}
