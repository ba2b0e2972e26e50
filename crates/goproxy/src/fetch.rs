//! A module and a file to write to, to a checked zip in that file and its hash.
//!
//! Whether and by what the zip is checked:
//!
//! | module | checked by |
//! |---|---|
//! | with a known sum | that sum, nothing else |
//! | `golang.org/toolchain`, GOPROXY one `file://` address | nothing: it is the user's own build |
//! | `golang.org/toolchain` | the checksum database, whatever GONOSUMDB and GOPRIVATE say |
//! | any other, GOSUMDB=off or named by GONOSUMDB | nothing |
//! | any other | the checksum database |
//!
//! The database is asked while the zip is being hashed; what forbids asking is found out before the
//! download.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use transport::Client;

use crate::auth::Auth;
use crate::error::{Error, Kind, Result};
use crate::module::{Module, TOOLCHAIN};
use crate::proxies::Proxies;
use crate::settings::Settings;
use crate::state::State;
use crate::sum::Sum;
use crate::sumdb::{Database, Sumdb};
use crate::url::Url;
use crate::web::Web;
use crate::zip::{MAX_ZIP, Zip};

/// Hears how far a download has got.
pub trait Progress: Sync {
    /// Bytes that have come, of so many if the server says so. Goes back to 0 when it starts again.
    fn at(&self, done: u64, total: Option<u64>);
}

/// Nobody listens.
impl Progress for () {
    fn at(&self, _: u64, _: Option<u64>) {}
}

/// Downloads modules.
#[derive(Debug)]
pub struct Fetcher {
    client: Client,
    settings: Settings,
    state: PathBuf,
    /// The wait before the second try; doubles each time.
    pub(crate) backoff: Duration,
}

/// What a zip is checked against.
enum Check<'a> {
    Known(&'a Sum),
    Database(Sumdb),
    Nothing,
}

impl Fetcher {
    /// A fetcher that goes where `settings` say.
    ///
    /// `state` is a folder for what has to outlive a run: the newest signed tree of each checksum
    /// database, which makes a rewritten history show, and its tiles. It is made if it is missing, and
    /// several processes may share it.
    pub fn new(client: Client, settings: Settings, state: PathBuf) -> Fetcher {
        Fetcher { client, settings, state, backoff: Duration::from_millis(250) }
    }

    /// Downloads a module's zip into `out`, which is emptied before, and checks it against `known`, if
    /// given, else against the checksum database. `out` has to be open for reading, too.
    ///
    /// After an `Ok`, `out` holds a zip that [`Zip::open`] takes and that has this sum. After an `Err`,
    /// what is in `out` is not to be trusted.
    ///
    /// # Errors
    /// See [`Kind`].
    pub fn fetch(
        &self,
        module: &Module,
        known: Option<&Sum>,
        out: &mut File,
        progress: &dyn Progress,
    ) -> Result<Sum, Error> {
        let web = Web::new(&self.client, Auth::of(&self.settings)?, self.backoff);
        let proxies = Proxies::of(&self.settings, module)?;
        let check = self.check_for(module, known, &proxies)?;
        proxies.each(|base| download(&web, base, module, out, progress)).map_err(|e| explain(e, module))?;
        self.verify(&web, &proxies, module, check, out)
    }

    fn check_for<'a>(&self, module: &Module, known: Option<&'a Sum>, proxies: &Proxies) -> Result<Check<'a>> {
        if let Some(known) = known {
            return Ok(Check::Known(known));
        }
        let must = module.path == TOOLCHAIN && !proxies.is_one_file();
        let is_off = self.settings.sumdb() == "off";
        if must && is_off {
            return Err(forbidden(module));
        }
        if !must && (module.path == TOOLCHAIN || is_off || self.settings.skips_sumdb(&module.path)) {
            return Ok(Check::Nothing);
        }
        Sumdb::parse(&self.settings.sumdb()).map(Check::Database)
    }

    fn verify(
        &self,
        web: &Web<'_>,
        proxies: &Proxies,
        module: &Module,
        check: Check<'_>,
        out: &File,
    ) -> Result<Sum> {
        let hash = || hash(module, out);
        match check {
            Check::Nothing => hash(),
            Check::Known(known) => hash().and_then(|sum| same(module, sum, *known, "tare.lock")),
            Check::Database(sumdb) => {
                let look_up = || self.look_up(web, proxies, module, &sumdb);
                let (found, sum) = thread::scope(|scope| {
                    let found = scope.spawn(look_up);
                    let sum = hash();
                    (found.join().expect("the lookup does not panic"), sum)
                });
                let verifying = |e: Error| e.during(format_args!("verify `{module}`"));
                same(module, sum?, found.map_err(verifying)?, sumdb.key.name())
            }
        }
    }

    fn look_up(&self, web: &Web<'_>, proxies: &Proxies, module: &Module, sumdb: &Sumdb) -> Result<Sum> {
        let base = sumdb.base(web, proxies)?;
        let state = State::new(&self.state, sumdb.key.name());
        Database { web, base, key: &sumdb.key, state: &state }.look_up(module)
    }
}

/// One module from one proxy, from the start.
fn download(
    web: &Web<'_>,
    base: &Url,
    module: &Module,
    out: &mut File,
    progress: &dyn Progress,
) -> Result<()> {
    let (path, version) = module.escaped()?;
    let url = base.join(&format!("{path}/@v/{version}.zip"));
    web.patiently(|| {
        let answer = web.open(&url)?;
        if answer.length.is_some_and(|length| length > MAX_ZIP) {
            return Err(too_large());
        }
        out.set_len(0).and_then(|()| out.rewind()).map_err(|e| Error::file("write the zip", &e))?;
        progress.at(0, answer.length);
        copy(answer.body, answer.length, out, progress)
    })
    .map_err(|e| e.during(format_args!("download `{module}`")))
}

fn copy(
    mut from: Box<dyn Read + '_>,
    total: Option<u64>,
    out: &mut File,
    progress: &dyn Progress,
) -> Result<()> {
    let mut buffer = vec![0; 128 << 10];
    let mut done = 0;
    loop {
        let count = match from.read(&mut buffer) {
            Ok(count) => count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(cut(&e.to_string())),
        };
        if count == 0 {
            return if total.is_none_or(|total| total == done) { Ok(()) } else { Err(cut("it ended early")) };
        }
        done += count as u64;
        if done > MAX_ZIP {
            return Err(too_large());
        }
        out.write_all(&buffer[..count]).map_err(|e| Error::file("write the zip", &e))?;
        progress.at(done, total);
    }
}

fn hash(module: &Module, out: &File) -> Result<Sum> {
    let reading = |e: io::Error| match e.raw_os_error() {
        Some(_) => Error::file(format_args!("read the zip of `{module}`"), &e),
        None => Error::new(Kind::Zip, format!("read the zip of `{module}`: {e}")),
    };
    Zip::open(out.try_clone().map_err(reading)?, module)?.sum().map_err(reading)
}

fn same(module: &Module, sum: Sum, expected: Sum, source: &str) -> Result<Sum> {
    if sum == expected {
        return Ok(sum);
    }
    let message =
        format!("verify `{module}`: the download has the checksum {sum}, but {source} says {expected}");
    Err(Error::new(Kind::Mismatch, message).or_help(
        "something on the way has changed the download, or it was changed after it was first seen: \
         do not use it, and find out which proxy sent it",
    ))
}

fn explain(error: Error, module: &Module) -> Error {
    match error.kind {
        Kind::NotFound => error.or_help(format!(
            "there may be no `{module}`, or the proxy does not offer it: check the version, and GOPROXY"
        )),
        Kind::Network => error.or_help(
            "try again, or set HTTPS_PROXY if the way out is a web proxy, or GOPROXY to a Go module proxy \
             that can be reached from here",
        ),
        Kind::Denied => error.or_help("give the proxy's login in ~/.netrc, or see `go help goauth`"),
        _ => error,
    }
}

fn forbidden(module: &Module) -> Error {
    let message = format!("verify `{module}`: GOSUMDB=off forbids to ask the checksum database");
    Error::new(Kind::Settings, message).or_help(
        "Go's toolchain is always checked: unset GOSUMDB, or use a tare.lock that has the toolchain's checksum",
    )
}

fn too_large() -> Error {
    Error::new(Kind::Zip, format!("it has more than the {MAX_ZIP} bytes that Go allows"))
}

fn cut(why: &str) -> Error {
    let mut error = Error::new(Kind::Network, format!("the connection broke ({why})"));
    error.again = Some(Duration::ZERO);
    error
}

#[cfg(test)]
mod tests;
