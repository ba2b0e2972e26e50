//! Build constraints: whether a Go file is part of a build, by its name and by the lines at its beginning.
//!
//! For Linux and the compiler `gc`, with cgo off. See "Build constraints" of the go command's documentation.

/// What constraints are asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// `amd64`.
    pub arch: String,
    /// N of Go 1.N.
    pub minor: u64,
    /// `-tags`.
    pub tags: Vec<String>,
}

/// Systems and architectures that mean something at the end of a file's name. Fixed: a new one would change what
/// old code means, so Go adds none without need.
const SYSTEMS: &str = "aix android darwin dragonfly freebsd hurd illumos ios js linux nacl netbsd openbsd plan9 solaris \
    wasip1 windows zos";
const ARCHITECTURES: &str = "386 amd64 amd64p32 arm armbe arm64 arm64be loong64 mips mipsle mips64 mips64le mips64p32 \
    mips64p32le ppc ppc64 ppc64le riscv riscv64 s390 s390x sparc sparc64 wasm";

impl Context {
    /// Whether a tag is set.
    pub fn has(&self, tag: &str) -> bool {
        matches!(tag, "linux" | "unix" | "gc")
            || tag == self.arch
            || self.baseline() == tag
            || tag.strip_prefix("go1.").is_some_and(|n| n.parse::<u64>().is_ok_and(|n| n <= self.minor))
            || self.tags.iter().any(|t| t == tag)
    }

    /// The level that an architecture has unless the build asks for a higher one.
    fn baseline(&self) -> &str {
        match self.arch.as_str() {
            "amd64" => "amd64.v1",
            "arm64" => "arm64.v8.0",
            "386" => "386.sse2",
            "arm" => "arm.7",
            _ => "",
        }
    }
}

/// Whether a file's name lets it take part: `_windows.go` and `_arm64.go` are for those alone.
pub fn name_fits(name: &str, context: &Context) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    // What stands before the first `_` is a name, even if it is `linux`.
    let mut parts: Vec<&str> = stem.split('_').skip(1).collect();
    if parts.last() == Some(&"test") {
        parts.pop();
    }
    match parts[..] {
        [.., system, arch] if is_one_of(SYSTEMS, system) && is_one_of(ARCHITECTURES, arch) => {
            context.has(system) && context.has(arch)
        }
        [.., last] if is_one_of(SYSTEMS, last) || is_one_of(ARCHITECTURES, last) => context.has(last),
        _ => true,
    }
}

fn is_one_of(names: &str, name: &str) -> bool {
    names.split(' ').any(|known| known == name)
}

/// What `//go:build` says; `None` if it is malformed.
pub fn go_build(expression: &str, context: &Context) -> Option<bool> {
    let mut parser = Parser { rest: expression, context, depth: 0 };
    let value = parser.or()?;
    parser.rest.trim_start().is_empty().then_some(value)
}

/// What the lines of `// +build` say together: of each line one word, of that word each part.
pub fn plus_build(lines: &[String], context: &Context) -> bool {
    let part = |part: &str| match part.strip_prefix('!') {
        Some(tag) => !context.has(tag),
        None => context.has(part),
    };
    lines.iter().all(|line| line.split_whitespace().any(|word| word.split(',').all(part)))
}

struct Parser<'a> {
    rest: &'a str,
    context: &'a Context,
    depth: u32,
}

/// Deeper than anybody nests, and far from the end of a stack.
const DEEPEST: u32 = 200;

impl Parser<'_> {
    fn or(&mut self) -> Option<bool> {
        let mut value = self.and()?;
        while self.takes("||") {
            value |= self.and()?;
        }
        Some(value)
    }

    fn and(&mut self) -> Option<bool> {
        let mut value = self.not()?;
        while self.takes("&&") {
            value &= self.not()?;
        }
        Some(value)
    }

    fn not(&mut self) -> Option<bool> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return None;
        }
        let value = if self.takes("!") { !self.not()? } else { self.atom()? };
        self.depth -= 1;
        Some(value)
    }

    fn atom(&mut self) -> Option<bool> {
        if self.takes("(") {
            let value = self.or()?;
            return self.takes(")").then_some(value);
        }
        let end =
            self.rest.find(|c: char| !(c.is_alphanumeric() || "_.".contains(c))).unwrap_or(self.rest.len());
        let (tag, rest) = self.rest.split_at(end);
        self.rest = rest;
        (!tag.is_empty()).then(|| self.context.has(tag))
    }

    fn takes(&mut self, sign: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(sign);
        self.rest = rest.unwrap_or(self.rest).trim_start();
        rest.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context { arch: "amd64".into(), minor: 26, tags: vec!["netgo".into()] }
    }

    #[test]
    fn names() {
        for (name, expected) in [
            ("main.go", true),
            ("main_linux.go", true),
            ("main_windows.go", false),
            ("main_amd64.go", true),
            ("main_arm64.go", false),
            ("main_linux_arm64.go", false),
            ("main_windows_amd64.go", false),
            ("windows.go", true),
            ("windows_amd64.go", true),
            ("a_unix.go", true),
            ("a_linux_test.go", true),
            ("a_darwin_test.go", false),
            ("a_windows.x.go", false),
            ("a_helper_js.go", false),
        ] {
            assert_eq!(name_fits(name, &context()), expected, "{name}");
        }
    }

    #[test]
    fn expressions() {
        for (text, expected) in [
            ("linux", Some(true)),
            ("!linux", Some(false)),
            ("linux && amd64 || windows", Some(true)),
            ("windows && (amd64 || arm64)", Some(false)),
            ("!(windows || darwin) && go1.26", Some(true)),
            ("go1.27", Some(false)),
            ("unix&&gc&&!cgo", Some(true)),
            ("ignore", Some(false)),
            ("netgo", Some(true)),
            ("amd64.v1", Some(true)),
            ("! ! linux", Some(true)),
            ("", None),
            ("linux &&", None),
            ("(linux", None),
            ("linux windows", None),
            ("linux & amd64", None),
        ] {
            assert_eq!(go_build(text, &context()), expected, "{text}");
        }
        assert_eq!(go_build(&"(".repeat(100_000), &context()), None);
        assert_eq!(go_build(&"!".repeat(100_000), &context()), None);
    }

    #[test]
    fn old_lines() {
        for (lines, expected) in [
            (&["linux"][..], true),
            (&["windows linux"], true),
            (&["linux,arm64"], false),
            (&["linux,!arm64 windows"], true),
            (&["linux", "windows"], false),
            (&["ignore"], false),
        ] {
            let lines: Vec<String> = lines.iter().map(|l| l.to_string()).collect();
            assert_eq!(plus_build(&lines, &context()), expected, "{lines:?}");
        }
    }
}
