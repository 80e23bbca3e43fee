//! Members with an instance id, which may restart without anybody's notice.

use super::*;

/// Two static members in a stable group; the leader first.
fn two() -> (Bench, String, String) {
    let mut bench = Bench::new();
    let token = bench.join(&joiner().instance("one"));
    let one = bench.joined(token).member_id.to_string();
    let token = bench.join(&joiner().instance("two"));
    assert!(bench.waits(token));
    bench.join(&joiner().instance("one").id(&one));
    let two = bench.joined(token).member_id.to_string();
    assert!(two.starts_with("two-"));
    bench.sync(&one, 2, &[(&one, "first"), (&two, "second")]);
    let token = bench.sync(&two, 2, &[]);
    assert_eq!(bench.synced(token).assignment, bytes("second"));
    (bench, one, two)
}

#[test]
fn a_follower_that_restarts_gets_its_assignment_and_nobody_notices() {
    let (mut bench, one, two) = two();
    let token = bench.join(&joiner().instance("two"));
    let back = bench.joined(token);
    assert_eq!(
        (back.error_code, back.generation_id, back.skip_assignment),
        (0, 2, false)
    );
    assert_eq!(*back.leader, *one);
    assert_ne!(*back.member_id, *two);
    assert_eq!(bench.state(), "Stable");
    let token = bench.sync(&back.member_id, 2, &[]);
    assert_eq!(bench.synced(token).assignment, bytes("second"));
    assert_eq!(bench.heartbeat(&one, 2), 0);
}

#[test]
fn the_former_self_is_fenced() {
    let (mut bench, _, two) = two();
    bench.join(&joiner().instance("two"));
    let fenced = code(ResponseError::FencedInstanceId);
    assert_eq!(bench.beat(&two, Some("two"), 2), fenced);
    assert_eq!(
        bench.beat(&two, None, 2),
        code(ResponseError::UnknownMemberId)
    );
    let token = bench.join(&joiner().instance("two").id(&two));
    assert_eq!(bench.joined(token).error_code, fenced);
    let token = bench.send_sync(&sync_request(&two, 2).with_group_instance_id(Some(text("two"))));
    assert_eq!(bench.synced(token).error_code, fenced);
    assert_eq!(bench.send_away(&two, Some("two")), fenced);
    let commit = commit_request(&two, 2, "t", 0, 5).with_group_instance_id(Some(text("two")));
    assert_eq!(
        bench.commit(&commit).topics[0].partitions[0].error_code,
        fenced
    );
}

#[test]
fn a_leader_that_restarts_skips_the_assignment_from_version_9() {
    let (mut bench, ..) = two();
    let token = bench.join(&joiner().instance("one"));
    let back = bench.joined(token);
    assert_eq!(
        (back.error_code, back.skip_assignment, back.members.len()),
        (0, true, 2)
    );
    assert_eq!(back.leader, back.member_id);
    let token = bench.sync(&back.member_id, 2, &[]);
    assert_eq!(bench.synced(token).assignment, bytes("first"));
}

#[test]
fn before_version_9_a_leader_that_restarts_is_not_told_that_it_leads() {
    let (mut bench, one, _) = two();
    let token = bench.join(&joiner().instance("one").version(8));
    let back = bench.joined(token);
    assert_eq!(
        (back.error_code, back.skip_assignment, back.members.len()),
        (0, false, 0)
    );
    assert_eq!(*back.leader, *one);
    assert_eq!(
        bench.group().leader.as_deref(),
        Some(back.member_id.as_str())
    );
}

#[test]
fn who_returns_with_another_protocol_chosen_causes_a_rebalance() {
    let mut bench = Bench::new();
    let both = joiner()
        .instance("one")
        .protocols(&[("range", ""), ("sticky", "")]);
    let token = bench.join(&both);
    let id = bench.joined(token).member_id;
    bench.sync(&id, 1, &[(&id, "all")]);
    let token = bench.join(&both.protocols(&[("sticky", "")]));
    assert_eq!(bench.joined(token).generation_id, 2);
    assert_eq!(bench.group().protocol.as_deref(), Some("sticky"));
}

#[test]
fn who_returns_while_the_leader_assigns_causes_a_rebalance() {
    let mut bench = Bench::new();
    let token = bench.join(&joiner().instance("one"));
    let one = bench.joined(token).member_id;
    bench.join(&joiner().instance("two"));
    bench.join(&joiner().instance("one").id(&one));
    assert_eq!(bench.state(), "CompletingRebalance");
    let token = bench.join(&joiner().instance("two"));
    assert!(bench.waits(token));
    assert_eq!(bench.state(), "PreparingRebalance");
}

#[test]
fn who_returns_while_its_former_join_waits_takes_its_place() {
    let (mut bench, ..) = two();
    bench.come(joiner());
    let (_, former) = (0, bench.join(&joiner().instance("two")));
    let later = bench.join(&joiner().instance("two"));
    assert_eq!(
        bench.joined(former).error_code,
        code(ResponseError::FencedInstanceId)
    );
    assert!(bench.waits(later));
}

#[test]
fn a_restart_within_the_session_is_no_absence() {
    let (mut bench, one, two) = two();
    bench.seconds(SESSION - 1);
    bench.heartbeat(&one, 2);
    let token = bench.join(&joiner().instance("two"));
    let back = bench.joined(token).member_id;
    bench.seconds(SESSION - 1);
    assert_eq!(bench.members(), BTreeSet::from([one.as_str(), &back]));
    assert!(!bench.members().contains(two.as_str()));
    bench.heartbeat(&one, 2);
    bench.seconds(2);
    assert_eq!(bench.members(), BTreeSet::from([one.as_str()]));
}

#[test]
fn a_rebalance_keeps_a_static_member_that_does_not_rejoin_while_its_session_lasts() {
    let (mut bench, _, _) = two();
    let slow = |joiner: Joiner| Joiner {
        session: 100,
        ..joiner
    };
    let token = bench.join(&slow(joiner().instance("two")));
    let two = bench.joined(token).member_id;
    let (dynamic, token) = bench.come(joiner());
    bench.seconds(REBALANCE);
    // `one`'s session of 10 s ended meanwhile, `two`'s of 100 s did not.
    let joined = bench.joined(token);
    assert_eq!(*joined.leader, *dynamic);
    assert_eq!(bench.members(), BTreeSet::from([dynamic.as_str(), &two]));
}

#[test]
fn an_operator_sends_a_static_member_away_by_its_instance() {
    let (mut bench, one, _) = two();
    assert_eq!(bench.send_away("", Some("two")), 0);
    assert_eq!(bench.state(), "PreparingRebalance");
    assert_eq!(bench.members(), BTreeSet::from([one.as_str()]));
    assert_eq!(
        bench.send_away("", Some("two")),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        bench.send_away("", None),
        code(ResponseError::UnknownMemberId)
    );
    assert_eq!(
        bench.send_away("ghost", Some("one")),
        code(ResponseError::FencedInstanceId)
    );
}
