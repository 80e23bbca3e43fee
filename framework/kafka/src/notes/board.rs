//! The board: which notes stand in the topic, and what is to be changed of them.

use std::time::Duration;

use hashbrown::{HashMap, HashSet};
use kolo_core::Timestamp;
use kolo_core::effect_note::{EffectNote, Note, RequestNote};

use crate::effects::{FailingEffect, FailingEffects, OwnerId, PendingEffect, Progress};

/// How often a note that changes is written at most, and one that does not at least: the topic forgets after a day.
const AT_MOST: Duration = Duration::from_secs(10);
const AT_LEAST: Duration = Duration::from_secs(600);

/// A note to be written, or to be taken back.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) key: String,
    note: Option<(String, Standing)>,
}

impl Change {
    /// `None` takes the note back.
    pub(super) fn value(&self) -> Option<&str> {
        self.note.as_ref().map(|(value, _)| value.as_str())
    }
}

/// What of a note decides whether it is written again.
#[derive(Debug, Clone, PartialEq)]
struct Standing {
    at: Timestamp,
    /// Of a request: whose it was.
    owner: Option<OwnerId>,
    /// Calls of a request; requests of an effect.
    count: u64,
    problem: String,
    is_open: bool,
}

pub(super) struct Board {
    instance: String,
    /// By key.
    written: HashMap<String, Standing>,
    closes: bool,
}

impl Board {
    pub(super) fn new(instance: String) -> Self {
        Board {
            instance,
            written: HashMap::new(),
            closes: false,
        }
    }

    /// Whether no note stands in the topic.
    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// The process ends: what it says of itself is over, and its requests wait for the next owner.
    pub(super) fn closes(&mut self) {
        self.closes = true;
    }

    /// What is to be changed, now that this fails. It is so until it was [`Board::written`].
    ///
    /// The request of a partition that was lost waits for its next owner: its note is left, and forgotten here.
    pub(super) fn changes(&mut self, failing: &FailingEffects, now: Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        let mut known = HashSet::new();
        for effect in &failing.effects {
            let requests = effect.requests.iter();
            let requests = requests.map(|(owner, request)| {
                let note = request_note(request, effect.open_until, now);
                (Some(*owner), note)
            });
            let own = (!self.closes).then(|| (None, self.effect_note(effect, now)));
            for (owner, note) in requests.chain(own) {
                let key = note.key();
                if let Some(standing) = self.renewed(&key, standing(owner, &note)) {
                    changes.push(Change {
                        key: key.clone(),
                        note: Some((note.to_json(), standing)),
                    });
                }
                known.insert(key);
            }
        }
        self.written.retain(|key, standing| {
            let is_owned = |owner| failing.owners.contains(&owner);
            standing.owner.is_none_or(is_owned) || known.contains(key)
        });
        let gone = self.written.keys().filter(|key| !known.contains(*key));
        changes.extend(gone.map(|key| Change {
            key: key.clone(),
            note: None,
        }));
        changes
    }

    /// These changes stand in the topic.
    pub(super) fn written(&mut self, changes: Vec<Change>) {
        for Change { key, note } in changes {
            match note {
                Some((_, standing)) => self.written.insert(key, standing),
                None => self.written.remove(&key),
            };
        }
    }

    /// What stands now, if it is to be written.
    fn renewed(&self, key: &str, now: Standing) -> Option<Standing> {
        let Some(before) = self.written.get(key) else {
            return Some(now);
        };
        let age = now.at.since(before.at);
        let has_changed = (before.count, &before.problem) != (now.count, &now.problem);
        let is_due = (before.is_open, before.owner) != (now.is_open, now.owner)
            || has_changed && age >= AT_MOST
            || age >= AT_LEAST;
        is_due.then_some(now)
    }

    fn effect_note(&self, effect: &FailingEffect, now: Timestamp) -> Note {
        Note::Effect(EffectNote {
            aggregate: effect.aggregate.to_string(),
            request: effect.request.to_owned(),
            instance: self.instance.clone(),
            pending: effect.pending,
            open_until: effect.open_until,
            problem: effect.problem.clone(),
            at: now,
        })
    }
}

fn request_note(request: &PendingEffect, open_until: Option<Timestamp>, now: Timestamp) -> Note {
    Note::Request(RequestNote {
        aggregate: request.aggregate.clone(),
        partition: request.partition,
        request: request.request_type.to_owned(),
        id: request.request,
        saga: request.saga,
        key: request.key.clone(),
        since: request.since,
        attempts: request.attempts,
        problem: request.problem.clone().unwrap_or_default(),
        next: match request.progress {
            Progress::Paused(until) => Some(open_until.map_or(until, |open| open.max(until))),
            Progress::Ready => open_until,
            Progress::Behind | Progress::Calling | Progress::GivenUp => None,
        },
        at: now,
    })
}

fn standing(owner: Option<OwnerId>, note: &Note) -> Standing {
    match note {
        Note::Request(note) => Standing {
            at: note.at,
            owner,
            count: note.attempts.into(),
            problem: note.problem.clone(),
            is_open: false,
        },
        Note::Effect(note) => Standing {
            at: note.at,
            owner,
            count: note.pending,
            problem: note.problem.clone(),
            is_open: note.open_until.is_some(),
        },
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::{CorrelationId, EventId};

    use super::*;

    const OWNER: OwnerId = OwnerId(7);

    fn effect(attempts: &[u32], open_until: Option<i64>) -> FailingEffects {
        let requests = attempts.iter().enumerate().map(|(number, &attempts)| {
            let key = format!("k{number}");
            let pending = PendingEffect {
                aggregate: "pay.pay".into(),
                partition: 0,
                port: "Bank",
                request_type: "Asked",
                request: EventId::foreign(&key),
                saga: CorrelationId(EventId::foreign("saga").0),
                key,
                since: Timestamp::from_millis(1),
                attempts,
                problem: Some("503".into()),
                progress: Progress::Calling,
                breaker: None,
            };
            (OWNER, pending)
        });
        let effect = FailingEffect {
            aggregate: "pay.pay".into(),
            request: "Asked",
            pending: attempts.len() as u64,
            open_until: open_until.map(Timestamp::from_millis),
            problem: "503".into(),
            requests: requests.collect(),
        };
        FailingEffects {
            effects: vec![effect],
            owners: [OWNER].into(),
        }
    }

    fn nothing() -> FailingEffects {
        FailingEffects {
            effects: Vec::new(),
            owners: [OWNER].into(),
        }
    }

    /// How many notes are written and how many are taken back at this second.
    fn look(board: &mut Board, second: i64, failing: &FailingEffects) -> (usize, usize) {
        let changes = board.changes(failing, Timestamp::from_millis(second * 1_000));
        let back = changes.iter().filter(|change| change.value().is_none());
        let counts = (changes.len() - back.clone().count(), back.count());
        board.written(changes);
        counts
    }

    #[test]
    fn a_note_is_written_at_once_then_seldom_and_taken_back_at_the_end() {
        let mut board = Board::new("one".into());
        assert_eq!(look(&mut board, 0, &effect(&[1, 1], None)), (3, 0));
        assert_eq!(look(&mut board, 2, &effect(&[2, 1], None)), (0, 0), "soon");
        assert_eq!(look(&mut board, 10, &effect(&[3, 1], None)), (1, 0));
        assert_eq!(
            look(&mut board, 12, &effect(&[3, 1], Some(9))),
            (1, 0),
            "opened"
        );
        assert_eq!(look(&mut board, 599, &effect(&[3, 1], Some(9))), (0, 0));
        assert_eq!(
            look(&mut board, 600, &effect(&[3, 1], Some(9))),
            (1, 0),
            "old"
        );
        // One is answered, and the effect has fewer that wait.
        assert_eq!(look(&mut board, 700, &effect(&[3], Some(9))), (2, 1));
        assert_eq!(look(&mut board, 701, &nothing()), (0, 2));
        assert!(board.is_empty());
    }

    #[test]
    fn what_could_not_be_written_is_to_be_written_still() {
        let mut board = Board::new("one".into());
        let failing = effect(&[1], None);
        for second in 0..2 {
            let changes = board.changes(&failing, Timestamp::from_millis(second));
            assert_eq!(changes.len(), 2);
        }
        assert!(board.is_empty());
    }

    #[test]
    fn who_ends_leaves_the_notes_of_requests_that_wait() {
        let mut board = Board::new("one".into());
        look(&mut board, 0, &effect(&[1, 1], None));
        board.closes();
        let changes = board.changes(&effect(&[1], None), Timestamp::from_millis(1));
        let mut back: Vec<&str> = changes.iter().map(|change| change.key.as_str()).collect();
        back.sort_unstable();
        let answered = format!("pay.pay/{}", EventId::foreign("k1"));
        let mut expected = vec![answered.as_str(), "pay.pay/Asked@one"];
        expected.sort_unstable();
        assert_eq!(back, expected);
        assert!(changes.iter().all(|change| change.value().is_none()));
    }

    #[test]
    fn who_loses_a_partition_leaves_its_notes_and_takes_back_only_its_own() {
        let mut board = Board::new("one".into());
        look(&mut board, 0, &effect(&[1, 1], None));
        let lost = FailingEffects::default();
        assert_eq!(look(&mut board, 10, &lost), (0, 1));
        assert!(board.is_empty());

        // Under another ownership of the same partition they are known again, and told as its own.
        look(&mut board, 20, &effect(&[1, 1], None));
        let mut again = effect(&[1], None);
        again.effects[0].requests[0].0 = OwnerId(8);
        again.owners = [OwnerId(8)].into();
        assert_eq!(look(&mut board, 21, &again), (1, 0));
        assert_eq!(look(&mut board, 31, &again), (1, 0), "fewer wait");
        again.effects.clear();
        assert_eq!(look(&mut board, 41, &again), (0, 2));
    }
}
