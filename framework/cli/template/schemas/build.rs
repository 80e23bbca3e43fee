//! Generates the events from `avro/`, checked against all versions in `published/`.

fn main() {
    kolo_avro::Generator::new("avro")
        .published("published")
        .stream("flights", "FlightEvent")
        .stream("rooms", "HotelEvent")
        .full_compatibility()
        .generate();
}
