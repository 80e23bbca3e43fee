//! The kinds of findings: one table, from which `kolo check --explain` and the list in the docs are made.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The choreography cannot do what it declares.
    Error,
    /// It can, and something in it is likely not meant.
    Warning,
    /// Good to know.
    Note,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        })
    }
}

macro_rules! codes {
    ($($code:ident $slug:literal $severity:ident $title:literal $explanation:literal;)*) => {
        /// A kind of finding. Its slug is stable: declarations accept it, and other tools may rely on it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            /// All of them, as the docs list them.
            pub const ALL: [Code; [$($slug),*].len()] = [$(Code::$code),*];

            /// What it is called, as in `never-consumed`.
            #[must_use]
            pub const fn slug(self) -> &'static str {
                match self { $(Code::$code => $slug,)* }
            }

            /// How much it weighs.
            #[must_use]
            pub const fn severity(self) -> Severity {
                match self { $(Code::$code => Severity::$severity,)* }
            }

            /// What it is, in one sentence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Code::$code => $title,)* }
            }

            /// Why it matters, and what to do.
            #[must_use]
            pub const fn explanation(self) -> &'static str {
                match self { $(Code::$code => $explanation,)* }
            }
        }
    };
}

codes! {
    NeverProduced "never-produced" Error
    "An event is consumed, and no service emits it."
    "The reaction can never run: a service is missing among those that are checked, the event was renamed, or it comes from outside. Add the service's manifest, or mark the schema `\"intake\": true`.";
    NeverConsumed "never-consumed" Warning
    "A public event is emitted, or comes from outside, and no service answers it."
    "Either a reaction was forgotten, and whoever waits for it waits in vain, or the event is a fact for people and reports: then mark its schema `\"terminal\": true`, or `\"outcome\": \"success\"` if it ends a saga. An event that nobody outside needs is `\"public\": false`.";
    NeverEmitted "never-emitted" Warning
    "An event of a stream is emitted by no answer of its aggregate, or an event of the language is used by nobody."
    "Whoever waits for it waits in vain. Emit it, or take the schema out of the stream once no log holds its records.";
    TwoOwners "two-owners" Error
    "An event, a stream or a topic has two owners, or is written by an owner and from outside."
    "A stream has one writer: two of them fence each other out for ever. Give each aggregate a topic of its own, each service a name of its own, and let one aggregate own an event.";
    KeysDiffer "keys-differ" Error
    "An aggregate reads an event that its owner keys by another type, and no route says where it goes."
    "The record is on a partition, and under a key, that mean nothing to the aggregate. Use `.routed(keys, reaction)` instead of `.on(reaction)`, or build the service with the owner's schema.";
    NotCompensated "not-compensated" Error
    "An aggregate does a step of a saga, another one fails, and the step stays done."
    "What was done for a saga that has failed must be undone. Declare `.undo(compensation)` on the failure or on what follows from it, or react to it. A step that needs no undoing is marked `\"terminal\": true` in its schema.";
    CompensatedByWayOf "compensated-by-way-of" Warning
    "A step is undone only on what a third service says after the failure."
    "The undo depends on a service that takes no part in either: while it is down or its reaction changes, the step stays done. Undo on the failure itself as well; the barrier makes the second one harmless.";
    NeverUndone "never-undone" Warning
    "A compensation can never run: what it undoes is never done, or its trigger is never reached."
    "It is dead code that looks like safety. Undo what a reaction emits, on an event that something leads to, or delete it.";
    UndoRaces "undo-races" Note
    "The trigger of a compensation does not follow from what it undoes: either may come first."
    "This is allowed, and the barrier answers it: if the trigger comes first, the step is refused when it comes (empty rollback); if the step comes first, it is undone. Make sure that a saga whose step was refused still ends.";
    RefusesAfterPivot "refuses-after-pivot" Error
    "A step behind the pivot can refuse."
    "Behind the pivot nothing is undone any more, so that every step there must succeed in the end. Let it refuse before the pivot, or answer with something other than a business failure.";
    WaitsForEver "waits-for-ever" Error
    "An aggregate waits for an answer of another one, and no deadline ever ends the wait."
    "If the answer does not come (a parked key, a service that is down for good), the saga stays open and says nothing. Give the aggregate a `.deadline(due, reaction)`, or have it undo or react on what follows from another one's deadline.";
    FailureUnhandled "failure-unhandled" Error
    "A business failure is emitted, and no other aggregate answers it."
    "The saga stops there: nothing is undone, and it has no end. React to the failure, or undo on it; if it ends the saga, mark its schema `\"outcome\": \"failure\"`.";
    UnreachableOutcome "unreachable-outcome" Error
    "No path leads from an event that comes from outside to an outcome of the saga."
    "No saga can end that way: a reaction on the path is missing, or the first event of the path is not marked `\"intake\": true`.";
    EndlessCycle "endless-cycle" Error
    "Reactions answer each other in a cycle, and none of them may stop it."
    "One event starts a flood that never ends. Let one reaction of the cycle return `Option`, and nothing once its state says that it has answered.";
    SchemasIncompatible "schemas-incompatible" Error
    "A service cannot read what the owner of an event writes: by Avro's rules, or because that version was not published to its build."
    "Its key would be parked at the first such record. Without a schema registry a build reads the versions that it was made with and no other one, also where Avro could resolve it; with one it resolves what Avro can. Publish the owner's version to the reader, build it again and deploy it before the owner, or make the change compatible.";
    NoDeployOrder "no-deploy-order" Error
    "The working schemas change so that the builds before and after cannot run side by side, in whichever order they are deployed."
    "Whatever is deployed first, some reader meets a version that it cannot read. Make the change in two steps, each of which has an order: docs/schemas.md says how.";
    DeployOrder "deploy-order" Note
    "The working schemas change, and what runs cannot read the next version: the services have to be deployed in an order."
    "Deploy the readers first, which read the old and the new version, then the writers. Deployed the other way round, the new records would park their keys at the readers that were built before.";
    TopicsDiffer "topics-differ" Error
    "Two services look for one event in different places: another topic, key field or saga field."
    "The reader sits at the wrong topic, or takes another field for the key or the saga. Build both with the same schema; where an event is found does not change once it is published.";
    PartitionsDiffer "partitions-differ" Error
    "Topics that one aggregate reads and writes have different partition counts."
    "A key would live on different partitions, and the service refuses to start. Create the topics with the same count; the events of a topic with another count are to be routed.";
    AcceptsNothing "accepts-nothing" Warning
    "An aggregate accepts a finding that is not found."
    "What was accepted is put right, or was moved. Delete the `.accepts(…)`, so that it does not hide the next one.";
}

impl Code {
    /// The code of this slug.
    #[must_use]
    pub fn find(slug: &str) -> Option<Code> {
        Code::ALL.into_iter().find(|code| code.slug() == slug)
    }

    /// The list of all codes as Markdown, as it stands in `docs/choreography-checks.md`.
    #[must_use]
    pub fn list() -> String {
        let mut text = String::new();
        for code in Code::ALL {
            text += &format!(
                "#### `{}` ({})\n\n{} {}\n\n",
                code.slug(),
                code.severity(),
                code.title(),
                code.explanation()
            );
        }
        text
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slug())
    }
}
