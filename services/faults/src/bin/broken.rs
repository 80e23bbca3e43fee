//! A service of the sample with a rule of the protocol left out: `BROKEN_SERVICE` names the service, `BROKEN_RULE` the rule.

use std::process::ExitCode;

use kolo::processor::Rules;
use kolo::{App, refuse};
use payment::{Charge, HttpGateway, Refund};

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let rules = match variable("BROKEN_RULE").as_str() {
        "dedup" => Rules {
            skip_by_position: false,
            skip_by_id: false,
            ..Rules::ALL
        },
        "epoch" => Rules {
            validity: false,
            ..Rules::ALL
        },
        _ => {
            return refuse(
                "broken",
                &std::io::Error::other("BROKEN_RULE is dedup or epoch"),
            );
        }
    };
    let app = match variable("BROKEN_SERVICE").as_str() {
        "order" => App::new(order::service()),
        "inventory" => App::new(inventory::service()),
        "payment" => match HttpGateway::from_env() {
            Ok(gateway) => App::new(payment::service())
                .bind::<Charge>(gateway.clone())
                .bind::<Refund>(gateway),
            Err(error) => return refuse("broken", &error),
        },
        _ => {
            return refuse(
                "broken",
                &std::io::Error::other("BROKEN_SERVICE is order, inventory or payment"),
            );
        }
    };
    app.with_rules(rules).main()
}
