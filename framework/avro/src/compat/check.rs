//! Java's rules.

use std::fmt;

use super::verdicts::Verdicts;
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
///
/// A pair of records is compared once, however often the schemas name it. If it is incompatible, its reasons are told at each
/// place where it stands; at the first ones, where there are very many.
#[must_use]
pub fn check(reader: &Document, writer: &Document) -> Vec<Incompatibility> {
    let mut checker = Checker {
        reader: &reader.types,
        writer: &writer.types,
        verdicts: Verdicts::default(),
        found: Vec::new(),
        probing: 0,
        told_again: 0,
    };
    checker.pair(&reader.root, &writer.root, &Path::default());
    checker.found
}

/// How often reasons that were told already are told again, at another place.
const TOLD_AGAIN: usize = 1000;

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

    fn wrong(&self, rule: Rule, problem: String) -> Incompatibility {
        let location = if self.location.is_empty() {
            "/".to_owned()
        } else {
            self.location.clone()
        };
        Incompatibility {
            rule,
            location,
            place: self.place.clone(),
            problem,
        }
    }
}

struct Checker<'a> {
    reader: &'a Types,
    writer: &'a Types,
    verdicts: Verdicts,
    found: Vec<Incompatibility>,
    /// Above zero while only the verdict counts: whether any branch of a union fits.
    probing: usize,
    told_again: usize,
}

/// Whether the reader's type reads the writer's is what all these say; why not is added to what was found.
impl Checker<'_> {
    fn pair(&mut self, reader: &Schema, writer: &Schema, path: &Path) -> bool {
        match (&reader.kind, &writer.kind) {
            (Kind::Union(_), Kind::Union(branches)) => {
                let mut reads = true;
                for (index, branch) in branches.iter().enumerate() {
                    if !self.fits(reader, branch, path) {
                        let path = path.step(&index.to_string());
                        reads =
                            self.wrong(&path, Rule::MissingUnionBranch, no_branch(reader, branch));
                    }
                }
                reads
            }
            (_, Kind::Union(branches)) => {
                let mut reads = true;
                for (index, branch) in branches.iter().enumerate() {
                    reads &= self.pair(reader, branch, &path.step(&index.to_string()));
                }
                reads
            }
            (Kind::Union(branches), _) => {
                let fits = branches
                    .iter()
                    .any(|branch| self.fits(branch, writer, path));
                fits || self.wrong(path, Rule::MissingUnionBranch, no_branch(reader, writer))
            }
            (Kind::Array(reader), Kind::Array(writer)) => {
                self.pair(reader, writer, &path.step("items"))
            }
            (Kind::Map(reader), Kind::Map(writer)) => {
                self.pair(reader, writer, &path.step("values"))
            }
            (Kind::Named(r), Kind::Named(w)) => match (self.reader.get(r), self.writer.get(w)) {
                (Some(r), Some(w)) => self.named(r, w, path),
                _ => self.mismatch(reader, writer, path),
            },
            (r, w) if r == w || promotes(r, w) => true,
            _ => self.mismatch(reader, writer, path),
        }
    }

    /// The verdict alone.
    fn fits(&mut self, reader: &Schema, writer: &Schema, path: &Path) -> bool {
        self.probing += 1;
        let fits = self.pair(reader, writer, path);
        self.probing -= 1;
        fits
    }

    /// Adds a reason, and is the verdict.
    fn wrong(&mut self, path: &Path, rule: Rule, problem: String) -> bool {
        if self.probing == 0 {
            self.found.push(path.wrong(rule, problem));
        }
        false
    }

    fn mismatch(&mut self, reader: &Schema, writer: &Schema, path: &Path) -> bool {
        let problem = format!(
            "the writer's {} cannot be read as {}",
            writer.describe(),
            reader.describe()
        );
        self.wrong(path, Rule::TypeMismatch, problem)
    }

    fn named(&mut self, reader: &Named, writer: &Named, path: &Path) -> bool {
        match (reader, writer) {
            (Named::Record(r), Named::Record(w)) => {
                let pair = (r.name.clone(), w.name.clone());
                match self.verdicts.known(&pair) {
                    Some(true) => return true,
                    Some(false) if self.probing > 0 || self.told_again >= TOLD_AGAIN => {
                        return false;
                    }
                    Some(false) => self.told_again += 1,
                    None => {}
                }
                let path = if path.place.is_empty() {
                    path.name(short(&r.name))
                } else {
                    path.clone()
                };
                self.verdicts.open(pair);
                let named = self.names(reader, writer, &path);
                let fields = self.fields(r, w, &path);
                self.verdicts.close(named && fields)
            }
            (Named::Enum(r), Named::Enum(w)) => {
                let named = self.names(reader, writer, path);
                let missing: Vec<&str> = w
                    .symbols
                    .iter()
                    .filter(|symbol| !r.symbols.contains(symbol))
                    .map(String::as_str)
                    .collect();
                if missing.is_empty() || r.default.is_some() {
                    return named;
                }
                let problem = format!(
                    "the reader's enum does not know {}, and has no default",
                    missing.join(", ")
                );
                self.wrong(&path.step("symbols"), Rule::MissingEnumSymbols, problem)
            }
            (Named::Fixed(r), Named::Fixed(w)) => {
                let named = self.names(reader, writer, path);
                if r.size == w.size {
                    return named;
                }
                let problem = format!(
                    "the writer's has {} byte(s), the reader's {}",
                    w.size, r.size
                );
                self.wrong(&path.step("size"), Rule::FixedSizeMismatch, problem)
            }
            _ => {
                let problem = format!(
                    "the writer's is a {}, the reader's a {}",
                    what(writer),
                    what(reader)
                );
                self.wrong(path, Rule::TypeMismatch, problem)
            }
        }
    }

    /// Short names are compared, and the reader's aliases with the writer's full name.
    fn names(&mut self, reader: &Named, writer: &Named, path: &Path) -> bool {
        let alias = reader.aliases().iter().any(|alias| alias == writer.name());
        if short(reader.name()) == short(writer.name()) || alias {
            return true;
        }
        let problem = format!(
            "the writer's is called {}, the reader's {}",
            writer.name(),
            reader.name()
        );
        self.wrong(&path.step("name"), Rule::NameMismatch, problem)
    }

    fn fields(&mut self, reader: &Record, writer: &Record, path: &Path) -> bool {
        let mut reads = true;
        for (index, field) in reader.fields.iter().enumerate() {
            let path = path
                .step("fields")
                .step(&index.to_string())
                .name(&field.name);
            reads &= match writer_field(writer, field) {
                Some(written) => self.pair(&field.schema, &written.schema, &path.step("type")),
                None if field.default.is_some() => true,
                None if self.is_enum_with_default(field) => {
                    // So does Java: it compares the enum with the writer's record, which never fits.
                    let problem = "the writer has no such field; an enum's default is no default of the field".to_owned();
                    self.wrong(&path.step("type"), Rule::TypeMismatch, problem)
                }
                None => self.wrong(
                    &path,
                    Rule::ReaderFieldMissingDefaultValue,
                    "the writer has no such field, and it has no \"default\"".to_owned(),
                ),
            };
        }
        reads
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

fn no_branch(reader: &Schema, writer: &Schema) -> String {
    format!(
        "the writer's {} fits none of the reader's {}",
        writer.describe(),
        reader.describe()
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
