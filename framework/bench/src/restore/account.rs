//! The aggregate that is restored: its state is as large as its event, some 200 bytes.

use kolo::{Aggregate, Received, Service, State, Timestamp};
use serde::{Deserialize, Serialize};

use crate::bench::{AccountEvent, Credited, Deposited};

#[derive(Default, Serialize, Deserialize)]
struct Account {
    balance_cents: i64,
    memo: String,
}

impl State for Account {
    type Event = AccountEvent;

    fn evolve(&mut self, event: &AccountEvent, _: Timestamp) {
        let AccountEvent::Credited(credited) = event;
        self.balance_cents = credited.balance_cents;
        self.memo.clone_from(&credited.memo);
    }
}

fn credit(account: &Account, deposited: &Received<Deposited>) -> Credited {
    Credited {
        account: deposited.account.clone(),
        balance_cents: account.balance_cents + deposited.amount_cents,
        memo: deposited.memo.clone(),
    }
}

pub(crate) fn service() -> Service {
    let account = Aggregate::<Account>::new("account").on(credit);
    Service::new("bench-restore").aggregate(account.snapshots(1))
}
