//! Answers: each is whole, given once, in the order of its inputs, under ids of its own.

use hashbrown::{HashMap, HashSet};

use kolo_core::stream::Verdict;
use kolo_core::wire::{FENCE, Fence, MARKER, Source};
use kolo_core::{EventId, Origin, Path, Position, TopicId};

use crate::record::Stored;
use crate::simulation::cast::Member;
use crate::simulation::log::judged;
use crate::simulation::seen::Seen;
use crate::simulation::violation::{Oracle, Violation};

pub(super) fn check(seen: &Seen<'_>) -> Result<(), Violation> {
    let world = seen.world;
    let mut ids = HashSet::new();
    for member in &world.plan.cast.members {
        for partition in world.log.partitions(member.stream) {
            let mut answers = Answers::of(member);
            for (_, stored, verdict) in judged(partition) {
                let is_event = match &verdict {
                    Some(Verdict::Valid(_)) => stored.event_type != MARKER,
                    _ => false,
                };
                if is_event && !ids.insert(stored.id) {
                    let message = format!(
                        "{}: the id of a {} stands twice",
                        member.name, stored.event_type
                    );
                    return Err(Violation::new(Oracle::Ids, message));
                }
                match verdict {
                    Some(Verdict::Fence(_)) => answers.fence(stored),
                    Some(Verdict::Valid(stamp)) if is_event => answers.take(stored, &stamp)?,
                    _ => {}
                }
            }
            answers.end()?;
        }
    }
    Ok(())
}

/// How the records of an origin come, without its name.
type Way = (Option<u32>, TopicId, i32);

struct Answers<'m> {
    member: &'m Member,
    origins: Vec<Origin>,
    /// The last position of each origin's partition.
    last: HashMap<Way, Position>,
    /// What was answered at each key, and whether it was an input, a request or a deadline.
    answered: HashSet<(Box<[u8]>, EventId, u8)>,
    /// The answer that is open: how many records were seen, of how many.
    open: Option<(u16, u16)>,
}

impl<'m> Answers<'m> {
    fn of(member: &'m Member) -> Self {
        Answers {
            member,
            origins: Vec::new(),
            last: HashMap::new(),
            answered: HashSet::new(),
            open: None,
        }
    }

    fn violation(&self, oracle: Oracle, message: &str, stored: &Stored) -> Violation {
        let (name, key) = (&self.member.name, stored.key_text());
        Violation::new(
            oracle,
            format!("{name}, key {key}: {message} ({})", stored.event_type),
        )
    }

    fn fence(&mut self, stored: &Stored) {
        debug_assert_eq!(stored.event_type, FENCE);
        let fence: Result<Fence, _> = serde_json::from_slice(stored.value());
        self.origins = fence.map(|fence| fence.origins).unwrap_or_default();
    }

    fn take(&mut self, stored: &Stored, stamp: &kolo_core::wire::Stamp) -> Result<(), Violation> {
        if stamp.index > 1 {
            if self.open != Some((stamp.index - 1, stamp.count)) {
                return Err(self.violation(Oracle::Answers, "an answer has no beginning", stored));
            }
        } else {
            if self.open.is_some() {
                return Err(self.violation(
                    Oracle::Answers,
                    "another answer stands in the middle of one",
                    stored,
                ));
            }
            self.begin(stored, stamp)?;
        }
        self.open = (stamp.index < stamp.count).then_some((stamp.index, stamp.count));
        Ok(())
    }

    fn begin(&mut self, stored: &Stored, stamp: &kolo_core::wire::Stamp) -> Result<(), Violation> {
        let Some(cause) = stamp.causation else {
            return Err(self.violation(Oracle::Answers, "an answer that nothing caused", stored));
        };
        let kind = match stamp.source {
            Source::None => 0,
            Source::Deadline(_) => 1,
            Source::Parked => 2,
            Source::Input { .. } | Source::Copy { .. } => 3,
        };
        if let Some((way, position)) = self.place(stamp.source)
            && self
                .last
                .insert(way, position)
                .is_some_and(|before| before >= position)
        {
            return Err(self.violation(
                Oracle::Answers,
                "answers are not in the order of their inputs",
                stored,
            ));
        }
        if !self.answered.insert((stored.key().into(), cause, kind)) {
            return Err(self.violation(Oracle::Once, "an input was answered twice", stored));
        }
        Ok(())
    }

    fn place(&self, source: Source) -> Option<(Way, Position)> {
        let version = |path| match path {
            Path::Direct => None,
            Path::Route(version) => Some(version),
        };
        match source {
            Source::Input {
                origin,
                partition,
                position,
            } => {
                let origin = self.origins.get(usize::from(origin))?;
                Some(((version(origin.path), origin.id, partition), position))
            }
            Source::Copy {
                path,
                topic,
                partition,
                position,
                ..
            } => Some(((version(path), topic, partition), position)),
            Source::None | Source::Deadline(_) | Source::Parked => None,
        }
    }

    fn end(&self) -> Result<(), Violation> {
        match self.open {
            None => Ok(()),
            Some((seen, of)) => Err(Violation::new(
                Oracle::Answers,
                format!("{}: an answer of {of} records has {seen}", self.member.name),
            )),
        }
    }
}
