//! Groups seen from outside: described, listed, deleted.

use crate::common::admin::topic;
use crate::common::calls::text;
use crate::common::errors::{GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NONE};
use crate::common::member::{Member, member_config};
use crate::common::raw::{CLIENT_ID, Raw};
use crate::common::raw_member::{RawMember, await_coordinator, group_id};
use crate::common::{PATIENCE, client, unique};
use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::{DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest};
use rdkafka::consumer::{BaseConsumer, Consumer};

fn describe(raw: &mut Raw, group: &str) -> DescribedGroup {
    let request = DescribeGroupsRequest::default().with_groups(vec![group_id(group)]);
    raw.call(5, &request).groups.remove(0)
}

fn delete(raw: &mut Raw, group: &str) -> i16 {
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group_id(group)]);
    raw.call(2, &request).results[0].error_code
}

/// A group is described with its state, its assignor, and each member's client, metadata and assignment.
#[test]
fn a_group_is_described() {
    let group = unique("described");
    let mut raw = Raw::connect();
    let mut member = RawMember::new(&group);
    member.join_alone();
    let described = describe(&mut raw, &group);
    assert_eq!(
        (described.error_code, &*described.group_state),
        (NONE, "Stable")
    );
    assert_eq!(
        (&*described.protocol_type, &*described.protocol_data),
        ("consumer", "contract")
    );
    let [told] = &described.members[..] else {
        panic!("not one member: {described:?}");
    };
    assert_eq!((&told.member_id, &*told.client_id), (&member.id, CLIENT_ID));
    assert!(
        told.client_host.contains("127.0.0.1"),
        "{:?}",
        told.client_host
    );
    assert_eq!(
        (&told.member_metadata[..], &told.member_assignment[..]),
        (&b"meta"[..], &b"all"[..])
    );
    member.leave();
    let described = describe(&mut raw, &group);
    assert_eq!(
        (&*described.group_state, described.members.len()),
        ("Empty", 0)
    );
}

/// A group that nobody knows is described as dead.
#[test]
fn an_unknown_group_is_described_as_dead() {
    let mut raw = Raw::connect();
    let group = unique("nobody");
    await_coordinator(&mut raw, &group);
    let described = describe(&mut raw, &group);
    assert_eq!(
        (described.error_code, &*described.group_state),
        (NONE, "Dead")
    );
    let request = DescribeGroupsRequest::default().with_groups(vec![group_id(&group)]);
    assert_eq!(
        raw.call(6, &request).groups[0].error_code,
        GROUP_ID_NOT_FOUND
    );
}

/// Groups are listed with their states, all of them or those of one state.
#[test]
fn groups_are_listed() {
    let (stable, empty) = (unique("stable"), unique("empty"));
    let mut member = RawMember::new(&stable);
    member.join_alone();
    let mut left = RawMember::new(&empty);
    left.join_alone();
    left.leave();
    let mut raw = Raw::connect();
    let mut list = |states: &[&str]| {
        let states = states.iter().map(|state| text(state)).collect();
        let request = ListGroupsRequest::default().with_states_filter(states);
        let answer = raw.call(4, &request);
        assert_eq!(answer.error_code, NONE);
        let find = |group: &str| {
            let found = answer.groups.iter().find(|one| *one.group_id == *group);
            found.map(|one| (one.protocol_type.to_string(), one.group_state.to_string()))
        };
        (find(&stable), find(&empty))
    };
    let is = |state: &str| Some(("consumer".to_owned(), state.to_owned()));
    assert_eq!(list(&[]), (is("Stable"), is("Empty")));
    assert_eq!(list(&["Stable"]), (is("Stable"), None));
    assert_eq!(list(&["Empty"]), (None, is("Empty")));
}

/// librdkafka lists and describes groups of its own members.
#[test]
fn librdkafka_describes_a_group() {
    let (topic, group) = (topic("group-list", 2), unique("group-list"));
    let mut config = member_config(&group, "range");
    config.set("client.id", "somebody");
    let member = Member::join(&config, &[&topic]);
    member.await_owned(2);
    let consumer: BaseConsumer = client().create().expect("a consumer");
    let described = await_stable(&consumer, &group);
    assert_eq!(
        described,
        (
            "consumer".to_owned(),
            "range".to_owned(),
            vec!["somebody".to_owned()]
        )
    );
}

fn await_stable(consumer: &BaseConsumer, group: &str) -> (String, String, Vec<String>) {
    crate::common::await_some("a stable group", || {
        let list = consumer
            .fetch_group_list(Some(group), PATIENCE)
            .expect("groups");
        let found = list.groups().iter().find(|one| one.name() == group)?;
        (found.state() == "Stable").then(|| {
            let clients = found.members().iter().map(|one| one.client_id().to_owned());
            (
                found.protocol_type().to_owned(),
                found.protocol().to_owned(),
                clients.collect(),
            )
        })
    })
}

/// A group with members is not deleted, an empty one is, and one that nobody knows is told to be unknown.
#[test]
fn only_an_empty_group_is_deleted() {
    let group = unique("only-empty");
    let mut raw = Raw::connect();
    let mut member = RawMember::new(&group);
    member.join_alone();
    assert_eq!(delete(&mut raw, &group), NON_EMPTY_GROUP);
    assert_eq!(member.heartbeat(), NONE);
    member.leave();
    assert_eq!(delete(&mut raw, &group), NONE);
    assert_eq!(&*describe(&mut raw, &group).group_state, "Dead");
    assert_eq!(delete(&mut raw, &group), GROUP_ID_NOT_FOUND);
}
