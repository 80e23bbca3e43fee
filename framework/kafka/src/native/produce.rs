//! Appends to one topic: by its handle, not by its name, with delivery reports in bulk and a wake-up when some wait.

use std::ffi::{CStr, CString, c_void};
use std::ptr;

use rdkafka::bindings as c;
use rdkafka::error::KafkaError;
use rdkafka::producer::{BaseProducer, Producer, ProducerContext};
use rdkafka::types::{RDKafka, RDKafkaErrorCode};

use super::brokers::has_broker;
use super::connected::Connected;
use super::{Owned, logs};

/// A record to append.
#[derive(Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) partition: i32,
    pub(crate) timestamp_millis: i64,
    pub(crate) key: Option<&'a [u8]>,
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) headers: &'a Headers<'a>,
    /// Comes back with the delivery report.
    pub(crate) token: usize,
}

/// Names and values; at most as many as kolo ever writes.
#[derive(Default)]
pub(crate) struct Headers<'a> {
    headers: [(&'a str, Option<&'a [u8]>); 7],
    len: usize,
}

impl<'a> Headers<'a> {
    pub(crate) fn push(&mut self, name: &'a str, value: Option<&'a [u8]>) {
        self.headers[self.len] = (name, value);
        self.len += 1;
    }
}

/// A delivery report.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// What the record was produced with.
    pub(crate) token: usize,
    /// The offset it got.
    pub(crate) outcome: Result<i64, KafkaError>,
}

type Wake = Box<dyn Fn() + Send + Sync>;

/// A producer for one topic. It calls a function when delivery reports wait to be taken.
pub(crate) struct Producing<C: ProducerContext<DeliveryOpaque = usize> + 'static> {
    queue: Owned<c::rd_kafka_queue_t>,
    topic: Owned<c::rd_kafka_topic_t>,
    producer: Connected<BaseProducer<C>>,
    /// Boxed twice: C gets a thin pointer to the inner box. Declared last, so that it outlives queue and producer.
    _wake: Box<Wake>,
}

// SAFETY: librdkafka's queues and topics are thread-safe; the callback is `Send + Sync`.
unsafe impl<C: ProducerContext<DeliveryOpaque = usize> + 'static> Send for Producing<C> {}

impl<C: ProducerContext<DeliveryOpaque = usize> + 'static> Producing<C> {
    /// Calls `wake`, from any thread, whenever the queue of delivery reports goes from empty to not empty.
    ///
    /// # Errors
    /// When the topic's name is none, or librdkafka refuses its settings.
    pub(crate) fn new(
        producer: Connected<BaseProducer<C>>,
        topic: &str,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Result<Self, KafkaError> {
        unsafe extern "C" fn call(_: *mut RDKafka, wake: *mut c_void) {
            // SAFETY: the pointer is that of the inner box below, which lives until after the callback is disabled.
            let wake = unsafe { &*wake.cast::<Wake>() };
            wake();
        }
        let name = CString::new(topic)?;
        let mut wake: Box<Wake> = Box::new(Box::new(wake));
        // SAFETY: the client lives as long as `producer`; topic and queue are destroyed before it.
        unsafe {
            let client = producer.client().native_ptr();
            let topic = c::rd_kafka_topic_new(client, name.as_ptr(), ptr::null_mut());
            if topic.is_null() {
                let error = RDKafkaErrorCode::from(c::rd_kafka_last_error());
                return Err(KafkaError::MessageProduction(error));
            }
            let topic = Owned(topic, c::rd_kafka_topic_destroy);
            let queue = c::rd_kafka_queue_get_main(client);
            c::rd_kafka_queue_cb_event_enable(
                queue,
                Some(call),
                ptr::from_mut(wake.as_mut()).cast(),
            );
            Ok(Producing {
                queue: Owned(queue, c::rd_kafka_queue_destroy),
                topic,
                producer,
                _wake: wake,
            })
        }
    }

    /// Hands a record over, and does not wait.
    ///
    /// # Errors
    /// When it is refused; it was not taken then.
    pub(crate) fn send(&self, record: &Outgoing<'_>) -> Result<(), KafkaError> {
        use c::rd_kafka_vtype_t as of;
        // SAFETY: all that the values point to is alive during the call, which copies it, but for the headers: those
        // belong to librdkafka if it takes the record, and are destroyed here if it does not.
        unsafe {
            let headers = headers(record.headers);
            let values = [
                value(of::RD_KAFKA_VTYPE_RKT, |u| u.rkt = self.topic.0),
                value(of::RD_KAFKA_VTYPE_PARTITION, |u| u.i32_ = record.partition),
                value(of::RD_KAFKA_VTYPE_MSGFLAGS, |u| {
                    u.i = c::RD_KAFKA_MSG_F_COPY;
                }),
                value(of::RD_KAFKA_VTYPE_VALUE, |u| u.mem = memory(record.value)),
                value(of::RD_KAFKA_VTYPE_KEY, |u| u.mem = memory(record.key)),
                value(of::RD_KAFKA_VTYPE_TIMESTAMP, |u| {
                    u.i64_ = record.timestamp_millis;
                }),
                value(of::RD_KAFKA_VTYPE_OPAQUE, |u| {
                    u.ptr = ptr::without_provenance_mut(record.token);
                }),
                value(of::RD_KAFKA_VTYPE_HEADERS, |u| u.headers = headers),
            ];
            let client = self.producer.client().native_ptr();
            let error = c::rd_kafka_produceva(client, values.as_ptr(), values.len());
            if error.is_null() {
                return Ok(());
            }
            let code = RDKafkaErrorCode::from(c::rd_kafka_error_code(error));
            c::rd_kafka_error_destroy(error);
            c::rd_kafka_headers_destroy(headers);
            Err(KafkaError::MessageProduction(code))
        }
    }

    /// Whether it is connected to a broker now.
    pub(crate) fn has_broker(&self) -> bool {
        has_broker(self.producer.client())
    }

    /// Moves all delivery reports that wait into `out`; what librdkafka says beside them goes to the context.
    pub(crate) fn deliveries(&self, out: &mut Vec<Delivery>) {
        const REPORTS: i32 = c::RD_KAFKA_EVENT_DR;
        const ERROR: i32 = c::RD_KAFKA_EVENT_ERROR;
        const LOG: i32 = c::RD_KAFKA_EVENT_LOG;
        let context = self.producer.context();
        // SAFETY: the event is ours until it is destroyed, with the messages and texts in it.
        unsafe {
            loop {
                let event = Owned(
                    c::rd_kafka_queue_poll(self.queue.0, 0),
                    c::rd_kafka_event_destroy,
                );
                if event.0.is_null() {
                    break;
                }
                match c::rd_kafka_event_type(event.0) {
                    REPORTS => {
                        out.reserve(c::rd_kafka_event_message_count(event.0));
                        loop {
                            let message = c::rd_kafka_event_message_next(event.0);
                            if message.is_null() {
                                break;
                            }
                            out.push(delivery(&*message));
                        }
                    }
                    ERROR => {
                        let code = RDKafkaErrorCode::from(c::rd_kafka_event_error(event.0));
                        let reason = CStr::from_ptr(c::rd_kafka_event_error_string(event.0));
                        let reason = reason.to_string_lossy();
                        context.error(KafkaError::Global(code), &reason);
                    }
                    LOG => {
                        let (mut facility, mut line, mut level) = (ptr::null(), ptr::null(), 0);
                        if c::rd_kafka_event_log(event.0, &mut facility, &mut line, &mut level) == 0
                        {
                            logs::log(context.as_ref(), level, facility, line);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

impl<C: ProducerContext<DeliveryOpaque = usize> + 'static> Drop for Producing<C> {
    fn drop(&mut self) {
        // SAFETY: the queue is alive until the field is dropped, after this.
        unsafe { c::rd_kafka_queue_cb_event_enable(self.queue.0, None, ptr::null_mut()) }
    }
}

fn delivery(message: &c::rd_kafka_message_t) -> Delivery {
    Delivery {
        token: message._private.addr(),
        outcome: if message.err == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR {
            Ok(message.offset)
        } else {
            Err(KafkaError::MessageProduction(RDKafkaErrorCode::from(
                message.err,
            )))
        },
    }
}

/// One argument of `rd_kafka_produceva`.
fn value(
    kind: c::rd_kafka_vtype_t,
    set: impl FnOnce(&mut c::rd_kafka_vu_s__bindgen_ty_1),
) -> c::rd_kafka_vu_t {
    let mut value = c::rd_kafka_vu_s__bindgen_ty_1 {
        ptr: ptr::null_mut(),
    };
    set(&mut value);
    c::rd_kafka_vu_t {
        vtype: kind,
        u: value,
    }
}

fn memory(bytes: Option<&[u8]>) -> c::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
    c::rd_kafka_vu_s__bindgen_ty_1__bindgen_ty_1 {
        ptr: bytes.map_or(ptr::null_mut(), |bytes| bytes.as_ptr().cast_mut().cast()),
        size: bytes.map_or(0, <[u8]>::len),
    }
}

/// # Safety
/// The result must be handed to librdkafka, or destroyed.
unsafe fn headers(headers: &Headers<'_>) -> *mut c::rd_kafka_headers_t {
    // SAFETY: names and values are alive during the calls, which copy them.
    unsafe {
        let made = c::rd_kafka_headers_new(headers.len);
        for (name, value) in &headers.headers[..headers.len] {
            let value = memory(*value);
            // It fails for read-only headers alone, and these are new.
            c::rd_kafka_header_add(
                made,
                name.as_ptr().cast(),
                name.len().cast_signed(),
                value.ptr,
                value.size.cast_signed(),
            );
        }
        made
    }
}
