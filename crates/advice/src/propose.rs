//! A context, its Dockerfile and what is known of its steps to the lines that its ignore file lacks.
//!
//! What is there stays first and unchanged. Nothing is proposed that hides what a COPY names: such a path is taken
//! back in, or the pattern is left out. At the end all is checked once more with the matcher that builds use: a source
//! that found something finds something still.

use dockerfile::Patterns;
use dockerfile::pattern::Pattern;
use plan::Plan;

use crate::catalog::{Care, GROUPS, Group, Item};
use crate::listing::{Listing, is_below};
use crate::named::{self, Named, Standing};
use crate::project::Project;
use crate::reads::{Reads, Used, used};

/// What a proposal is made from.
pub struct Subject<'a> {
    /// The target's plan first; then those of other stages, and of other Dockerfiles with the same ignore file.
    pub plans: &'a [Plan],
    /// What is known of the last build of the first plan.
    pub reads: Option<&'a Reads>,
    /// What the build sees today.
    pub listing: &'a Listing,
    /// The ignore file's text.
    pub own: &'a str,
    /// The same, read.
    pub patterns: &'a Patterns,
    /// What is in the folder.
    pub project: &'a Project,
    /// Whether other Dockerfiles go by the same ignore file, of whose builds nothing is known here.
    pub is_shared: bool,
}

/// What is proposed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proposal {
    /// The whole file; the one that is there, if there is nothing to add.
    pub text: String,
    /// What each group of new lines leaves out.
    pub left: Vec<Left>,
    /// Files that are left, and their bytes.
    pub after: (usize, u64),
    /// What isn't proposed, and why.
    pub notes: Vec<String>,
}

/// What a group of lines leaves out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Why.
    pub reason: String,
    /// Its lines.
    pub patterns: Vec<String>,
    /// How many files.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

/// More names than this in one group are no help to whoever reads the file.
const MOST_NAMES: usize = 40;

/// A pattern that has to be taken back this often is not worth it.
const MOST_KEPT: usize = 8;

const UNREAD: &str = "No step of the last build has read these.";
const UNCOPIED: &str = "No instruction copies these.";
const KEPT: &str = "But these are part of the build.";
const HEAD: &str = "# What the build does not see: changes in it build nothing again.\n";

/// Makes a proposal.
pub fn propose(subject: &Subject) -> Proposal {
    let mut draft = Draft::of(subject);
    GROUPS.iter().filter(|group| (group.is_for)(subject.project)).for_each(|group| draft.group(group));
    draft.uncopied();
    draft.unread();
    draft.embedded();
    draft.check();
    draft.finish()
}

struct Draft<'a> {
    subject: &'a Subject<'a>,
    sources: Vec<Named>,
    used: Option<Used>,
    groups: Vec<Left>,
    /// Paths that a new pattern matches.
    roots: Vec<String>,
    /// What is taken back in.
    kept: Vec<String>,
    notes: Vec<String>,
}

/// Why a path stays.
enum Stay {
    Quietly,
    For(String),
}

impl<'a> Draft<'a> {
    fn of(subject: &'a Subject<'a>) -> Draft<'a> {
        let mut sources = named::sources(subject.plans);
        let taken_back = subject.patterns.rules().iter().filter(|rule| rule.negated);
        sources.extend(taken_back.filter_map(|rule| Named::parse(rule.pattern.as_str())));
        let used =
            subject.reads.zip(subject.plans.first()).map(|(reads, plan)| used(plan, reads, subject.listing));
        let (groups, roots, kept, notes) = Default::default();
        Draft { subject, sources, used, groups, roots, kept, notes }
    }

    fn group(&mut self, group: &Group) {
        let mut left = Left { reason: group.reason.to_owned(), ..Left::default() };
        for item in group
            .items()
            .filter(|item| !item.is_if_ignored || self.subject.project.is_git_ignored(item.pattern))
        {
            if self.takes(group, &item) {
                left.patterns.push(item.pattern.to_owned());
            }
        }
        self.add(left);
    }

    fn add(&mut self, left: Left) {
        match self.groups.iter_mut().find(|known| known.reason == left.reason) {
            Some(known) => known.patterns.extend(left.patterns),
            None if left.patterns.is_empty() => {}
            None => self.groups.push(left),
        }
    }

    /// Whether a pattern of the table is proposed; if some of what it matches stays, that is noted.
    fn takes(&mut self, group: &Group, item: &Item) -> bool {
        let pattern = Pattern::parse(item.pattern).expect("a test reads the whole table");
        let roots = self.matched(&pattern);
        if roots.is_empty() {
            let sample = sample(item.pattern);
            return item.is_always
                && !self.subject.patterns.matches(&sample)
                && self.stays(group.care, &sample).is_none();
        }
        let stays: Vec<(String, Stay)> =
            roots.iter().filter_map(|root| Some((root.clone(), self.stays(group.care, root)?))).collect();
        for (root, stay) in &stays {
            if let Stay::For(why) = stay {
                self.notes.push(format!("`{root}` stays: {why}"));
            }
        }
        if stays.len() == roots.len() || stays.len() > MOST_KEPT {
            return false;
        }
        self.kept.extend(stays.into_iter().filter_map(|(root, _)| escaped(&root)));
        self.roots.extend(roots);
        true
    }

    /// The outermost paths that a pattern matches.
    fn matched(&self, pattern: &Pattern) -> Vec<String> {
        let mut roots: Vec<String> = Vec::new();
        for entry in &self.subject.listing.entries {
            if !roots.last().is_some_and(|root| is_below(&entry.path, root)) && pattern.matches(&entry.path) {
                roots.push(entry.path.clone());
            }
        }
        roots
    }

    /// Why a path must not be hidden.
    fn stays(&self, care: Care, path: &str) -> Option<Stay> {
        if self.is_named(care, path) {
            return Some(Stay::Quietly);
        }
        let read = self
            .used
            .as_ref()
            .and_then(|used| used.content.iter().find(|(read, _)| read == path || is_below(read, path)));
        if let Some((read, by)) = read.filter(|_| care == Care::Doubt || !is_test(path)) {
            return Some(Stay::For(format!("`{by}` has read `{read}` in the last build")));
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let is_source = || self.subject.project.is_go() && self.has_packages(path);
        let in_doubt = care == Care::Doubt && (self.subject.project.mentions(name) || is_source());
        in_doubt.then_some(Stay::Quietly)
    }

    fn is_named(&self, care: Care, path: &str) -> bool {
        let counts = |source: &&Named| !source.is_whole() && (!source.is_open() || care == Care::Doubt);
        let mut sources = self.sources.iter().filter(counts);
        sources.any(|source| matches!(source.standing(path), Standing::Same | Standing::Above))
    }

    fn has_packages(&self, path: &str) -> bool {
        let is_go = |path: &str| path.ends_with(".go") && !path.ends_with("_test.go");
        is_go(path) || self.subject.listing.below(path).any(|entry| is_go(&entry.path))
    }

    /// Where every instruction names what it takes, the rest at the top is of no use.
    fn uncopied(&mut self) {
        let is_told = !self.sources.is_empty() && !self.sources.iter().any(|s| s.is_whole() || s.is_open());
        if !is_told || self.subject.is_shared {
            return;
        }
        let apart = |path: &str| self.sources.iter().all(|s| s.standing(path) == Standing::Apart);
        let rest = self.visible();
        let names = rest.top().filter(|entry| apart(&entry.path)).map(|entry| entry.path.clone()).collect();
        self.names(UNCOPIED, names);
    }

    fn unread(&mut self) {
        if self.subject.is_shared {
            return;
        }
        let rest = self.visible();
        let names = self.used.as_ref().map(|used| used.unused(&rest)).unwrap_or_default();
        let names = names.into_iter().filter(|path| !self.is_named(Care::Doubt, path)).collect();
        self.names(UNREAD, names);
    }

    fn names(&mut self, reason: &str, mut names: Vec<String>) {
        if names.len() > MOST_NAMES {
            let folders = &self.subject.listing;
            names.retain(|name| folders.find(name).is_some_and(|entry| entry.is_dir));
        }
        if names.len() <= MOST_NAMES {
            let patterns = names.iter().filter_map(|name| escaped(name)).collect();
            self.roots.extend(names);
            self.add(Left { reason: reason.to_owned(), patterns, ..Left::default() });
        }
    }

    /// What `//go:embed` takes in of what would be hidden, and vendored packages as they are.
    fn embedded(&mut self) {
        let Some(embedded) = self.subject.project.embedded.as_ref().filter(|_| self.subject.project.is_go())
        else {
            return;
        };
        for root in &self.roots {
            self.kept.extend(embedded.taking(root).map(str::to_owned));
        }
        if self.subject.listing.find("vendor/modules.txt").is_some()
            && self.roots.iter().any(|r| is_below(r, "vendor"))
        {
            self.kept.push("vendor".to_owned());
        }
        self.kept.sort();
        self.kept.dedup();
    }

    /// What is left of the context.
    fn visible(&self) -> Listing {
        let (added, _) = self.lines();
        self.subject.listing.without(&self.hidden(&added))
    }

    fn hidden(&self, added: &str) -> Vec<Option<u32>> {
        let patterns = Patterns::parse(added.as_bytes()).unwrap_or_default();
        self.subject.listing.hidden(&patterns)
    }

    /// The new lines, and for each the group that it is of.
    fn lines(&self) -> (String, Vec<Option<usize>>) {
        let (mut out, mut groups) = (String::new(), Vec::new());
        let mut line = |text: String, group: Option<usize>| {
            out += &(text + "\n");
            groups.push(group);
        };
        for (number, group) in self.groups.iter().enumerate().filter(|(_, group)| !group.patterns.is_empty())
        {
            line(String::new(), None);
            line(format!("# {}", group.reason), None);
            group.patterns.iter().for_each(|pattern| line(pattern.clone(), Some(number)));
        }
        if !self.kept.is_empty() {
            line(String::new(), None);
            line(format!("# {KEPT}"), None);
            self.kept.iter().for_each(|path| line(format!("!{path}"), None));
        }
        (out, groups)
    }

    /// Takes patterns out until every source that found something still does.
    fn check(&mut self) {
        loop {
            let (added, groups) = self.lines();
            let hidden = self.hidden(&added);
            let rest = self.subject.listing.without(&hidden);
            let lost = |source: &&Named| source.finds(self.subject.listing) && !source.finds(&rest);
            let Some(source) = self.sources.iter().find(lost) else { return };
            let entries = self.subject.listing.entries.iter().zip(&hidden);
            let is_its = |path: &str| matches!(source.standing(path), Standing::Same | Standing::Below);
            let by =
                entries.filter(|(entry, _)| !entry.is_dir && is_its(&entry.path)).find_map(|(_, by)| *by);
            let line = by.map(|line| line as usize - 1);
            let Some((line, group)) = line.and_then(|line| Some((line, groups[line]?))) else { return };
            let first =
                groups.iter().position(|of| *of == Some(group)).expect("the line is one of its group's");
            self.groups[group].patterns.remove(line - first);
        }
    }

    fn finish(mut self) -> Proposal {
        self.groups.retain(|group| !group.patterns.is_empty());
        if self.groups.is_empty() {
            let (text, after) = (self.subject.own.to_owned(), self.subject.listing.size());
            return Proposal { text, after, notes: self.notes, left: Vec::new() };
        }
        let (added, groups) = self.lines();
        let hidden = self.hidden(&added);
        for (entry, by) in self.subject.listing.entries.iter().zip(&hidden).filter(|(entry, _)| !entry.is_dir)
        {
            if let Some(group) = by.and_then(|line| groups[line as usize - 1]) {
                self.groups[group].files += 1;
                self.groups[group].bytes += entry.size;
            }
        }
        let after = self.subject.listing.without(&hidden).size();
        Proposal { text: joined(self.subject.own, &added), left: self.groups, after, notes: self.notes }
    }
}

fn joined(own: &str, added: &str) -> String {
    match own {
        "" => format!("{HEAD}{added}"),
        own if own.ends_with('\n') => format!("{own}{added}"),
        own => format!("{own}\n{added}"),
    }
}

/// A name that a pattern of the table matches.
fn sample(pattern: &str) -> String {
    let name = pattern.trim_start_matches("**/");
    if name.ends_with(".*") { name.replace('*', "local") } else { name.replace('*', "") }
}

fn is_test(path: &str) -> bool {
    path.ends_with("_test.go")
}

/// A path as a pattern that matches nothing else; none if no line can say it.
fn escaped(path: &str) -> Option<String> {
    let is_odd = path.chars().any(|c| c.is_control() || c == char::REPLACEMENT_CHARACTER);
    if is_odd || path.starts_with(['#', '!']) || path.trim() != path {
        return None;
    }
    Some(path.chars().flat_map(|c| "*?[\\".contains(c).then_some('\\').into_iter().chain([c])).collect())
}

#[cfg(test)]
mod tests;
