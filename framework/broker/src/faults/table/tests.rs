//! Which requests rules meet, and what is held back.

use super::*;

fn orders(partition: i32) -> Touched {
    vec![("orders".to_owned(), Some(partition))]
}

#[test]
fn counting_looks_at_matching_requests_alone() {
    let faults = Faults::default();
    let ids = faults.add(
        Plan::new()
            .on(Api::Produce)
            .topic("orders")
            .partition(1)
            .client("a")
            .nth(2)
            .then(Action::DropAfter),
    );
    let met = |api, client, touched| faults.meet(api, client, &touched).drop_after;
    assert!(!met(Api::Produce, "a", orders(1)));
    assert!(!met(Api::Produce, "b", orders(1)));
    assert!(!met(Api::Produce, "a", orders(0)));
    assert!(!met(Api::Fetch, "a", orders(1)));
    assert!(!met(
        Api::Produce,
        "a",
        vec![("others".to_owned(), Some(1))]
    ));
    assert!(met(Api::Produce, "a", orders(1)));
    assert!(!met(Api::Produce, "a", orders(1)));
    assert_eq!(faults.times_fired(ids[0]), 1);
    assert_eq!(faults.fired()[0].seen, 2);
}

#[test]
fn picks_by_number() {
    let taken = |pick: fn(When) -> When| {
        let faults = Faults::default();
        faults.add(pick(Plan::new().on_any()).then(Action::DropBefore));
        (1..=7)
            .filter(|_| faults.meet(Api::Fetch, "", &Touched::new()).drop_before)
            .count()
    };
    use super::super::When;
    assert_eq!(taken(|when| when), 7);
    assert_eq!(taken(|when| when.nth(3)), 1);
    assert_eq!(taken(|when| when.times(3)), 3);
    assert_eq!(taken(|when| when.every(3)), 2);
    assert_eq!(taken(|when| when.every(0)), 0);
}

#[test]
fn an_error_is_for_the_partitions_that_the_rule_names() {
    let faults = Faults::default();
    faults.add(
        Plan::new()
            .on(Api::Produce)
            .topic("orders")
            .partition(1)
            .then(Action::Fail(ResponseError::KafkaStorageError)),
    );
    let verdict = faults.meet(
        Api::Produce,
        "",
        &vec![("orders".into(), Some(0)), ("orders".into(), Some(1))],
    );
    assert_eq!(verdict.error_of("orders", 0), None);
    assert_eq!(
        verdict.error_of("orders", 1),
        Some(ResponseError::KafkaStorageError)
    );
}

#[test]
fn a_gate_lets_in_what_it_holds_in_order_and_ends_its_rules() {
    let faults = Faults::default();
    faults.add(
        Plan::new()
            .on(Api::Produce)
            .then(Action::Hold("late".into())),
    );
    let order = Arc::new(Mutex::new(Vec::new()));
    for number in 0..3 {
        assert_eq!(
            faults
                .meet(Api::Produce, "", &orders(0))
                .gate_of("orders", 0),
            Some("late")
        );
        let order = Arc::clone(&order);
        faults.hold("late", Box::new(move || order.lock().push(number)));
    }
    assert_eq!(faults.held("late"), 3);
    assert_eq!(faults.release("other"), 0);
    assert!(order.lock().is_empty());
    assert_eq!(faults.release("late"), 3);
    assert_eq!(*order.lock(), [0, 1, 2]);
    assert!(!faults.armed());
}

#[test]
fn a_partition_has_its_leader_back_after_a_while() {
    let faults = Faults::default();
    assert!(!faults.is_leaderless("orders", 0));
    faults.leaderless("orders", 0, Duration::from_secs(3600));
    assert!(faults.is_leaderless("orders", 0));
    assert!(!faults.is_leaderless("orders", 1));
    faults.leaderless("orders", 0, Duration::ZERO);
    assert!(!faults.is_leaderless("orders", 0));
    assert!(!faults.armed());
}

#[test]
fn a_broker_is_named_again_after_a_while() {
    let faults = Faults::default();
    assert!(!faults.is_brokerless());
    faults.brokerless(Duration::from_secs(3600));
    assert!(faults.is_brokerless());
    assert!(faults.is_leaderless("orders", 0), "nobody could lead it");
    faults.brokerless(Duration::ZERO);
    assert!(!faults.is_brokerless());
    assert!(!faults.armed());
}

#[test]
fn rules_can_be_taken_away() {
    let faults = Faults::default();
    let ids = faults.add(Plan::new().on_any().then(Action::DropBefore));
    assert!(faults.armed());
    faults.remove(ids[0]);
    assert!(!faults.armed());
    faults.add(Plan::new().on_any().then(Action::DropBefore));
    faults.clear();
    assert!(!faults.meet(Api::Fetch, "", &Touched::new()).drop_before);
}
