//! `cargo xtask demo`: from a fresh machine to an image that runs, with everything shown.
//!
//! Where tare can pull from the default registry, the images are the real ones; elsewhere they are made
//! here, as the tests do. `TARE_DEMO_BASES=local|registry` decides instead.

use crate::place::{self, Profile, Scratch};
use crate::serve::{goproxy, registry};
use crate::setup::{bases, packages};
use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How long the default registry has to show that it is there.
const PATIENCE: &str = "5";

/// The chore.
pub fn run(_: &[String]) -> Result<()> {
    packages::ensure(packages::DEMO)?;
    shell::say("building tare");
    let tare = place::tare(Profile::Release)?;
    let scratch = Scratch::new()?;
    let demo = Demo { tare, home: scratch.path().join("store"), conf: None, goproxy: None };
    let demo = if pulls(&demo)? { demo } else { demo.with_local_bases(&scratch)? };
    let shown = demo.show();
    demo.remove_store();
    drop(scratch);
    shown
}

struct Demo {
    tare: PathBuf,
    /// A store of its own: base images made here have the names of real ones.
    home: PathBuf,
    conf: Option<(PathBuf, registry::Registry)>,
    /// Where Go modules come from, if not from where the machine gets them.
    goproxy: Option<String>,
}

fn pulls(demo: &Demo) -> Result<bool> {
    match std::env::var("TARE_DEMO_BASES").as_deref() {
        Ok("local") => Ok(false),
        Ok("registry") => Ok(true),
        Ok(other) => Err(format!("`TARE_DEMO_BASES` is `local` or `registry`: `{other}`")),
        Err(_) => Ok(demo.reaches_registry()),
    }
}

impl Demo {
    /// tare itself is asked: it knows mirrors and proxies.
    fn reaches_registry(&self) -> bool {
        let mut command = Command::new("timeout");
        command.arg(PATIENCE).arg(&self.tare).args(["pull", "busybox"]).env("TARE_HOME", &self.home);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    fn with_local_bases(self, scratch: &Scratch) -> Result<Demo> {
        shell::say("no container registry at hand: making the base images here");
        bases::ensure_modules()?;
        let goproxy = goproxy::start(&bases::modules())?;
        bases::ensure_images(&goproxy)?;
        let dir = scratch.path().join("bases");
        let served = registry::start(&bases::storage(), registry::Access::ReadOnly, &dir)?;
        let conf = dir.join("registries.conf");
        let text = format!(
            "[[registry]]\nprefix = \"docker.io\"\nlocation = \"{}\"\ninsecure = true\n",
            served.addr
        );
        shell::write(&conf, text)?;
        Ok(Demo { conf: Some((conf, served)), goproxy: Some(goproxy), ..self })
    }

    fn show(&self) -> Result<()> {
        self.show_recipe()?;
        let shop = place::root().join("examples/shop");
        let dockerfile = shop.join("Dockerfile");
        let build = ["build", "-t", "shop", "-f", &dockerfile.to_string_lossy(), &shop.to_string_lossy()];
        self.run("a first build: everything is downloaded, compiled and written", &build)?;
        self.run("the image runs", &["run", "shop", "--help"])?;
        self.run("a second build: nothing changed", &build)?;
        self.run("what is in the store", &["images"])
    }

    /// The shortest way: a folder with a go.mod, and nothing else that knows of containers.
    fn show_recipe(&self) -> Result<()> {
        let clock = place::root().join("examples/clock");
        let build = ["build", "-t", "clock", &clock.to_string_lossy()];
        self.run(
            "a Go project without a Dockerfile: its toolchain is fetched, it is compiled and packed",
            &build,
        )?;
        self.run("the image runs, and knows its zones", &["run", "clock", "at", "europe/berlin"])?;
        self.run("it runs as nobody", &["run", "clock", "whoami"])?;
        self.run("a second build: nothing changed", &build)
    }

    fn run(&self, why: &str, args: &[&str]) -> Result<()> {
        println!("\n── {why}\n$ tare {}", args.join(" "));
        let mut command = Command::new(&self.tare);
        command.args(args).env("TARE_HOME", &self.home);
        if let Some((conf, _)) = &self.conf {
            command.env("TARE_REGISTRIES_CONF", conf);
        }
        if let Some(goproxy) = &self.goproxy {
            command.env("GOPROXY", goproxy);
        }
        shell::run(&mut command)
    }

    fn remove_store(&self) {
        remove_as_inside(&self.tare, &self.home);
    }
}

/// Removes files that belong to the user's subordinate ids: only inside their user namespace can they be.
pub fn remove_as_inside(tare: &Path, path: &Path) {
    if std::fs::remove_dir_all(path).is_ok() || !path.exists() {
        return;
    }
    let removed = shell::capture(Command::new(tare).args(["__unshare", "rm", "-rf"]).arg(path));
    if let Err(message) = removed {
        shell::say(&format!("cannot remove `{}`: {message}", path.display()));
    }
}
