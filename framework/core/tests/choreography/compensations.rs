//! Whether what is done is undone when another step fails.

use crate::domain::{has, has_not};

/// Stock is held, then money is taken, which may fail.
const SAGA: &str = "intake Placed
     stock.hold on Placed -> Held
     pay.charge on Held -> Charged?, Refused!
     success Charged
     terminal Freed
     terminal Cancelled
     order.life on Refused -> Cancelled";

#[test]
fn not_compensated() {
    has(
        SAGA,
        "not-compensated",
        "stock.hold",
        &["`Held`", "`Refused`", "`pay.charge`"],
    );
    has_not(
        &format!("{SAGA}\nstock.hold undo Refused Held -> Freed"),
        "not-compensated",
    );
    has_not(
        &format!("{SAGA}\nstock.hold on Refused -> Freed"),
        "not-compensated",
    );
    has_not(&format!("{SAGA}\nterminal Held"), "not-compensated");
}

#[test]
fn not_compensated_beside() {
    // Neither follows from the other: both follow from what came from outside.
    let beside = "intake Placed
         stock.hold on Placed -> Held
         b.y on Held -> Sent
         terminal Sent
         risk.check on Placed -> Fine?, Risky!
         terminal Fine
         failure Risky";
    has(
        beside,
        "not-compensated",
        "stock.hold",
        &["`Held`", "`Risky`"],
    );
    has_not(
        &format!("{beside}\nstock.hold undo Risky Held -> Freed"),
        "not-compensated",
    );
}

#[test]
fn a_step_that_comes_only_where_the_other_has_not_failed() {
    let behind = "intake Placed
         risk.check on Placed -> Fine?, Risky!
         failure Risky
         stock.hold on Fine -> Held
         private Held";
    has_not(behind, "not-compensated");
}

#[test]
fn compensated_by_way_of() {
    let saga = format!("{SAGA}\nstock.hold undo Cancelled Held -> Freed");
    has(
        &saga,
        "compensated-by-way-of",
        "stock.hold",
        &["`Refused`", "`Cancelled`", "`order.life`"],
    );
    has_not(&saga, "not-compensated");
    has_not(
        &format!("{saga}\nstock.hold undo Refused Held -> Freed"),
        "compensated-by-way-of",
    );
    // What the failing service itself makes of it is as good as the failure.
    let near =
        format!("{SAGA}\npay.told on Refused -> Dropped\nstock.hold undo Dropped Held -> Freed");
    has_not(&near, "compensated-by-way-of");
    has_not(&near, "not-compensated");
}

#[test]
fn never_undone() {
    has(
        &format!("{SAGA}\nstock.hold owns Kept\nstock.hold undo Refused Kept -> Freed"),
        "never-undone",
        "stock.hold",
        &["`Kept`"],
    );
    has_not(
        &format!("{SAGA}\nstock.hold undo Refused Held -> Freed"),
        "never-undone",
    );
}

#[test]
fn never_undone_since_nothing_leads_to_the_trigger() {
    let saga = format!(
        "{SAGA}\na.x on Told -> Dropped\nb.y on Dropped -> Told\nstock.hold undo Dropped Held -> Freed"
    );
    has(
        &saga,
        "never-undone",
        "stock.hold",
        &["nothing leads to `Dropped`"],
    );
}

#[test]
fn undo_races() {
    let saga = format!("{SAGA}\nintake Dropped");
    has(
        &format!("{saga}\nstock.hold undo Dropped Held -> Freed"),
        "undo-races",
        "stock.hold",
        &["`Dropped`", "`Held` is refused"],
    );
    has_not(
        &format!("{saga}\nstock.hold undo Refused Held -> Freed"),
        "undo-races",
    );
}
