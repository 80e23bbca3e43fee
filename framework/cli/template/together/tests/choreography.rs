//! All services as one graph: no step that nobody undoes, no wait without an end, no event that nobody hears.

#[test]
fn the_services_fit_together() {
    kolo_testing::check_language([flight::service(), hotel::service()], schemas::EVENTS);
}
