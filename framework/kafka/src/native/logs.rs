//! librdkafka's own log lines, where we are given them and not rust-rdkafka, to the client's context.

use std::ffi::{CStr, c_char, c_int};

use rdkafka::bindings as c;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};

/// Has the lines of a consumer that is read in bulk go to its context: librdkafka prints them to stderr otherwise.
pub(super) fn to_context<C: ConsumerContext>(consumer: &BaseConsumer<C>) {
    unsafe extern "C" fn logger<C: ConsumerContext>(
        client: *const c::rd_kafka_t,
        level: c_int,
        facility: *const c_char,
        line: *const c_char,
    ) {
        // SAFETY: rust-rdkafka has each client point to its context, which outlives it; both texts end with a nul.
        unsafe {
            let context = c::rd_kafka_opaque(client).cast_const().cast::<C>();
            log(&*context, level, facility, line);
        }
    }
    // SAFETY: the client is alive. Its lines are queued, so that only the thread that takes its messages calls the logger.
    unsafe { c::rd_kafka_set_logger(consumer.client().native_ptr(), Some(logger::<C>)) }
}

/// Hands the context one line.
///
/// # Safety
/// Both texts end with a nul, and are readable during the call.
pub(super) unsafe fn log(
    context: &impl ClientContext,
    level: c_int,
    facility: *const c_char,
    line: *const c_char,
) {
    let level = match level {
        0 => RDKafkaLogLevel::Emerg,
        1 => RDKafkaLogLevel::Alert,
        2 => RDKafkaLogLevel::Critical,
        3 => RDKafkaLogLevel::Error,
        4 => RDKafkaLogLevel::Warning,
        5 => RDKafkaLogLevel::Notice,
        6 => RDKafkaLogLevel::Info,
        _ => RDKafkaLogLevel::Debug,
    };
    // SAFETY: as the caller promises.
    let (facility, line) = unsafe { (CStr::from_ptr(facility), CStr::from_ptr(line)) };
    context.log(
        level,
        &facility.to_string_lossy(),
        line.to_string_lossy().trim(),
    );
}
