//! Joining, and the choice of a protocol.

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
