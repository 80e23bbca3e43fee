//! The working schemas against all that was published.

pub(crate) mod eras;

use crate::compat::{self, Incompatibility, Rule};
use crate::schema::published::{Published, Version};
use crate::schema::{Document, Named, SchemaError, Tree, TreeEvent, write};

/// What a working schema and a published version must be to each other; the names are those of schema registries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Anything.
    None,
    /// The working schema reads what was written with the version: records that are in the log stay readable.
    Backward,
    /// Programs that keep the version's schema read what is written with the working one.
    Forward,
    /// Both.
    Full,
}

/// Something that a working schema breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Full name of the event.
    pub event: String,
    /// The published version; 1 is the first.
    pub version: u32,
    /// What is broken.
    pub breaks: Breaks,
    /// The rule of Avro, where one is.
    pub rule: Option<Rule>,
    /// Where and how, in words that name the version.
    pub error: SchemaError,
}

/// The kinds of what can be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Breaks {
    /// The working schema cannot read the version's records.
    Backward,
    /// Programs with the version's schema cannot read new records.
    Forward,
    /// The records can be read, and would mean something else.
    Meaning,
    /// Topic, key or saga differ.
    Place,
    /// What the schema says of upcasts cannot be.
    Upcasts,
    /// There is no event of this name any more.
    Gone,
    /// The golden sample is missing.
    Sample,
}

/// How a working schema stands to the published versions of its event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// No version was ever published.
    New,
    /// It differs from all of them, in more than documentation.
    Changed {
        /// The newest published version.
        newest: u32,
    },
    /// It is one of them.
    Published {
        /// Which one.
        version: u32,
    },
}

/// What the working schemas break. What stands before an upcast that a schema names is held against the version that the
/// upcast takes, and need not be read by programs from before it. With [`Mode::Full`] and `transitive`, any two builds of any time understand each other;
/// not `transitive`, only the newest version of each event is compared.
#[must_use]
pub fn check(tree: &Tree, published: &Published, mode: Mode, transitive: bool) -> Vec<Broken> {
    let mut broken = Vec::new();
    for (name, versions) in published.events() {
        let Some(event) = tree.events().find(|event| event.record.name == name) else {
            let version = &versions[0];
            let problem = format!(
                "`{name}` was published, but no schema of an event is called so any more; restore it, or delete the published versions once no log holds its records"
            );
            broken.push(Broken {
                event: name.to_owned(),
                version: version.number,
                breaks: Breaks::Gone,
                rule: None,
                error: SchemaError::in_file(&version.file, "", problem),
            });
            continue;
        };
        let problems = eras::problems(&event, versions);
        if !problems.is_empty() {
            let short = name.rsplit('.').next().unwrap_or_default();
            broken.extend(problems.into_iter().map(|(version, problem)| Broken {
                event: name.to_owned(),
                version,
                breaks: Breaks::Upcasts,
                rule: None,
                error: SchemaError::in_file(event.file, short, problem),
            }));
            continue;
        }
        let working = tree.document(name);
        let first = match versions.last() {
            Some(newest) if !transitive => newest.number,
            _ => 0,
        };
        for era in eras::eras(&event, versions) {
            for version in era.versions.iter().filter(|known| known.number >= first) {
                let (number, file) = (version.number, version.file.display());
                let pair = Pair {
                    event: &event,
                    reader: era.last.map_or(&working, |last| &last.document),
                    until: era.last.map(|last| last.number),
                    number,
                    version: &version.document,
                    called: format!("the published version {number} ({file})"),
                    stands: format!("version {number} ({file}) was published"),
                };
                pair.check(mode, &mut broken);
            }
        }
        broken.extend(versions.iter().flat_map(|version| sample(name, version)));
    }
    broken
}

/// What the working schema of an event, by its full name, breaks of a version that a schema registry has: that of this
/// number in this subject, whose schema has this id. `None` if no working schema is called so.
#[must_use]
pub fn check_registered(
    tree: &Tree,
    published: &Published,
    event: &str,
    (subject, number, id): (&str, u32, u32),
    version: &Document,
    mode: Mode,
) -> Option<Vec<Broken>> {
    let event = tree.events().find(|known| known.record.name == event)?;
    let working = tree.document(&event.record.name);
    let era = eras::of_registered(&event, published.of(&event.record.name), version);
    let called = format!("version {number} of the subject `{subject}` (id {id})");
    let last = era.and_then(|era| era.last);
    let pair = Pair {
        event: &event,
        reader: last.map_or(&working, |last| &last.document),
        until: last.map(|last| last.number),
        number,
        version,
        stands: format!("{called} is registered"),
        called,
    };
    let mut broken = Vec::new();
    if era.is_some() {
        pair.check(mode, &mut broken);
    } else {
        let problem = format!(
            "{} names other \"upcasts\" than the working schema",
            pair.called
        );
        broken.push(pair.broken(Breaks::Upcasts, "", problem));
    }
    Some(broken)
}

/// How the working schema of an event, by its full name, stands to its published versions.
#[must_use]
pub fn state(tree: &Tree, published: &Published, event: &str) -> State {
    let versions = published.of(event);
    let working = without_docs(&tree.document(event));
    // The newest of those that say the same: it is the one that would be published again.
    let same = |version: &&Version| without_docs(&version.document) == working;
    match (versions.iter().rev().find(same), versions.last()) {
        (Some(version), _) => State::Published {
            version: version.number,
        },
        (None, Some(newest)) => State::Changed {
            newest: newest.number,
        },
        (None, None) => State::New,
    }
}

/// What a version says, up to documentation.
fn without_docs(document: &Document) -> String {
    let document = document.without_docs();
    write::text(&document.root, &document.types)
}

/// One version of an event, and what it is read as.
struct Pair<'a> {
    event: &'a TreeEvent<'a>,
    /// The working schema, or the last version of an older era.
    reader: &'a Document,
    /// The number of that version.
    until: Option<u32>,
    /// The version's number, and its schema.
    number: u32,
    version: &'a Document,
    /// How messages call the version.
    called: String,
    /// That it is there, as a sentence.
    stands: String,
}

impl Pair<'_> {
    fn check(&self, mode: Mode, broken: &mut Vec<Broken>) {
        let (called, published) = (&self.called, self.version);
        let checked = |wanted: bool, reader, writer| {
            if wanted {
                compat::check(reader, writer)
            } else {
                Vec::new()
            }
        };
        let reads_old = matches!(mode, Mode::Backward | Mode::Full);
        let backward = checked(reads_old, self.reader, published);
        for found in &backward {
            let follows = match self.until {
                None => format!("records written with {called} could not be read any more"),
                Some(until) => format!(
                    "so the upcast of version {until} cannot take records of {called}: it needs an upcast of its own"
                ),
            };
            broken.push(self.incompatible(Breaks::Backward, found, &follows));
        }
        // Programs from before an upcast do not read what comes after it: that is what it is for.
        let is_read = self.until.is_none() && matches!(mode, Mode::Forward | Mode::Full);
        for found in checked(is_read, published, self.reader) {
            let follows =
                format!("programs that were built with {called} could not read new records");
            broken.push(self.incompatible(Breaks::Forward, &found, &follows));
        }
        if reads_old && backward.is_empty() {
            for (place, problem) in compat::meaning::check(self.reader, published) {
                let problem = format!("{problem}; {}", self.stands);
                broken.push(self.broken(Breaks::Meaning, &place, problem));
            }
        }
        self.places(broken);
    }

    fn places(&self, broken: &mut Vec<Broken>) {
        let called = &self.called;
        let types = &self.version.types;
        let Some(Named::Record(record)) = types.get(&self.event.record.name) else {
            return;
        };
        let Some(before) = &record.event else { return };
        let now = self.event.properties;
        let name = self.event.record.name.rsplit('.').next();
        let none = "none".to_owned();
        let sagas = (
            before.saga.as_ref().unwrap_or(&none),
            now.saga.as_ref().unwrap_or(&none),
        );
        for (property, before, now) in [
            ("topic", &before.topic, &now.topic),
            ("key", &before.key, &now.key),
            ("saga", sagas.0, sagas.1),
        ] {
            if before != now {
                let problem = format!(
                    "the {property} of {called} is `{before}`, here it is `{now}`; where an event is found does not change: publish an event of another name"
                );
                broken.push(self.broken(Breaks::Place, name.unwrap_or_default(), problem));
            }
        }
    }

    fn incompatible(&self, breaks: Breaks, found: &Incompatibility, follows: &str) -> Broken {
        let problem = format!("{} ({}); {follows}", found.problem, found.rule.name());
        Broken {
            rule: Some(found.rule),
            ..self.broken(breaks, &found.place, problem)
        }
    }

    fn broken(&self, breaks: Breaks, place: &str, problem: String) -> Broken {
        Broken {
            event: self.event.record.name.clone(),
            version: self.number,
            breaks,
            rule: None,
            error: SchemaError::in_file(self.event.file, place, problem),
        }
    }
}

fn sample(event: &str, version: &Version) -> Vec<Broken> {
    let missing = |extension| {
        let file = version.file.with_extension(extension);
        (!file.is_file()).then(|| Broken {
            event: event.to_owned(),
            version: version.number,
            breaks: Breaks::Sample,
            rule: None,
            error: SchemaError::in_file(
                &file,
                "",
                "the golden sample of a published version is missing; publishing writes it",
            ),
        })
    };
    ["bin", "json"].into_iter().filter_map(missing).collect()
}
