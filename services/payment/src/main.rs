//! The payment service.

use std::process::ExitCode;

use payment::{Charge, HttpGateway, Refund};

fn main() -> ExitCode {
    match HttpGateway::from_env() {
        Ok(gateway) => kolo::App::new(payment::service())
            .bind::<Charge>(gateway.clone())
            .bind::<Refund>(gateway)
            .main(),
        Err(error) => kolo::refuse("payment", &error),
    }
}
