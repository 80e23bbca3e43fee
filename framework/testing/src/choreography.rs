//! All services together: the checks of their choreography, as one line of a test.

use kolo_avro::compat::reads;
use kolo_core::choreography::Choreography;
use kolo_core::{EventType, Service};

/// Checks that these services, together, make a choreography without an error or a warning that nobody has accepted.
/// `docs/choreography-checks.md` says what is checked.
///
/// ```
/// # use kolo_core::{Aggregate, Received, Service, State, Timestamp};
/// # use shop_schemas::inventory::{StockAdded, StockEvent, StockReceived};
/// # #[derive(Default)]
/// # struct Stock;
/// # impl State for Stock {
/// #     type Event = StockEvent;
/// #     fn evolve(&mut self, _: &StockEvent, _: Timestamp) {}
/// # }
/// # fn receive(_: &Stock, goods: &Received<StockReceived>) -> StockAdded {
/// #     StockAdded { sku: goods.sku.clone(), quantity: goods.quantity }
/// # }
/// fn service() -> Service {
///     let stock = Aggregate::<Stock>::new("stock").on(receive);
///     let stock = stock.accepts("never-emitted", "the stock of this example only grows");
///     Service::new("inventory").aggregate(stock)
/// }
///
/// kolo_testing::check([service()]);
/// ```
///
/// # Panics
/// With all findings, where there is an error or a warning.
#[track_caller]
pub fn check(services: impl IntoIterator<Item = Service>) {
    check_language(services, &[]);
}

/// [`check`], and that each event of the shared schemas is used: `events` is their list, such as `shop_schemas::EVENTS`.
///
/// # Panics
/// As [`check`].
#[track_caller]
pub fn check_language(services: impl IntoIterator<Item = Service>, events: &[&EventType]) {
    let services: Vec<Service> = services.into_iter().collect();
    let choreography = Choreography::of(&services).language(events);
    let report = choreography.check_with(&reads);
    assert!(
        report.is_clean(),
        "the choreography has findings; docs/choreography-checks.md explains them\n\n{report}\n"
    );
}
