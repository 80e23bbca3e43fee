//! One aggregate, with its owner and how far that has read.

use std::rc::Rc;
use std::sync::Arc;

use kolo_core::processor::{InputTopic, Outbox, Outcome, Processor, ResumeAt, Rules, Setup, Start};
use kolo_core::{Description, EffectCall, EventId, Participant, Service, Timestamp, TopicId};

use crate::record::Stored;
use crate::world::{Outside, Topics};

/// What an owner took up, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Taken {
    /// A record of an input, by the input's place and the offset.
    Record(usize, usize),
    /// The reply to a request.
    Reply(EffectCall),
    /// That this time has passed.
    Passed(Timestamp),
}

/// An aggregate. Its processor is made anew for each step, from the stream and from what the owner took up since: so a
/// world can be copied, and every step is a proof that a processor is a function of these two.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) participant: Arc<dyn Participant>,
    pub(crate) description: Rc<Description>,
    /// The topics that are read; the inbox last, if there is one.
    pub(crate) inputs: Rc<[String]>,
    /// The next offset of each.
    pub(crate) next: Vec<usize>,
    pub(crate) pending: Vec<EffectCall>,
    /// The earliest deadline.
    pub(crate) due: Option<Timestamp>,
    service: &'static str,
    /// Offset of the owner's fence.
    epoch: usize,
    taken: Vec<Taken>,
}

/// The id that stands for a topic.
pub(crate) fn topic_id(topic: &str) -> TopicId {
    TopicId(EventId::foreign(topic).0)
}

impl Member {
    pub(crate) fn all(service: &Service) -> Vec<Member> {
        let each = service.aggregates().iter().map(|participant| {
            let description = participant.description();
            let direct = description.direct_topics().into_iter().map(str::to_owned);
            let mut inputs: Vec<String> = direct.collect();
            if !description.routed_topics().is_empty() {
                inputs.push(service.inbox(description.aggregate));
            }
            Member {
                name: format!("{}.{}", service.name(), description.aggregate),
                participant: Arc::clone(participant),
                next: vec![0; inputs.len()],
                inputs: inputs.into(),
                description: Rc::new(description),
                pending: Vec::new(),
                due: None,
                service: service.name(),
                epoch: 0,
                taken: Vec::new(),
            }
        });
        each.collect()
    }

    /// The inbox, if events are routed here.
    pub(crate) fn inbox(&self) -> Option<&String> {
        let direct = self.description.direct_topics().len();
        self.inputs.get(direct)
    }

    /// Whether a record of this type is decided here.
    pub(crate) fn handles(&self, event_type: &str) -> bool {
        let reactions = self
            .description
            .reactions
            .iter()
            .map(|reaction| reaction.event);
        let undos = self.description.compensations.iter().map(|undo| undo.event);
        reactions.chain(undos).any(|event| event.name == event_type)
    }

    /// Takes the stream over, as a process does that starts after a crash. Returns what is appended: the fence, and what
    /// a torn answer lacks.
    pub(crate) fn take_over(&mut self, topics: &Topics) -> Vec<Stored> {
        self.epoch = self.stream(topics).len();
        self.taken.clear();
        let (mut processor, start, rest) = self.restored(topics);
        self.next = start.resume.iter().map(|&at| start_of(at)).collect();
        self.pending = pending(processor.as_ref());
        self.due = processor.next_deadline();
        let mut fence = Outbox::default();
        processor.fence(NOW, &mut fence);
        fence
            .iter()
            .chain(rest.iter())
            .map(|append| Stored::appended(&append))
            .collect()
    }

    /// Takes something up. Returns what is appended.
    pub(crate) fn take(&mut self, taken: Taken, topics: &Topics, outside: Outside) -> Vec<Stored> {
        let (mut processor, next) = self.replayed(topics, outside);
        let mut out = Outbox::default();
        self.apply(processor.as_mut(), &taken, topics, outside, &mut out);
        acknowledge(processor.as_mut(), next, &out);
        if let Taken::Record(input, offset) = taken {
            self.next[input] = offset + 1;
        }
        self.taken.push(taken);
        self.pending = pending(processor.as_ref());
        self.due = processor.next_deadline();
        out.iter().map(|append| Stored::appended(&append)).collect()
    }

    fn stream<'a>(&self, topics: &'a Topics) -> &'a [Rc<Stored>] {
        topics
            .get(self.description.stream)
            .map_or(&[], Vec::as_slice)
    }

    /// The processor after its restore, and what it then appends.
    fn restored(&self, topics: &Topics) -> (Box<dyn Processor>, Start, Outbox) {
        let topic = |name: &str| InputTopic {
            name: name.to_owned(),
            id: topic_id(name),
        };
        let mut processor = self.participant.processor(Setup {
            service: self.service.to_owned(),
            partition: 0,
            partitions: 1,
            nonce: self.epoch as u64,
            inputs: self.inputs.iter().map(|name| topic(name)).collect(),
            routed: self
                .description
                .routed_topics()
                .into_iter()
                .map(topic)
                .collect(),
            max_record_bytes: 1_000_000,
            allow_downgrade: false,
            broken: std::collections::HashMap::new(),
            rules: Rules::ALL,
        });
        processor.fenced(offset(self.epoch));
        for (at, record) in self.stream(topics)[..self.epoch].iter().enumerate() {
            let restored = processor.restore(&record.record(offset(at)));
            restored.unwrap_or_else(|problem| panic!("{} restores: {problem}", self.name));
        }
        let mut rest = Outbox::default();
        let start = processor.start(NOW, &mut rest);
        let start = start.unwrap_or_else(|problem| panic!("{} starts: {problem}", self.name));
        (processor, start, rest)
    }

    /// The processor as it is now, and the next offset of its stream.
    fn replayed(&self, topics: &Topics, outside: Outside) -> (Box<dyn Processor>, usize) {
        let (mut processor, _, rest) = self.restored(topics);
        let mut next = acknowledge(processor.as_mut(), self.epoch + 1, &rest);
        let mut out = Outbox::default();
        for taken in &self.taken {
            out.clear();
            self.apply(processor.as_mut(), taken, topics, outside, &mut out);
            next = acknowledge(processor.as_mut(), next, &out);
        }
        (processor, next)
    }

    fn apply(
        &self,
        processor: &mut dyn Processor,
        taken: &Taken,
        topics: &Topics,
        outside: Outside,
        out: &mut Outbox,
    ) {
        let outcome = match taken {
            Taken::Record(input, at) => {
                let record = &topics[&self.inputs[*input]][*at];
                processor.handle(*input, &record.record(offset(*at)), NOW, out)
            }
            Taken::Reply(call) => {
                let port = self.description.effects[call.effect].port;
                processor.answer(call.request, outside(port, call), NOW, out)
            }
            Taken::Passed(due) => processor
                .pass_deadlines(*due, 1, NOW, out)
                .map(Outcome::Decided),
        };
        let outcome =
            outcome.unwrap_or_else(|problem| panic!("{} takes up {taken:?}: {problem}", self.name));
        if outcome == Outcome::Parked {
            let parked = processor.latest_parked();
            let why = parked.map(|(key, parked)| format!("{key}: {}", parked.failure.message));
            panic!("{} parks at {taken:?}: {why:?}", self.name);
        }
    }
}

/// Decisions read the time from their inputs, which are all of the first moment here.
const NOW: Timestamp = Timestamp::from_millis(0);

/// All appends are acknowledged at once. Returns the next offset of the stream.
fn acknowledge(processor: &mut dyn Processor, next: usize, appended: &Outbox) -> usize {
    for at in next..next + appended.len() {
        let acknowledged = processor.acknowledged(offset(at));
        acknowledged.unwrap_or_else(|end| panic!("the only owner goes on: {end}"));
    }
    let mut sound = Vec::new();
    processor.sound(&mut sound);
    next + appended.len()
}

/// The requests without an answer, in an order that depends on nothing.
fn pending(processor: &dyn Processor) -> Vec<EffectCall> {
    let mut pending = processor.pending();
    pending.sort_by_key(|call| call.request);
    pending
}

fn start_of(resume: ResumeAt) -> usize {
    match resume {
        ResumeAt::Beginning => 0,
        ResumeAt::Decided(at) | ResumeAt::Next(at) => usize::try_from(at).unwrap_or(0),
    }
}

pub(crate) fn offset(at: usize) -> i64 {
    i64::try_from(at).unwrap_or(i64::MAX)
}
