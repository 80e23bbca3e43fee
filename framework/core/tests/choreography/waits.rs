//! Whether what waits is let go some day.

use crate::domain::{has, has_not};

const ASKS: &str = "intake Placed
     order.life on Placed -> Opened
     order.life on Held -> Done
     terminal Done
     stock.hold on Opened -> Held";

#[test]
fn waits_for_ever() {
    has(
        ASKS,
        "waits-for-ever",
        "order.life",
        &["`Held`", "`stock.hold`"],
    );
    has_not(
        &format!("{ASKS}\norder.life deadline -> Done"),
        "waits-for-ever",
    );
}

#[test]
fn let_go_by_the_deadline_of_another() {
    let watched = format!(
        "{ASKS}\nwatch.dog on Opened -> Watched\nprivate Watched\nwatch.dog deadline -> Late\nfailure Late"
    );
    has(&watched, "waits-for-ever", "order.life", &["`Held`"]);
    has_not(
        &format!("{watched}\norder.life on Late -> Done"),
        "waits-for-ever",
    );
}

#[test]
fn whoever_goes_no_step_ahead_waits_for_nothing() {
    let told = "intake Placed
         mail.sent on Placed -> Greeted
         mail.sent on Held -> Told
         terminal Greeted
         terminal Told
         stock.hold on Placed -> Held";
    has_not(told, "waits-for-ever");
}
