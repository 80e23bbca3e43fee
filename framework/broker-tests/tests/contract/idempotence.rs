//! Idempotent producers: what is sent twice stands once.

use bytes::Bytes;

use crate::common::admin::topic;
use crate::common::calls::{Stamp, batch, values};
use crate::common::errors::{INVALID_PRODUCER_EPOCH, NONE, OUT_OF_ORDER_SEQUENCE_NUMBER};
use crate::common::raw::Raw;
use crate::common::sender::Sender;

/// A batch of this many records that begins at this sequence.
fn numbered(producer: Stamp, sequence: i32, count: usize) -> Bytes {
    let of: Vec<_> = (0..count)
        .map(|number| format!("{sequence}+{number}"))
        .collect();
    batch(
        values(&of),
        Stamp {
            sequence,
            ..producer
        },
    )
}

/// Every producer gets an id of its own, and begins with epoch 0.
#[test]
fn producers_get_ids_of_their_own() {
    let mut raw = Raw::connect();
    let mut ids: Vec<_> = (0..20).map(|_| raw.new_producer()).collect();
    ids.push(Raw::connect().new_producer());
    assert!(
        ids.iter()
            .all(|producer| producer.id >= 0 && producer.epoch == 0),
        "{ids:?}"
    );
    let distinct: std::collections::BTreeSet<_> = ids.iter().map(|producer| producer.id).collect();
    assert_eq!(distinct.len(), ids.len());
}

/// A batch that is sent again over a new connection, its answer lost, is answered with the offset that it has.
#[test]
fn a_duplicate_over_a_reconnect_is_answered_with_its_offset() {
    let topic = topic("duplicate", 1);
    let mut first = Raw::connect();
    let producer = first.new_producer();
    let sent = numbered(producer, 0, 3);
    assert_eq!(first.append(&topic, 0, numbered(producer, 0, 3)), 0);
    assert_eq!(first.append(&topic, 0, numbered(producer, 3, 2)), 3);
    drop(first);

    let mut second = Raw::connect();
    for _ in 0..2 {
        let answer = second.produce(&topic, 0, sent.clone());
        assert_eq!((answer.error_code, answer.base_offset), (NONE, 0));
        let answer = second.produce(&topic, 0, numbered(producer, 3, 2));
        assert_eq!((answer.error_code, answer.base_offset), (NONE, 3));
    }
    assert_eq!(second.watermarks(&topic, 0), (0, 5));
    assert_eq!(second.append(&topic, 0, numbered(producer, 5, 1)), 5);
}

/// Each of the last five batches is known again; an older one is refused as out of order, and nothing is doubled.
#[test]
fn the_last_five_batches_are_known_again() {
    let topic = topic("five", 1);
    let mut raw = Raw::connect();
    let producer = raw.new_producer();
    for sequence in 0..7 {
        raw.append(&topic, 0, numbered(producer, sequence, 1));
    }
    for sequence in 2..7 {
        let answer = raw.produce(&topic, 0, numbered(producer, sequence, 1));
        assert_eq!(
            (answer.error_code, answer.base_offset),
            (NONE, i64::from(sequence))
        );
    }
    for sequence in 0..2 {
        let answer = raw.produce(&topic, 0, numbered(producer, sequence, 1));
        assert_eq!(answer.error_code, OUT_OF_ORDER_SEQUENCE_NUMBER);
    }
    assert_eq!(raw.watermarks(&topic, 0), (0, 7));
}

/// A batch that leaves a sequence out is refused, and so is one that repeats half of another; the next one is taken.
#[test]
fn a_gap_in_the_sequence_is_refused() {
    let topic = topic("gap", 1);
    let mut raw = Raw::connect();
    let producer = raw.new_producer();
    raw.append(&topic, 0, numbered(producer, 0, 2));
    for (sequence, count) in [(3, 1), (100, 1), (1, 1), (1, 2)] {
        let answer = raw.produce(&topic, 0, numbered(producer, sequence, count));
        assert_eq!(
            answer.error_code, OUT_OF_ORDER_SEQUENCE_NUMBER,
            "{sequence}"
        );
    }
    assert_eq!(raw.append(&topic, 0, numbered(producer, 2, 1)), 2);
}

/// When a producer has raised its epoch, batches of the old one are refused.
#[test]
fn an_old_epoch_is_refused() {
    let topic = topic("epoch", 1);
    let mut raw = Raw::connect();
    let old = raw.new_producer();
    raw.append(&topic, 0, numbered(old, 0, 2));
    let new = Stamp {
        epoch: old.epoch + 1,
        ..old
    };
    assert_eq!(raw.append(&topic, 0, numbered(new, 0, 1)), 2);
    let answer = raw.produce(&topic, 0, numbered(old, 2, 1));
    assert_eq!(answer.error_code, INVALID_PRODUCER_EPOCH);
    assert_eq!(raw.append(&topic, 0, numbered(new, 1, 1)), 3);
}

/// A new epoch begins at sequence 0, and nowhere else.
#[test]
fn a_new_epoch_begins_at_sequence_0() {
    let topic = topic("new-epoch", 1);
    let mut raw = Raw::connect();
    let old = raw.new_producer();
    raw.append(&topic, 0, numbered(old, 0, 2));
    let new = Stamp {
        epoch: old.epoch + 1,
        ..old
    };
    let answer = raw.produce(&topic, 0, numbered(new, 2, 1));
    assert_eq!(answer.error_code, OUT_OF_ORDER_SEQUENCE_NUMBER);
    assert_eq!(raw.append(&topic, 0, numbered(new, 0, 1)), 2);
}

/// A producer that a partition does not know may begin at any sequence: what it wrote may have been deleted.
#[test]
fn an_unknown_producer_begins_at_any_sequence() {
    let topic = topic("unknown-producer", 1);
    let mut raw = Raw::connect();
    let producer = raw.new_producer();
    assert_eq!(raw.append(&topic, 0, numbered(producer, 41, 1)), 0);
    assert_eq!(raw.append(&topic, 0, numbered(producer, 42, 1)), 1);
    let answer = raw.produce(&topic, 0, numbered(producer, 44, 1));
    assert_eq!(answer.error_code, OUT_OF_ORDER_SEQUENCE_NUMBER);
}

/// After the greatest sequence comes 0, also in the midst of a batch.
#[test]
fn sequences_wrap_around() {
    let topic = topic("wraps", 1);
    let mut raw = Raw::connect();
    let producer = raw.new_producer();
    assert_eq!(
        raw.append(&topic, 0, numbered(producer, i32::MAX - 1, 2)),
        0
    );
    assert_eq!(raw.append(&topic, 0, numbered(producer, 0, 1)), 2);

    let producer = raw.new_producer();
    assert_eq!(
        raw.append(&topic, 0, numbered(producer, i32::MAX - 1, 1)),
        3
    );
    // MAX and 0 are its sequences.
    let across = numbered(producer, i32::MAX, 2);
    assert_eq!(raw.append(&topic, 0, across.clone()), 4);
    assert_eq!(raw.produce(&topic, 0, across).base_offset, 4);
    assert_eq!(raw.append(&topic, 0, numbered(producer, 1, 1)), 6);
}

/// Each partition counts a producer's sequences on its own, and each producer is counted on its own.
#[test]
fn sequences_are_counted_by_partition_and_producer() {
    let topic = topic("apart", 2);
    let mut raw = Raw::connect();
    let (one, other) = (raw.new_producer(), raw.new_producer());
    assert_eq!(raw.append(&topic, 0, numbered(one, 0, 3)), 0);
    assert_eq!(raw.append(&topic, 1, numbered(one, 0, 1)), 0);
    assert_eq!(raw.append(&topic, 0, numbered(other, 0, 1)), 3);
    assert_eq!(raw.append(&topic, 1, numbered(one, 1, 1)), 1);
    assert_eq!(raw.append(&topic, 0, numbered(one, 3, 1)), 4);
    assert_eq!(raw.append(&topic, 0, numbered(other, 1, 1)), 5);
}

/// librdkafka's idempotent producers need nothing else than this: many of them, one after the other, lose nothing.
#[test]
fn librdkafka_producers_follow_one_another() {
    let topic = topic("successors", 1);
    for round in 0..5 {
        let sender = Sender::with(&[("enable.gapless.guarantee", "true")]);
        let offsets = sender.send_all(&topic, 0, &["a", "b"]);
        assert_eq!(offsets, [2 * round, 2 * round + 1]);
    }
}
