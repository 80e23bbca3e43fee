//! Joining, choosing, assigning.

use super::*;

#[test]
fn a_dynamic_member_is_told_its_id_before_it_joins() {
    let mut bench = Bench::new();
    let token = bench.join(&joiner());
    let told = bench.joined(token);
    assert_eq!(told.error_code, code(ResponseError::MemberIdRequired));
    assert!(told.member_id.starts_with("shop-"), "{:?}", told.member_id);
    assert_eq!(bench.state(), "Empty");

    let token = bench.join(&joiner().id(&told.member_id));
    let joined = bench.joined(token);
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    assert_eq!(
        (&joined.leader, &joined.member_id),
        (&told.member_id, &told.member_id)
    );
    assert_eq!(joined.protocol_name, Some(text("range")));
    assert_eq!(joined.protocol_type, Some(text("consumer")));
    assert_eq!(joined.members.len(), 1);
    assert_eq!(joined.members[0].metadata, bytes("said"));
    assert_eq!(bench.state(), "CompletingRebalance");
}

#[test]
fn before_version_4_the_first_join_counts() {
    for version in 0..4 {
        let mut bench = Bench::new();
        let token = bench.join(&joiner().version(version));
        let joined = bench.joined(token);
        assert_eq!(
            (joined.error_code, joined.generation_id),
            (0, 1),
            "version {version}"
        );
    }
}

#[test]
fn version_0_waits_a_session_for_a_rebalance() {
    let mut bench = Bench::new();
    bench.join(&joiner().version(0).rebalance(0));
    assert_eq!(
        bench.group().rebalance_timeout(),
        Duration::from_secs(SESSION)
    );
}

#[test]
fn what_cannot_join_is_refused() {
    let mut bench = Bench::new();
    let refused = |bench: &mut Bench, joiner: &Joiner| {
        let token = bench.join(joiner);
        bench.joined(token).error_code
    };
    let short = Joiner {
        session: 5,
        ..joiner()
    };
    let long = Joiner {
        session: 1801,
        ..joiner()
    };
    assert_eq!(
        refused(&mut bench, &short),
        code(ResponseError::InvalidSessionTimeout)
    );
    assert_eq!(
        refused(&mut bench, &long),
        code(ResponseError::InvalidSessionTimeout)
    );
    assert_eq!(
        refused(&mut bench, &joiner().id("ghost")),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        refused(&mut bench, &joiner().protocols(&[])),
        code(ResponseError::InconsistentGroupProtocol)
    );

    let nameless = joiner().request().with_group_id(GroupId(text("")));
    let token = bench.token(9);
    let output = bench
        .coordinator
        .join(bench.now, token, &context(9), &nameless);
    bench.take(output);
    assert_eq!(
        bench.joined(token).error_code,
        code(ResponseError::InvalidGroupId)
    );

    bench.stable(1);
    let other = joiner().protocols(&[("sticky", "said")]);
    assert_eq!(
        refused(&mut bench, &other),
        code(ResponseError::InconsistentGroupProtocol)
    );
    let connect = Joiner {
        protocol_type: "connect",
        ..joiner()
    };
    assert_eq!(
        refused(&mut bench, &connect),
        code(ResponseError::InconsistentGroupProtocol)
    );
    assert_eq!(
        refused(&mut bench, &joiner().id("ghost")),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        refused(&mut bench, &joiner().id("ghost").instance("one")),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(bench.state(), "Stable");
}

#[test]
fn the_protocol_in_common_with_most_votes_is_chosen() {
    let mut bench = Bench::new();
    let first = joiner().protocols(&[("range", "a"), ("roundrobin", "b"), ("sticky", "c")]);
    let (leader, _) = bench.come(first.clone());
    let (_, second) = bench.come(joiner().protocols(&[("sticky", "e"), ("roundrobin", "d")]));
    let (_, third) =
        bench.come(joiner().protocols(&[("sticky", "g"), ("roundrobin", "f"), ("range", "h")]));
    let led = bench.join(&first.id(&leader));
    let led = bench.joined(led);
    assert_eq!(led.protocol_name, Some(text("sticky")));
    let said: BTreeSet<&[u8]> = led.members.iter().map(|m| m.metadata.as_ref()).collect();
    assert_eq!(said, BTreeSet::from([b"c".as_slice(), b"e", b"g"]));
    for token in [second, third] {
        let joined = bench.joined(token);
        assert_eq!(
            (joined.protocol_name, joined.members.len()),
            (Some(text("sticky")), 0)
        );
        assert_eq!(*joined.leader, *leader);
    }
}

#[test]
fn of_equally_many_votes_the_leaders_count() {
    let mut bench = Bench::new();
    let first = joiner().protocols(&[("a", ""), ("b", "")]);
    let (leader, _) = bench.come(first.clone());
    bench.come(joiner().protocols(&[("b", ""), ("a", "")]));
    bench.join(&first.id(&leader));
    assert_eq!(bench.group().protocol.as_deref(), Some("a"));
}

#[test]
fn followers_wait_for_the_leaders_assignment() {
    let mut bench = Bench::new();
    let (leader, _) = bench.come(joiner());
    let (follower, _) = bench.come(joiner());
    bench.join(&joiner().id(&leader));
    let waiting = bench.sync(&follower, 2, &[]);
    assert!(bench.waits(waiting));
    let led = bench.sync(&leader, 2, &[(&leader, "0,1"), (&follower, "2,3")]);
    assert_eq!(bench.synced(led).assignment, bytes("0,1"));
    let synced = bench.synced(waiting);
    assert_eq!(synced.assignment, bytes("2,3"));
    assert_eq!(
        (synced.protocol_type, synced.protocol_name),
        (Some(text("consumer")), Some(text("range")))
    );
    let again = bench.sync(&follower, 2, &[]);
    assert_eq!(bench.synced(again).assignment, bytes("2,3"));
}

#[test]
fn a_member_that_the_leader_left_out_gets_nothing() {
    let mut bench = Bench::new();
    let (leader, _) = bench.come(joiner());
    let (follower, _) = bench.come(joiner());
    bench.join(&joiner().id(&leader));
    bench.sync(&leader, 2, &[(&leader, "all"), ("ghost", "none")]);
    let token = bench.sync(&follower, 2, &[]);
    let synced = bench.synced(token);
    assert_eq!((synced.error_code, synced.assignment), (0, Bytes::new()));
}

#[test]
fn a_sync_must_fit_the_generation() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let id = &ids[1];
    let refused = |bench: &mut Bench, request: SyncGroupRequest| {
        let token = bench.send_sync(&request);
        bench.synced(token).error_code
    };
    assert_eq!(
        refused(&mut bench, sync_request("ghost", 2)),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        refused(&mut bench, sync_request(id, 1)),
        code(ResponseError::IllegalGeneration)
    );
    let other = sync_request(id, 2).with_protocol_name(Some(text("sticky")));
    assert_eq!(
        refused(&mut bench, other),
        code(ResponseError::InconsistentGroupProtocol)
    );
    let silent = sync_request(id, 2).with_protocol_type(None);
    assert_eq!(
        refused(&mut bench, silent),
        code(ResponseError::InconsistentGroupProtocol)
    );
    let nameless = sync_request(id, 2).with_group_id(GroupId(text("")));
    assert_eq!(
        refused(&mut bench, nameless),
        code(ResponseError::InvalidGroupId)
    );
    let elsewhere = sync_request(id, 2).with_group_id(GroupId(text("elsewhere")));
    assert_eq!(
        refused(&mut bench, elsewhere),
        code(ResponseError::UnknownMemberId)
    );

    bench.come(joiner());
    assert_eq!(bench.state(), "PreparingRebalance");
    assert_eq!(
        refused(&mut bench, sync_request(id, 2)),
        code(ResponseError::RebalanceInProgress)
    );
}

#[test]
fn a_newcomer_makes_all_rejoin() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let (_, newcomer) = bench.come(joiner());
    assert!(bench.waits(newcomer));
    for id in &ids {
        assert_eq!(
            bench.heartbeat(id, 2),
            code(ResponseError::RebalanceInProgress)
        );
    }
    let first = bench.join(&joiner().id(&ids[0]));
    assert!(bench.waits(first));
    let second = bench.join(&joiner().id(&ids[1]));
    for token in [newcomer, first, second] {
        assert_eq!(bench.joined(token).generation_id, 3);
    }
    assert_eq!(bench.heartbeat(&ids[0], 3), 0);
    assert_eq!(
        bench.heartbeat(&ids[0], 2),
        code(ResponseError::IllegalGeneration)
    );
    assert_eq!(
        bench.heartbeat("ghost", 3),
        code(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_join_while_the_leader_assigns_sends_the_waiting_back() {
    let mut bench = Bench::new();
    let (leader, _) = bench.come(joiner());
    let (follower, _) = bench.come(joiner());
    bench.join(&joiner().id(&leader));
    let waiting = bench.sync(&follower, 2, &[]);
    bench.come(joiner());
    assert_eq!(
        bench.synced(waiting).error_code,
        code(ResponseError::RebalanceInProgress)
    );
}

#[test]
fn who_rejoins_with_nothing_new_disturbs_nobody() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let token = bench.join(&joiner().id(&ids[1]));
    let joined = bench.joined(token);
    assert_eq!(
        (
            joined.error_code,
            joined.generation_id,
            joined.members.len()
        ),
        (0, 2, 0)
    );
    assert_eq!(bench.state(), "Stable");

    let token = bench.join(&joiner().id(&ids[1]).protocols(&[("range", "more topics")]));
    assert!(bench.waits(token));
    assert_eq!(bench.state(), "PreparingRebalance");
}

#[test]
fn a_leader_that_rejoins_rebalances_in_any_case() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let leader = bench.group().leader.clone().unwrap();
    assert!(ids.contains(&leader));
    let token = bench.join(&joiner().id(&leader));
    assert!(bench.waits(token));
    assert_eq!(bench.state(), "PreparingRebalance");
}

#[test]
fn a_leader_that_missed_its_answer_gets_it_again() {
    let mut bench = Bench::new();
    let (leader, token) = bench.come(joiner());
    let first = bench.joined(token);
    let token = bench.join(&joiner().id(&leader));
    assert_eq!(bench.joined(token), first);
}

#[test]
fn of_two_joins_of_one_member_the_later_waits_on() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    bench.come(joiner());
    let earlier = bench.join(&joiner().id(&ids[0]));
    let later = bench.join(&joiner().id(&ids[0]));
    assert_eq!(
        bench.joined(earlier).error_code,
        code(ResponseError::RebalanceInProgress)
    );
    assert!(bench.waits(later));
}

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
