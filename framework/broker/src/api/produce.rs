//! `Produce`: batches are checked and handed to their partitions, all of one request at once.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::PartitionProduceData;
use kafka_protocol::messages::produce_response::{PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use kafka_protocol::protocol::StrBytes;
use tokio::sync::oneshot;

use super::{Call, Refused, Reply, find_leader, find_topic};
use crate::batch::{Batch, BatchError};
use crate::faults::Verdict;
use crate::log::AppendError;
use crate::partition::AppendResult;
use crate::topics::Topic;

/// Topics are named by id from this version on.
const BY_ID: i16 = 13;

/// One partition's append: under way, or refused.
type Begun = Result<oneshot::Receiver<AppendResult>, Failure>;

struct Failure {
    error: ResponseError,
    message: Option<StrBytes>,
}

impl Failure {
    fn new(error: ResponseError, message: &impl ToString) -> Failure {
        Failure {
            error,
            message: Some(StrBytes::from_string(message.to_string())),
        }
    }
}

impl From<ResponseError> for Failure {
    fn from(error: ResponseError) -> Self {
        Failure {
            error,
            message: None,
        }
    }
}

impl From<BatchError> for Failure {
    fn from(error: BatchError) -> Self {
        // Formats of before record batches are no matter of the topic's settings, so Kafka finds fault with the record.
        let code = if matches!(error, BatchError::Format(_)) {
            ResponseError::InvalidRecord
        } else {
            error.code()
        };
        Failure::new(code, &error)
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        Failure::new(error.code(), &error)
    }
}

pub(super) async fn answer(call: &Call<'_>) -> Result<Reply, Refused> {
    let (request, verdict) = call.meet::<ProduceRequest>().await?;
    let acks = request.acks;
    let refused = refuse_whole(&request);
    let index = call.node.catalogue.index();
    let by_id = call.version() >= BY_ID;
    let mut begun = Vec::with_capacity(request.topic_data.len());
    for data in request.topic_data {
        let topic = find_topic(&index, &data.name, data.topic_id, by_id);
        let appends: Vec<(i32, Begun)> = data
            .partition_data
            .into_iter()
            .map(|partition| {
                let number = partition.index;
                let append = match (&refused, topic) {
                    (Some((error, message)), _) => Err(Failure::new(*error, message)),
                    (None, Err(error)) => Err(error.into()),
                    (None, Ok(topic)) => begin(call, topic, partition, &verdict),
                };
                (number, append)
            })
            .collect();
        begun.push((data.name, data.topic_id, appends));
    }
    drop(index);
    let mut first_error = None;
    let mut responses = Vec::with_capacity(begun.len());
    for (name, topic_id, appends) in begun {
        let mut partitions = Vec::with_capacity(appends.len());
        for (number, append) in appends {
            let response = finish(number, append).await;
            if first_error.is_none() {
                first_error = ResponseError::try_from_code(response.error_code);
            }
            partitions.push(response);
        }
        responses.push(
            TopicProduceResponse::default()
                .with_name(name)
                .with_topic_id(topic_id)
                .with_partition_responses(partitions),
        );
    }
    if acks != 0 {
        return call.reply(
            &ProduceResponse::default().with_responses(responses),
            &verdict,
        );
    }
    // Who wants no acknowledgement learns of an error by the end of the connection, as with Kafka.
    match first_error {
        Some(error) => Err(Refused::Unacknowledged(error)),
        None if verdict.drop_after => Err(Refused::Scripted),
        None => Ok(Reply::Nothing),
    }
}

/// What is wrong with the request, whatever the partition.
fn refuse_whole(request: &ProduceRequest) -> Option<(ResponseError, &'static str)> {
    if !matches!(request.acks, -1..=1) {
        return Some((
            ResponseError::InvalidRequiredAcks,
            "acks is to be -1, 0 or 1",
        ));
    }
    if request.transactional_id.is_some() {
        let message = "this embedded broker has no transactions";
        return Some((ResponseError::TransactionalIdAuthorizationFailed, message));
    }
    None
}

fn begin(call: &Call<'_>, topic: &Topic, data: PartitionProduceData, verdict: &Verdict) -> Begun {
    let leader = find_leader(call.node, topic, data.index, -1)?;
    if let Some(error) = verdict.error_of(&topic.name, data.index) {
        return Err(Failure::new(error, &"a fault was asked for"));
    }
    if topic.is_internal() {
        return Err(Failure::new(
            ResponseError::InvalidTopicException,
            &"groups are kept in this topic",
        ));
    }
    let batches = Batch::parse_all(data.records.unwrap_or_default())?;
    let [batch] = batches.as_slice() else {
        let message = format!(
            "a partition is given one record batch in a request, and here are {}",
            batches.len()
        );
        return Err(Failure::new(ResponseError::InvalidRecord, &message));
    };
    if batch.is_control() {
        return Err(Failure::new(
            ResponseError::InvalidRecord,
            &"clients do not write control records",
        ));
    }
    if batch.is_transactional() {
        return Err(Failure::new(
            ResponseError::InvalidTxnState,
            &"this embedded broker has no transactions",
        ));
    }
    let Some(gate) = verdict.gate_of(&topic.name, data.index) else {
        return Ok(leader.append(batches));
    };
    let (done, result) = oneshot::channel();
    let leader = std::sync::Arc::clone(leader);
    call.node
        .faults
        .hold(gate, Box::new(move || leader.append_into(batches, done)));
    Ok(result)
}

async fn finish(number: i32, append: Begun) -> PartitionProduceResponse {
    let result = match append {
        Ok(result) => match result.await {
            Ok(appended) => appended.map_err(Failure::from),
            // The topic was deleted meanwhile.
            Err(_) => Err(ResponseError::UnknownTopicOrPartition.into()),
        },
        Err(failure) => Err(failure),
    };
    let response = PartitionProduceResponse::default().with_index(number);
    match result {
        Ok(appended) => response
            .with_base_offset(appended.base_offset)
            .with_log_append_time_ms(appended.log_append_time)
            .with_log_start_offset(appended.log_start_offset),
        Err(failure) => response
            .with_error_code(failure.error.code())
            .with_error_message(failure.message)
            .with_base_offset(-1)
            .with_log_append_time_ms(-1)
            .with_log_start_offset(-1),
    }
}
