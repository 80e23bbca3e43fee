//! What a processor must know of its surroundings: topics of one partition each, under ids of their names.

use std::collections::HashMap;

use kolo_core::processor::{InputTopic, MAX_RECORD_BYTES, Outbox, Rules, Setup};
use kolo_core::{EventId, Timestamp, TopicId};

use super::history::Opening;
use crate::record::Stored;

pub(super) const INBOX: &str = "inbox";

pub(super) fn topic(name: &str) -> InputTopic {
    InputTopic {
        name: name.to_owned(),
        id: TopicId(EventId::foreign(name).0),
    }
}

pub(super) fn setup(opening: &Opening, nonce: u64) -> Setup {
    let Opening {
        service,
        description,
        ..
    } = opening;
    let direct = description.direct_topics().into_iter().map(topic);
    let inbox = topic(&format!("{service}.{}.{INBOX}", description.aggregate));
    Setup {
        service: (*service).to_owned(),
        partition: 0,
        partitions: 1,
        nonce,
        inputs: direct.chain([inbox]).collect(),
        routed: description.routed_topics().into_iter().map(topic).collect(),
        max_record_bytes: MAX_RECORD_BYTES,
        allow_downgrade: false,
        broken: HashMap::new(),
        rules: Rules::ALL,
    }
}

/// The fence of an owner.
pub(super) fn fence(opening: &Opening, nonce: u64) -> Stored {
    let mut out = Outbox::default();
    let processor = opening.participant.processor(setup(opening, nonce));
    processor.fence(Timestamp::default(), &mut out);
    #[expect(clippy::expect_used, reason = "to fence is to append one record")]
    Stored::of(&out.get(0).expect("a fence"))
}
