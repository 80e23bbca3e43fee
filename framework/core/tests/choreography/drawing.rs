//! The graph as a drawing.

use kolo_core::choreography::{Choreography, Drawing, Format};

use crate::domain::manifests;

const DOMAIN: &str = "intake Placed
     intake Received
     failure Cancelled
     stock.hold on Placed -> Held?, Short!
     stock.hold undo Cancelled Held -> Freed
     terminal Freed
     stock.fill on Received -> Filled
     terminal Filled
     pay.charge on Held -> Asked
     pay.charge call Asked -> Paid
     order.life on Paid -> Done
     order.life on Short -> Cancelled
     order.life deadline -> Cancelled
     terminal Done";

fn drawn(format: Format, all: bool, saga: Option<&str>) -> String {
    let saga = saga.map(ToOwned::to_owned);
    Choreography::from_manifests(manifests(DOMAIN))
        .draw(&Drawing { format, all, saga })
        .unwrap()
}

#[test]
fn lines_are_named_by_events_and_their_kinds_differ() {
    let text = drawn(Format::Mermaid, false, None);
    for part in [
        "subgraph s2[\"stock\"]",
        "(\"Placed\")",
        "-->|\"Held\"|",
        "-->|\"Short\"|",
        "-.->|\"undoes Held\"|",
        "<-.->|\"Asked: Paid\"|",
        "deadline: Cancelled",
    ] {
        let part = part.replace("(\"Placed\")", "([\"Placed\"])");
        assert!(text.contains(&part), "no {part} in\n{text}");
    }
    assert!(!text.contains("Freed"), "nobody answers it:\n{text}");
}

#[test]
fn all_shows_every_event() {
    for format in [Format::Mermaid, Format::Dot] {
        let text = drawn(format, true, None);
        for event in [
            "Placed",
            "Held",
            "Short",
            "Freed",
            "Filled",
            "Asked",
            "Paid",
            "Done",
            "Cancelled",
        ] {
            assert!(
                text.contains(&format!("\"{event}\"")),
                "no {event} in\n{text}"
            );
        }
    }
}

#[test]
fn one_saga_is_highlighted_and_the_rest_is_not() {
    let text = drawn(Format::Mermaid, false, Some("Placed"));
    let dim = text.lines().find(|line| line.ends_with(" dim")).unwrap();
    let fill = text
        .lines()
        .find(|line| line.contains("[\"fill\"]"))
        .unwrap()
        .trim()
        .split('[')
        .next()
        .unwrap();
    let hold = text
        .lines()
        .find(|line| line.contains("[\"hold\"]"))
        .unwrap()
        .trim()
        .split('[')
        .next()
        .unwrap();
    let dimmed = |id: &str| dim.split([' ', ',']).any(|part| part == id);
    assert!(dimmed(fill) && !dimmed(hold), "{dim}\n{text}");
}

#[test]
fn a_saga_that_nothing_begins_is_refused_with_those_that_begin() {
    let drawing = Drawing {
        saga: Some("Held".into()),
        ..Drawing::default()
    };
    let error = Choreography::from_manifests(manifests(DOMAIN))
        .draw(&drawing)
        .unwrap_err();
    assert!(
        error.to_string().contains("begin with Placed, Received"),
        "{error}"
    );
}

#[test]
fn a_name_that_is_markup_is_text() {
    let mut services = manifests(DOMAIN);
    services[0].aggregates[0].name = "x\"] --> <b>`".into();
    for (format, harmless) in [
        (Format::Mermaid, "x#34;] --#62; #60;b#62;#96;"),
        (Format::Dot, "x\\\"] --> <b>`"),
    ] {
        let drawing = Drawing {
            format,
            ..Drawing::default()
        };
        let text = Choreography::from_manifests(services.clone())
            .draw(&drawing)
            .unwrap();
        assert!(text.contains(harmless), "{text}");
    }
}
