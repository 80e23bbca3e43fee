//! Leaving.

use super::*;

#[test]
fn when_the_leader_leaves_another_leads() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let leader = bench.group().leader.clone().unwrap();
    let other = ids.iter().find(|id| **id != leader).unwrap();
    assert_eq!(bench.leave(&leader), 0);
    let token = bench.join(&joiner().id(other));
    let joined = bench.joined(token);
    assert_eq!((joined.generation_id, joined.members.len()), (3, 1));
    assert_eq!(*joined.leader, **other);
}

#[test]
fn when_the_last_leaves_the_group_is_empty_and_a_generation_on() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    assert_eq!(bench.leave(&ids[0]), 0);
    assert_eq!((bench.state(), bench.group().generation), ("Empty", 2));
    assert_eq!(bench.leave(&ids[0]), code(ResponseError::UnknownMemberId));
    assert_eq!(
        bench.heartbeat(&ids[0], 2),
        code(ResponseError::UnknownMemberId)
    );
}

#[test]
fn who_leaves_while_its_join_waits_is_told() {
    let mut bench = Bench::new();
    bench.stable(1);
    let (id, token) = bench.come(joiner());
    assert_eq!(bench.leave(&id), 0);
    assert_eq!(
        bench.joined(token).error_code,
        code(ResponseError::UnknownMemberId)
    );
}

#[test]
fn before_version_3_one_leaves_and_its_error_is_the_answers() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    for (member, error) in [
        ("ghost", code(ResponseError::UnknownMemberId)),
        (&ids[0], 0),
    ] {
        let request = LeaveGroupRequest::default()
            .with_group_id(group())
            .with_member_id(text(member));
        let (response, output) = bench.coordinator.leave(bench.now, &context(2), &request);
        encodes(&response, 2);
        bench.take(output);
        assert_eq!(response.error_code, error);
    }
    assert_eq!(bench.members(), BTreeSet::from([ids[1].as_str()]));
}

#[test]
fn a_group_that_is_not_there_has_no_members_to_leave() {
    let mut bench = Bench::new();
    assert_eq!(bench.leave("ghost"), code(ResponseError::UnknownMemberId));
    assert!(bench.coordinator.groups.is_empty());
}
