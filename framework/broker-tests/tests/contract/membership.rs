//! Groups of librdkafka consumers: who gets what, and what happens when one comes or goes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::common::admin::topic;
use crate::common::member::{Member, await_shared, member_config};
use crate::common::raw_member::RawMember;
use crate::common::sender::Sender;
use crate::common::{await_that, unique};

/// Two members come one after the other, share six partitions, read each record once, and one inherits the other.
fn two_members(strategy: &str) {
    let (topic, group) = (topic(&format!("two-{strategy}"), 6), unique(strategy));
    let config = member_config(&group, strategy);
    let first = Member::join(&config, &[&topic]);
    first.await_owned(6);
    let second = Member::join(&config, &[&topic]);
    await_shared(&[&first, &second], 6);
    assert_eq!((first.owned().len(), second.owned().len()), (3, 3));

    let sender = Sender::new();
    for partition in 0..6 {
        let value = format!("shared {partition}");
        sender
            .send(&topic, partition, value.as_bytes())
            .expect("appended");
    }
    await_that("six records", || {
        first.values().len() + second.values().len() >= 6
    });
    let read: BTreeSet<_> = first.values().into_iter().chain(second.values()).collect();
    assert_eq!(read.len(), 6);
    assert_eq!((first.values().len(), second.values().len()), (3, 3));

    drop(first);
    second.await_owned(6);
}

/// Two members share partitions by range.
#[test]
fn two_members_share_by_range() {
    two_members("range");
}

/// Two members share partitions in turn.
#[test]
fn two_members_share_by_roundrobin() {
    two_members("roundrobin");
}

/// Two members share partitions cooperatively.
#[test]
fn two_members_share_by_cooperative_sticky() {
    two_members("cooperative-sticky");
}

/// In a cooperative group a member keeps what it does not hand over: it is never taken away in between.
#[test]
fn a_cooperative_member_keeps_what_it_does_not_hand_over() {
    let (topic, group) = (topic("keeps", 6), unique("keeps"));
    let config = member_config(&group, "cooperative-sticky");
    let first = Member::join(&config, &[&topic]);
    first.await_owned(6);
    let second = Member::join(&config, &[&topic]);
    await_shared(&[&first, &second], 6);
    let handed_over: BTreeSet<_> = first.revoked().into_iter().collect();
    assert_eq!(handed_over, second.owned());
    assert_eq!(second.revoked(), []);
}

/// A member that leaves hands over at once, long before its session would end.
#[test]
fn a_member_that_leaves_hands_over_at_once() {
    let (topic, group) = (topic("at-once", 4), unique("at-once"));
    let mut config = member_config(&group, "cooperative-sticky");
    config.set("session.timeout.ms", "120000");
    let first = Member::join(&config, &[&topic]);
    first.await_owned(4);
    let second = Member::join(&config, &[&topic]);
    await_shared(&[&first, &second], 4);
    let left = Instant::now();
    drop(first);
    second.await_owned(4);
    assert!(
        left.elapsed() < Duration::from_secs(55),
        "{:?}",
        left.elapsed()
    );
}

/// A member that crashes is put out when its session ends, and the others inherit its partitions.
#[test]
fn a_crashed_member_is_inherited() {
    let (topic, group) = (topic("crash", 4), unique("crash"));
    let survivor = Member::join(&member_config(&group, "range"), &[&topic]);
    survivor.await_owned(4);

    // It joins as a consumer of the topic, is given its part by the survivor, and is never heard of again.
    let mut crashed = RawMember::new(&group);
    crashed.session_ms = 6_000;
    crashed.protocols = vec![("range".to_owned(), subscription(&topic))];
    crashed.join();
    let synced = crashed.send_sync(&[]);
    assert_eq!(crashed.synced(synced).error_code, 0);
    await_that("its part", || {
        crashed.heartbeat();
        survivor.owned().len() == 2
    });
    drop(crashed);
    survivor.await_owned(4);
}

/// What a consumer says when it joins: it wants one topic.
fn subscription(topic: &str) -> bytes::Bytes {
    use kafka_protocol::messages::ConsumerProtocolSubscription;
    use kafka_protocol::protocol::Encodable;
    let mut bytes = bytes::BytesMut::new();
    bytes::BufMut::put_i16(&mut bytes, 1);
    ConsumerProtocolSubscription::default()
        .with_topics(vec![crate::common::calls::text(topic)])
        .encode(&mut bytes, 1)
        .expect("a subscription");
    bytes.freeze()
}

/// Groups do not see each other: each reads everything.
#[test]
fn groups_read_on_their_own() {
    let topic = topic("apart", 1);
    Sender::new().send_all(&topic, 0, &["a", "b", "c"]);
    let join = |what| Member::join(&member_config(&unique(what), "range"), &[&topic]);
    let (one, other) = (join("one"), join("other"));
    await_that("all records in both", || {
        one.values().len() == 3 && other.values().len() == 3
    });
}

/// Members of one group may subscribe to different topics; each topic is shared by those that want it.
#[test]
fn members_may_want_different_topics() {
    let (both, own, group) = (topic("both", 2), topic("own", 2), unique("differ"));
    let config = member_config(&group, "range");
    let first = Member::join(&config, &[&both]);
    let second = Member::join(&config, &[&both, &own]);
    await_shared(&[&first, &second], 4);
    let wants_own = |member: &Member| member.owned().iter().filter(|part| part.0 == own).count();
    assert_eq!((wants_own(&first), wants_own(&second)), (0, 2));
}

/// Five members come at the same time, and in the end each has its part of ten partitions.
#[test]
fn five_members_come_at_the_same_time() {
    let (topic, group) = (topic("five", 10), unique("five"));
    let config = member_config(&group, "cooperative-sticky");
    let members: Vec<_> = (0..5).map(|_| Member::join(&config, &[&topic])).collect();
    await_shared(&members.iter().collect::<Vec<_>>(), 10);
    await_that("equal parts", || {
        members.iter().all(|member| member.owned().len() == 2)
    });
}
