//! The gate: builds that run side by side, and the order in which the next ones are deployed.

use kolo_core::choreography::{Choreography, Gate, Manifest, NextSchema, Passage};

use crate::domain::{full, manifests};

/// `order` writes what `stock` reads, and the other way round.
const SHOP: &str = "intake Placed
order.life on Placed -> Opened
stock.hold on Opened -> Held
order.life on Held -> Closed
terminal Closed";

/// A build of one service of a domain. The schema of an event is the version that it writes.
fn build(domain: &str, service: &str, versions: &[(&str, &[&str])]) -> Manifest {
    let mut all = manifests(domain).into_iter();
    let mut build = all.find(|build| build.service == service).unwrap();
    for event in &mut build.events {
        let known = versions.iter().find(|(name, _)| full(name) == event.name);
        let known = known.map_or(&["v1"][..], |(_, versions)| versions);
        event.versions = known.iter().map(ToString::to_string).collect();
        event.schema = known[0].to_owned();
    }
    build
}

fn next(event: &str, versions: &[&str]) -> NextSchema {
    NextSchema {
        event: full(event),
        schema: versions[0].to_owned(),
        versions: versions.iter().map(ToString::to_string).collect(),
    }
}

/// Avro would resolve everything but what is called broken.
fn passage(running: Vec<Manifest>, next: Vec<NextSchema>) -> Passage {
    Gate::new(running, next).check(&|reader, writer| match writer {
        "broken" if reader != writer => Err("it is broken".to_owned()),
        _ => Ok(()),
    })
}

fn told(passage: &Passage) -> Vec<String> {
    let findings = passage.report.findings.iter();
    findings.map(ToString::to_string).collect()
}

fn steps(passage: &Passage) -> Vec<String> {
    let steps = passage.order.iter().flatten();
    steps.map(|step| step.join("+")).collect()
}

fn all(versions: &[(&str, &[&str])]) -> Vec<Manifest> {
    ["order", "stock"]
        .map(|service| build(SHOP, service, versions))
        .into()
}

#[test]
fn builds_of_one_time_pass_in_any_order() {
    let passed = passage(
        all(&[]),
        vec![next("Opened", &["v1"]), next("Held", &["v1"])],
    );
    assert_eq!(told(&passed), Vec::<String>::new());
    assert_eq!(passed.order, Some(vec![]));
}

#[test]
fn a_version_that_was_not_published_to_a_reader_is_not_read_though_avro_could() {
    let running = vec![
        build(SHOP, "order", &[("Opened", &["v2", "v1"])]),
        build(SHOP, "stock", &[]),
    ];
    let choreography = Choreography::from_manifests(running.clone());
    let report = choreography.check_with(&|_, _| Ok(()));
    let checked: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let found = told(&passage(running, vec![]));
    let gated = found.first().unwrap();
    let checked = checked
        .iter()
        .find(|text| text.contains("[schemas-incompatible]"));
    for text in [gated, checked.unwrap()] {
        for words in [
            "error[schemas-incompatible]",
            "`stock`",
            "cannot read `Opened` as `order` writes it: the version v2 was not published to its build",
            "\n  at ",
        ] {
            assert!(text.contains(words), "{words} is missing in {text}");
        }
    }
    assert!(
        gated.contains("each such record parks its key (written by order.life `")
            && gated.contains("next: deploy the readers first: build `stock` with that version"),
        "{gated}"
    );
    assert_eq!(found.len(), 1, "{found:#?}");
}

#[test]
fn the_reader_s_newer_build_reads_it_and_the_older_one_has_to_end() {
    let running = vec![
        build(SHOP, "order", &[("Opened", &["v2", "v1"])]),
        build(SHOP, "stock", &[]),
        build(SHOP, "stock", &[("Opened", &["v2", "v1"])]),
    ];
    let found = told(&passage(running, vec![]));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("`stock` (build 1 of 2) cannot read `Opened` as `order` writes it")
            && found[0].contains("end this build of `stock`, then start that one of `order`"),
        "{found:#?}"
    );
}

#[test]
fn an_older_owner_cannot_restore_what_the_newer_one_wrote_unless_its_version_is_lower() {
    let older = build(SHOP, "order", &[]);
    let mut newer = build(SHOP, "order", &[("Opened", &["v2", "v1"])]);
    let found = told(&passage(vec![older.clone(), newer.clone()], vec![]));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("`order` (build 1 of 2) cannot read `Opened` as `order` (build 2 of 2)")
            && found[0].contains("cannot restore it, and stops")
            && found[0].contains("raising `.version(…)`"),
        "{found:#?}"
    );
    newer.aggregates[0].version += 1;
    assert_eq!(
        told(&passage(vec![older, newer], vec![])),
        Vec::<String>::new()
    );
}

#[test]
fn what_was_published_to_a_reader_is_read_also_where_avro_could_not() {
    // Its upcast reads it.
    let running = all(&[("Opened", &["broken"])]);
    let passed = passage(running, vec![next("Opened", &["v2", "broken"])]);
    let found = told(&passed);
    assert!(
        found.len() == 1 && found[0].contains("[deploy-order]"),
        "{found:#?}"
    );
    assert_eq!(steps(&passed), ["stock", "order"], "the readers first");
}

#[test]
fn where_versions_are_not_told_avro_s_rules_are_all_that_is_known() {
    let mut running = vec![
        build(SHOP, "order", &[("Opened", &["v2"])]),
        build(SHOP, "stock", &[]),
    ];
    running[1]
        .events
        .iter_mut()
        .for_each(|event| event.versions.clear());
    assert_eq!(
        told(&passage(running.clone(), vec![])),
        Vec::<String>::new()
    );
    running[0] = build(SHOP, "order", &[("Opened", &["broken"])]);
    let found = told(&passage(running, vec![]));
    assert!(
        found.len() == 1 && found[0].contains("it is broken"),
        "{found:#?}"
    );
}

#[test]
fn a_new_version_is_deployed_readers_first() {
    let passed = passage(all(&[]), vec![next("Opened", &["v2", "v1"])]);
    let found = told(&passed);
    assert_eq!(found.len(), 1, "{found:#?}");
    for words in [
        "note[deploy-order]: what runs of `order.life` (its own stream) and `stock.hold` (`",
        "cannot read the next version of `Opened` (written by order.life `",
        "next: deploy the readers first: `stock`; then `order`, with `.version(2)` of `order.life`",
    ] {
        assert!(found[0].contains(words), "{words} is missing in {found:#?}");
    }
    assert!(passed.report.is_clean(), "a note fails nothing");
    assert_eq!(steps(&passed), ["stock", "order"]);
}

#[test]
fn what_comes_from_outside_is_published_last() {
    let passed = passage(all(&[]), vec![next("Placed", &["v2", "v1"])]);
    assert_eq!(steps(&passed), ["order", "what publishes from outside"]);
    assert!(
        told(&passed)[0]
            .contains("next: deploy the readers first: `order`; then what publishes from outside")
    );
}

#[test]
fn once_the_readers_are_deployed_any_order_is_safe() {
    let running = vec![
        build(SHOP, "order", &[("Opened", &["v1", "v2"])]),
        build(SHOP, "stock", &[("Opened", &["v2", "v1"])]),
    ];
    let passed = passage(running, vec![next("Opened", &["v2", "v1"])]);
    assert_eq!((told(&passed), passed.order), (vec![], Some(vec![])));
}

#[test]
fn next_readers_that_cannot_read_what_is_written_now_come_last() {
    let running = all(&[("Opened", &["v1", "v2"])]);
    let passed = passage(running, vec![next("Opened", &["v2"])]);
    assert_eq!(steps(&passed), ["order", "stock"]);
    assert!(
        told(&passed)[0].contains("next: deploy the writers first: `order`; then, when all"),
        "{:#?}",
        told(&passed)
    );
}

#[test]
fn no_order_is_safe_where_neither_reads_the_other() {
    let passed = passage(all(&[]), vec![next("Opened", &["v2"])]);
    let found = told(&passed);
    assert!(
        found.len() == 1
            && found[0]
                .contains("error[no-deploy-order]: no order of deploying is safe for `Opened`")
            && found[0].contains("do it in two steps"),
        "{found:#?}"
    );
    assert_eq!(passed.order, None);
}

#[test]
fn two_services_that_each_would_come_first_are_a_circle() {
    let both = vec![next("Opened", &["v2", "v1"]), next("Held", &["v2", "v1"])];
    let passed = passage(all(&[]), both);
    assert_eq!(passed.order, None);
    let found = told(&passed);
    assert!(
        found[0].contains("error[no-deploy-order]")
            && found[0].contains("`order` and `stock` each would have to be deployed before the other, for `Held` and `Opened`")
            && found[0].contains("every build reads the new version and none writes it"),
        "{found:#?}"
    );
}

#[test]
fn a_service_that_reads_what_it_writes_ends_before_it_starts_anew() {
    let domain = "intake Placed
order.life on Placed -> Opened
order.line routed Opened -> Counted
terminal Counted";
    let running = vec![build(domain, "order", &[])];
    let passed = passage(running, vec![next("Opened", &["v2", "v1"])]);
    let found = told(&passed);
    assert!(
        found.len() == 1
            && found[0].contains("`order.life` (its own stream) and `order.line` (`")
            && found[0].contains(
                "next: deploy `order`, whose old processes all end before a new one starts"
            ),
        "{found:#?}"
    );
    assert_eq!(passed.order, Some(vec![]), "there is only one service");
}

#[test]
fn what_an_aggregate_accepts_is_listed_as_accepted() {
    let mut running = vec![
        build(SHOP, "order", &[("Opened", &["v2", "v1"])]),
        build(SHOP, "stock", &[]),
    ];
    let mut accepting = manifests(&format!(
        "{SHOP}\nstock.hold accepts schemas-incompatible it is stopped"
    ));
    running[1].aggregates[0].accepted = accepting.remove(1).aggregates.remove(0).accepted;
    let passed = passage(running, vec![]);
    assert!(passed.report.is_clean(), "{}", passed.report);
    assert!(told(&passed)[0].contains("because it is stopped"));
}

/// With a registry, a build reads what Avro resolves, if it says that it does so.
#[test]
fn a_registry_leaves_avros_rules() {
    let resolving = |mut build: Manifest| {
        let events = build.events.iter_mut();
        events.for_each(|event| event.resolves = true);
        build
    };
    let opened: &[(&str, &[&str])] = &[("Opened", &["v2", "v1"])];
    let running = |stock: Manifest| vec![build(SHOP, "order", opened), stock];
    let with = |running: Vec<Manifest>, next| {
        Gate::new(running, next)
            .with_registry()
            .check(&|reader, writer| match writer {
                "broken" if reader != writer => Err("it is broken".to_owned()),
                _ => Ok(()),
            })
    };
    let new = resolving(build(SHOP, "stock", &[]));
    assert_eq!(
        told(&with(running(new.clone()), vec![])),
        Vec::<String>::new()
    );
    let choreography = |running| {
        let checked = Choreography::from_manifests(running).with_registry();
        let report = checked.check_with(&|_, _| Ok(()));
        let mut found = report.findings.iter().map(ToString::to_string);
        found.find(|text| text.contains("schemas-incompatible"))
    };
    assert_eq!(choreography(running(new.clone())), None);
    // A build of an older kolo does not resolve, registry or not.
    let old = build(SHOP, "stock", &[]);
    let words = "the build is of a kolo that does not resolve";
    assert!(told(&with(running(old.clone()), vec![]))[0].contains(words));
    assert!(choreography(running(old)).unwrap().contains(words));
    // Nor does any build what Avro cannot.
    let broken: &[(&str, &[&str])] = &[("Opened", &["broken", "v1"])];
    let writer = build(SHOP, "order", broken);
    assert!(told(&with(vec![writer, new.clone()], vec![]))[0].contains("it is broken"));
    // So what comes next has an order only where Avro's rules want one.
    let all = || ["order", "stock"].map(|service| resolving(build(SHOP, service, &[])));
    let next_version = |version| vec![next("Opened", &[version, "v1"])];
    assert_eq!(
        steps(&passage(all().into(), next_version("v2"))),
        ["stock", "order"]
    );
    let passed = with(all().into(), next_version("v2"));
    assert_eq!((told(&passed), passed.order), (vec![], Some(vec![])));
    assert_eq!(
        steps(&with(all().into(), next_version("broken"))),
        ["stock", "order"]
    );
}
