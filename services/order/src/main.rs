//! The order service.

mod http; // its HTTP API, which runs beside it

use shop_schemas::order::{CancelRequested, OrderCreated, OrderEvent};

fn main() -> std::process::ExitCode {
    kolo::App::new(order::service())
        .beside("http", http::serve)
        .publishes::<OrderCreated>()
        .publishes::<CancelRequested>()
        .projects::<OrderEvent>()
        .listens("http", http::listen)
        .main()
}
