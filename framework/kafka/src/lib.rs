//! The Kafka shell of kolo.
