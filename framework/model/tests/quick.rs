//! The rules hold in small bounds, and each of them is needed. `cargo run --release -p kolo-model` searches larger ones.

use kolo_model::explore::Search;
use kolo_model::variants::{Expected, Variant, variants};

const LIMIT_STATES: usize = 3_000_000;

fn searches(variant: &Variant) -> impl Iterator<Item = Search> {
    let variant = variant.quick();
    variant
        .own_seeds()
        .map(move |seed| variant.search(seed, LIMIT_STATES))
}

fn expected(expected: Expected) -> impl Iterator<Item = Variant> {
    variants()
        .into_iter()
        .filter(move |variant| variant.expected == expected)
}

#[test]
fn what_is_stated_holds() {
    for variant in expected(Expected::Holds) {
        for search in searches(&variant) {
            assert!(
                search.counterexample.is_none(),
                "{}: {:#?}",
                variant.name,
                search.counterexample
            );
            assert!(
                search.complete,
                "{}: more than {LIMIT_STATES} states",
                variant.name
            );
            assert!(
                search.at_rest > 0,
                "{}: no run came to rest, so what holds at rest was not asked",
                variant.name
            );
        }
    }
}

#[test]
fn what_is_left_out_is_missed() {
    for variant in expected(Expected::Violated) {
        let found = searches(&variant).any(|search| search.counterexample.is_some());
        assert!(
            found,
            "{}: no counterexample, so its rule earns nothing",
            variant.name
        );
    }
}

#[test]
fn counterexamples_are_shortest_and_repeatable() {
    let variant = variants()
        .into_iter()
        .find(|variant| variant.name == "no-numbers-resends")
        .unwrap();
    let shortest = |seed| {
        variant
            .search(seed, LIMIT_STATES)
            .counterexample
            .map(|found| found.steps)
    };
    let steps = variant
        .own_seeds()
        .find_map(|seed| shortest(seed).map(|steps| (seed, steps)));
    let (seed, steps) = steps.expect("the variant is violated");
    assert_eq!(shortest(seed), Some(steps.clone()));
    let walks = variant.walk(seed, std::time::Duration::from_millis(200));
    let walked = walks.counterexample.expect("random walks find it too");
    assert!(walked.steps.len() >= steps.len());
}
