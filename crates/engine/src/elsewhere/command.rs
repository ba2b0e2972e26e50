//! One run of the host's git: arguments to what it printed.
//!
//! git runs outside of any step, on addresses and files that a stranger may have written. So it reads no config but
//! ours, asks nobody, runs no hook and no helper, and speaks only the protocols that it is told. What is secret goes
//! through its environment: arguments can be seen by every user of the machine.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::{Error, Result, doing};

/// What git may speak to servers, submodules' included; `ext` and `file` are not among it.
const REMOTE: &str = "http:https:ssh:git";

/// What it is told before anything else. `source` is the remote; its address is added.
const CONFIG: [(&str, &str); 15] = [
    ("core.hooksPath", "/dev/null"),
    ("core.fsmonitor", "false"),
    ("core.askPass", ""),
    ("core.symlinks", "true"),
    ("core.fileMode", "true"),
    ("core.autocrlf", "false"),
    ("credential.helper", ""),
    ("protocol.version", "2"),
    ("gc.auto", "0"),
    ("maintenance.auto", "false"),
    ("advice.detachedHead", "false"),
    ("init.defaultBranch", "master"),
    ("http.lowSpeedLimit", "1"),
    ("http.lowSpeedTime", "60"),
    // Whose the store is has been settled.
    ("safe.directory", "*"),
];

/// Variables of ours that git gets too: how to reach servers, and whom to trust.
const PASSED: [&str; 13] = [
    "PATH",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "all_proxy",
    "GIT_SSL_CAINFO",
    "GIT_SSL_CAPATH",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// More of an error than this nobody reads.
const MOST_OUTPUT: u64 = 1 << 20;

/// git, ready to run.
pub(super) struct Git<'a> {
    pub program: PathBuf,
    /// A folder with nothing in it, which is its home.
    pub home: &'a Path,
    /// Further config: the remote's address, credentials.
    pub config: Vec<(String, String)>,
    /// The agent's socket for ssh.
    pub agent: Option<&'a Path>,
    pub stop: &'a AtomicBool,
}

/// What a run came to.
pub(super) struct Ran {
    status: ExitStatus,
    stdout: String,
    stderr: String,
}

impl Ran {
    /// What it printed.
    ///
    /// # Errors
    /// If it failed, with what it said.
    pub fn ok(self) -> Result<String> {
        match self.status.success() {
            true => Ok(self.stdout),
            false => Err(Error::Other(self.said())),
        }
    }

    pub fn is_ok(&self) -> bool {
        self.status.success()
    }

    /// Whether it failed and said one of these.
    pub fn complains(&self, words: &[&str]) -> bool {
        !self.is_ok() && words.iter().any(|word| self.stderr.contains(word))
    }

    /// The lines that say why, in one: up to the first that ended it, as what follows only repeats it.
    fn said(&self) -> String {
        let lines = self.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
        let lines: Vec<String> =
            lines.map(|line| line.chars().filter(|c| !c.is_control()).collect()).collect();
        let end = lines.iter().position(|line| line.starts_with("fatal: ")).map_or(lines.len(), |at| at + 1);
        let from = end.saturating_sub(3);
        if lines.is_empty() { format!("git ended with {}", self.status) } else { lines[from..end].join("; ") }
    }
}

/// The program on PATH.
///
/// # Errors
/// If there is none.
pub(super) fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders = std::env::split_paths(&path).filter(|folder| folder.is_absolute());
    folders.find_map(|folder| Some(folder.join("git")).filter(|file| file.is_file())).ok_or_else(|| {
        Error::Other(
            "it takes the program `git`, and there is none in PATH: install it on this machine".to_owned(),
        )
    })
}

impl Git<'_> {
    /// Runs it in a folder.
    ///
    /// # Errors
    /// If it can't be started, or the build is stopped. That it fails is a result.
    pub fn run(&self, folder: &Path, args: &[&str]) -> Result<Ran> {
        self.spawn(folder, args, REMOTE, &[])
    }

    /// Runs it on repositories of this machine only.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub fn run_here(&self, folder: &Path, args: &[&str]) -> Result<Ran> {
        self.spawn(folder, args, "file", &[])
    }

    /// Runs it on a bare repository.
    ///
    /// # Errors
    /// As [`Git::run`].
    pub fn run_bare(&self, repository: &Path, args: &[&str]) -> Result<Ran> {
        self.spawn(repository, args, REMOTE, &[("GIT_DIR".into(), repository.into())])
    }

    fn spawn(
        &self,
        folder: &Path,
        args: &[&str],
        protocols: &str,
        env: &[(OsString, OsString)],
    ) -> Result<Ran> {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .current_dir(folder)
            .env_clear()
            .envs(self.env(protocols))
            .envs(env.iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: its helpers end with it.
        let child = command.process_group(0).spawn().map_err(doing("start git"))?;
        self.follow(child)
    }

    fn env(&self, protocols: &str) -> Vec<(OsString, OsString)> {
        let passed = PASSED.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?)));
        let mut env: Vec<(OsString, OsString)> = passed.collect();
        let mut set = |name: &str, value: OsString| env.push((name.into(), value));
        set("HOME", self.home.into());
        set("LC_ALL", "C".into());
        set("GIT_CONFIG_NOSYSTEM", "1".into());
        set("GIT_CONFIG_GLOBAL", "/dev/null".into());
        set("GIT_ATTR_NOSYSTEM", "1".into());
        set("GIT_NO_REPLACE_OBJECTS", "1".into());
        set("GIT_TERMINAL_PROMPT", "0".into());
        set("GIT_ALLOW_PROTOCOL", protocols.into());
        set("GIT_SSH_COMMAND", self.ssh().into());
        if let Some(agent) = self.agent {
            set("SSH_AUTH_SOCK", agent.into());
        }
        let fixed = CONFIG.iter().map(|(key, value)| (key.to_string(), value.to_string()));
        let config: Vec<(String, String)> = fixed.chain(self.config.iter().cloned()).collect();
        set("GIT_CONFIG_COUNT", config.len().to_string().into());
        for (i, (key, value)) in config.into_iter().enumerate() {
            set(&format!("GIT_CONFIG_KEY_{i}"), key.into());
            set(&format!("GIT_CONFIG_VALUE_{i}"), value.into());
        }
        env
    }

    /// Keys come from the agent that was given, not from the user's files. A server that was never met is believed,
    /// as BuildKit does; one that has changed since isn't.
    fn ssh(&self) -> String {
        let mut known = vec![self.home.join("known_hosts")];
        known.extend(std::env::var_os("HOME").map(|home| Path::new(&home).join(".ssh/known_hosts")));
        let plain = |path: &PathBuf| {
            path.to_str()
                .is_some_and(|p| p.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+@".contains(&b)))
        };
        let files: Vec<String> = known.iter().filter(|p| plain(p)).map(|p| p.display().to_string()).collect();
        format!(
            "ssh -F /dev/null -o BatchMode=yes -o IdentityFile=none -o StrictHostKeyChecking=accept-new \
             -o 'UserKnownHostsFile={}'",
            files.join(" ")
        )
    }

    fn follow(&self, mut child: Child) -> Result<Ran> {
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let (status, stdout, stderr) = std::thread::scope(|scope| {
            let stdout = scope.spawn(|| drain(out));
            let stderr = scope.spawn(|| drain(err));
            let status = self.wait(&mut child);
            (status, stdout.join().unwrap_or_default(), stderr.join().unwrap_or_default())
        });
        let hide = |text: String| self.config.iter().fold(text, |text, (_, secret)| hidden(&text, secret));
        Ok(Ran { status: status?, stdout, stderr: hide(stderr) })
    }

    /// Waits, and kills it with its helpers when the build is stopped.
    fn wait(&self, child: &mut Child) -> Result<ExitStatus> {
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(status) = child.try_wait().map_err(doing("wait for git"))? {
                return Ok(status);
            }
            if self.stop.load(Ordering::SeqCst) {
                let group = rustix::process::Pid::from_child(child);
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
                let _ = child.wait();
                return Err(Error::Cancelled);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

fn drain(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        let _ = (&mut from).take(MOST_OUTPUT).read_to_end(&mut bytes);
        // What is more has to go somewhere, or git waits for ever.
        let _ = std::io::copy(&mut from, &mut std::io::sink());
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An address in a message without its password, a header not at all.
fn hidden(text: &str, secret: &str) -> String {
    match dockerfile::address::redacted(secret) {
        _ if secret.is_empty() => text.to_owned(),
        shown if shown != secret => text.replace(secret, &shown),
        _ if secret.starts_with("Authorization:") => text.replace(secret, "xxxxx"),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn git<'a>(home: &'a Path, stop: &'a AtomicBool, program: &str) -> Git<'a> {
        let secret = ("http.https://h/.extraheader".to_owned(), "Authorization: Bearer geheim".to_owned());
        let url = ("remote.source.url".to_owned(), "https://me:geheim@h/r.git".to_owned());
        Git { program: program.into(), home, config: vec![secret, url], agent: None, stop }
    }

    #[test]
    fn secrets_are_in_the_environment_and_in_no_message() {
        let stop = AtomicBool::new(false);
        let folder = std::env::temp_dir();
        let git = git(&folder, &stop, "/bin/sh");
        let script = "env >&1; echo \"$GIT_CONFIG_VALUE_15 for $GIT_CONFIG_VALUE_16\" >&2; exit 3";
        let ran = git.run(&folder, &["-c", script]).unwrap();
        assert_eq!(ran.said(), "xxxxx for https://xxxxx@h/r.git");
        assert!(ran.complains(&["xxxxx"]) && !ran.is_ok());
        let lines: Vec<&str> = ran.stdout.lines().collect();
        for wanted in [
            "GIT_CONFIG_COUNT=17",
            "GIT_CONFIG_KEY_0=core.hooksPath",
            "GIT_CONFIG_VALUE_15=Authorization: Bearer geheim",
            "GIT_ALLOW_PROTOCOL=http:https:ssh:git",
            "GIT_TERMINAL_PROMPT=0",
            "GIT_CONFIG_NOSYSTEM=1",
            "GIT_CONFIG_GLOBAL=/dev/null",
        ] {
            assert!(lines.contains(&wanted), "{wanted}");
        }
        assert!(!lines.iter().any(|line| line.starts_with("USER=") || line.starts_with("CARGO")));
    }

    #[test]
    fn helpers_end_with_a_stopped_build() {
        let stop = AtomicBool::new(true);
        let folder = std::env::temp_dir();
        let started = std::time::Instant::now();
        // Its child has the pipes too: only its death ends the wait.
        let ran = git(&folder, &stop, "/bin/sh").run(&folder, &["-c", "sleep 60 & sleep 60"]);
        assert!(matches!(ran, Err(Error::Cancelled)));
        assert!(started.elapsed() < Duration::from_secs(20));
    }
}
