//! The sample's choreography: it has no finding, and whatever is taken out of it is missed.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod missed;
mod page;
mod schemas;

use kolo::Service;
use kolo::choreography::Choreography;

fn services() -> [Service; 3] {
    [order::service(), inventory::service(), payment::service()]
}

fn choreography() -> Choreography {
    Choreography::of(&services()).language(shop_schemas::EVENTS)
}

#[test]
fn the_services_fit_together() {
    kolo_testing::check_language(services(), shop_schemas::EVENTS);
}
