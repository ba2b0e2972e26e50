//! All that runs around a test: registries, the module proxy, a scratch folder, the binary under test.
//!
//! `World` owns it and ends it; `Around` is what the tests get to know of it, also in a process of another
//! user, where it travels in the environment.

use crate::place::{self, Profile, Scratch};
use crate::serve::{goproxy, registry};
use crate::setup::{self, bases, packages::Package};
use crate::{Result, shell};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is running; dropped, it ends.
pub struct World {
    /// What the tests know.
    pub around: Around,
    _bases: registry::Registry,
    _pushed: registry::Registry,
    // Last, because the others have files in it.
    _scratch: Scratch,
}

/// Where the tests find things.
#[derive(Clone)]
pub struct Around {
    /// The binary under test.
    pub tare: PathBuf,
    /// A registry with the base images below library/, read-only: `127.0.0.1:PORT`.
    pub bases: String,
    /// An empty registry that takes pushes.
    pub pushed: String,
    /// A registries.conf that sends docker.io to `bases`, and knows that both speak plain HTTP.
    pub conf: PathBuf,
    /// A Go module proxy with the examples' modules and toolchain, and what the checksum database says of it.
    pub goproxy: String,
    /// A copy of the examples.
    pub examples: PathBuf,
    /// A folder for whatever a test makes.
    pub scratch: PathBuf,
}

/// Prepares the machine and starts everything.
pub fn start(packages: &[Package], profile: Profile) -> Result<World> {
    setup::prepare(packages)?;
    let goproxy = goproxy::start(&bases::modules())?;
    bases::ensure_images(&goproxy)?;
    let built = place::tare(profile)?;
    let scratch = Scratch::new()?;
    let dir = scratch.path();
    let base_images = registry::start(&bases::storage(), registry::Access::ReadOnly, &dir.join("bases"))?;
    let pushed =
        registry::start(&dir.join("pushed/storage"), registry::Access::ReadWrite, &dir.join("pushed"))?;
    for (name, program) in setup::programs::ensure()? {
        copy_binary(&program, dir, name)?;
    }
    let around = Around {
        tare: copy_binary(&built, dir, "tare")?,
        bases: base_images.addr.clone(),
        pushed: pushed.addr.clone(),
        goproxy,
        conf: write_conf(dir, &base_images.addr, &pushed.addr)?,
        examples: copy_examples(dir)?,
        scratch: dir.to_path_buf(),
    };
    Ok(World { around, _bases: base_images, _pushed: pushed, _scratch: scratch })
}

/// Other users can't always enter the folder that cargo builds in.
fn copy_binary(built: &Path, dir: &Path, name: &str) -> Result<PathBuf> {
    let bin = dir.join("bin");
    shell::mkdir(&bin)?;
    place::open_to_all(&bin)?;
    let to = bin.join(name);
    std::fs::copy(built, &to).map_err(|e| format!("copy `{}`: {e}", built.display()))?;
    place::open_to_all(&to)?;
    Ok(to)
}

fn write_conf(dir: &Path, bases: &str, pushed: &str) -> Result<PathBuf> {
    let conf = dir.join("registries.conf");
    let text = format!(
        "unqualified-search-registries = [\"docker.io\"]\n\n\
         [[registry]]\nprefix = \"docker.io\"\nlocation = \"{bases}\"\ninsecure = true\n\n\
         [[registry]]\nlocation = \"{bases}\"\ninsecure = true\n\n\
         [[registry]]\nlocation = \"{pushed}\"\ninsecure = true\n"
    );
    shell::write(&conf, text)?;
    Ok(conf)
}

fn copy_examples(dir: &Path) -> Result<PathBuf> {
    let mut copy = Command::new("cp");
    copy.args(["-r", "--no-preserve=ownership"]).arg(place::root().join("examples")).arg(dir);
    shell::capture(&mut copy)?;
    shell::capture(Command::new("chmod").args(["-R", "a+rX"]).arg(dir.join("examples")))?;
    Ok(dir.join("examples"))
}

impl Around {
    /// As environment variables, for tests and for ourselves in a process of another user.
    pub fn to_env(&self) -> [(&'static str, String); 7] {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        [
            ("TARE_BIN", text(&self.tare)),
            ("TARE_TEST_BASES", self.bases.clone()),
            ("TARE_TEST_REGISTRY", self.pushed.clone()),
            ("TARE_REGISTRIES_CONF", text(&self.conf)),
            ("GOPROXY", self.goproxy.clone()),
            ("TARE_TEST_EXAMPLES", text(&self.examples)),
            ("TARE_TEST_SCRATCH", text(&self.scratch)),
        ]
    }

    /// The reverse of `to_env`.
    pub fn from_env() -> Result<Around> {
        let get = |name: &str| {
            std::env::var(name).map_err(|_| format!("`{name}` is not set: call `cargo xtask case`"))
        };
        Ok(Around {
            tare: get("TARE_BIN")?.into(),
            bases: get("TARE_TEST_BASES")?,
            pushed: get("TARE_TEST_REGISTRY")?,
            conf: get("TARE_REGISTRIES_CONF")?.into(),
            goproxy: get("GOPROXY")?,
            examples: get("TARE_TEST_EXAMPLES")?.into(),
            scratch: get("TARE_TEST_SCRATCH")?.into(),
        })
    }
}
