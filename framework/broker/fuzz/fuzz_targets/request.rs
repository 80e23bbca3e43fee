#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| kolo_broker::fuzzing::request(data));
