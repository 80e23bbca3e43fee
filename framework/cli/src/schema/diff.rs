//! `kolo schema diff`: what changed, and who is affected.

use std::io::Write;
use std::path::PathBuf;

use kolo_avro::compat::trouble;
use kolo_avro::diff::{Change, changes};
use kolo_avro::schema::Document;
use kolo_avro::versions::State;
use kolo_core::choreography::Manifest;
use kolo_kafka::Config;
use serde_json::{Value, json};

use super::args::{Diff, Side};
use super::graph::{Services, as_json};
use super::print_json;
use super::project::{Event, Project, hex, record};
use crate::failure::Failure;
use crate::terminal::{DIM, EVENT, harmless, paint};

pub(super) fn run(
    args: &Diff,
    project: &Project,
    config: Option<impl FnOnce() -> Result<Config, Failure>>,
    json: bool,
) -> Result<(), Failure> {
    let (event, files) = split(&args.names)?;
    let services = Services::load(&files, config)?;
    let events = match event {
        Some(name) => vec![project.event(name)?],
        None if args.from.is_some() || args.to != Side::Working => {
            return Err(Failure::input(
                "--from and --to are versions of one event: name it, as in `kolo schema diff OrderCreated --from 1`",
            ));
        }
        None => project.events().filter(is_changed).collect(),
    };
    let pairs: Result<Vec<Pair<'_>>, Failure> =
        events.iter().map(|event| Pair::of(event, args)).collect();
    let pairs: Vec<Pair<'_>> = pairs?;
    if json {
        let rows = pairs.iter().map(|pair| pair.row(&services));
        return print_json(&Value::Array(rows.collect()));
    }
    let mut out = anstream::stdout().lock();
    if pairs.is_empty() {
        writeln!(
            out,
            "no schema differs from its newest published version in more than documentation and marks"
        )?;
    }
    for pair in &pairs {
        pair.print(&mut out, &services)?;
    }
    Ok(())
}

/// Whether it differs from its newest version in more than documentation and marks, which make no version.
fn is_changed(event: &Event<'_>) -> bool {
    let newest = event.versions().last().map(|version| version.number);
    !matches!(event.state(), State::Published { version } if Some(version) == newest)
}

/// The event, if one is named, and the manifests.
fn split(names: &[String]) -> Result<(Option<&str>, Vec<PathBuf>), Failure> {
    let is_manifest = |name: &str| {
        let ending = PathBuf::from(name);
        name == "-" || ending.extension().is_some_and(|end| end == "json")
    };
    let (files, events): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| is_manifest(name));
    match events.as_slice() {
        [] | [_] => Ok((
            events.first().map(|name| name.as_str()),
            files.into_iter().map(PathBuf::from).collect(),
        )),
        [_, other, ..] => Err(Failure::input(format!(
            "one event is compared at a time, and `{other}` is a second one; a manifest ends in .json, or is `-`"
        ))),
    }
}

/// Two sides of an event.
struct Pair<'p> {
    event: &'p Event<'p>,
    /// `None` where nothing is published yet.
    old: Option<(u32, Document)>,
    new: (Side, Document),
    fingerprint: u64,
    changes: Vec<Change>,
}

impl<'p> Pair<'p> {
    fn of(event: &'p Event<'p>, args: &Diff) -> Result<Self, Failure> {
        let from = match args.from {
            Some(number) => Some(event.version(number)?),
            None => event.versions().last(),
        };
        let old = from.map(|version| (version.number, version.document.clone()));
        let (document, fingerprint) = event.side(args.to)?;
        let changed = old.as_ref().map(|(_, old)| changes(old, &document));
        Ok(Pair {
            event,
            old,
            new: (args.to, document),
            fingerprint,
            changes: changed.unwrap_or_default(),
        })
    }

    /// Whether it matters to readers: what is on the wire differs, or may.
    fn is_on_the_wire(&self) -> bool {
        let mut changes = self.changes.iter();
        changes.any(|change| !change.what.is_off_the_wire())
    }

    fn new_name(&self) -> String {
        match self.new.0 {
            Side::Working => "the working schema".to_owned(),
            Side::Version(number) => format!("version {number}"),
        }
    }

    fn print(&self, out: &mut impl Write, services: &Services) -> Result<(), Failure> {
        let name = paint(EVENT, self.event.name());
        let Some((number, old)) = &self.old else {
            writeln!(out, "{name}: new, no version is published yet")?;
            return Ok(());
        };
        writeln!(out, "{name}: version {number} -> {}", self.new_name())?;
        if self.changes.is_empty() {
            writeln!(out, "  nothing has changed")?;
            return Ok(());
        }
        for change in &self.changes {
            writeln!(out, "  {change}")?;
        }
        if !self.is_on_the_wire() {
            writeln!(out, "{}", paint(DIM, "  nothing of it is on the wire"))?;
            return Ok(());
        }
        let verdict = |reader, writer| match trouble(reader, writer) {
            None => "yes".to_owned(),
            Some(problem) => format!("no: {problem}"),
        };
        let new = &self.new.1;
        let reads_old = match self.upcast() {
            Some(version) => format!("yes, by the upcast of version {version}"),
            None => verdict(new, old),
        };
        writeln!(out, "  new reads old: {reads_old}")?;
        writeln!(
            out,
            "  old reads new, once it is published to it: {}",
            verdict(old, new)
        )?;
        for build in services.builds() {
            for reader in build.readers(self.event.name()) {
                let fate = harmless(&self.fate(build));
                writeln!(out, "  {} {fate}", harmless(&format!("read by {reader}:")))?;
            }
        }
        for writer in services.writers(self.event.name()) {
            writeln!(out, "  {}", harmless(&format!("written by {writer}")))?;
        }
        Ok(())
    }

    /// The first upcast between the two sides.
    fn upcast(&self) -> Option<u32> {
        let (old, _) = self.old.as_ref()?;
        let (working, _) = self.event.side(Side::Working).ok()?;
        let properties = record(&working, self.event.name())?.event.as_ref()?;
        let is_older = |upcast: u32| match self.new.0 {
            Side::Working => true,
            Side::Version(new) => upcast < new,
        };
        let mut upcasts = properties.upcasts.iter().copied();
        upcasts.find(|upcast| old <= upcast && is_older(*upcast))
    }

    /// What a build that runs makes of the new side.
    fn fate(&self, build: &Manifest) -> String {
        let name = self.new_name();
        match self.reads(build) {
            Some(true) => format!("its build reads {name}"),
            Some(false) if self.resolves(build) => format!(
                "its build resolves {name} by way of a schema registry; without one, deploy it again before the writer"
            ),
            Some(false) => {
                format!("its build cannot read {name}: deploy it again before the writer")
            }
            None => "its manifest does not tell which versions it reads".to_owned(),
        }
    }

    /// Whether a build reads the new side; `None` where it does not tell.
    fn reads(&self, build: &Manifest) -> Option<bool> {
        let versions = &build.event(self.event.name())?.versions;
        (!versions.is_empty()).then(|| versions.contains(&hex(self.fingerprint)))
    }

    /// Whether a build that does not read the new side resolves it, if a schema registry tells it of it.
    fn resolves(&self, build: &Manifest) -> bool {
        let known = build.event(self.event.name());
        let known = known.filter(|known| known.resolves);
        let reader = known.and_then(|known| Document::parse(&known.schema).ok());
        reader.is_some_and(|reader| trouble(&reader, &self.new.1).is_none())
    }

    fn row(&self, services: &Services) -> Value {
        let readers = services.builds().iter().flat_map(|build| {
            let found = build.readers(self.event.name()).into_iter();
            found.map(|reader| {
                let mut row = as_json(&reader);
                row["reads_new"] = json!(self.reads(build));
                row["resolves_new"] = json!(self.resolves(build));
                row
            })
        });
        let new = &self.new.1;
        let old = self.old.as_ref().map(|(_, old)| old);
        json!({
            "event": self.event.name(),
            "from": self.old.as_ref().map(|(number, _)| number),
            "to": match self.new.0 {
                Side::Working => json!("working"),
                Side::Version(number) => json!(number),
            },
            "changes": self.changes.iter().map(|change| json!({
                "place": change.place,
                "change": change.what.to_string(),
                "on_the_wire": !change.what.is_off_the_wire(),
            })).collect::<Vec<_>>(),
            "new_reads_old": old.map(|old| self.upcast().is_some() || trouble(new, old).is_none()),
            "old_reads_new": old.map(|old| trouble(old, new).is_none()),
            "readers": readers.collect::<Vec<_>>(),
            "writers": services.writers(self.event.name()).iter().map(as_json).collect::<Vec<_>>(),
        })
    }
}
