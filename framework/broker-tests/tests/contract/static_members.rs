//! Members with an instance id of their own, which come back as the same member.

use kafka_protocol::messages::LeaveGroupRequest;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use rdkafka::types::RDKafkaErrorCode;

use crate::common::admin::topic;
use crate::common::calls::text;
use crate::common::errors::{FENCED_INSTANCE_ID, NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID};
use crate::common::member::{Member, await_shared, member_config};
use crate::common::raw_member::{JOIN, LEAVE, RawMember, group_id};
use crate::common::{await_that, unique};

/// A static member needs no id to join; coming back it is the same member of the same generation, under a new id.
#[test]
fn a_static_member_comes_back_without_a_rebalance() {
    let group = unique("back");
    let mut leader = RawMember::of_instance(&group, "one");
    leader.join_alone();
    let mut member = RawMember::of_instance(&group, "two");
    let joining = member.send_join();
    await_that("a rebalance", || {
        leader.heartbeat() == REBALANCE_IN_PROGRESS
    });
    leader.join();
    member.joined(joining);
    let waiting = member.send_sync(&[]);
    let leading = leader.send_sync(&[(leader.id.clone(), b"mine"), (member.id.clone(), b"yours")]);
    assert_eq!(leader.synced(leading).error_code, NONE);
    assert_eq!(&member.synced(waiting).assignment[..], b"yours");

    let mut again = RawMember::of_instance(&group, "two");
    let joined = again.join();
    assert_eq!(joined.generation_id, member.generation);
    assert_ne!(again.id, member.id);
    let sent = again.send_sync(&[]);
    let synced = again.synced(sent);
    assert_eq!(
        (synced.error_code, &synced.assignment[..]),
        (NONE, &b"yours"[..])
    );
    assert_eq!((leader.heartbeat(), again.heartbeat()), (NONE, NONE));
}

/// When a static member has come back, its former self is fenced: no heartbeat, commit, sync or join of it is served.
#[test]
fn the_former_self_of_a_static_member_is_fenced() {
    let (topic, group) = (topic("fenced", 1), unique("fenced"));
    let mut former = RawMember::of_instance(&group, "one");
    former.join_alone();
    assert_eq!(former.commit(&topic, 0, 1), NONE);
    let mut again = RawMember::of_instance(&group, "one");
    again.join();
    assert_eq!(former.heartbeat(), FENCED_INSTANCE_ID);
    assert_eq!(former.commit(&topic, 0, 2), FENCED_INSTANCE_ID);
    let sent = former.send_sync(&[]);
    assert_eq!(former.synced(sent).error_code, FENCED_INSTANCE_ID);
    let request = former.join_request();
    assert_eq!(
        former.raw.call(JOIN, &request).error_code,
        FENCED_INSTANCE_ID
    );
    assert_eq!(again.commit(&topic, 0, 3), NONE);
}

/// A static member is put out of its group by its instance id, as an administrator does.
#[test]
fn a_static_member_is_put_out_by_its_instance_id() {
    let group = unique("put-out");
    let mut member = RawMember::of_instance(&group, "one");
    member.join_alone();
    let put_out = |instance: &str| {
        let identity = MemberIdentity::default()
            .with_member_id(text(""))
            .with_group_instance_id(Some(text(instance)));
        let request = LeaveGroupRequest::default()
            .with_group_id(group_id(&group))
            .with_members(vec![identity]);
        let answer = RawMember::new(&group).raw.call(LEAVE, &request);
        (answer.error_code, answer.members[0].error_code)
    };
    assert_eq!(put_out("nobody"), (NONE, UNKNOWN_MEMBER_ID));
    assert_eq!(member.heartbeat(), NONE);
    assert_eq!(put_out("one"), (NONE, NONE));
    assert_eq!(member.heartbeat(), UNKNOWN_MEMBER_ID);
}

/// A librdkafka consumer that restarts under its instance id gets its partitions back, and the other one notices nothing.
#[test]
fn a_static_consumer_restarts_without_a_rebalance() {
    let (topic, group) = (topic("restart", 4), unique("restart"));
    let config = |instance: &str| {
        let mut config = member_config(&group, "range");
        config.set("group.instance.id", instance);
        config
    };
    let first = Member::join(&config("one"), &[&topic]);
    let second = Member::join(&config("two"), &[&topic]);
    await_shared(&[&first, &second], 4);
    let (owned, seen) = (second.owned(), first.assignments());
    drop(second);
    let again = Member::join(&config("two"), &[&topic]);
    again.await_owned(2);
    assert_eq!(again.owned(), owned);
    assert_eq!(first.assignments(), seen);
    assert_eq!(first.owned().len(), 2);
}

/// Two librdkafka consumers with one instance id: the later one is the member, the earlier one ends with an error.
#[test]
fn a_second_consumer_of_an_instance_fences_the_first() {
    let (topic, group) = (topic("fences", 2), unique("fences"));
    let mut config = member_config(&group, "range");
    config.set("group.instance.id", "one");
    let first = Member::join(&config, &[&topic]);
    first.await_owned(2);
    let second = Member::join(&config, &[&topic]);
    second.await_owned(2);
    await_that("the end of the first", || first.fatal().is_some());
    assert_eq!(first.fatal(), Some(RDKafkaErrorCode::FencedInstanceId));
    assert_eq!(second.fatal(), None);
}
