//! Whether each event has somebody who emits it, and somebody who answers it.

use crate::domain::{has, has_not};

#[test]
fn never_produced() {
    has(
        "a.x on Paid -> Shipped
         terminal Shipped",
        "never-produced",
        "a.x",
        &["`Paid`", "`a.x`"],
    );
    has_not(
        "intake Paid
         a.x on Paid -> Shipped
         terminal Shipped",
        "never-produced",
    );
}

#[test]
fn never_consumed() {
    let paid = "intake Placed
         a.x on Placed -> Paid";
    has(paid, "never-consumed", "a.x", &["`Paid`"]);
    for mark in ["terminal", "success", "private"] {
        has_not(&format!("{paid}\n{mark} Paid"), "never-consumed");
    }
    has_not(
        &format!("{paid}\nb.y on Paid -> Shipped\nterminal Shipped"),
        "never-consumed",
    );
    has_not(
        &format!("{paid}\na.x call Paid -> Done\nterminal Done"),
        "never-consumed",
    );
}

#[test]
fn never_consumed_from_outside() {
    let unheard = "intake Placed
         intake Dropped
         a.x on Placed -> Opened
         a.x owns Dropped";
    has(unheard, "never-consumed", "-", &["`Dropped`"]);
    has_not(
        &format!("{unheard}\na.x on Dropped -> Opened"),
        "never-consumed -",
    );
}

#[test]
fn never_emitted() {
    let domain = "intake Placed
         terminal Opened
         a.x on Placed -> Opened
         a.x owns Closed";
    has(domain, "never-emitted", "a.x", &["`Closed`"]);
    has_not(
        &format!("{domain}\na.x deadline -> Closed"),
        "never-emitted",
    );
}

#[test]
fn failure_unhandled() {
    let domain = "intake Placed
         a.x on Placed -> Held?, Refused!
         b.y on Held -> Shipped
         terminal Shipped";
    has(domain, "failure-unhandled", "a.x", &["`Refused`"]);
    has_not(&format!("{domain}\nfailure Refused"), "failure-unhandled");
    has_not(
        &format!("{domain}\nb.y on Refused -> Told\nterminal Told"),
        "failure-unhandled",
    );
}
