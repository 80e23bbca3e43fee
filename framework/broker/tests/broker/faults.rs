//! Misfortune comes as it was asked for.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::*;
use kolo_broker::Broker;
use kolo_broker::faults::{Action, Api, Plan, ResponseError};

use crate::client::{Client, fetch_request, name, produce_request, values};

fn started(plan: Plan) -> (Broker, Client) {
    let broker = Broker::builder().faults(plan).start_blocking().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    client.create("orders", 2, &[]);
    (broker, client)
}

#[test]
fn a_connection_drops_before_or_after_a_request_is_applied() {
    let plan = Plan::new()
        .on(Api::Produce)
        .nth(1)
        .then(Action::DropBefore)
        .on(Api::Produce)
        .nth(2)
        .then(Action::DropAfter);
    let (broker, mut client) = started(plan);
    client
        .try_call(&produce_request("orders", 0, &["before"]), 9)
        .unwrap_err();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    assert_eq!(client.end_offset("orders", 0), 0);
    client
        .try_call(&produce_request("orders", 0, &["after"]), 9)
        .unwrap_err();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    assert_eq!(client.fetch("orders", 0, 0), (0, vec!["after".into()]));
    let fired: Vec<_> = broker
        .faults()
        .fired()
        .into_iter()
        .map(|fired| (fired.seen, fired.action))
        .collect();
    assert_eq!(fired, [(1, Action::DropBefore), (2, Action::DropAfter)]);
}

#[test]
fn an_error_is_for_the_partition_that_the_rule_names() {
    let error = ResponseError::NotEnoughReplicas;
    let (broker, mut client) = started(
        Plan::new()
            .on(Api::Produce)
            .topic("orders")
            .partition(1)
            .times(2)
            .then(Action::Fail(error)),
    );
    let mut both = produce_request("orders", 0, &["a"]);
    let other = produce_request("orders", 1, &["b"])
        .topic_data
        .remove(0)
        .partition_data
        .remove(0);
    both.topic_data[0].partition_data.push(other);
    let mut codes = || {
        let response = client.call(&both, 9);
        let partitions = &response.responses[0].partition_responses;
        (partitions[0].error_code, partitions[1].error_code)
    };
    assert_eq!(codes(), (0, error.code()));
    assert_eq!(codes(), (0, error.code()));
    assert_eq!(codes(), (0, 0));
    assert_eq!(
        (
            client.end_offset("orders", 0),
            client.end_offset("orders", 1)
        ),
        (3, 1)
    );
    let ids = broker.faults().add(
        Plan::new()
            .on(Api::Fetch)
            .topic("orders")
            .then(Action::Fail(error)),
    );
    assert_eq!(client.fetch("orders", 0, 0).0, error.code());
    broker.faults().remove(ids[0]);
    assert_eq!(client.fetch("orders", 0, 0).0, 0);
}

#[test]
fn other_requests_fail_as_a_whole() {
    let error = ResponseError::CoordinatorLoadInProgress;
    let (_broker, mut client) = started(
        Plan::new()
            .on(Api::FindCoordinator)
            .client("c")
            .nth(1)
            .then(Action::Fail(error)),
    );
    let request =
        FindCoordinatorRequest::default().with_coordinator_keys(vec![crate::client::text("group")]);
    assert_eq!(
        client.call(&request, 4).coordinators[0].error_code,
        error.code()
    );
    assert_eq!(client.call(&request, 4).coordinators[0].error_code, 0);
}

#[test]
fn a_delay_delays() {
    let delay = Duration::from_millis(200);
    let (_broker, mut client) = started(
        Plan::new()
            .on(Api::Produce)
            .nth(2)
            .then(Action::Delay(delay)),
    );
    client.produce("orders", 0, &["a"]);
    let began = Instant::now();
    assert_eq!(client.produce("orders", 0, &["b"]), (0, 1));
    assert!(began.elapsed() >= delay);
}

#[test]
fn a_write_that_is_held_comes_late_and_after_others_though_its_client_is_gone() {
    let (broker, mut client) = started(
        Plan::new()
            .on(Api::Produce)
            .client("zombie")
            .then(Action::Hold("late".into())),
    );
    let mut zombie = Client::connect(&broker.bootstrap(), "zombie");
    zombie.send(&produce_request("orders", 0, &["late"]), 9);
    let deadline = Instant::now() + Duration::from_secs(10);
    while broker.faults().held("late") == 0 {
        assert!(Instant::now() < deadline, "it is never held");
        std::thread::yield_now();
    }
    drop(zombie);
    assert_eq!(client.produce("orders", 0, &["early"]), (0, 0));
    assert_eq!(broker.faults().release("late"), 1);
    assert_eq!(
        values(&client.call(&fetch_request("orders", 0, 1), 12)),
        (0, vec!["late".into()])
    );
    let mut zombie = Client::connect(&broker.bootstrap(), "zombie");
    assert_eq!(zombie.produce("orders", 0, &["again"]), (0, 2));
}

#[test]
fn a_partition_without_a_leader_says_so_everywhere_and_has_one_again() {
    let (broker, mut client) = started(Plan::new());
    broker
        .faults()
        .leaderless("orders", 1, Duration::from_secs(3600));
    let wanted = MetadataRequestTopic::default().with_name(Some(name("orders")));
    let metadata = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let described = client.call(&metadata, 12).topics.remove(0);
    assert_eq!(described.error_code, 0);
    let leaders: Vec<_> = described
        .partitions
        .iter()
        .map(|part| (part.error_code, part.leader_id.0))
        .collect();
    assert_eq!(
        leaders,
        [(0, 1), (ResponseError::LeaderNotAvailable.code(), -1)]
    );
    let code = ResponseError::NotLeaderOrFollower.code();
    assert_eq!(client.produce("orders", 1, &["a"]).0, code);
    assert_eq!(client.fetch("orders", 1, 0).0, code);
    assert_eq!(client.produce("orders", 0, &["a"]).0, 0);
    broker.faults().clear();
    assert_eq!(client.produce("orders", 1, &["a"]).0, 0);
}

#[test]
fn a_broker_that_is_fenced_is_named_nowhere_and_is_again() {
    let (broker, mut client) = started(Plan::new());
    let wanted = MetadataRequestTopic::default().with_name(Some(name("orders")));
    let metadata = MetadataRequest::default().with_topics(Some(vec![wanted]));
    let away = ResponseError::CoordinatorNotAvailable.code();
    let mut named = || {
        let described = client.call(&metadata, 12);
        let cluster = client.call(&DescribeClusterRequest::default(), 0);
        let group = crate::client::text("group");
        let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![group]);
        let coordinator = client.call(&find, 4).coordinators[0].error_code;
        let leaders: Vec<_> = described.topics[0]
            .partitions
            .iter()
            .map(|part| part.leader_id.0)
            .collect();
        (
            described.brokers.len(),
            cluster.brokers.len(),
            leaders,
            coordinator,
        )
    };
    assert_eq!(named(), (1, 1, vec![1, 1], 0));
    broker.faults().brokerless(Duration::from_secs(3600));
    assert_eq!(named(), (0, 0, vec![-1, -1], away));
    broker.faults().clear();
    assert_eq!(named(), (1, 1, vec![1, 1], 0));
    let once = Action::Brokerless {
        lasts: Duration::from_secs(3600),
    };
    broker
        .faults()
        .add(Plan::new().on(Api::Metadata).nth(1).then(once));
    assert_eq!(named().0, 0);
}

#[test]
fn a_fetch_that_waits_learns_at_once_that_the_leader_is_gone() {
    let seen = Plan::new()
        .on(Api::Fetch)
        .then(Action::Delay(Duration::ZERO));
    let (broker, mut client) = started(seen);
    let mut fetch = fetch_request("orders", 1, 0);
    fetch.max_wait_ms = 600_000;
    client.send(&fetch, 12);
    while broker.faults().fired().is_empty() {
        std::thread::yield_now();
    }
    broker
        .faults()
        .leaderless("orders", 1, Duration::from_secs(3600));
    let answer = client.receive::<FetchRequest>(12).unwrap();
    let code = ResponseError::NotLeaderOrFollower.code();
    assert_eq!(values(&answer), (code, vec![]));
}

#[test]
fn a_broker_that_is_stopped_refuses_and_has_all_when_it_is_back() {
    let (broker, mut client) = started(Plan::new());
    client.produce("orders", 0, &["a"]);
    client.send(&fetch_request("orders", 0, 1), 12);
    broker.stop().unwrap();
    broker.stop().unwrap();
    client.receive::<FetchRequest>(12).unwrap_err();
    let refused = Client::try_connect(&broker.bootstrap(), "c").err().unwrap();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    broker.start_again().unwrap();
    broker.start_again().unwrap();
    let mut client = Client::connect(&broker.bootstrap(), "c");
    assert_eq!(client.fetch("orders", 0, 0), (0, vec!["a".into()]));
    for _ in 0..20 {
        broker.stop().unwrap();
        broker.start_again().unwrap();
    }
    let mut client = Client::connect(&broker.bootstrap(), "c");
    assert_eq!(client.produce("orders", 0, &["b"]), (0, 1));
}

#[test]
fn a_member_is_expired_by_the_name_of_its_client() {
    let (broker, mut client) = started(Plan::new());
    let group = || GroupId(crate::client::text("group"));
    let protocol = join_group_request::JoinGroupRequestProtocol::default()
        .with_name(crate::client::text("range"));
    let join = JoinGroupRequest::default()
        .with_group_id(group())
        .with_session_timeout_ms(60_000)
        .with_rebalance_timeout_ms(60_000)
        .with_protocol_type(crate::client::text("consumer"))
        .with_protocols(vec![protocol]);
    let joined = client.call(&join, 3);
    assert_eq!(joined.error_code, 0);
    let sync = SyncGroupRequest::default()
        .with_group_id(group())
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id.clone());
    assert_eq!(client.call(&sync, 3).error_code, 0);
    let beat = HeartbeatRequest::default()
        .with_group_id(group())
        .with_generation_id(joined.generation_id)
        .with_member_id(joined.member_id);
    assert_eq!(client.call(&beat, 3).error_code, 0);
    broker.expire_member("group", "somebody else");
    broker.expire_member("nobody", "c");
    assert_eq!(client.call(&beat, 3).error_code, 0);
    broker.expire_member("group", "c");
    assert_eq!(
        client.call(&beat, 3).error_code,
        ResponseError::UnknownMemberId.code()
    );
}
