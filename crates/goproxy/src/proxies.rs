//! GOPROXY to the proxies to ask, one after the other.
//!
//! After `,` the next one is asked if this one says 404 or 410; after `|`, whatever is wrong with this
//! one. `off` and `direct` end the list. See <https://go.dev/ref/mod#goproxy-protocol>.

use crate::error::{Error, Kind, Result};
use crate::module::Module;
use crate::settings::Settings;
use crate::url::{Scheme, Url};

/// GOPROXY, read.
#[derive(Debug)]
pub(crate) struct Proxies {
    list: Vec<Entry>,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Entry {
    place: Place,
    /// Any error leads to the next entry.
    is_optional: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Place {
    Proxy(Url),
    /// The module's own version control, which we don't speak.
    Direct,
    Off,
}

impl Proxies {
    /// The proxies for a module.
    ///
    /// # Errors
    /// `Settings` if the list is broken, or the module is not to be asked of a proxy.
    pub(crate) fn of(settings: &Settings, module: &Module) -> Result<Proxies> {
        let text = settings.proxy();
        if settings.skips_proxy(&module.path) {
            let message = format!("GONOPROXY or GOPRIVATE keep `{}` from all proxies", module.path);
            return Err(Error::new(Kind::Settings, message).or_help(format!(
                "tare downloads from proxies alone: take `{}` out of these patterns",
                module.path
            )));
        }
        Ok(Proxies { list: parse(&text)?, text })
    }

    /// Whether GOPROXY is a single `file://` address, which the go command trusts for its toolchain.
    pub(crate) fn is_one_file(&self) -> bool {
        self.text.starts_with("file://") && !self.text.contains([',', '|'])
    }

    /// Asks one proxy after the other until one has it.
    ///
    /// # Errors
    /// The most telling one: another than "not found" if there is any.
    pub(crate) fn each<T>(&self, mut ask: impl FnMut(&Url) -> Result<T>) -> Result<T> {
        let mut best: Option<Error> = None;
        for entry in &self.list {
            let error = match &entry.place {
                Place::Proxy(url) => match ask(url) {
                    Ok(done) => return Ok(done),
                    Err(error) => error,
                },
                Place::Direct => direct(),
                Place::Off => off(),
            };
            let is_last = !entry.is_optional && !error.is_absent;
            // What a proxy said tells more than that the list ended.
            if best.as_ref().is_none_or(|best| best.is_absent && matches!(entry.place, Place::Proxy(_))) {
                best = Some(error);
            }
            if is_last {
                break;
            }
        }
        Err(best.expect("the list has an entry"))
    }

    /// The first proxy that says yes; none if the list comes to an end, to `direct` or to `off` before.
    ///
    /// # Errors
    /// If a proxy fails that the list does not allow to fail.
    pub(crate) fn first(&self, mut ask: impl FnMut(&Url) -> Result<()>) -> Result<Option<Url>> {
        for entry in &self.list {
            let Place::Proxy(url) = &entry.place else { return Ok(None) };
            match ask(url) {
                Ok(()) => return Ok(Some(url.clone())),
                Err(error) if error.is_absent || entry.is_optional => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

fn parse(text: &str) -> Result<Vec<Entry>> {
    let mut list = Vec::new();
    for part in text.split_inclusive([',', '|']) {
        let word = part.trim_end_matches([',', '|']).trim();
        if word.is_empty() {
            continue;
        }
        let place = match word {
            "off" => Place::Off,
            "direct" => Place::Direct,
            _ => Place::Proxy(parse_url(word)?),
        };
        let is_end = !matches!(place, Place::Proxy(_));
        list.push(Entry { place, is_optional: part.ends_with('|') });
        if is_end {
            break;
        }
    }
    if list.is_empty() {
        return Err(bad("it has no entry"));
    }
    Ok(list)
}

fn parse_url(word: &str) -> Result<Url> {
    let is_bare_host = word.contains(['.', ':', '/']) && !word.contains(":/") && !word.starts_with('/');
    let url = if is_bare_host { Url::parse(&format!("https://{word}")) } else { Url::parse(word) };
    let url = url.map_err(bad)?;
    if url.scheme == Scheme::Http && url.login.is_some() {
        return Err(bad("a login in an http:// address would be sent in the clear"));
    }
    Ok(url)
}

fn bad(why: &str) -> Error {
    Error::new(Kind::Settings, format!("use GOPROXY: {why}"))
        .or_help("GOPROXY is a list such as `https://proxy.golang.org,direct`; see `go help goproxy`")
}

fn off() -> Error {
    Error::new(Kind::Settings, "GOPROXY=off forbids downloads").or_help("set GOPROXY to a Go module proxy")
}

fn direct() -> Error {
    Error::new(Kind::Settings, "GOPROXY says `direct`, but tare downloads from proxies alone").or_help(
        "put a Go module proxy before `direct` in GOPROXY, such as `https://proxy.golang.org,direct`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::toolchain;
    use crate::testing::Scratch;

    fn proxies(list: &str) -> Result<Proxies> {
        let env = Scratch::new().env(&[("GOPROXY", list)]);
        Proxies::of(&Settings::read(&env), &toolchain("1.26.8", "linux", "amd64"))
    }

    fn absent() -> Error {
        Error { is_absent: true, ..Error::new(Kind::NotFound, "absent") }
    }

    /// Which hosts are asked, where `a…` has nothing, `b…` is broken and `y…` is fine.
    fn asked(list: &str) -> (Vec<String>, Result<(), Kind>) {
        let mut asked = Vec::new();
        let result = proxies(list).unwrap().each(|url| {
            asked.push(url.host.clone());
            match &url.host[..1] {
                "a" => Err(absent()),
                "b" => Err(Error::new(Kind::Network, "broken")),
                _ => Ok(()),
            }
        });
        (asked, result.map_err(|e| e.kind))
    }

    #[track_caller]
    fn check(list: &str, expected: &[&str], result: Result<(), Kind>) {
        let (hosts, got) = asked(list);
        assert_eq!(
            (hosts.iter().map(String::as_str).collect::<Vec<_>>(), got),
            (expected.to_vec(), result),
            "{list}"
        );
    }

    #[test]
    fn a_comma_goes_on_after_absence_alone_and_a_bar_after_anything() {
        check("https://y.test,https://z.test", &["y.test"], Ok(()));
        check("https://a.test,https://y.test", &["a.test", "y.test"], Ok(()));
        check("https://b.test,https://y.test", &["b.test"], Err(Kind::Network));
        check("https://b.test|https://y.test", &["b.test", "y.test"], Ok(()));
        check("https://a.test|https://y.test", &["a.test", "y.test"], Ok(()));
        check(" https://a.test , , y.test/go ", &["a.test", "y.test"], Ok(()));
    }

    #[test]
    fn the_most_telling_error_wins() {
        check("https://a.test,direct", &["a.test"], Err(Kind::NotFound));
        check("https://a.test,https://b.test", &["a.test", "b.test"], Err(Kind::Network));
        check("https://b.test|https://a.test", &["b.test", "a.test"], Err(Kind::Network));
        check("off", &[], Err(Kind::Settings));
        check("direct,https://y.test", &[], Err(Kind::Settings));
        check("off|https://y.test", &[], Err(Kind::Settings));
    }

    #[test]
    fn a_broken_list_is_refused_without_showing_passwords() {
        for list in [
            ",",
            " | ",
            "word",
            "ftp://x.test",
            "/abs",
            "https://y.test,http://me:secret@x.test",
            "http://me:se cret@x.test",
        ] {
            let error = proxies(list).unwrap_err();
            assert_eq!(error.kind, Kind::Settings, "{list}");
            assert!(!error.to_string().contains("cret"), "{error}");
        }
    }

    #[test]
    fn a_module_may_be_kept_from_proxies() {
        let env = Scratch::new().env(&[("GOPRIVATE", "golang.org/*")]);
        let error = Proxies::of(&Settings::read(&env), &toolchain("1.26.8", "linux", "amd64")).unwrap_err();
        assert_eq!(error.kind, Kind::Settings);
    }

    #[test]
    fn one_file_is_one_file() {
        assert!(proxies("file:///a").unwrap().is_one_file());
        for list in ["file:///a,off", "file:///a|file:///b", "https://y.test"] {
            assert!(!proxies(list).unwrap().is_one_file(), "{list}");
        }
    }

    #[test]
    fn the_first_that_agrees_is_taken() {
        let first = |list: &str| {
            let found = proxies(list).unwrap().first(|url| match &url.host[..1] {
                "a" => Err(absent()),
                "b" => Err(Error::new(Kind::Network, "broken")),
                _ => Ok(()),
            });
            found.map(|url| url.map(|url| url.host)).map_err(|e| e.kind)
        };
        assert_eq!(first("https://a.test,https://y.test"), Ok(Some("y.test".to_owned())));
        assert_eq!(first("https://a.test,direct"), Ok(None));
        assert_eq!(first("https://b.test|direct"), Ok(None));
        assert_eq!(first("https://b.test,direct"), Err(Kind::Network));
        assert_eq!(first("https://a.test"), Ok(None));
    }
}
