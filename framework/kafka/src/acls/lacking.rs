//! What the brokers do not allow, of what is needed.

use std::collections::BTreeSet;
use std::fmt;

use super::{Acl, Operation, Resource};
use crate::config::Config;

/// What a principal may do with one resource, as the brokers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Allowed {
    Only(BTreeSet<Operation>),
    /// Not even to ask about it.
    Nothing,
    /// It is not there, or they do not say: that nothing lacks is not known then.
    Untold,
}

/// What is not allowed on one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Lacking {
    pub(crate) resource: Resource,
    pub(crate) name: String,
    pub(crate) operations: Vec<Operation>,
    /// The service runs without.
    pub(crate) is_optional: bool,
}

/// What lacks, by what is told of each resource.
pub(crate) fn lacking(acls: &[Acl], told: impl Fn(Resource, &str) -> Allowed) -> Vec<Lacking> {
    let lacks = |acl: &Acl| {
        let operations: Vec<Operation> = match told(acl.resource, &acl.name) {
            Allowed::Untold => return None,
            Allowed::Nothing => acl.operations.iter().copied().collect(),
            // What is there need not be created.
            Allowed::Only(allowed) => {
                let needed = acl.operations.difference(&allowed);
                needed
                    .copied()
                    .filter(|of| *of != Operation::Create)
                    .collect()
            }
        };
        (!operations.is_empty()).then(|| Lacking {
            resource: acl.resource,
            name: acl.name.clone(),
            operations,
            is_optional: acl.is_optional,
        })
    };
    acls.iter().filter_map(lacks).collect()
}

impl fmt::Display for Lacking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.operations.iter();
        let names: Vec<String> = names.map(|operation| format!("{operation:?}")).collect();
        let resource = self.resource.name();
        write!(f, "{} the {resource} `{}`", names.join(", "), self.name)
    }
}

/// The brokers do not allow what is needed.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "the brokers at {bootstrap} do not allow {who} to {what}: `{command}` says what is needed and what for, and with --commands how an administrator allows it"
)]
pub struct Denied {
    /// The brokers.
    pub bootstrap: String,
    /// Whom they take the client for.
    pub who: String,
    /// Operations and resources.
    pub what: String,
    /// What to type.
    pub command: String,
}

impl Denied {
    /// It is denied to the `service`, or to whoever uses its commands.
    pub(crate) fn new(config: &Config, service: Option<&str>, lacking: &[Lacking]) -> Self {
        let what: Vec<String> = lacking.iter().map(Lacking::to_string).collect();
        Denied {
            bootstrap: config.bootstrap.clone(),
            who: config.principal(),
            what: what.join("; to "),
            command: match service {
                Some(service) => format!("{service} describe --acls"),
                None => "<service> describe --acls --operator".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Operation::{Create, Read, Write};
    use super::super::Resource::{Group, Topic};
    use super::*;

    fn acl(resource: Resource, name: &str, operations: &[Operation]) -> Acl {
        Acl {
            resource,
            name: name.to_owned(),
            operations: operations.iter().copied().collect(),
            why: Vec::new(),
            is_optional: false,
        }
    }

    #[test]
    fn what_lacks_is_named_and_what_is_there_need_not_be_created() {
        let needed = [
            acl(Topic, "whole", &[Read, Create]),
            acl(Topic, "half", &[Read, Write, Create]),
            acl(Topic, "hidden", &[Read, Create]),
            acl(Topic, "missing", &[Read, Create]),
            acl(Group, "whole", &[Read]),
        ];
        let told = |resource: Resource, name: &str| match (resource, name) {
            (Topic, "whole") => Allowed::Only([Read].into()),
            (Topic, "half") => Allowed::Only([Write].into()),
            (Topic, "missing") => Allowed::Untold,
            _ => Allowed::Nothing,
        };
        let lacking: Vec<String> = lacking(&needed, told)
            .iter()
            .map(Lacking::to_string)
            .collect();
        assert_eq!(
            lacking,
            [
                "Read the topic `half`",
                "Read, Create the topic `hidden`",
                "Read the group `whole`"
            ]
        );
    }
}
