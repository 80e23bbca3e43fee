//! The topics of an index, each with a number. A topic that was created again, or is read in another way than before, is
//! another one: it gets another number, and what stands under the old one counts for nothing.

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

/// All topics that have ever been read; the number is the place in the list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Topics(Vec<Known>);

impl Topics {
    /// The number of a topic; a fresh one where it is not known as it is now.
    pub(super) fn number(&mut self, topic: &Topic) -> TopicNumber {
        // The latest of its name: what was read in this way long ago has stood still since.
        let latest = self.0.iter().rposition(|known| known.name == topic.name);
        let is_it = |known: &Known| known.id == topic.id && known.reading.serves(&topic.reading());
        match latest.filter(|&at| is_it(&self.0[at])) {
            Some(at) => number(at),
            None => self.renew(topic),
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
    use crate::evidence::plan::Role;

    fn topic(id: &str, role: Role) -> Topic {
        Topic {
            name: "orders".into(),
            id: TopicId(EventId::foreign(id).0),
            role,
            partitions: vec![0],
            only: None,
            sagas: BTreeMap::new(),
        }
    }

    #[test]
    fn a_topic_of_another_id_or_read_in_another_way_is_another_one() {
        let mut topics = Topics::default();
        let first = topic("first", Role::Intake);
        assert_eq!(topics.number(&first), 0);
        assert_eq!(topics.number(&first), 0);
        assert_eq!(topics.number(&topic("again", Role::Intake)), 1);
        let stream = topic("again", Role::Stream("order.lifecycle".into()));
        assert_eq!(topics.number(&stream), 2);
        assert_eq!(topics.number(&stream), 2);
        assert_eq!(topics.renew(&stream), 3);
        assert_eq!(topics.number(&stream), 3);
        // What was read long ago has stood still since.
        assert_eq!(topics.number(&first), 4);
    }
}
