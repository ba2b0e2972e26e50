//! A section of a Markdown file to one check: a folder is prepared, both build it, the images are compared.
//!
//! What stands before a file's first section is in the folder of each of them.

use super::buildah::Storage;
use super::compare::{self, Known};
use super::image;
use crate::case::parse::{Block, Case, Kind};
use crate::case::put;
use crate::case::room::Room;
use crate::{Result, shell};
use std::process::Output;
use std::sync::Arc;

/// A Dockerfile with its context, and what is known of the two images.
pub struct Check {
    /// `FILE: SECTION`.
    pub name: String,
    shared: Arc<Vec<Block>>,
    own: Vec<Block>,
    known: Known,
}

/// What a builder made.
enum Made {
    Image(Vec<String>),
    Nothing(String),
}

/// The checks of a file: its sections, or itself if it has none.
pub fn of(case: Case) -> Result<Vec<Check>> {
    let mut sections = case.sections.into_iter();
    let first = sections.next().map(|section| section.blocks).unwrap_or_default();
    let mut checks: Vec<Check> = Vec::new();
    let (shared, own) = if sections.len() == 0 { (Vec::new(), Some(first)) } else { (first, None) };
    let shared = Arc::new(shared);
    let new = |title: &str, own| {
        let name = format!("{}: {title}", case.name);
        Check { name, shared: shared.clone(), own, known: Known::default() }
    };
    checks.extend(own.map(|own| new(&case.title, own)));
    checks.extend(sections.map(|section| new(&section.title, section.blocks)));
    checks.into_iter().map(Check::verified).collect()
}

impl Check {
    /// What builds nothing would hold for ever.
    fn verified(self) -> Result<Check> {
        let known = Known::parse(self.blocks().filter(|block| block.kind == Kind::Differs));
        let wrong = match known {
            Err(message) => message,
            Ok(_) if self.block(Kind::Dockerfile).is_none() => "no `dockerfile`".to_owned(),
            Ok(known) => return Ok(Check { known, ..self }),
        };
        Err(format!("tests/oracle/{}: {wrong}", self.name))
    }

    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.shared.iter().chain(&self.own)
    }

    fn block(&self, kind: Kind) -> Option<&Block> {
        self.blocks().find(|block| block.kind == kind)
    }

    /// Builds with both; `number` tells folders apart.
    pub fn run(&self, number: usize, storage: &Storage) -> Result<()> {
        let room = Room::new(number, storage.around())?;
        self.prepare(&room)?;
        let (tare, buildah) = (self.tare(&room)?, self.buildah(&room, storage)?);
        match (tare, buildah, self.block(Kind::Error)) {
            (Made::Image(tare), Made::Image(buildah), None) => self.known.images(&tare, &buildah),
            (Made::Image(_), Made::Nothing(text), None) => self.known.failure(&text),
            (Made::Nothing(tare), Made::Nothing(buildah), Some(error)) => {
                compare::messages(&tare, &buildah, &error.body)
            }
            (Made::Nothing(text), _, None) => Err(format!("tare fails:\n{text}")),
            (Made::Image(_), _, Some(_)) => Err("tare should fail and doesn't".into()),
            (_, Made::Image(_), Some(_)) => Err("buildah should fail and doesn't".into()),
        }
    }

    fn prepare(&self, room: &Room) -> Result<()> {
        for block in self.blocks() {
            let name = block.args.first();
            match block.kind {
                Kind::Dockerfile => put::file(&room.context(), name.map_or("Dockerfile", |n| n), block)?,
                Kind::Ignore => put::file(&room.context(), ".dockerignore", block)?,
                Kind::File => put::file(&room.context(), name.ok_or("`file` needs a path")?, block)?,
                Kind::Sh => sh(room, &block.body)?,
                Kind::Build | Kind::Error | Kind::Differs => {}
                other => return Err(format!("there is no {other:?} block in tests/oracle")),
            }
        }
        Ok(())
    }

    /// The flags of the `build` block, for both.
    fn flags(&self) -> &[String] {
        self.block(Kind::Build).map_or(&[], |block| &block.args)
    }

    fn tare(&self, room: &Room) -> Result<Made> {
        let archive = room.beside("tare.tar");
        let mut command = room.tare();
        command.args(["build", "--progress", "plain"]).args(self.flags());
        command.arg("--output").arg(format!("type=oci,dest={}", archive.display())).arg(".");
        let output = shell::output(&mut command)?;
        made(&output, || image::listing(&crate::case::image::read(&archive)?))
    }

    fn buildah(&self, room: &Room, storage: &Storage) -> Result<Made> {
        let folder = room.beside("buildah");
        let output = shell::output(&mut storage.build(room, self.flags(), &folder))?;
        made(&output, || image::listing(&image::read_folder(&folder)?))
    }
}

fn made(output: &Output, listing: impl FnOnce() -> Result<Vec<String>>) -> Result<Made> {
    if output.status.success() {
        return listing().map(Made::Image);
    }
    let text = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    Ok(Made::Nothing(text.concat()))
}

fn sh(room: &Room, script: &str) -> Result<()> {
    let mut command = room.command("sh");
    shell::capture(command.arg("-euc").arg(format!("umask 022\n{script}"))).map(drop)
}
