//! Judge: a decision of then beside the same one today.

use crate::id::{CorrelationId, EventId};
use crate::state::State;
use crate::time::Timestamp;
use crate::wire::{self, Failure, FailureClass, Parked, ParkedKind, Place, UNPARKED, Unparked};

use super::super::owner::Owner;
use super::compare::{Answer, Recorded, compare, draft_said, recorded_said};
use super::first::Rehearsal;
use super::second::{Several, Silent};
use super::{Compared, Decided, Finding};

/// An input, kept while it is looked at: as the processor keeps what it has not decided.
pub(super) struct Input {
    pub(super) key: String,
    pub(super) parked: Parked,
}

impl Input {
    pub(super) fn of(key: String, replay: wire::Replay) -> Self {
        let parked = replay.parked(undecided());
        Input { key, parked }
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            on: self.parked.event_type.as_deref().unwrap_or("?"),
            key: &self.key,
            id: self.parked.id,
            place: self.parked.place.as_ref(),
            published: self.parked.at,
        }
    }
}

/// Why an input is kept that is only looked at.
pub(in super::super) fn undecided() -> Failure {
    Failure {
        class: FailureClass::Behind,
        function: None,
        message: String::new(),
    }
}

/// What is decided.
#[derive(Clone, Copy)]
pub(super) struct Subject<'a> {
    pub(super) on: &'a str,
    pub(super) key: &'a str,
    pub(super) id: EventId,
    pub(super) place: Option<&'a Place>,
    pub(super) published: Timestamp,
}

/// What deciding it today has come to; the answer itself is in the draft.
#[derive(Default)]
pub(super) struct Today {
    pub(super) failure: Option<Failure>,
    correlation: Option<CorrelationId>,
}

impl<S: State> Rehearsal<S> {
    /// Decides an input again whose answer is about to be taken up.
    pub(super) fn judge(
        &mut self,
        input: Input,
        answer: Answer,
        decided: Decided,
    ) -> Option<Compared> {
        if !self.wants(input.subject(), &answer, decided) {
            return None;
        }
        let today = self.rehearse(&input, decided.at);
        let compared = self.compared(input.subject(), &answer.records, &today, decided);
        if self.owner.scratch.draft.functions < 2 {
            return Some(Compared {
                correlation: answer.correlation,
                ..compared
            });
        }
        self.again.several(Several {
            records: answer.records,
            compared,
            input,
        });
        None
    }

    /// Decides an input again that was decided with nothing.
    pub(super) fn judge_silent(
        &mut self,
        at_input: usize,
        input: Input,
        decided: Decided,
    ) -> Option<Compared> {
        let entity = self.owner.entities.get(&input.key);
        if entity.is_some_and(|entity| entity.has_answered(input.parked.id)) {
            return None;
        }
        let today = self.rehearse(&input, decided.at);
        let mut compared = self.compared(input.subject(), &[], &today, decided);
        let saga = compared.correlation;
        if saga.is_some_and(|saga| !self.filter.wants_saga(saga)) {
            return None;
        }
        if compared.finding == Finding::Missing {
            compared.replay = wire::Replay::of(&input.parked);
        }
        let since = self.told[at_input];
        let changed = self.changed.get(input.key.as_str());
        // If its key is parked, it was decided before: it would have been parked itself.
        let is_certain = changed.is_none_or(|changed| *changed <= since)
            && self.owner.first_parked(&input.key).is_none();
        if is_certain && compared.replay.is_some() {
            let of_id = self.missing.entry(compared.id).or_default();
            of_id.push(compared);
            return None;
        }
        if compared.finding == Finding::Same || is_certain {
            return Some(compared);
        }
        self.again.silent(Silent {
            compared,
            input,
            after: since,
        });
        None
    }

    pub(super) fn deadline(
        &mut self,
        due: Timestamp,
        key: &str,
        answer: &Answer,
        decided: Decided,
    ) -> Option<Compared> {
        let subject = Subject {
            on: "deadline",
            key,
            id: EventId::of_deadline(&self.owner.names.deadline, key, due),
            place: None,
            published: due,
        };
        if !self.wants(subject, answer, decided) {
            return None;
        }
        self.owner.scratch.draft.clear();
        let entity = self.owner.entities.get(key);
        let alarm = entity.and_then(|entity| entity.alarm.as_deref());
        let alarm = alarm.filter(|alarm| alarm.due == due).cloned();
        let mut today = Today::default();
        if let Some(alarm) = alarm {
            self.owner.scratch.rehearses = true;
            let run = self.owner.run_deadline(subject.id, key, &alarm, decided.at);
            self.owner.scratch.rehearses = false;
            today.failure = run.err().map(|failed| failed.failure);
        }
        let compared = self.compared(subject, &answer.records, &today, decided);
        Some(Compared {
            correlation: answer.correlation,
            ..compared
        })
    }

    /// What was parked and ran again. An input is decided like any other; a request is no decision.
    pub(super) fn redriven(
        &mut self,
        key: &str,
        mut answer: Answer,
        decided: Decided,
    ) -> Option<Compared> {
        let last = answer.records.pop_if(|last| last.event_type == UNPARKED);
        let parked = match &last {
            Some(last) => {
                let unparked: Unparked = serde_json::from_slice(&last.value).ok()?;
                if unparked.dropped.is_some() {
                    return None;
                }
                self.owner.parked.get(key, unparked.id)?.clone()
            }
            None => return None,
        };
        match parked.kind {
            ParkedKind::Input => {
                let key = key.to_owned();
                self.judge(Input { key, parked }, answer, decided)
            }
            ParkedKind::Deadline => self.deadline(parked.at, key, &answer, decided),
            ParkedKind::Request | ParkedKind::Route => None,
        }
    }

    /// Has an input decided without anything being taken up.
    pub(super) fn rehearse(&mut self, input: &Input, now: Timestamp) -> Today {
        self.owner.scratch.rehearses = true;
        let today = decide(&mut self.owner, input, now);
        self.owner.scratch.rehearses = false;
        today
    }

    fn wants(&self, subject: Subject<'_>, answer: &Answer, decided: Decided) -> bool {
        self.filter
            .wants(subject.key, subject.published, decided.at)
            && answer
                .correlation
                .is_none_or(|saga| self.filter.wants_saga(saga))
    }

    pub(super) fn unjudged(
        &self,
        finding: Finding,
        subject: Subject<'_>,
        answer: &Answer,
        decided: Decided,
    ) -> Option<Compared> {
        self.wants(subject, answer, decided).then(|| Compared {
            finding,
            correlation: answer.correlation,
            ..Compared::of(subject, decided)
        })
    }

    fn compared(
        &self,
        subject: Subject<'_>,
        recorded: &[Recorded],
        today: &Today,
        decided: Decided,
    ) -> Compared {
        let draft = &self.owner.scratch.draft;
        let finding = compare::<S>(recorded, today, draft);
        let compared = Compared {
            finding,
            correlation: today.correlation,
            ..Compared::of(subject, decided)
        };
        if !finding.differs() {
            return compared;
        }
        Compared {
            recorded: recorded_said::<S>(recorded),
            today: draft_said::<S>(draft),
            failure: today.failure.clone(),
            ..compared
        }
    }
}

impl Compared {
    /// Nothing speaks for another answer than that which was recorded.
    pub(super) fn same(self) -> Self {
        Compared {
            finding: Finding::Same,
            recorded: Vec::new(),
            today: Vec::new(),
            failure: None,
            replay: None,
            ..self
        }
    }

    fn of(subject: Subject<'_>, decided: Decided) -> Self {
        Compared {
            finding: Finding::Same,
            on: subject.on.to_owned(),
            key: subject.key.to_owned(),
            id: subject.id,
            correlation: None,
            place: subject.place.cloned(),
            published: subject.published,
            decided,
            recorded: Vec::new(),
            today: Vec::new(),
            failure: None,
            replay: None,
        }
    }
}

/// Decides an input; what is said is in the draft.
pub(super) fn decide<S: State>(owner: &mut Owner<S>, input: &Input, now: Timestamp) -> Today {
    match owner.run_input(&input.parked, &input.key, now) {
        Ok(redriven) => Today {
            failure: None,
            correlation: Some(redriven.correlation),
        },
        Err(failed) => Today {
            failure: Some(failed.failure),
            correlation: None,
        },
    }
}
