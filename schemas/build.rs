//! Generates the events from `avro/`, checked against all versions in `published/`.

fn main() {
    kolo_avro::Generator::new("avro")
        .published("published")
        .stream("inventory", "ReservationEvent")
        .stream("inventory.stock", "StockEvent")
        .stream("payments", "PaymentEvent")
        .stream("orders.outcome", "OrderEvent")
        .full_compatibility()
        .generate();
}
