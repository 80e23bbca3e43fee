//! The group protocol, message by message.

use kafka_protocol::messages::JoinGroupRequest;
use kafka_protocol::protocol::StrBytes;

use crate::common::calls::text;
use crate::common::errors::{
    ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, INVALID_SESSION_TIMEOUT,
    MEMBER_ID_REQUIRED, NONE, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID,
};
use crate::common::raw::CLIENT_ID;
use crate::common::raw_member::{JOIN, RawMember, group_id};
use crate::common::{await_that, unique};

/// Lets a second member into a group of one, and gives each an assignment.
fn let_in(leader: &mut RawMember, follower: &mut RawMember) {
    let joining = follower.send_join();
    await_that("a rebalance", || {
        leader.heartbeat() == REBALANCE_IN_PROGRESS
    });
    let led = leader.join();
    let followed = follower.joined(joining);
    assert_eq!((&led.leader, &followed.leader), (&leader.id, &leader.id));
    assert_eq!(led.generation_id, followed.generation_id);
    assert_eq!((led.members.len(), followed.members.len()), (2, 0));

    let waiting = follower.send_sync(&[]);
    let assignments: [(StrBytes, &'static [u8]); 2] = [
        (leader.id.clone(), b"mine"),
        (follower.id.clone(), b"yours"),
    ];
    let leading = leader.send_sync(&assignments);
    assert_eq!(&leader.synced(leading).assignment[..], b"mine");
    assert_eq!(&follower.synced(waiting).assignment[..], b"yours");
}

/// A dynamic member's first request gets it an id, its second one lets it in.
#[test]
fn a_member_is_given_an_id_first() {
    let group = unique("id");
    let mut member = RawMember::new(&group);
    let answer = member.raw.call(JOIN, &member.join_request());
    assert_eq!(answer.error_code, MEMBER_ID_REQUIRED);
    assert!(
        answer.member_id.starts_with(CLIENT_ID),
        "{:?}",
        answer.member_id
    );
    member.id = answer.member_id;
    let joined = member.join();
    assert_eq!((joined.generation_id, &joined.leader), (1, &member.id));
    assert_eq!(joined.protocol_name, Some(text("contract")));
    assert_eq!(&joined.members[0].metadata[..], b"meta");
}

/// The leader sees all members and decides who gets what; each member gets its own part of that, byte for byte.
#[test]
fn each_member_gets_what_the_leader_decides() {
    let group = unique("leader");
    let (mut leader, mut follower) = (RawMember::new(&group), RawMember::new(&group));
    leader.join_alone();
    let_in(&mut leader, &mut follower);
    assert_eq!((leader.heartbeat(), follower.heartbeat()), (NONE, NONE));
    assert_eq!(leader.generation, 2);
}

/// A member hears of a rebalance by its heartbeat, and when all have joined again it goes on in a new generation.
#[test]
fn a_member_that_leaves_causes_a_rebalance() {
    let group = unique("leaves");
    let (mut leader, mut follower) = (RawMember::new(&group), RawMember::new(&group));
    leader.join_alone();
    let_in(&mut leader, &mut follower);
    leader.leave();
    assert_eq!(leader.heartbeat(), UNKNOWN_MEMBER_ID);
    assert_eq!(follower.heartbeat(), REBALANCE_IN_PROGRESS);
    follower.join_alone();
    assert_eq!((follower.generation, follower.heartbeat()), (3, NONE));
}

/// Heartbeats of another generation, or of nobody, are refused.
#[test]
fn a_heartbeat_of_another_generation_is_refused() {
    let mut member = RawMember::new(&unique("heartbeat"));
    member.join_alone();
    assert_eq!(member.heartbeat(), NONE);
    member.generation += 1;
    assert_eq!(member.heartbeat(), ILLEGAL_GENERATION);
    member.id = text("nobody");
    assert_eq!(member.heartbeat(), UNKNOWN_MEMBER_ID);
}

/// A sync of another generation, or of nobody, is refused.
#[test]
fn a_sync_of_another_generation_is_refused() {
    let mut member = RawMember::new(&unique("sync"));
    member.join_alone();
    member.generation += 1;
    let sent = member.send_sync(&[]);
    assert_eq!(member.synced(sent).error_code, ILLEGAL_GENERATION);
    member.generation -= 1;
    member.id = text("nobody");
    let sent = member.send_sync(&[]);
    assert_eq!(member.synced(sent).error_code, UNKNOWN_MEMBER_ID);
}

/// A follower that syncs again in a stable group gets its assignment again.
#[test]
fn a_repeated_sync_gets_the_same_assignment() {
    let mut member = RawMember::new(&unique("sync-again"));
    member.join_alone();
    let sent = member.send_sync(&[]);
    let answer = member.synced(sent);
    assert_eq!(
        (answer.error_code, &answer.assignment[..]),
        (NONE, &b"all"[..])
    );
}

/// Requests that no group can be made of are refused: an empty group id, a session out of bounds, an unknown member.
#[test]
fn joins_that_cannot_be_are_refused() {
    let group = unique("cannot");
    let mut member = RawMember::new(&group);
    let mut code = |request: JoinGroupRequest| member.raw.call(JOIN, &request).error_code;
    let good = RawMember::new(&group).join_request();
    assert_eq!(
        code(good.clone().with_group_id(group_id(""))),
        INVALID_GROUP_ID
    );
    assert_eq!(
        code(good.clone().with_session_timeout_ms(10)),
        INVALID_SESSION_TIMEOUT
    );
    assert_eq!(
        code(good.clone().with_session_timeout_ms(36_000_000)),
        INVALID_SESSION_TIMEOUT
    );
    assert_eq!(
        code(good.with_member_id(text("never-given"))),
        UNKNOWN_MEMBER_ID
    );
}

/// A member that shares no assignor with the others, or is no consumer, is refused.
#[test]
fn a_member_without_a_common_assignor_is_refused() {
    let group = unique("assignor");
    let mut member = RawMember::new(&group);
    member.join_alone();
    let mut stranger = RawMember::new(&group);
    stranger.protocols[0].0 = "another".to_owned();
    let request = stranger.join_request();
    let code = stranger.raw.call(JOIN, &request).error_code;
    assert_eq!(code, INCONSISTENT_GROUP_PROTOCOL);
    let request = member.join_request().with_protocol_type(text("connect"));
    let request = request.with_member_id(StrBytes::default());
    let code = stranger.raw.call(JOIN, &request).error_code;
    assert_eq!(code, INCONSISTENT_GROUP_PROTOCOL);
    assert_eq!(member.heartbeat(), NONE);
}

/// The assignor is the one that all members know and most of them put first.
#[test]
fn the_assignor_is_one_that_all_know() {
    let group = unique("common");
    let mut first = RawMember::new(&group);
    let own = |names: &[&str]| -> Vec<_> {
        let of = |name: &&str| ((*name).to_owned(), bytes::Bytes::from_static(b"m"));
        names.iter().map(of).collect()
    };
    first.protocols = own(&["best", "common"]);
    assert_eq!(first.join().protocol_name, Some(text("best")));
    let assigned = first.send_sync(&[(first.id.clone(), b"all")]);
    assert_eq!(first.synced(assigned).error_code, NONE);

    let mut second = RawMember::new(&group);
    second.protocols = own(&["other", "common"]);
    let joining = second.send_join();
    await_that("a rebalance", || first.heartbeat() == REBALANCE_IN_PROGRESS);
    assert_eq!(first.join().protocol_name, Some(text("common")));
    assert_eq!(second.joined(joining).protocol_name, Some(text("common")));
}

/// A member that is silent for longer than its session is put out, and the others share what it had.
#[test]
fn a_silent_member_is_put_out() {
    let group = unique("silent");
    let (mut leader, mut silent) = (RawMember::new(&group), RawMember::new(&group));
    silent.session_ms = 6_000;
    leader.join_alone();
    let_in(&mut leader, &mut silent);
    await_that("the end of its session", || {
        leader.heartbeat() == REBALANCE_IN_PROGRESS
    });
    leader.join_alone();
    assert_eq!(leader.generation, 3);
    assert_eq!(silent.heartbeat(), UNKNOWN_MEMBER_ID);
}

/// A member that does not join a rebalance in time is put out of it, so that the others need not wait for ever.
#[test]
fn a_member_that_misses_a_rebalance_is_put_out() {
    let group = unique("misses");
    let mut lazy = RawMember::new(&group);
    lazy.rebalance_ms = 6_000;
    lazy.join_alone();

    // It does not hear that it should join: its session is long, and it asks nothing.
    let mut eager = RawMember::new(&group);
    // The longest wait that any member allows is how long the others wait.
    eager.rebalance_ms = 6_000;
    eager.join_alone();
    assert_eq!(eager.generation, 2);
    assert_eq!(lazy.heartbeat(), UNKNOWN_MEMBER_ID);
}
