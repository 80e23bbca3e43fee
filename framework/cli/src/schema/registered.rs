//! The working schemas against what a schema registry has of them.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write;

use kolo_avro::compat::Rule;
use kolo_avro::schema::{Document, Kind, canonical};
use kolo_avro::versions::{self, Mode};
use kolo_registry::{Registry, Settings, Subjects, Version};
use serde_json::{Value, json};

use super::graph::{Services, as_json};
use super::project::{Event, Project};
use super::{advice, count};
use crate::failure::Failure;
use crate::terminal::{DIM, WRONG, harmless, paint};

/// What was found; nothing where no registry was asked.
#[derive(Default)]
pub(super) struct Registered {
    findings: Vec<Finding>,
    /// How many versions there are, and where.
    asked: Option<(usize, String)>,
}

/// Something that is wrong about one registered version.
struct Finding {
    code: &'static str,
    event: String,
    subject: String,
    version: u32,
    id: u32,
    /// The file of the working schema.
    file: String,
    /// The place in it; empty for the file as a whole.
    place: String,
    rule: Option<Rule>,
    problem: String,
    next: String,
}

impl Registered {
    /// Asks for all versions of each event, or with `transitive` unset for the newest.
    pub(super) fn ask(
        project: &Project,
        settings: &Settings,
        mode: Mode,
        transitive: bool,
    ) -> Result<Self, Failure> {
        let registry =
            Registry::open(settings).map_err(|error| Failure::input(error.to_string()))?;
        let mut findings = Vec::new();
        let mut count = 0;
        // A subject of a topic is of many events.
        let mut subjects: HashMap<String, Vec<Version>> = HashMap::new();
        for event in project.events() {
            let topic = &event.of.properties.topic;
            let versions = match subjects.entry(registry.subjects().of(topic, event.name())) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    // Nothing is said of what could not be asked for: so this is no finding.
                    let versions = registry.versions(topic, event.name()).map_err(|problem| {
                        Failure::input(format!(
                            "what is registered cannot be compared: {problem}. With --offline it is not asked for."
                        ))
                    })?;
                    unknown.insert(versions)
                }
            };
            let held: Vec<Held<'_>> = versions
                .iter()
                .map(|version| Held::new(&event, version))
                // A subject of a topic has its other events too.
                .filter(|held| registry.subjects() != Subjects::Topic || !held.is_of_another())
                .collect();
            let first = if transitive {
                0
            } else {
                held.len().saturating_sub(1)
            };
            count += held.len() - first;
            for held in &held[first..] {
                findings.extend(held.findings(project, mode));
            }
        }
        Ok(Registered {
            findings,
            asked: Some((count, registry.shown().to_owned())),
        })
    }

    pub(super) fn findings(&self) -> usize {
        self.findings.len()
    }

    /// Whether a version of the event does not go with its working schema.
    pub(super) fn breaks(&self, event: &str) -> bool {
        let mut broken = self
            .findings
            .iter()
            .filter(|found| found.code != NOT_PUBLISHED);
        broken.any(|found| found.event == event)
    }

    /// What was looked at, as part of a sentence.
    pub(super) fn about(&self) -> String {
        match &self.asked {
            Some((versions, registry)) => {
                format!(", {} registered at {registry}", count(*versions, "version"))
            }
            None => String::new(),
        }
    }

    pub(super) fn print(&self, out: &mut impl Write, services: &Services) -> Result<(), Failure> {
        for found in &self.findings {
            let head = paint(WRONG, format!("error[{}]", found.code));
            let place = if found.place.is_empty() {
                found.file.clone()
            } else {
                format!("{}: {}", found.file, found.place)
            };
            writeln!(out, "{head}: {place}: {}", harmless(&found.problem))?;
            for reader in services.readers(&found.event) {
                writeln!(out, "  read by {}", harmless(&reader.to_string()))?;
            }
            writeln!(out, "{}\n", paint(DIM, format!("  next: {}", found.next)))?;
        }
        Ok(())
    }

    pub(super) fn rows(&self, services: &Services) -> Value {
        let rows = self.findings.iter().map(|found| {
            json!({
                "code": found.code,
                "event": found.event,
                "subject": found.subject,
                "version": found.version,
                "id": found.id,
                "rule": found.rule.map(Rule::name),
                "file": found.file,
                "place": found.place,
                "message": found.problem,
                "readers": services.readers(&found.event).iter().map(as_json).collect::<Vec<_>>(),
                "next": found.next,
            })
        });
        Value::Array(rows.collect())
    }
}

/// Builds cannot have been made with it.
const NOT_PUBLISHED: &str = "registered-not-published";

/// Nothing can be said of it.
const UNUSABLE: &str = "registered-unusable";

/// An event, and a registered version of it.
struct Held<'a> {
    event: &'a Event<'a>,
    version: &'a Version,
    document: Result<Document, String>,
}

impl<'a> Held<'a> {
    fn new(event: &'a Event<'a>, version: &'a Version) -> Self {
        let parse = |text: &String| Document::parse(text).map_err(|errors| errors.to_string());
        Held {
            event,
            version,
            document: version.text.as_ref().map_err(Clone::clone).and_then(parse),
        }
    }

    /// The full name of another type, if it is of one.
    fn other(&self) -> Option<String> {
        let root = &self.document.as_ref().ok()?.root;
        let is_it = matches!(&root.kind, Kind::Named(name) if name == self.event.name());
        (!is_it).then(|| root.describe())
    }

    fn is_of_another(&self) -> bool {
        self.other().is_some()
    }

    fn findings(&self, project: &Project, mode: Mode) -> Vec<Finding> {
        let document = match (&self.document, self.other()) {
            (Ok(document), None) => document,
            (Ok(_), Some(other)) => {
                let problem = format!("{} is of `{other}`", self.called());
                return vec![self.unusable(problem)];
            }
            (Err(problem), _) => {
                return vec![self.unusable(format!("{} cannot be used: {problem}", self.called()))];
            }
        };
        let mut findings: Vec<Finding> = self.not_published(document).into_iter().collect();
        let version = (
            self.version.subject.as_str(),
            self.version.number,
            self.version.id,
        );
        let broken = versions::check_registered(
            &project.tree,
            &project.published,
            self.event.name(),
            version,
            document,
            mode,
        );
        findings.extend(
            broken
                .unwrap_or_default()
                .into_iter()
                .map(|broken| Finding {
                    place: broken.error.place.clone(),
                    rule: broken.rule,
                    ..self.finding(
                        advice::code(broken.breaks),
                        broken.error.problem.clone(),
                        advice::next(&broken).to_owned(),
                    )
                }),
        );
        findings
    }

    /// What has the layout of a published version is read by the code that was generated for it.
    fn not_published(&self, document: &Document) -> Option<Finding> {
        let print = canonical::fingerprint(&document.root, &document.types);
        let mut published = self.event.versions().iter();
        if published.any(|version| version.fingerprint == print) {
            return None;
        }
        let (short, number) = (self.event.short(), self.version.number);
        let file = self.event.of.file.display();
        let next = if print == self.event.of.fingerprint {
            format!("it is the working schema: `kolo schema publish {short}`")
        } else {
            format!(
                "`kolo schema show {short} --registered {number} --raw > {file}`, `kolo schema publish {short}`, and put the file back as it was"
            )
        };
        let problem = format!(
            "{} is not published in this repository: no build is made with it, so it is resolved each time that it is read, by builds that have the registry",
            self.called()
        );
        Some(self.finding(NOT_PUBLISHED, problem, next))
    }

    fn called(&self) -> String {
        let Version {
            subject,
            number,
            id,
            ..
        } = self.version;
        format!("version {number} of the subject `{subject}` (id {id})")
    }

    fn unusable(&self, problem: String) -> Finding {
        let next = format!(
            "register it as a schema of `{}`, or delete the version; a record that was written with it parks its key",
            self.event.name()
        );
        self.finding(UNUSABLE, problem, next)
    }

    fn finding(&self, code: &'static str, problem: String, next: String) -> Finding {
        Finding {
            code,
            event: self.event.name().to_owned(),
            subject: self.version.subject.clone(),
            version: self.version.number,
            id: self.version.id,
            file: self.event.of.file.display().to_string(),
            place: String::new(),
            rule: None,
            problem,
            next,
        }
    }
}
