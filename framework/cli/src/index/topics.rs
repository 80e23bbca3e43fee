//! The topics of an index, each with a number. A topic that was created again, or is read in another way than before, is
//! another one: it gets another number, and what stands under the old one counts for nothing.

use std::fmt;

use kolo_core::TopicId;
use serde::{Deserialize, Serialize};

use crate::evidence::plan::{Reading, Topic};

use super::row::TopicNumber;

/// A topic as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    id: TopicId,
    name: String,
    reading: Reading,
}

/// Why a topic that was read is read from its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Again {
    Recreated,
    DeclaredOtherwise,
    /// A partition ends before what was read of it.
    Shorter,
    /// The saga of some events could not be read, and may be now.
    Readable,
}

impl fmt::Display for Again {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Again::Recreated => "it was deleted and created again",
            Again::DeclaredOtherwise => {
                "its events, or the fields that tell their sagas, are declared otherwise than when the index read it"
            }
            Again::Shorter => {
                "it ends before what the index has read of it: its brokers have lost records"
            }
            Again::Readable => {
                "the sagas of some of its events could not be read with the schemas that the index had, and those of now have more"
            }
        })
    }
}

/// All topics that have ever been read; the number is the place in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Topics(Vec<Known>);

impl Topics {
    /// The number of a topic; none where it was never read, and why not where it is not known as it is now.
    pub(super) fn number(&self, topic: &Topic) -> Result<Option<TopicNumber>, Again> {
        let mut all = self.0.iter().enumerate();
        // The latest of its name: what was read in this way long ago has stood still since.
        match all.rfind(|(_, known)| known.name == topic.name) {
            None => Ok(None),
            Some((_, known)) if known.id != topic.id => Err(Again::Recreated),
            Some((_, known)) if known.reading != topic.reading() => Err(Again::DeclaredOtherwise),
            Some((at, _)) => Ok(Some(number(at))),
        }
    }

    /// A fresh number: the topic is read from its beginning.
    pub(super) fn renew(&mut self, topic: &Topic) -> TopicNumber {
        self.0.push(Known {
            id: topic.id,
            name: topic.name.clone(),
            reading: topic.reading(),
        });
        number(self.0.len() - 1)
    }
}

fn number(at: usize) -> TopicNumber {
    TopicNumber::try_from(at).unwrap_or(TopicNumber::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use kolo_core::EventId;

    use super::*;
    use crate::evidence::plan::{Role, SagaIn};
    use crate::evidence::versions::Versions;

    fn topic(id: &str, role: Role) -> Topic {
        Topic {
            name: "orders".into(),
            id: TopicId(EventId::foreign(id).0),
            role,
            partitions: vec![0],
            only: None,
            sagas: BTreeMap::new(),
            versions: Versions::default(),
        }
    }

    #[test]
    fn a_topic_of_another_id_or_read_in_another_way_is_another_one() {
        let mut topics = Topics::default();
        let first = topic("first", Role::Intake);
        assert_eq!(topics.number(&first), Ok(None));
        assert_eq!(topics.renew(&first), 0);
        assert_eq!(topics.number(&first), Ok(Some(0)));
        let again = topic("again", Role::Intake);
        assert_eq!(topics.number(&again), Err(Again::Recreated));
        assert_eq!(topics.renew(&again), 1);
        let stream = topic("again", Role::Stream("order.lifecycle".into()));
        assert_eq!(topics.number(&stream), Err(Again::DeclaredOtherwise));
        assert_eq!(topics.renew(&stream), 2);
        assert_eq!(topics.number(&stream), Ok(Some(2)));
        assert_eq!(topics.renew(&stream), 3);
        assert_eq!(topics.number(&stream), Ok(Some(3)));
        // What was read long ago has stood still since.
        assert_eq!(topics.number(&first), Err(Again::Recreated));
    }

    #[test]
    fn a_saga_that_another_field_tells_is_another_one() {
        let told_by = |field: &str| Topic {
            sagas: BTreeMap::from([("shop.Ordered".to_owned(), SagaIn::Field(field.into()))]),
            ..topic("first", Role::Intake)
        };
        let mut topics = Topics::default();
        topics.renew(&told_by("basket"));
        assert_eq!(topics.number(&told_by("basket")), Ok(Some(0)));
        let moved = topics.number(&told_by("wish"));
        assert_eq!(moved, Err(Again::DeclaredOtherwise));
    }
}
