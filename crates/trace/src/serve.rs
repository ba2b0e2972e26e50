//! Threads that read the kernel's messages and answer them: one, and a second where there is more to do.
//!
//! Each waits for the device and for the word to stop, so it ends whatever becomes of the mount. It never touches the
//! mounted files and never starts a process, for either could wait for its own answers. The threads have a table of
//! descriptors of their own, see `table`: what they open they close, and what others opened they never do.

use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread::{JoinHandle, Scope};

use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;

use crate::answers::Served;
use crate::ground::Ground;
use crate::mount;
use crate::policy::Policy;
use crate::table;
use crate::touched::Touched;
use crate::tree::Tree;
use crate::wire::{Answer, Op, Request};

/// After so many messages a second thread helps. A step that runs for milliseconds has fewer.
const FEW: usize = 32;

/// The kernel's least is 8 KiB; the longest message that we have a use for is a name.
const LONGEST: usize = 16 << 10;

/// A tree that is being served. Dropped, it stops, and the mount is dead.
pub struct Server {
    served: Arc<Served>,
    stop: OwnedFd,
    /// The first of the threads, which starts the others and waits for them.
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves `tree`, and gives a mount of it that is attached nowhere. Must be called in the user namespace in which
    /// it is going to be used. Without `ground` there is nothing below it.
    ///
    /// # Errors
    /// As for [`available`](crate::available), or if there can be no more threads.
    pub fn start(
        tree: Arc<Tree>,
        ground: Option<Arc<Ground>>,
        policy: Arc<dyn Policy>,
    ) -> io::Result<(Server, OwnedFd)> {
        let device = mount::open()?;
        let stop = eventfd(0, EventfdFlags::CLOEXEC)?;
        let served = Arc::new(Served::new(tree, ground, policy));
        let mut server = Server { served, stop, thread: None };
        let mount = mount::mount(device.as_fd())?;
        server.spawn(&device)?;
        Ok((server, mount))
    }

    /// Tells it to stop, whatever the mount's state is, and doesn't wait for that.
    pub fn stop(&self) {
        // It fails only when the counter is full, and then it is not 0.
        let _ = rustix::io::write(&self.stop, &1u64.to_ne_bytes());
    }

    /// Stops, and hands out what was touched.
    pub fn finish(mut self) -> Touched {
        self.end();
        self.served.touched()
    }

    /// Starts the threads. When they have their own table, the caller's device can and must be closed.
    fn spawn(&mut self, device: &OwnedFd) -> io::Result<()> {
        let (served, raw) = (self.served.clone(), [device.as_raw_fd(), self.stop.as_raw_fd()]);
        let (ready, started) = std::sync::mpsc::channel();
        let thread = std::thread::Builder::new().name("trace".into());
        self.thread = Some(thread.spawn(move || first(&served, raw, &ready))?);
        started.recv().unwrap_or_else(|_| Err(io::Error::other("the serving thread ended")))
    }

    fn end(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// The first thread: gets a table, starts the others, serves, and closes what was opened.
fn first(served: &Served, raw: [RawFd; 2], ready: &Sender<io::Result<()>>) {
    let _files = ClosedHere(served);
    let began = table::own(raw).and_then(|[device, stop]| Ok((watch(&device, &stop)?, device, stop)));
    let (events, device, stop) = match began {
        Ok(began) => began,
        Err(e) => return drop(ready.send(Err(e))),
    };
    let _ = ready.send(Ok(()));
    std::thread::scope(|scope| {
        let (mut messages, mut alone) = (0, true);
        serve(served, &device, &events, |op| {
            messages += 1;
            if alone && (messages > FEW || op == Op::Read) {
                alone = false;
                second(scope, served, &device, &stop);
            }
        });
    });
}

/// Starts another thread: with one alone a slow file would hold everybody up. More than two win nothing.
fn second<'scope>(
    scope: &'scope Scope<'scope, '_>,
    served: &'scope Served,
    device: &'scope OwnedFd,
    stop: &'scope OwnedFd,
) {
    // If it can't be, one alone is slower and no less right.
    let Ok(events) = watch(device, stop) else { return };
    let thread = std::thread::Builder::new().name("trace".into());
    let _ = thread.spawn_scoped(scope, move || serve(served, device, &events, |_| {}));
}

/// Closes the files that were served, in the table in which they were opened.
struct ClosedHere<'a>(&'a Served);

impl Drop for ClosedHere<'_> {
    fn drop(&mut self) {
        self.0.close_files();
    }
}

const DEVICE: u64 = 0;
const STOP: u64 = 1;

/// A thread's own set of events: of several that wait for the device, one is woken.
fn watch(device: &OwnedFd, stop: &OwnedFd) -> io::Result<OwnedFd> {
    let events = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&events, device, EventData::new_u64(DEVICE), EventFlags::IN | EventFlags::EXCLUSIVE)?;
    epoll::add(&events, stop, EventData::new_u64(STOP), EventFlags::IN)?;
    Ok(events)
}

/// Answers until the word to stop. `before` is told of each message before it is answered.
fn serve(served: &Served, device: &OwnedFd, events: &OwnedFd, mut before: impl FnMut(Op)) {
    let mut message = vec![0; LONGEST];
    let mut answer = Answer::default();
    while may_read(events) {
        match rustix::io::read(device, message.as_mut_slice()) {
            Ok(length) => {
                let Some(request) = Request::parse(&message[..length]) else { continue };
                before(request.op);
                reply(served, device, &request, &mut answer);
            }
            // Another thread was faster, or whoever asked has been killed meanwhile.
            Err(Errno::AGAIN | Errno::INTR | Errno::NOENT) => {}
            // Unmounted, or aborted.
            Err(_) => return,
        }
    }
}

/// Waits for a message. No more are read once the word to stop was given.
fn may_read(events: &OwnedFd) -> bool {
    let mut happened = Vec::with_capacity(2);
    loop {
        happened.clear();
        match epoll::wait(events, rustix::buffer::spare_capacity(&mut happened), None) {
            Err(Errno::INTR) => {}
            Err(_) => return false,
            Ok(_) => return happened.iter().all(|event| event.data.u64() != STOP),
        }
    }
}

fn reply(served: &Served, device: &OwnedFd, request: &Request<'_>, answer: &mut Answer) {
    if let Some(bytes) = served.answer(request, answer) {
        // It fails when whoever asked has been killed meanwhile.
        let _ = rustix::io::write(device, bytes);
    }
}
