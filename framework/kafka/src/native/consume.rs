//! Many messages at once (`rd_kafka_consume_batch_queue`): one lock and one look at the clock for all of them.

use std::ffi::CStr;
use std::ptr;
use std::slice;
use std::sync::Arc;

use kolo_core::Timestamp;
use kolo_core::wire::{AllHeaders, Headers, Record};
use rdkafka::bindings as c;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::connected::Connected;
use super::{Owned, logs};

/// The messages that were taken from a consumer's queue last. Only for consumers that are assigned by hand: nobody
/// serves rebalances here.
pub(crate) struct Consumed<C: ConsumerContext + 'static> {
    /// Those not destroyed yet; never null.
    messages: Vec<*mut c::rd_kafka_message_t>,
    most: usize,
    queue: Owned<c::rd_kafka_queue_t>,
    /// Declared last, so that it outlives messages and queue.
    _consumer: Arc<Connected<BaseConsumer<C>>>,
}

// SAFETY: librdkafka's queues and messages may be used from any thread, by one at a time.
unsafe impl<C: ConsumerContext + 'static> Send for Consumed<C> {}

impl<C: ConsumerContext + 'static> Consumed<C> {
    /// Takes at most `most` messages at once.
    pub(crate) fn new(consumer: Arc<Connected<BaseConsumer<C>>>, most: usize) -> Self {
        // SAFETY: the consumer lives as long as the queue; it has a group id, so it has a consumer queue.
        let queue = unsafe { c::rd_kafka_queue_get_consumer(consumer.client().native_ptr()) };
        logs::to_context(&consumer);
        Consumed {
            messages: Vec::with_capacity(most),
            most,
            queue: Owned(queue, c::rd_kafka_queue_destroy),
            _consumer: consumer,
        }
    }

    /// Gives the last messages back, and takes those that wait; says how many.
    pub(crate) fn take(&mut self) -> usize {
        self.clear();
        // SAFETY: the vector has room for `most` pointers, and the call says how many it wrote; each of them is a
        // message of ours until it is destroyed.
        unsafe {
            let taken = c::rd_kafka_consume_batch_queue(
                self.queue.0,
                0,
                self.messages.as_mut_ptr(),
                self.most,
            );
            self.messages.set_len(usize::try_from(taken).unwrap_or(0));
        }
        self.messages.len()
    }

    /// What was taken, in order. Messages of one partition follow one another as they stand in the log.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Result<Taken<'_>, KafkaError>> {
        self.iter_from(0)
    }

    /// The same without the first `from`.
    pub(crate) fn iter_from(
        &self,
        from: usize,
    ) -> impl Iterator<Item = Result<Taken<'_>, KafkaError>> {
        let (mut known, mut topic) = (ptr::null_mut(), "");
        let messages = self.messages.get(from..).unwrap_or_default();
        messages.iter().map(move |&message| {
            // SAFETY: the message is alive as long as `self` is borrowed. A topic's name is UTF-8 (Kafka allows ASCII
            // only) and lives as long as the topic, which its messages keep alive.
            unsafe {
                let message = &*message;
                if message.rkt != known && !message.rkt.is_null() {
                    known = message.rkt;
                    topic = CStr::from_ptr(c::rd_kafka_topic_name(known))
                        .to_str()
                        .unwrap_or_default();
                }
                match message.err {
                    c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR => {
                        Ok(Taken::Message(Message { topic, message }))
                    }
                    c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__PARTITION_EOF => Ok(Taken::End {
                        topic,
                        partition: message.partition,
                        offset: message.offset,
                    }),
                    error => Err(KafkaError::MessageConsumption(RDKafkaErrorCode::from(
                        error,
                    ))),
                }
            }
        })
    }

    /// Gives all messages back.
    pub(crate) fn clear(&mut self) {
        for message in self.messages.drain(..) {
            // SAFETY: a message of ours, destroyed once.
            unsafe { c::rd_kafka_message_destroy(message) }
        }
    }
}

impl<C: ConsumerContext + 'static> Drop for Consumed<C> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// What a consumer's queue holds.
pub(crate) enum Taken<'a> {
    Message(Message<'a>),
    /// The end of a partition, for a consumer with `enable.partition.eof`: nothing stood at this offset when it was
    /// reached.
    End {
        topic: &'a str,
        partition: i32,
        offset: i64,
    },
}

/// One message, borrowed from librdkafka.
pub(crate) struct Message<'a> {
    pub(crate) topic: &'a str,
    message: &'a c::rd_kafka_message_t,
}

impl<'a> Message<'a> {
    pub(crate) fn partition(&self) -> i32 {
        self.message.partition
    }

    pub(crate) fn offset(&self) -> i64 {
        self.message.offset
    }

    /// Its value alone: reading the headers costs more than all that is asked of it.
    pub(crate) fn value(&self) -> Option<&[u8]> {
        // SAFETY: pointer and length belong together, and are alive as long as the message is.
        unsafe { bytes(self.message.payload, self.message.len) }
    }

    /// What the processor reads of it.
    pub(crate) fn record(&self) -> Record<'_> {
        let message = self.message;
        // SAFETY: pointers and lengths belong together, and are alive as long as the message is.
        unsafe {
            let timestamp = c::rd_kafka_message_timestamp(message, ptr::null_mut());
            Record {
                offset: message.offset,
                timestamp: Timestamp::from_millis(timestamp.max(0)),
                key: bytes(message.key, message.key_len),
                value: bytes(message.payload, message.len),
                headers: self.headers(),
                all_headers: Some(self),
            }
        }
    }

    fn headers(&self) -> Headers<'a> {
        let mut taken = Headers::default();
        self.each_header(|name, value| taken.take(name, value));
        taken
    }

    fn each_header(&self, mut take: impl FnMut(&'a [u8], Option<&'a [u8]>)) {
        let none = c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
        let mut headers = ptr::null_mut();
        // SAFETY: the headers belong to the message; names end with a nul, values have the length that is told.
        unsafe {
            if c::rd_kafka_message_headers(self.message, &mut headers) != none {
                return;
            }
            for at in 0.. {
                let (mut name, mut value, mut len) = (ptr::null(), ptr::null(), 0);
                if c::rd_kafka_header_get_all(headers, at, &mut name, &mut value, &mut len) != none
                {
                    break;
                }
                take(CStr::from_ptr(name).to_bytes(), bytes(value, len));
            }
        }
    }
}

impl AllHeaders for Message<'_> {
    fn each(&self, take: &mut dyn FnMut(&str, Option<&[u8]>)) {
        self.each_header(|name, value| take(&String::from_utf8_lossy(name), value));
    }
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message")
            .field("topic", &self.topic)
            .field("partition", &self.message.partition)
            .field("offset", &self.message.offset)
            .finish()
    }
}

/// # Safety
/// `start` is null, or `len` bytes are readable there for `'a`.
unsafe fn bytes<'a>(start: *const std::ffi::c_void, len: usize) -> Option<&'a [u8]> {
    // SAFETY: as the caller promises.
    (!start.is_null()).then(|| unsafe { slice::from_raw_parts(start.cast(), len) })
}
