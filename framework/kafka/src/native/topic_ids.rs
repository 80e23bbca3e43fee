//! Topic ids (`rd_kafka_DescribeTopics`): positions are kept by a topic's id, so that a recreated topic starts anew.

use std::ffi::{CStr, CString, c_char};
use std::ptr;
use std::time::Duration;

use hashbrown::HashMap;
use kolo_core::TopicId;
use rdkafka::bindings as c;
use rdkafka::client::{Client, ClientContext};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;
use uuid::Uuid;

use super::Owned;
use super::brokers::await_broker;

/// The ids of those of the topics that exist.
///
/// # Errors
/// When the broker does not answer within `timeout`.
pub(crate) fn topic_ids<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    timeout: Duration,
) -> Result<HashMap<String, TopicId>, KafkaError> {
    let names = topics
        .iter()
        .map(|topic| CString::new(*topic))
        .collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<*const c_char> = names.iter().map(|name| name.as_ptr()).collect();
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    let failed = |code: c::rd_kafka_resp_err_t| KafkaError::AdminOp(RDKafkaErrorCode::from(code));
    let none = c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

    // SAFETY: the client outlives this function; each object is destroyed after its last use, in reverse order of
    // declaration; `names` outlives the collection, which copies them; the result's arrays belong to the event, which
    // is destroyed last; every pointer is checked before it is read.
    unsafe {
        let client = client.native_ptr();
        await_broker(client, millis)?;
        let queue = Owned(c::rd_kafka_queue_new(client), c::rd_kafka_queue_destroy);
        let collection = Owned(
            c::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            c::rd_kafka_TopicCollection_destroy,
        );
        let options = Owned(
            c::rd_kafka_AdminOptions_new(
                client,
                c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS,
            ),
            c::rd_kafka_AdminOptions_destroy,
        );
        c::rd_kafka_AdminOptions_set_request_timeout(options.0, millis, ptr::null_mut(), 0);
        c::rd_kafka_DescribeTopics(client, collection.0, options.0, queue.0);
        let event = Owned(
            c::rd_kafka_queue_poll(queue.0, millis.saturating_add(1_000)),
            c::rd_kafka_event_destroy,
        );
        if event.0.is_null() {
            return Err(failed(c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TIMED_OUT));
        }
        let error = c::rd_kafka_event_error(event.0);
        if error != none {
            return Err(failed(error));
        }
        let result = c::rd_kafka_event_DescribeTopics_result(event.0);
        if result.is_null() {
            return Err(failed(c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__FAIL));
        }
        let mut count = 0;
        let described = c::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let mut ids = HashMap::new();
        for at in 0..count {
            let topic = *described.add(at);
            let error = c::rd_kafka_TopicDescription_error(topic);
            let code = if error.is_null() {
                none
            } else {
                c::rd_kafka_error_code(error)
            };
            if code == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART {
                continue;
            }
            if code != none {
                return Err(failed(code));
            }
            let name = CStr::from_ptr(c::rd_kafka_TopicDescription_name(topic))
                .to_string_lossy()
                .into_owned();
            let id = c::rd_kafka_TopicDescription_topic_id(topic);
            if id.is_null() {
                return Err(failed(
                    c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
                ));
            }
            let high = c::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
            let low = c::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
            ids.insert(name, TopicId(Uuid::from_u64_pair(high, low)));
        }
        Ok(ids)
    }
}
