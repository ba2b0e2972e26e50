//! Events to where the time went: a table of what the build waited for, and a trace that browsers draw.
//!
//! What the build waited for is found from its end: whatever ended last before the point that is looked at, then what
//! ended last before that one's start, and so on to the beginning.

use std::collections::HashMap;
use std::sync::Mutex;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use engine::{Event, TaskId};
use serde_json::{Value, json};

use crate::units;

/// The engine's name for what holds all steps.
const STEPS: &str = "steps";

/// What is shorter isn't told in the table.
const LEAST: Duration = Duration::from_millis(1);

/// A listener, from its start on.
pub struct Timings {
    began: Instant,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    open: HashMap<TaskId, (String, Instant)>,
    threads: Vec<ThreadId>,
    spans: Vec<Span>,
}

/// Something that took time; times since the start.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Span {
    name: String,
    is_task: bool,
    start: Duration,
    end: Duration,
    thread: usize,
}

impl Timings {
    /// Starts to count.
    pub fn start() -> Timings {
        Timings { began: Instant::now(), state: Mutex::default() }
    }

    /// Hears an event, in the thread that it happens in.
    pub fn hear(&self, event: &Event) {
        let now = Instant::now();
        let mut state = self.state.lock().expect("no panic while held");
        match event {
            Event::Started { task, name } => drop(state.open.insert(*task, (name.clone(), now))),
            Event::Ended { task, .. } | Event::Failed { task, .. } => {
                if let Some((name, start)) = state.open.remove(task) {
                    self.add(&mut state, name, true, [start, now]);
                }
            }
            Event::Spent { what, took } => {
                let start = now.checked_sub(*took).unwrap_or(now);
                self.add(&mut state, (*what).to_owned(), false, [start, now]);
            }
            _ => {}
        }
    }

    /// Does something, as a part of the whole.
    pub fn timed<T>(timings: Option<&Timings>, what: &'static str, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        let result = work();
        if let Some(timings) = timings {
            timings.hear(&Event::Spent { what, took: started.elapsed() });
        }
        result
    }

    fn add(&self, state: &mut State, name: String, is_task: bool, [start, end]: [Instant; 2]) {
        let id = std::thread::current().id();
        let thread = state.threads.iter().position(|known| *known == id).unwrap_or_else(|| {
            state.threads.push(id);
            state.threads.len() - 1
        });
        let since = |at: Instant| at.saturating_duration_since(self.began);
        state.spans.push(Span { name, is_task, start: since(start), end: since(end), thread });
    }

    /// What the build waited for, for people.
    pub fn table(&self) -> String {
        let all = self.began.elapsed();
        table(&self.spans(), all)
    }

    /// All of it in the Trace Event Format, which browsers and Perfetto draw.
    pub fn trace(&self) -> String {
        let spans = self.spans();
        let on_path = path(&spans);
        let event = |(i, span): (usize, &Span)| {
            let cat = if span.is_task { "task" } else { "part" };
            json!({
                "name": span.name, "cat": cat, "ph": "X", "pid": 1, "tid": span.thread + 1,
                "ts": micros(span.start), "dur": micros(span.end - span.start),
                "args": { "waited_for": on_path.contains(&i) },
            })
        };
        let events: Vec<Value> = spans.iter().enumerate().map(event).collect();
        format!("{}\n", json!({ "displayTimeUnit": "ms", "traceEvents": events }))
    }

    /// By their start, the outer one first.
    fn spans(&self) -> Vec<Span> {
        let mut spans = self.state.lock().expect("no panic while held").spans.clone();
        spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
        spans
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// What was waited for, by number, from the beginning.
fn path(spans: &[Span]) -> Vec<usize> {
    let outer = |i: &usize| {
        let span = &spans[*i];
        span.name != STEPS && (span.is_task || !spans.iter().any(|other| other.is_task && holds(other, span)))
    };
    let candidates: Vec<usize> = (0..spans.len()).filter(outer).collect();
    let (mut found, mut until) = (Vec::new(), Duration::MAX);
    // Of those that end at one time the longest says the most.
    let last = |until: Duration| {
        let ended = candidates.iter().copied().filter(|&i| spans[i].end <= until && spans[i].start < until);
        ended.max_by_key(|&i| (spans[i].end, std::cmp::Reverse(spans[i].start)))
    };
    while let Some(i) = last(until) {
        found.push(i);
        until = spans[i].start;
    }
    found.reverse();
    found
}

fn holds(outer: &Span, inner: &Span) -> bool {
    outer != inner && outer.thread == inner.thread && outer.start <= inner.start && inner.end <= outer.end
}

fn table(spans: &[Span], all: Duration) -> String {
    let path = path(spans);
    let waited: Duration = path.iter().map(|&i| spans[i].end - spans[i].start).sum();
    let mut text = format!("{} in all, {} of it waiting for\n", units::fine(all), units::fine(waited));
    for span in path.into_iter().map(|i| &spans[i]).filter(|span| span.end - span.start >= LEAST) {
        let (start, took) = (units::fine(span.start), units::fine(span.end - span.start));
        text += &format!("{:>8} +{took:<9} {}\n", start, span.name);
        let parts = parts(spans, span);
        if !parts.is_empty() {
            text += &format!("{:22}{}\n", "", parts.join(", "));
        }
    }
    text
}

/// The outermost parts of a span.
fn parts(spans: &[Span], whole: &Span) -> Vec<String> {
    let inside: Vec<&Span> = spans.iter().filter(|span| holds(whole, span)).collect();
    let outermost = inside.iter().filter(|span| !inside.iter().any(|other| holds(other, span)));
    let long = outermost.filter(|span| span.end - span.start >= LEAST);
    long.map(|span| format!("{} {}", span.name, units::fine(span.end - span.start))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(name: &str, [start, end]: [u64; 2], thread: usize) -> Span {
        let is_task = name.starts_with('[');
        let [start, end] = [start, end].map(Duration::from_millis);
        Span { name: name.to_owned(), is_task, start, end, thread }
    }

    #[test]
    fn what_ended_last_was_waited_for() {
        let spans = [
            span("look", [0, 5], 0),
            span("steps", [5, 100], 0),
            span("[a 1/2]", [5, 40], 0),
            span("[b 1/1]", [5, 20], 1),
            span("[a 2/2]", [41, 100], 1),
            span("prepare", [41, 50], 1),
            span("lock", [42, 43], 1),
            span("run", [50, 98], 1),
            span("image", [100, 101], 0),
        ];
        let text = table(&spans, Duration::from_millis(103));
        let expected = [
            "103ms in all, 100ms of it waiting for",
            "     0ms +5.0ms     look",
            "   5.0ms +35ms      [a 1/2]",
            "    41ms +59ms      [a 2/2]",
            "                      prepare 9.0ms, run 48ms",
            "   100ms +1.0ms     image",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn events_become_a_trace() {
        let timings = Timings::start();
        let task = TaskId(1);
        timings.hear(&Event::Started { task, name: "[1/1] RUN x".to_owned() });
        Timings::timed(Some(&timings), "run", || std::thread::sleep(Duration::from_millis(2)));
        timings.hear(&Event::Ended { task, how: engine::event::Ended::Done, took: Duration::ZERO });
        let trace: Value = serde_json::from_str(&timings.trace()).expect("JSON");
        let names: Vec<_> =
            trace["traceEvents"].as_array().expect("a list").iter().map(|e| &e["name"]).collect();
        assert_eq!(names, ["[1/1] RUN x", "run"]);
        assert!(trace["traceEvents"][1]["dur"].as_u64() >= Some(2_000));
        assert_eq!(trace["traceEvents"][0]["args"]["waited_for"], true);
    }
}
