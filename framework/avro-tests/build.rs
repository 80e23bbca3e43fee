//! Generates the test events, the evolving ones once more by a build to which no version was published, and an event for
//! each of Java's recorded decodings.

#[path = "build/java.rs"]
mod java;

fn main() {
    kolo_avro::Generator::new("avro")
        .published("published")
        .stream("shipments", "ShipmentEvent")
        .generate();
    alone();
    java::generate();
}

/// Writes `alone.rs` into `OUT_DIR`.
#[expect(
    clippy::expect_used,
    reason = "a build script of tests: what fails here is seen by whoever runs them"
)]
fn alone() {
    let generator = kolo_avro::Generator::new("avro/evolving").stream("shipments", "ShipmentEvent");
    let generated = generator.code().expect("the schemas are sound");
    let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR");
    let file = std::path::Path::new(&out).join("alone.rs");
    std::fs::write(file, generated.code).expect("OUT_DIR can be written to");
}
