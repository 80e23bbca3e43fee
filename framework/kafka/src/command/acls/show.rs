//! ACLs in the form in which somebody wants them.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::acls::Acl;
use crate::command::terminal::key_argument;

/// How they are printed.
pub(super) enum Form {
    Table,
    Json,
    /// Lines for a shell.
    Commands {
        bootstrap: String,
        /// The settings with which Kafka's tool reaches the brokers.
        settings: Option<PathBuf>,
    },
}

/// What the principal is to be allowed.
pub(super) fn show(acls: &[Acl], principal: &str, form: &Form) -> String {
    match form {
        Form::Table => table(acls, principal),
        Form::Json => {
            let all: Vec<Value> = acls.iter().map(|acl| json(acl, principal)).collect();
            format!("{:#}\n", Value::Array(all))
        }
        Form::Commands {
            bootstrap,
            settings,
        } => {
            let mut tool = format!(
                "kafka-acls.sh --bootstrap-server {}",
                key_argument(bootstrap)
            );
            if let Some(file) = settings {
                let _ = write!(
                    tool,
                    " --command-config {}",
                    key_argument(&file.to_string_lossy())
                );
            }
            let allow = format!("{tool} --add --allow-principal {}", key_argument(principal));
            let lines = alike(acls).into_iter().map(|acls| command(&allow, &acls));
            lines.collect()
        }
    }
}

impl Acl {
    fn operations(&self) -> Vec<String> {
        let names = self.operations.iter();
        names.map(|operation| format!("{operation:?}")).collect()
    }
}

fn table(acls: &[Acl], principal: &str) -> String {
    let rows = acls.iter().map(|acl| {
        let operations = acl.operations().join(", ");
        [
            acl.resource.name().to_owned(),
            acl.name.clone(),
            operations,
            acl.why.join("; "),
        ]
    });
    let head = ["RESOURCE", "NAME", "OPERATIONS", "WHAT FOR"].map(str::to_owned);
    let rows: Vec<[String; 4]> = std::iter::once(head).chain(rows).collect();
    let width = |at: usize| rows.iter().map(|row| row[at].len()).max().unwrap_or(0);
    let widths = [width(0), width(1), width(2)];
    let mut text = format!("{principal} must be allowed, on resources of exactly these names:\n\n");
    for [resource, name, operations, why] in &rows {
        let [first, second, third] = widths;
        let _ = writeln!(
            text,
            "{resource:first$}  {name:second$}  {operations:third$}  {why}"
        );
    }
    text
}

fn json(acl: &Acl, principal: &str) -> Value {
    json!({
        "principal": principal,
        "resource": acl.resource.name(),
        "name": acl.name,
        "pattern": "literal",
        "operations": acl.operations(),
        "why": acl.why,
    })
}

/// Those of the same kind and operations together, in the order of the first of each: every line starts a Java.
fn alike(acls: &[Acl]) -> Vec<Vec<&Acl>> {
    let mut groups: Vec<Vec<&Acl>> = Vec::new();
    for acl in acls {
        let same = |group: &&mut Vec<&Acl>| {
            group[0].resource == acl.resource && group[0].operations == acl.operations
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(acl),
            None => groups.push(vec![acl]),
        }
    }
    groups
}

fn command(allow: &str, acls: &[&Acl]) -> String {
    let mut line = allow.to_owned();
    for operation in acls.first().into_iter().flat_map(|acl| &acl.operations) {
        let _ = write!(line, " --operation {operation:?}");
    }
    for acl in acls {
        let (resource, name) = (acl.resource.name(), key_argument(&acl.name));
        let _ = write!(line, " --{resource} {name}");
    }
    line + " --resource-pattern-type literal\n"
}
