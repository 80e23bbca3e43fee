//! What time does: sessions, rebalances, syncs that never come.

use super::*;

#[test]
fn a_silent_member_is_dropped_and_the_others_rebalance() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    bench.seconds(SESSION / 2);
    assert_eq!(bench.heartbeat(&ids[0], 2), 0);
    bench.seconds(SESSION / 2);
    assert_eq!(bench.members(), BTreeSet::from([ids[0].as_str()]));
    assert_eq!(
        bench.heartbeat(&ids[0], 2),
        code(ResponseError::RebalanceInProgress)
    );
    assert_eq!(
        bench.heartbeat(&ids[1], 2),
        code(ResponseError::UnknownMemberId)
    );
    let token = bench.join(&joiner().id(&ids[0]));
    assert_eq!(bench.joined(token).generation_id, 3);
}

#[test]
fn a_session_ends_exactly_at_its_end() {
    let mut bench = Bench::new();
    bench.stable(1);
    bench.pass(Duration::from_secs(SESSION) - Duration::from_nanos(1));
    assert_eq!(bench.members().len(), 1);
    bench.pass(Duration::from_nanos(1));
    assert_eq!((bench.state(), bench.members().len()), ("Empty", 0));
}

#[test]
fn a_member_lives_while_its_join_waits_longer_than_its_session() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let (_, newcomer) = bench.come(joiner());
    let first = bench.join(&joiner().id(&ids[0]));
    for _ in 0..REBALANCE / 5 - 1 {
        bench.seconds(5);
        bench.heartbeat(&ids[1], 2);
    }
    assert!(bench.waits(first) && bench.waits(newcomer));
    bench.seconds(5);
    // The one that only sent heartbeats did not rejoin in time.
    assert_eq!(bench.joined(first).generation_id, 3);
    assert_eq!(bench.joined(newcomer).generation_id, 3);
    assert!(!bench.members().contains(ids[1].as_str()));
    // From here on, sessions count again.
    bench.seconds(SESSION);
    assert_eq!(bench.state(), "Empty");
}

#[test]
fn the_longest_rebalance_timeout_counts() {
    let mut bench = Bench::new();
    let (patient, token) = bench.come(joiner().rebalance(120));
    bench.joined(token);
    bench.sync(&patient, 1, &[]);
    let (_, newcomer) = bench.come(joiner().rebalance(5));
    for _ in 0..23 {
        bench.seconds(5);
        assert_eq!(
            bench.heartbeat(&patient, 1),
            code(ResponseError::RebalanceInProgress)
        );
        assert!(bench.waits(newcomer));
    }
    bench.seconds(5);
    assert_eq!(bench.joined(newcomer).generation_id, 2);
    assert_eq!(bench.members().len(), 1);
}

#[test]
fn a_leader_that_never_assigns_is_dropped_and_the_waiting_rejoin() {
    let mut bench = Bench::new();
    let (leader, _) = bench.come(joiner());
    let (follower, _) = bench.come(joiner());
    bench.join(&joiner().id(&leader));
    let waiting = bench.sync(&follower, 2, &[]);
    for _ in 0..REBALANCE / 5 - 1 {
        bench.seconds(5);
        assert_eq!(bench.heartbeat(&leader, 2), 0);
        assert!(bench.waits(waiting));
    }
    bench.seconds(5);
    assert_eq!(
        bench.synced(waiting).error_code,
        code(ResponseError::RebalanceInProgress)
    );
    assert_eq!(bench.members(), BTreeSet::from([follower.as_str()]));
    assert_eq!(
        bench.heartbeat(&follower, 2),
        code(ResponseError::RebalanceInProgress)
    );
}

#[test]
fn a_follower_that_never_syncs_is_dropped_from_the_stable_group() {
    let mut bench = Bench::new();
    let (leader, _) = bench.come(joiner());
    let (follower, _) = bench.come(joiner());
    bench.join(&joiner().id(&leader));
    bench.sync(&leader, 2, &[]);
    assert_eq!(bench.state(), "Stable");
    for _ in 0..REBALANCE / 5 {
        bench.heartbeat(&leader, 2);
        bench.heartbeat(&follower, 2);
        bench.seconds(5);
    }
    assert_eq!(
        (bench.state(), bench.members()),
        ("PreparingRebalance", BTreeSet::from([leader.as_str()]))
    );
}

#[test]
fn an_id_given_out_holds_a_rebalance_back_for_one_session() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    let told = bench.join(&joiner());
    let told = bench.joined(told).member_id;
    let rejoin = bench.join(&joiner().id(&ids[0]));
    assert!(bench.waits(rejoin));
    bench.seconds(SESSION);
    assert_eq!(bench.joined(rejoin).generation_id, 2);
    let late = bench.join(&joiner().id(&told));
    assert_eq!(
        bench.joined(late).error_code,
        code(ResponseError::UnknownMemberId)
    );
}

#[test]
fn a_new_member_whose_join_waits_for_five_minutes_is_dropped() {
    let mut bench = Bench::new();
    let (patient, token) = bench.come(joiner().rebalance(1000));
    bench.joined(token);
    bench.sync(&patient, 1, &[]);
    let (_, newcomer) = bench.come(joiner());
    for _ in 0..60 {
        assert!(bench.waits(newcomer));
        bench.heartbeat(&patient, 1);
        bench.seconds(5);
    }
    assert_eq!(
        bench.joined(newcomer).error_code,
        code(ResponseError::UnknownMemberId)
    );
}

#[test]
fn the_first_rebalance_waits_and_waits_longer_while_members_come() {
    let mut bench = Bench::with(GroupConfig {
        initial_rebalance_delay: Duration::from_secs(3),
        ..Default::default()
    });
    let (_, first) = bench.come(joiner().rebalance(8));
    bench.seconds(2);
    let (_, second) = bench.come(joiner().rebalance(8));
    bench.seconds(2);
    assert!(bench.waits(first) && bench.waits(second));
    bench.seconds(2);
    assert_eq!(bench.joined(first).generation_id, 1);
    assert_eq!(bench.joined(second).generation_id, 1);
}

#[test]
fn the_first_rebalance_ends_with_the_rebalance_timeout_even_if_members_keep_coming() {
    let mut bench = Bench::with(GroupConfig {
        initial_rebalance_delay: Duration::from_secs(3),
        ..Default::default()
    });
    let (_, first) = bench.come(joiner().rebalance(8));
    for _ in 0..7 {
        bench.seconds(1);
        assert!(bench.waits(first));
        bench.come(joiner().rebalance(8));
    }
    bench.seconds(1);
    assert_eq!(bench.joined(first).generation_id, 1);
}

#[test]
fn a_commit_is_a_sign_of_life() {
    let mut bench = Bench::new();
    let ids = bench.stable(1);
    for offset in 0..5 {
        bench.seconds(SESSION - 1);
        assert_eq!(bench.commit_one(&ids[0], 1, "t", 0, offset), 0);
    }
    assert_eq!(bench.state(), "Stable");
}

#[test]
fn a_member_can_be_expired_by_hand() {
    let mut bench = Bench::new();
    let ids = bench.stable(2);
    let output = bench.coordinator.expire_member(bench.now, GROUP, "ghost");
    assert!(output.answers.is_empty() && output.entries.is_empty());
    let output = bench.coordinator.expire_member(bench.now, GROUP, &ids[1]);
    bench.take(output);
    assert_eq!(
        bench.heartbeat(&ids[1], 2),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        bench.heartbeat(&ids[0], 2),
        code(ResponseError::RebalanceInProgress)
    );
}

#[test]
fn a_timeout_of_nothing_does_not_stop_the_clock() {
    let mut bench = Bench::new();
    let token = bench.join(&joiner().instance("one").rebalance(0));
    bench.joined(token);
    bench.seconds(REBALANCE);
    assert_eq!(bench.state(), "Empty");
}
