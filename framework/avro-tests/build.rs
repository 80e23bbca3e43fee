//! Generates the test events, and an event for each of Java's recorded decodings.

#[path = "build/java.rs"]
mod java;

fn main() {
    kolo_avro::Generator::new("avro")
        .published("published")
        .stream("shipments", "ShipmentEvent")
        .generate();
    java::generate();
}
