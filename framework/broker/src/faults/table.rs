//! The rules of a running broker: counted, fired, recorded.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::absent::Absent;
use super::plan::{Action, Plan, Rule, Subject};
use super::{Api, ResponseError};

/// So many firings are remembered; of more, the latest.
const REMEMBERED: usize = 100_000;

/// The topics and partitions that a request names.
pub(crate) type Touched = Vec<(String, Option<i32>)>;

/// Names a rule of a running broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleId(u64);

/// One rule that fired once.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fired {
    /// The rule.
    pub rule: RuleId,
    /// The request's API.
    pub api: Api,
    /// The request's client id; empty if it had none.
    pub client: String,
    /// The how manieth request that the rule matched this was, counted from 1.
    pub seen: u64,
    /// What happened.
    pub action: Action,
}

/// The faults of a broker, to be changed and asked while it runs. Clones are the same.
#[derive(Clone, Default)]
pub struct Faults {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Whether there is anything to look at: requests pay one load when there is not.
    armed: AtomicBool,
    state: Mutex<State>,
    leader_lost: Notify,
}

#[derive(Default)]
struct State {
    next_rule: u64,
    rules: Vec<Live>,
    fired: VecDeque<Fired>,
    held: HashMap<String, VecDeque<Held>>,
    absent: Absent,
}

struct Live {
    id: RuleId,
    rule: Rule,
    seen: u64,
}

/// Lets one held append in.
type Held = Box<dyn FnOnce() + Send>;

/// What the rules say about one request.
#[derive(Default)]
pub(crate) struct Verdict {
    pub(crate) delay: Duration,
    pub(crate) drop_before: bool,
    pub(crate) drop_after: bool,
    pub(crate) expire: Vec<(String, String)>,
    fail: Vec<(Subject, ResponseError)>,
    hold: Vec<(Subject, String)>,
}

impl Verdict {
    /// The error of a request that fails as a whole.
    pub(crate) fn error(&self) -> Option<ResponseError> {
        self.fail.first().map(|(_, error)| *error)
    }

    pub(crate) fn error_of(&self, topic: &str, partition: i32) -> Option<ResponseError> {
        self.fail
            .iter()
            .find(|(subject, _)| subject.names(topic, Some(partition)))
            .map(|(_, error)| *error)
    }

    pub(crate) fn gate_of(&self, topic: &str, partition: i32) -> Option<&str> {
        self.hold
            .iter()
            .find(|(subject, _)| subject.names(topic, Some(partition)))
            .map(|(_, gate)| gate.as_str())
    }
}

impl Faults {
    /// Adds the rules of a plan. Their counts begin now.
    pub fn add(&self, plan: Plan) -> Vec<RuleId> {
        let mut state = self.shared.state.lock();
        let mut ids = Vec::new();
        for rule in plan.rules {
            let id = RuleId(state.next_rule);
            state.next_rule += 1;
            state.rules.push(Live { id, rule, seen: 0 });
            ids.push(id);
        }
        self.rearm(&state);
        ids
    }

    /// Takes a rule away. What it holds stays held.
    pub fn remove(&self, rule: RuleId) {
        let mut state = self.shared.state.lock();
        state.rules.retain(|live| live.id != rule);
        self.rearm(&state);
    }

    /// Takes all rules away, lets in what is held, gives every partition its leader and has the broker named again.
    pub fn clear(&self) {
        let held = {
            let mut state = self.shared.state.lock();
            state.rules.clear();
            state.absent = Absent::default();
            self.rearm(&state);
            std::mem::take(&mut state.held)
        };
        for append in held.into_values().flatten() {
            append();
        }
    }

    /// Opens a gate: the rules that hold appends behind it end, and what is held goes in, in the order in which it came.
    /// Answers how many appends that were.
    pub fn release(&self, gate: &str) -> usize {
        let held = {
            let mut state = self.shared.state.lock();
            state
                .rules
                .retain(|live| !matches!(&live.rule.action, Action::Hold(name) if name == gate));
            self.rearm(&state);
            state.held.remove(gate).unwrap_or_default()
        };
        let count = held.len();
        for append in held {
            append();
        }
        count
    }

    /// How many appends wait behind a gate.
    #[must_use]
    pub fn held(&self, gate: &str) -> usize {
        self.shared
            .state
            .lock()
            .held
            .get(gate)
            .map_or(0, VecDeque::len)
    }

    /// Takes a partition's leader away for a while.
    pub fn leaderless(&self, topic: impl Into<String>, partition: i32, lasts: Duration) {
        let mut state = self.shared.state.lock();
        state.absent.take_leader(topic.into(), partition, lasts);
        self.rearm(&state);
        self.shared.leader_lost.notify_waiters();
    }

    /// Has nobody name the broker for a while, as if its controller had fenced it.
    pub fn brokerless(&self, lasts: Duration) {
        let mut state = self.shared.state.lock();
        state.absent.take_broker(lasts);
        self.rearm(&state);
        self.shared.leader_lost.notify_waiters();
    }

    /// What fired so far, in order.
    #[must_use]
    pub fn fired(&self) -> Vec<Fired> {
        self.shared.state.lock().fired.iter().cloned().collect()
    }

    /// How often a rule fired.
    #[must_use]
    pub fn times_fired(&self, rule: RuleId) -> usize {
        self.shared
            .state
            .lock()
            .fired
            .iter()
            .filter(|fired| fired.rule == rule)
            .count()
    }

    pub(crate) fn armed(&self) -> bool {
        self.shared.armed.load(Ordering::Acquire)
    }

    /// Ends when a partition loses its leader after this call, whether or not it is awaited by then.
    pub(crate) fn leader_lost(&self) -> Notified<'_> {
        self.shared.leader_lost.notified()
    }

    /// Whether a partition is without a leader now.
    pub(crate) fn is_leaderless(&self, topic: &str, partition: i32) -> bool {
        self.is_absent(|absent| absent.is_leader_away(topic, partition))
    }

    /// Whether nobody names the broker now.
    pub(crate) fn is_brokerless(&self) -> bool {
        self.is_absent(Absent::is_broker_away)
    }

    fn is_absent(&self, ask: impl FnOnce(&mut Absent) -> bool) -> bool {
        if !self.armed() {
            return false;
        }
        let mut state = self.shared.state.lock();
        let absent = ask(&mut state.absent);
        self.rearm(&state);
        absent
    }

    /// Counts a request with all rules that match it, and says what it meets.
    pub(crate) fn meet(&self, api: Api, client: &str, touched: &Touched) -> Verdict {
        let mut verdict = Verdict::default();
        let mut state = self.shared.state.lock();
        let State {
            rules,
            fired,
            absent,
            ..
        } = &mut *state;
        for live in rules {
            let Rule {
                subject,
                pick,
                action,
            } = &live.rule;
            if !subject.matches(api, client, touched) {
                continue;
            }
            live.seen += 1;
            if !pick.takes(live.seen) {
                continue;
            }
            match action {
                Action::Delay(delay) => verdict.delay += *delay,
                Action::DropBefore => verdict.drop_before = true,
                Action::DropAfter => verdict.drop_after = true,
                Action::Fail(error) => verdict.fail.push((subject.clone(), *error)),
                Action::Hold(gate) => verdict.hold.push((subject.clone(), gate.clone())),
                Action::Leaderless {
                    topic,
                    partition,
                    lasts,
                } => {
                    absent.take_leader(topic.clone(), *partition, *lasts);
                    self.shared.leader_lost.notify_waiters();
                }
                Action::Brokerless { lasts } => {
                    absent.take_broker(*lasts);
                    self.shared.leader_lost.notify_waiters();
                }
                Action::ExpireMember { group, member } => {
                    verdict.expire.push((group.clone(), member.clone()));
                }
            }
            if fired.len() == REMEMBERED {
                fired.pop_front();
            }
            fired.push_back(Fired {
                rule: live.id,
                api,
                client: client.to_owned(),
                seen: live.seen,
                action: action.clone(),
            });
        }
        verdict
    }

    pub(crate) fn hold(&self, gate: &str, append: Held) {
        let mut state = self.shared.state.lock();
        state
            .held
            .entry(gate.to_owned())
            .or_default()
            .push_back(append);
    }

    fn rearm(&self, state: &State) {
        self.shared.armed.store(
            !state.rules.is_empty() || !state.absent.is_empty(),
            Ordering::Release,
        );
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.shared.state.lock();
        f.debug_struct("Faults")
            .field(
                "rules",
                &state
                    .rules
                    .iter()
                    .map(|live| (live.id, &live.rule, live.seen))
                    .collect::<Vec<_>>(),
            )
            .field(
                "held",
                &state
                    .held
                    .iter()
                    .map(|(gate, held)| (gate, held.len()))
                    .collect::<Vec<_>>(),
            )
            .field("absent", &state.absent)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
