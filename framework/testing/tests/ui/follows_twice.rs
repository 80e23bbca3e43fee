#![allow(unused)]
use kolo_testing::spec::{Given, Spec, Then, When};
use shop_schemas::inventory::{StockAdded, StockEvent, StockReceived};

fn added() -> StockAdded {
    StockAdded { sku: "cup".into(), quantity: 1 }
}

fn received() -> StockReceived {
    StockReceived { sku: "cup".into(), quantity: 1 }
}

fn spec(spec: Spec<StockEvent, Then>) {
    spec.then_nothing();
}

fn main() {}
