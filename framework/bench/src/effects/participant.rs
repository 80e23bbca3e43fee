//! The service: one aggregate whose every input asks a port.

use std::time::Duration;

use anyhow::Context;
use kolo::{
    Adapter, AdapterError, Aggregate, App, Call, Config, Port, Received, Running, Service, State,
    Timestamp,
};

use crate::bench::{Deposited, PaymentAsked, PaymentEvent, PaymentMade};

#[derive(Default)]
struct Account {
    balance_cents: i64,
}

impl State for Account {
    type Event = PaymentEvent;

    fn evolve(&mut self, event: &PaymentEvent, _: Timestamp) {
        if let PaymentEvent::PaymentMade(made) = event {
            self.balance_cents = made.balance_cents;
        }
    }
}

fn ask(_: &Account, deposited: &Received<Deposited>) -> PaymentAsked {
    PaymentAsked {
        account: deposited.account.clone(),
        amount_cents: deposited.amount_cents,
    }
}

fn made(account: &Account, asked: &PaymentAsked, (): ()) -> PaymentMade {
    PaymentMade {
        account: asked.account.clone(),
        balance_cents: account.balance_cents + asked.amount_cents,
    }
}

struct Pay;

impl Port for Pay {
    type Request = PaymentAsked;
    type Reply = ();
}

/// A port that takes so long.
struct Takes(Duration);

impl Adapter<Pay> for Takes {
    async fn call(&self, _: Call<'_, PaymentAsked>) -> Result<(), AdapterError> {
        if !self.0.is_zero() {
            tokio::time::sleep(self.0).await;
        }
        Ok(())
    }
}

/// Starts the service.
pub(super) fn start(config: &Config, port_time: Duration) -> anyhow::Result<Running> {
    let account = Aggregate::<Account>::new("account")
        .on(ask)
        .effect::<Pay, _>(made);
    App::new(Service::new("bench").aggregate(account))
        .bind::<Pay>(Takes(port_time))
        .start(config)
        .context("the service does not start")
}
