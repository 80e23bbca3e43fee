//! Generated code and apache-avro write the same bytes, and read each other's.

mod support;

use apache_avro::{GenericDatumReader, GenericDatumWriter};
use kolo_avro::codec::frame::FRAME_BYTES;
use kolo_avro_tests::kinds::Everything;
use kolo_core::Event;
use proptest::prelude::*;
use support::{everything, schema, value_of};

fn framed(event: &Everything) -> Vec<u8> {
    let mut out = Vec::new();
    event.encode(&mut out);
    out
}
