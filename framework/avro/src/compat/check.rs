//! Java's rules.

use std::fmt;

use crate::schema::{Document, Field, Kind, Named, Record, Schema, Types};

/// The rules that a pair of schemas can break, by the names that Java gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The names of two records, enums or fixed differ.
    NameMismatch,
    /// Two fixed have different sizes.
    FixedSizeMismatch,
    /// The writer's enum has symbols that the reader's has not, and the reader's has no default.
    MissingEnumSymbols,
    /// The reader has a field that the writer has not, and it has no default.
    ReaderFieldMissingDefaultValue,
    /// The types differ and there is no promotion between them.
    TypeMismatch,
    /// A branch of the writer's union cannot be read.
    MissingUnionBranch,
}

impl Rule {
    /// Java's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::NameMismatch => "NAME_MISMATCH",
            Self::FixedSizeMismatch => "FIXED_SIZE_MISMATCH",
            Self::MissingEnumSymbols => "MISSING_ENUM_SYMBOLS",
            Self::ReaderFieldMissingDefaultValue => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::MissingUnionBranch => "MISSING_UNION_BRANCH",
        }
    }
}

/// One reason why a reader cannot read what a writer wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatibility {
    /// The rule that is broken.
    pub rule: Rule,
    /// Where in the reader's schema (the writer's, for a branch of its union), as a JSON pointer.
    pub location: String,
    /// The names of the records and fields on the way, such as `OrderCreated.lines.sku`.
    pub place: String,
    /// What is wrong, in words.
    pub problem: String,
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.place.is_empty() {
            write!(f, "{} ({})", self.problem, self.rule.name())
        } else {
            write!(f, "{}: {} ({})", self.place, self.problem, self.rule.name())
        }
    }
}

/// All reasons why `reader` cannot read what `writer` wrote; none if it can.
#[must_use]
pub fn check(reader: &Document, writer: &Document) -> Vec<Incompatibility> {
    let mut checker = Checker {
        reader: &reader.types,
        writer: &writer.types,
        open: Vec::new(),
    };
    checker.pair(&reader.root, &writer.root, &Path::default())
}

#[derive(Default, Clone)]
struct Path {
    location: String,
    place: String,
}

impl Path {
    fn step(&self, step: &str) -> Self {
        Self {
            location: format!("{}/{step}", self.location),
            place: self.place.clone(),
        }
    }

    fn name(&self, name: &str) -> Self {
        let place = if self.place.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        };
        Self {
            location: self.location.clone(),
            place,
        }
    }

    fn wrong(&self, rule: Rule, problem: String) -> Vec<Incompatibility> {
        let location = if self.location.is_empty() {
            "/".to_owned()
        } else {
            self.location.clone()
        };
        vec![Incompatibility {
            rule,
            location,
            place: self.place.clone(),
            problem,
        }]
    }
}

struct Checker<'a> {
    reader: &'a Types,
    writer: &'a Types,
    /// Pairs of named types that are being compared further out: they are compatible if nothing else speaks against it.
    open: Vec<(String, String)>,
}

impl Checker<'_> {
    fn pair(&mut self, reader: &Schema, writer: &Schema, path: &Path) -> Vec<Incompatibility> {
        match (&reader.kind, &writer.kind) {
            (Kind::Union(_), Kind::Union(branches)) => branches
                .iter()
                .enumerate()
                .filter(|(_, branch)| !self.pair(reader, branch, path).is_empty())
                .flat_map(|(index, branch)| {
                    path.step(&index.to_string()).wrong(
                        Rule::MissingUnionBranch,
                        format!(
                            "the writer's {} fits none of the reader's {}",
                            branch.describe(),
                            reader.describe()
                        ),
                    )
                })
                .collect(),
            (_, Kind::Union(branches)) => branches
                .iter()
                .enumerate()
                .flat_map(|(index, branch)| {
                    self.pair(reader, branch, &path.step(&index.to_string()))
                })
                .collect(),
            (Kind::Union(branches), _) => {
                if branches
                    .iter()
                    .any(|branch| self.pair(branch, writer, path).is_empty())
                {
                    Vec::new()
                } else {
                    let problem = format!(
                        "the writer's {} fits none of the reader's {}",
                        writer.describe(),
                        reader.describe()
                    );
                    path.wrong(Rule::MissingUnionBranch, problem)
                }
            }
            (Kind::Array(reader), Kind::Array(writer)) => {
                self.pair(reader, writer, &path.step("items"))
            }
            (Kind::Map(reader), Kind::Map(writer)) => {
                self.pair(reader, writer, &path.step("values"))
            }
            (Kind::Named(r), Kind::Named(w)) => match (self.reader.get(r), self.writer.get(w)) {
                (Some(r), Some(w)) => self.named(r, w, path),
                _ => mismatch(reader, writer, path),
            },
            (r, w) if r == w || promotes(r, w) => Vec::new(),
            _ => mismatch(reader, writer, path),
        }
    }

    fn named(&mut self, reader: &Named, writer: &Named, path: &Path) -> Vec<Incompatibility> {
        let pair = (reader.name().to_owned(), writer.name().to_owned());
        if self.open.contains(&pair) {
            return Vec::new();
        }
        match (reader, writer) {
            (Named::Record(r), Named::Record(w)) => {
                let path = if path.place.is_empty() {
                    path.name(short(&r.name))
                } else {
                    path.clone()
                };
                self.open.push(pair);
                let mut found = names(reader, writer, &path);
                found.extend(self.fields(r, w, &path));
                self.open.pop();
                found
            }
            (Named::Enum(r), Named::Enum(w)) => {
                let mut found = names(reader, writer, path);
                let missing: Vec<&str> = w
                    .symbols
                    .iter()
                    .filter(|symbol| !r.symbols.contains(symbol))
                    .map(String::as_str)
                    .collect();
                if !missing.is_empty() && r.default.is_none() {
                    found.extend(path.step("symbols").wrong(
                        Rule::MissingEnumSymbols,
                        format!(
                            "the reader's enum does not know {}, and has no default",
                            missing.join(", ")
                        ),
                    ));
                }
                found
            }
            (Named::Fixed(r), Named::Fixed(w)) => {
                let mut found = names(reader, writer, path);
                if r.size != w.size {
                    found.extend(path.step("size").wrong(
                        Rule::FixedSizeMismatch,
                        format!(
                            "the writer's has {} byte(s), the reader's {}",
                            w.size, r.size
                        ),
                    ));
                }
                found
            }
            _ => path.wrong(
                Rule::TypeMismatch,
                format!(
                    "the writer's is a {}, the reader's a {}",
                    what(writer),
                    what(reader)
                ),
            ),
        }
    }

    fn fields(&mut self, reader: &Record, writer: &Record, path: &Path) -> Vec<Incompatibility> {
        let mut found = Vec::new();
        for (index, field) in reader.fields.iter().enumerate() {
            let path = path
                .step("fields")
                .step(&index.to_string())
                .name(&field.name);
            match writer_field(writer, field) {
                Some(written) => {
                    found.extend(self.pair(&field.schema, &written.schema, &path.step("type")));
                }
                None if field.default.is_some() => {}
                None if self.is_enum_with_default(field) => {
                    // So does Java: it compares the enum with the writer's record, which never fits.
                    let problem = "the writer has no such field; an enum's default is no default of the field".to_owned();
                    found.extend(path.step("type").wrong(Rule::TypeMismatch, problem));
                }
                None => found.extend(path.wrong(
                    Rule::ReaderFieldMissingDefaultValue,
                    "the writer has no such field, and it has no \"default\"".to_owned(),
                )),
            }
        }
        found
    }

    fn is_enum_with_default(&self, field: &Field) -> bool {
        let Kind::Named(name) = &field.schema.kind else {
            return false;
        };
        matches!(self.reader.get(name), Some(Named::Enum(of)) if of.default.is_some())
    }
}

/// The field of the writer that `field` reads: of the same name, or of one of the reader's aliases.
fn writer_field<'a>(writer: &'a Record, field: &Field) -> Option<&'a Field> {
    let named = |name: &str| writer.fields.iter().find(|written| written.name == name);
    named(&field.name).or_else(|| field.aliases.iter().find_map(|alias| named(alias)))
}

/// Short names are compared, and the reader's aliases with the writer's full name.
fn names(reader: &Named, writer: &Named, path: &Path) -> Vec<Incompatibility> {
    let alias = reader.aliases().iter().any(|alias| alias == writer.name());
    if short(reader.name()) == short(writer.name()) || alias {
        return Vec::new();
    }
    path.step("name").wrong(
        Rule::NameMismatch,
        format!(
            "the writer's is called {}, the reader's {}",
            writer.name(),
            reader.name()
        ),
    )
}

/// Whether every value of `writer` has a value of `reader`, among the primitive types.
pub(crate) fn promotes(reader: &Kind, writer: &Kind) -> bool {
    matches!(
        (writer, reader),
        (Kind::Int, Kind::Long | Kind::Float | Kind::Double)
            | (Kind::Long, Kind::Float | Kind::Double)
            | (Kind::Float, Kind::Double)
            | (Kind::String, Kind::Bytes)
            | (Kind::Bytes, Kind::String)
    )
}

fn mismatch(reader: &Schema, writer: &Schema, path: &Path) -> Vec<Incompatibility> {
    path.wrong(
        Rule::TypeMismatch,
        format!(
            "the writer's {} cannot be read as {}",
            writer.describe(),
            reader.describe()
        ),
    )
}

fn short(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

fn what(named: &Named) -> &'static str {
    match named {
        Named::Record(_) => "record",
        Named::Enum(_) => "enum",
        Named::Fixed(_) => "fixed",
    }
}
