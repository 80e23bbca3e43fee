//! Topics and groups as the brokers describe them (`rd_kafka_DescribeTopics`, `rd_kafka_DescribeConsumerGroups`): positions
//! are kept by a topic's id, so that a recreated topic starts anew; and what this client is allowed to do with either.

use std::collections::BTreeSet;
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

use crate::acls::Operation;

use super::Owned;
use super::brokers::await_broker;

/// What this client may do; `None` where the broker does not say.
pub(crate) type Operations = Option<BTreeSet<Operation>>;

/// A topic that exists.
pub(crate) struct Described {
    pub(crate) id: TopicId,
    pub(crate) operations: Operations,
}

const NONE: c::rd_kafka_resp_err_t = c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;

fn failed(code: c::rd_kafka_resp_err_t) -> KafkaError {
    KafkaError::AdminOp(RDKafkaErrorCode::from(code))
}

/// Those of the topics that exist, or may not be asked about.
///
/// # Errors
/// When the broker does not answer within `timeout`.
pub(crate) fn topics<C: ClientContext>(
    client: &Client<C>,
    topics: &[&str],
    timeout: Duration,
) -> Result<HashMap<String, Result<Described, RDKafkaErrorCode>>, KafkaError> {
    let names = Names::new(topics)?;
    let mut pointers = names.pointers();
    // SAFETY: the client outlives this function; each object is destroyed after its last use, in reverse order of
    // declaration; `names` outlives the collection, which copies them; the result's arrays belong to the event, which
    // is destroyed last; every pointer is checked before it is read.
    unsafe {
        let collection = Owned(
            c::rd_kafka_TopicCollection_of_topic_names(pointers.as_mut_ptr(), pointers.len()),
            c::rd_kafka_TopicCollection_destroy,
        );
        let operation = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBETOPICS;
        let event = ask(client, operation, timeout, |client, options, queue| {
            c::rd_kafka_DescribeTopics(client, collection.0, options, queue);
        })?;
        let result = c::rd_kafka_event_DescribeTopics_result(event.0);
        if result.is_null() {
            return Err(failed(c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__FAIL));
        }
        let mut count = 0;
        let described = c::rd_kafka_DescribeTopics_result_topics(result, &mut count);
        let mut told = HashMap::new();
        for at in 0..count {
            let topic = *described.add(at);
            let code = code(c::rd_kafka_TopicDescription_error(topic));
            if code == c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART {
                continue;
            }
            let name = text(c::rd_kafka_TopicDescription_name(topic));
            if code != NONE {
                told.insert(name, Err(RDKafkaErrorCode::from(code)));
                continue;
            }
            let id = c::rd_kafka_TopicDescription_topic_id(topic);
            if id.is_null() {
                return Err(failed(
                    c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE,
                ));
            }
            let high = c::rd_kafka_Uuid_most_significant_bits(id).cast_unsigned();
            let low = c::rd_kafka_Uuid_least_significant_bits(id).cast_unsigned();
            let mut count = 0;
            let allowed = c::rd_kafka_TopicDescription_authorized_operations(topic, &mut count);
            let described = Described {
                id: TopicId(Uuid::from_u64_pair(high, low)),
                operations: operations(allowed, count),
            };
            told.insert(name, Ok(described));
        }
        Ok(told)
    }
}

/// What may be done with groups, whether they exist or not.
///
/// # Errors
/// When the broker does not answer within `timeout`.
pub(crate) fn groups<C: ClientContext>(
    client: &Client<C>,
    groups: &[&str],
    timeout: Duration,
) -> Result<HashMap<String, Result<Operations, RDKafkaErrorCode>>, KafkaError> {
    let names = Names::new(groups)?;
    let mut pointers = names.pointers();
    // SAFETY: as above; the names are copied by the call.
    unsafe {
        let operation = c::rd_kafka_admin_op_t::RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS;
        let event = ask(client, operation, timeout, |client, options, queue| {
            c::rd_kafka_DescribeConsumerGroups(
                client,
                pointers.as_mut_ptr(),
                pointers.len(),
                options,
                queue,
            );
        })?;
        let result = c::rd_kafka_event_DescribeConsumerGroups_result(event.0);
        if result.is_null() {
            return Err(failed(c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__FAIL));
        }
        let mut count = 0;
        let described = c::rd_kafka_DescribeConsumerGroups_result_groups(result, &mut count);
        let mut told = HashMap::new();
        for at in 0..count {
            let group = *described.add(at);
            let name = text(c::rd_kafka_ConsumerGroupDescription_group_id(group));
            let code = code(c::rd_kafka_ConsumerGroupDescription_error(group));
            let mut count = 0;
            let allowed =
                c::rd_kafka_ConsumerGroupDescription_authorized_operations(group, &mut count);
            let of_group = match code {
                NONE => Ok(operations(allowed, count)),
                code => Err(RDKafkaErrorCode::from(code)),
            };
            told.insert(name, of_group);
        }
        Ok(told)
    }
}

/// Names as C has them.
struct Names(Vec<CString>);

impl Names {
    fn new(names: &[&str]) -> Result<Self, KafkaError> {
        let names = names.iter().map(|name| CString::new(*name));
        Ok(Names(names.collect::<Result<_, _>>()?))
    }

    /// They are valid as long as the names are.
    fn pointers(&self) -> Vec<*const c_char> {
        self.0.iter().map(|name| name.as_ptr()).collect()
    }
}

/// Asks something that an administrator asks, also for what this client is allowed, and waits for the answer.
///
/// # Safety
/// `call` must hand the client, the options and the queue to a request of this kind.
unsafe fn ask<C: ClientContext>(
    client: &Client<C>,
    operation: c::rd_kafka_admin_op_t,
    timeout: Duration,
    call: impl FnOnce(*mut c::rd_kafka_t, *const c::rd_kafka_AdminOptions_t, *mut c::rd_kafka_queue_t),
) -> Result<Owned<c::rd_kafka_event_t>, KafkaError> {
    let millis = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
    // SAFETY: the client lives as long as it is borrowed; queue and options are destroyed after their last use, and an event
    // does not need its queue.
    unsafe {
        let client = client.native_ptr();
        await_broker(client, millis)?;
        let queue = Owned(c::rd_kafka_queue_new(client), c::rd_kafka_queue_destroy);
        let options = Owned(
            c::rd_kafka_AdminOptions_new(client, operation),
            c::rd_kafka_AdminOptions_destroy,
        );
        c::rd_kafka_AdminOptions_set_request_timeout(options.0, millis, ptr::null_mut(), 0);
        let refused = c::rd_kafka_AdminOptions_set_include_authorized_operations(options.0, 1);
        drop(Owned(refused, c::rd_kafka_error_destroy));
        call(client, options.0, queue.0);
        let event = Owned(
            c::rd_kafka_queue_poll(queue.0, millis.saturating_add(1_000)),
            c::rd_kafka_event_destroy,
        );
        if event.0.is_null() {
            return Err(failed(c::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR__TIMED_OUT));
        }
        match c::rd_kafka_event_error(event.0) {
            NONE => Ok(event),
            error => Err(failed(error)),
        }
    }
}

/// # Safety
/// The error must be one that lives, or null.
unsafe fn code(error: *const c::rd_kafka_error_t) -> c::rd_kafka_resp_err_t {
    if error.is_null() {
        return NONE;
    }
    // SAFETY: as the caller promises.
    unsafe { c::rd_kafka_error_code(error) }
}

/// # Safety
/// The text must end with a nul, and live during the call.
unsafe fn text(text: *const c_char) -> String {
    // SAFETY: as the caller promises.
    unsafe { CStr::from_ptr(text) }
        .to_string_lossy()
        .into_owned()
}

/// # Safety
/// The array must have so many operations, or be null.
unsafe fn operations(allowed: *const c::rd_kafka_AclOperation_t, count: usize) -> Operations {
    use c::rd_kafka_AclOperation_t as Known;
    if allowed.is_null() {
        return None;
    }
    // SAFETY: as the caller promises.
    let allowed = unsafe { std::slice::from_raw_parts(allowed, count) };
    let known = allowed.iter().filter_map(|operation| match operation {
        Known::RD_KAFKA_ACL_OPERATION_READ => Some(Operation::Read),
        Known::RD_KAFKA_ACL_OPERATION_WRITE => Some(Operation::Write),
        Known::RD_KAFKA_ACL_OPERATION_CREATE => Some(Operation::Create),
        Known::RD_KAFKA_ACL_OPERATION_DESCRIBE => Some(Operation::Describe),
        Known::RD_KAFKA_ACL_OPERATION_DESCRIBE_CONFIGS => Some(Operation::DescribeConfigs),
        _ => None,
    });
    Some(known.collect())
}
