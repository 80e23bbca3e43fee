//! Generates the events that the benchmarks publish and answer with.

fn main() {
    kolo_avro::Generator::new("avro")
        .published("published")
        .stream("bench.accounts", "AccountEvent")
        .stream("bench.payments", "PaymentEvent")
        .generate();
}
