use kolo_core::Upcast;

mod order_created_v2 {
    pub struct OrderCreated;
}

struct OrderCreated;

fn takes<Old: Upcast<New>, New>() {}

fn main() {
    takes::<order_created_v2::OrderCreated, OrderCreated>();
}
