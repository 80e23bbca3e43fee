//! What is written down: rules, and the small language they are written in.

use std::time::Duration;

use super::{Api, ResponseError};

/// Rules in the order in which they were written. All rules that a request matches count it; of those that fire, all
/// actions apply.
#[derive(Debug, Clone, Default)]
#[must_use = "a plan does nothing until a broker has it"]
pub struct Plan {
    pub(super) rules: Vec<Rule>,
}

impl Plan {
    /// A plan without rules.
    pub fn new() -> Self {
        Plan::default()
    }

    /// Begins a rule for requests of one API. It is complete with [`When::then`].
    pub fn on(self, api: Api) -> When {
        When {
            plan: self,
            subject: Subject {
                api: Some(api),
                ..Subject::default()
            },
            pick: Pick::Always,
        }
    }

    /// Begins a rule for requests of every API.
    pub fn on_any(self) -> When {
        When {
            plan: self,
            subject: Subject::default(),
            pick: Pick::Always,
        }
    }

    /// How many rules it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether it has no rules.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// A rule that is not complete: which requests it is about.
#[derive(Debug, Clone)]
#[must_use = "a rule counts once it says what happens: finish it with `then`"]
pub struct When {
    plan: Plan,
    subject: Subject,
    pick: Pick,
}

impl When {
    /// Only requests that name this topic, be it by its name or its id.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.subject.topic = Some(topic.into());
        self
    }

    /// Only requests that name this partition, of the rule's topic or of any.
    pub fn partition(mut self, partition: i32) -> Self {
        self.subject.partition = Some(partition);
        self
    }

    /// Only requests of clients with this `client.id`.
    pub fn client(mut self, client_id: impl Into<String>) -> Self {
        self.subject.client = Some(client_id.into());
        self
    }

    /// Only the `nth` matching request, counted from 1.
    pub fn nth(mut self, nth: u64) -> Self {
        self.pick = Pick::Nth(nth);
        self
    }

    /// Only the first `times` matching requests.
    pub fn times(mut self, times: u64) -> Self {
        self.pick = Pick::First(times);
        self
    }

    /// Every `nth` matching request: `every(3)` fires at the third, the sixth, and so on.
    pub fn every(mut self, nth: u64) -> Self {
        self.pick = Pick::Every(nth);
        self
    }

    /// Says what happens to the requests picked, and ends the rule.
    pub fn then(self, action: Action) -> Plan {
        let mut plan = self.plan;
        plan.rules.push(Rule {
            subject: self.subject,
            pick: self.pick,
            action,
        });
        plan
    }
}

/// What happens to a request that a rule picks.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// The request is handled this much later. Later requests of the same connection wait behind it, as in Kafka.
    Delay(Duration),
    /// The connection is closed and nothing of the request is applied.
    DropBefore,
    /// The request is applied, then the connection is closed in place of the answer: the acknowledgement is lost.
    DropAfter,
    /// The request is not applied, and this error is its answer. In a produce or fetch request only the partitions that
    /// the rule names fail; the others are served.
    Fail(ResponseError),
    /// Appends of a produce request wait behind a gate of this name until [`Faults::release`](super::Faults::release),
    /// even if their connection is gone by then: a write that comes late. For other requests it does nothing.
    Hold(String),
    /// A partition has no leader for a while, beginning with this request.
    Leaderless {
        /// The partition's topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// For how long; it has its leader back afterwards.
        lasts: Duration,
    },
    /// Nobody names the broker for a while, beginning with this request, as if its controller had fenced it: metadata and
    /// descriptions of the cluster have no broker, groups no coordinator and partitions no leader.
    Brokerless {
        /// For how long; it is named again afterwards.
        lasts: Duration,
    },
    /// A group member's session ends as if its heartbeats had stopped, before this request is handled.
    ExpireMember {
        /// The member's group.
        group: String,
        /// The member: its member id, its `group.instance.id` or its `client.id`.
        member: String,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) subject: Subject,
    pub(super) pick: Pick,
    pub(super) action: Action,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Subject {
    pub(super) api: Option<Api>,
    pub(super) topic: Option<String>,
    pub(super) partition: Option<i32>,
    pub(super) client: Option<String>,
}

impl Subject {
    /// Whether the rule is about this partition, in a request it matches.
    pub(super) fn names(&self, topic: &str, partition: Option<i32>) -> bool {
        self.topic.as_deref().is_none_or(|wanted| wanted == topic)
            && self
                .partition
                .is_none_or(|wanted| partition.is_none_or(|partition| partition == wanted))
    }

    pub(super) fn matches(
        &self,
        api: Api,
        client: &str,
        touched: &[(String, Option<i32>)],
    ) -> bool {
        self.api.is_none_or(|wanted| wanted == api)
            && self.client.as_deref().is_none_or(|wanted| wanted == client)
            && (self.topic.is_none() && self.partition.is_none()
                || touched
                    .iter()
                    .any(|(topic, partition)| self.names(topic, *partition)))
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Pick {
    Always,
    Nth(u64),
    First(u64),
    Every(u64),
}

impl Pick {
    /// Whether the `seen`th matching request, counted from 1, is picked.
    pub(super) fn takes(self, seen: u64) -> bool {
        match self {
            Pick::Always => true,
            Pick::Nth(nth) => seen == nth,
            Pick::First(times) => seen <= times,
            Pick::Every(nth) => nth != 0 && seen.is_multiple_of(nth),
        }
    }
}
