//! The leader's assignment, and how it reaches the others.

use super::*;

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
