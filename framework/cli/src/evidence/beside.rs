//! What stands beside the log: who is in a group, and notes of effects whose calls fail. Neither decides anything; both tell
//! why nothing is decided.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use kolo_core::effect_note::{EffectNote, Note, RequestNote, TOPIC};
use kolo_core::{EventId, Timestamp};
use rdkafka::consumer::Consumer;

use crate::cluster::{ANSWER, Cluster};
use crate::failure::Failure;
use crate::scan::Latest;

/// A note that was not written again for so long is of a process that is gone.
const FRESH: Duration = Duration::from_secs(10 * 60);

/// How many members groups have.
#[derive(Debug, Default)]
pub(crate) struct Groups(BTreeMap<String, usize>);

impl Groups {
    /// Asks for the groups of these `<service>.<aggregate>`.
    pub(crate) fn of(
        cluster: &Cluster<'_>,
        owners: impl IntoIterator<Item = String>,
    ) -> Result<Self, Failure> {
        let owners: BTreeSet<String> = owners.into_iter().collect();
        let counted = owners.into_iter().map(|owner| {
            let count = members(cluster, &owner)?;
            Ok((owner, count))
        });
        Ok(Groups(counted.collect::<Result<_, Failure>>()?))
    }

    /// How many instances are in the group of one that was asked for.
    pub(crate) fn members(&self, owner: &str) -> usize {
        self.0.get(owner).copied().unwrap_or(0)
    }
}

fn members(cluster: &Cluster<'_>, owner: &str) -> Result<usize, Failure> {
    let groups = cluster.reader.fetch_group_list(Some(owner), ANSWER);
    let groups = groups.map_err(|error| {
        Failure::run(format!(
            "the brokers do not say whether the group `{owner}` has members: {error}"
        ))
    })?;
    let its = groups.groups().iter().filter(|group| group.name() == owner);
    Ok(its.map(|group| group.members().len()).sum())
}

/// The notes that count now.
#[derive(Debug)]
pub(crate) struct Notes {
    requests: HashMap<EventId, RequestNote>,
    effects: Vec<EffectNote>,
    now: Timestamp,
}

impl Notes {
    /// Reads the topic of notes; where there is none, nothing has failed so far.
    pub(crate) fn read(cluster: &Cluster<'_>, now: Timestamp) -> Result<Self, Failure> {
        let topic = cluster.topics.iter().find(|topic| topic.name == TOPIC);
        let latest = topic.map(|topic| Latest::of(cluster, topic)).transpose()?;
        Ok(Notes::new(&latest.unwrap_or_default(), now))
    }

    fn new(latest: &Latest, now: Timestamp) -> Self {
        let mut notes = Notes {
            requests: HashMap::new(),
            effects: Vec::new(),
            now,
        };
        let known = latest.0.values();
        for note in known.filter_map(|value| Note::from_json(value)) {
            match note {
                Note::Request(note) if notes.is_fresh(note.at) => {
                    notes.requests.insert(note.id, note);
                }
                Note::Effect(note) if notes.is_fresh(note.at) => notes.effects.push(note),
                Note::Request(_) | Note::Effect(_) => {}
            }
        }
        notes
    }

    fn is_fresh(&self, at: Timestamp) -> bool {
        self.now.since(at) <= FRESH
    }

    /// What is known of a request without an answer.
    pub(super) fn request(&self, id: EventId) -> Option<&RequestNote> {
        self.requests.get(&id)
    }

    /// What is known of all requests of a kind: of several processes, what was said last.
    pub(super) fn effect(&self, aggregate: &str, request: &str) -> Option<&EffectNote> {
        let its = |note: &&EffectNote| note.aggregate == aggregate && note.request == request;
        self.effects.iter().filter(its).max_by_key(|note| note.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_counts_for_ten_minutes_unless_it_is_taken_back() {
        let note = |at: i64| {
            Note::Effect(EffectNote {
                aggregate: "payment.payment".into(),
                request: "shop.payment.PaymentRequested".into(),
                instance: format!("host-{at}"),
                pending: 3,
                open_until: None,
                problem: format!("problem {at}"),
                at: Timestamp::from_millis(at),
            })
        };
        let mut latest = Latest::default();
        let problem = |latest: &Latest| {
            let notes = Notes::new(latest, Timestamp::from_millis(700_000));
            let note = notes.effect("payment.payment", "shop.payment.PaymentRequested");
            note.map(|note| note.problem.clone())
        };
        for at in [99_999, 100_000, 200_000] {
            latest.take(
                note(at).key().as_bytes(),
                Some(note(at).to_json().as_bytes()),
            );
        }
        assert_eq!(problem(&latest), Some("problem 200000".into()));
        latest.take(note(200_000).key().as_bytes(), None);
        assert_eq!(problem(&latest), Some("problem 100000".into()));
        latest.take(note(100_000).key().as_bytes(), None);
        assert_eq!(problem(&latest), None, "it is older");
    }
}
