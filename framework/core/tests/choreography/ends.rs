//! Whether sagas end.

use crate::domain::{has, has_not};

#[test]
fn refuses_after_pivot() {
    let saga = |last: &str| {
        format!(
            "intake Placed\na.x pivot Placed -> Confirmed\nb.y on Confirmed -> {last}\nterminal Sent\nfailure Lost"
        )
    };
    has(
        &saga("Sent?, Lost!"),
        "refuses-after-pivot",
        "b.y",
        &["`Lost`", "`a.x`"],
    );
    has_not(&saga("Sent"), "refuses-after-pivot");
}

#[test]
fn unreachable_outcome() {
    let saga = "success Confirmed
         a.x on Paid -> Confirmed
         b.y on Sent -> Paid
         c.z on Paid -> Sent";
    has(saga, "unreachable-outcome", "a.x", &["`Confirmed`"]);
    has_not(
        &format!("{saga}\nintake Placed\nb.y on Placed -> Paid"),
        "unreachable-outcome",
    );
    has(
        "intake Placed\nsuccess Confirmed\na.x on Placed -> Opened\na.x owns Confirmed",
        "unreachable-outcome",
        "a.x",
        &["`Confirmed`"],
    );
}

#[test]
fn endless_cycle() {
    let cycle = |last: &str| {
        format!(
            "intake Placed\na.x on Placed -> Asked\na.x on Told -> {last}\nb.y on Asked -> Told"
        )
    };
    has(
        &cycle("Asked"),
        "endless-cycle",
        "b.y",
        &["`Asked` leads to itself", "Told"],
    );
    has_not(&cycle("Asked?"), "endless-cycle");
}
