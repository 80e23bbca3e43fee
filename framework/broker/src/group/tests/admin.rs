//! Groups described, listed, deleted.

use kafka_protocol::messages::describe_groups_response::DescribedGroup;
use kafka_protocol::messages::{DeleteGroupsRequest, DescribeGroupsRequest, ListGroupsRequest};

use super::*;

fn describe(bench: &Bench, version: i16) -> DescribedGroup {
    let request = DescribeGroupsRequest::default().with_groups(vec![group()]);
    let mut response = bench.coordinator.describe(&context(version), &request);
    encodes(&response, version);
    response.groups.remove(0)
}

fn list(
    bench: &Bench,
    version: i16,
    states: &[&str],
    types: &[&str],
) -> Vec<(String, String, String)> {
    let request = ListGroupsRequest::default()
        .with_states_filter(states.iter().map(|s| text(s)).collect())
        .with_types_filter(types.iter().map(|s| text(s)).collect());
    let response = bench.coordinator.list(&context(version), &request);
    encodes(&response, version);
    response
        .groups
        .iter()
        .map(|g| {
            (
                g.group_id.to_string(),
                g.group_state.to_string(),
                g.group_type.to_string(),
            )
        })
        .collect()
}

fn delete(bench: &mut Bench) -> i16 {
    let request = DeleteGroupsRequest::default().with_groups_names(vec![group()]);
    let (response, output) = bench.coordinator.delete(&request);
    encodes(&response, 2);
    bench.take(output);
    response.results[0].error_code
}

#[test]
fn a_stable_group_tells_what_its_members_have() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let described = describe(&bench, 6);
    assert_eq!(
        (
            &*described.group_state,
            &*described.protocol_type,
            &*described.protocol_data
        ),
        ("Stable", "consumer", "range")
    );
    assert_eq!(described.members.len(), 2);
    let member = described
        .members
        .iter()
        .find(|m| *m.member_id == *ids[0])
        .unwrap();
    assert_eq!(
        (&*member.client_id, &*member.client_host),
        ("shop", "/127.0.0.1")
    );
    assert_eq!(
        (&member.member_metadata, &member.member_assignment),
        (&bytes("said"), &bytes(&ids[0]))
    );

    bench.come(joiner());
    let described = describe(&bench, 6);
    assert_eq!(
        (&*described.group_state, &*described.protocol_data),
        ("PreparingRebalance", "")
    );
    assert_eq!(described.members.len(), 3);
    assert!(
        described
            .members
            .iter()
            .all(|m| m.member_metadata.is_empty() && m.member_assignment.is_empty())
    );
}

#[test]
fn a_group_that_is_not_there_is_dead() {
    let bench = Bench::new();
    let described = describe(&bench, 5);
    assert_eq!((described.error_code, &*described.group_state), (0, "Dead"));
    let described = describe(&bench, 6);
    assert_eq!(
        (described.error_code, &*described.group_state),
        (code(ResponseError::GroupIdNotFound), "Dead")
    );
    assert_eq!(
        described.error_message,
        Some(text("Group orders not found."))
    );
}

#[test]
fn groups_are_listed_by_state_and_type() {
    let mut bench = Bench::new();
    bench.stable(1);
    let row = |state: &str, kind: &str| vec![(GROUP.to_owned(), state.to_owned(), kind.to_owned())];
    assert_eq!(list(&bench, 3, &[], &[]), row("", ""));
    assert_eq!(list(&bench, 4, &[], &[]), row("Stable", ""));
    assert_eq!(
        list(&bench, 5, &["empty", "stable"], &["classic"]),
        row("Stable", "Classic")
    );
    assert_eq!(list(&bench, 5, &["Empty"], &[]), []);
    assert_eq!(list(&bench, 5, &[], &["consumer"]), []);
}

#[test]
fn only_an_empty_group_is_deleted() {
    let mut bench = Bench::new();
    assert_eq!(delete(&mut bench), code(ResponseError::GroupIdNotFound));
    let ids = bench.stable(1);
    bench.commit_one(&ids[0], 1, "t", 0, 5);
    assert_eq!(delete(&mut bench), code(ResponseError::NonEmptyGroup));
    bench.leave(&ids[0]);
    assert_eq!(delete(&mut bench), 0);
    assert!(bench.committed().is_empty());
    assert_eq!(bench.coordinator.next_deadline(), None);
    bench.restart();
    assert!(bench.coordinator.groups.is_empty());
}
