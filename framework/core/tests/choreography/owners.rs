//! Whose an event, a stream and a topic is, and where it is found.

use kolo_core::choreography::Choreography;

use crate::domain::{findings, found, has, has_not, manifests};

#[test]
fn two_owners_of_an_event() {
    let domain = "intake Placed
         terminal Held
         a.x on Placed -> Held";
    has(
        &format!("{domain}\nb.y on Placed -> Held"),
        "two-owners",
        "b.y",
        &["`Held`", "`a.x`"],
    );
    has_not(domain, "two-owners");
}

#[test]
fn two_owners_of_a_stream() {
    let domain = "intake Placed
         terminal Held
         terminal Kept
         a.x on Placed -> Held
         b.y on Placed -> Kept";
    has(
        &format!("{domain}\nb.y stream a.x"),
        "two-owners",
        "b.y",
        &["stream `a.x`"],
    );
    has_not(domain, "two-owners");
}

#[test]
fn an_event_from_outside_in_a_stream() {
    let domain = "intake Placed
         terminal Held
         a.x on Placed -> Held";
    has(
        &format!("{domain}\nintake Seen\na.x owns Seen"),
        "two-owners",
        "a.x",
        &["`Seen`"],
    );
    has(
        &format!("{domain}\na.x stream outside"),
        "two-owners",
        "a.x",
        &["`Placed`", "`outside`"],
    );
}

#[test]
fn two_services_of_one_name() {
    let mut twice = manifests("intake Placed\nterminal Held\na.x on Placed -> Held");
    twice.push(twice[0].clone());
    let found = findings(twice);
    assert!(
        found
            .iter()
            .any(|line| line.starts_with("two-owners - ") && line.contains("named `a`")),
        "{found:#?}"
    );
}

#[test]
fn keys_differ() {
    let by = |way: &str| {
        format!(
            "intake Placed\na.x on Placed -> Held\nb.y keyed Sku\nb.y {way} Held -> Taken\nterminal Taken"
        )
    };
    has(
        &by("on"),
        "keys-differ",
        "b.y",
        &["`Sku`", "`Held`", "`String`"],
    );
    has_not(&by("routed"), "keys-differ");
}

#[test]
fn topics_differ() {
    let mut services =
        manifests("intake Placed\na.x on Placed -> Held\nb.y on Held -> Taken\nterminal Taken");
    assert!(
        !findings(services.clone())
            .iter()
            .any(|line| line.starts_with("topics-differ"))
    );
    let held = services[1]
        .events
        .iter_mut()
        .find(|event| event.name == "test.Held")
        .unwrap();
    held.topic = "elsewhere".into();
    let found = findings(services);
    let told = |line: &String| {
        line.starts_with("topics-differ - ") && line.contains("`elsewhere` to the service `b`")
    };
    assert!(found.iter().any(told), "{found:#?}");
}

#[test]
fn partitions_differ() {
    let services = |input: i32, seen_by_other: i32| {
        let mut services = manifests(
            "intake Placed\na.x on Placed -> Held\nb.y routed Held -> Taken\nterminal Taken",
        );
        services[0].partitions = [
            ("a.x".to_owned(), 6),
            ("outside".to_owned(), input),
            ("a.x.inbox".to_owned(), 6),
        ]
        .into();
        services[1].partitions = [("b.y".to_owned(), 3), ("a.x".to_owned(), seen_by_other)].into();
        services
    };
    let differ = |services| {
        let found = findings(services);
        found
            .into_iter()
            .filter(|line| line.starts_with("partitions-differ"))
            .collect::<Vec<_>>()
    };
    assert_eq!(differ(services(6, 6)), [""; 0]);
    let input = differ(services(3, 6));
    assert!(
        input.len() == 1 && input[0].contains("a.x `a.x` reads `outside` with 3 partitions"),
        "{input:#?}"
    );
    let seen = differ(services(6, 4));
    assert!(
        seen.len() == 1 && seen[0].contains("`a.x` with 4 and 6 partitions"),
        "{seen:#?}"
    );
}

#[test]
fn schemas_incompatible() {
    let mut services =
        manifests("intake Placed\na.x on Placed -> Held\nb.y on Held -> Taken\nterminal Taken");
    services[0].events[0].schema = "writer".into();
    services[1].events[0].schema = "reader".into();
    let choreography = Choreography::from_manifests(services);
    let report =
        choreography.check_with(&|reader, writer| Err(format!("{reader} is not {writer}")));
    let told: Vec<_> = report
        .findings
        .iter()
        .filter(|finding| finding.code.slug() == "schemas-incompatible")
        .collect();
    assert_eq!(told.len(), 1, "{report}");
    assert_eq!(told[0].aggregate.as_deref(), Some("b.y"));
    assert!(
        told[0]
            .message
            .contains("the service `b` cannot read `Held` as `a` writes it: reader is not writer"),
        "{report}"
    );
    assert!(
        choreography
            .check_with(&|_, _| Ok(()))
            .findings
            .iter()
            .all(|finding| finding.code.slug() != "schemas-incompatible")
    );
}

#[test]
fn a_whole_domain_without_a_finding() {
    let found = found(
        "intake Placed
         success Confirmed
         failure Cancelled
         terminal Returned
         order.life on Placed -> Opened?
         private Opened
         order.life pivot Paid -> Confirmed?
         order.life on Short -> Cancelled?
         order.life on Unpaid -> Cancelled?
         order.life deadline -> Cancelled
         stock.hold on Placed -> Held?, Short!
         stock.hold undo Cancelled Held -> Returned
         stock.hold undo Unpaid Held -> Returned
         pay.charge on Held -> Asked?
         pay.charge call Asked -> Paid?, Unpaid!
         pay.charge undo Cancelled Asked -> GiveBack?
         pay.charge call GiveBack -> GaveBack
         terminal GaveBack",
    );
    assert_eq!(found, [""; 0]);
}
