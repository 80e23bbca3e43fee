//! `Fetch`: batches from the logs, or a wait until there are some.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_response::PartitionData;
use kafka_protocol::messages::{FetchRequest, FetchResponse, TopicName};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::fetch_wire::Assembly;
use super::{Call, Refused, Reply, find_leader, find_topic};
use crate::faults::Verdict;
use crate::log::ReadError;
use crate::partition::Partition;

/// Topics are named by id from this version on.
const BY_ID: i16 = 13;

const READ_COMMITTED: i8 = 1;

/// An answer has no more, whatever the client would take: it is in memory until the client has read it.
const MAX_FETCH_BYTES: usize = 8 * 1024 * 1024;

/// One topic of an answer. The partitions' records stand beside them.
pub(super) struct FetchedTopic {
    pub(super) name: TopicName,
    pub(super) id: Uuid,
    pub(super) partitions: Vec<(PartitionData, Bytes)>,
}

/// What one look at the logs found.
struct Round {
    topics: Vec<FetchedTopic>,
    len_bytes: usize,
    has_error: bool,
}

pub(super) async fn answer(call: &Call<'_>) -> Result<Reply, Refused> {
    let (request, verdict) = call.meet::<FetchRequest>().await?;
    if request.session_id != 0 {
        // No session is ever begun here, so the client knows one of an earlier life of this address.
        let response =
            FetchResponse::default().with_error_code(ResponseError::FetchSessionIdNotFound.code());
        return call.reply(&response, &verdict);
    }
    let max_wait = Duration::from_millis(u64::try_from(request.max_wait_ms).unwrap_or(0));
    let deadline = Instant::now() + max_wait;
    // More than an answer has would be waited for in vain.
    let min_bytes = usize::try_from(request.min_bytes)
        .unwrap_or(0)
        .min(MAX_FETCH_BYTES);
    let mut watch = Watch::default();
    let mut last = max_wait.is_zero();
    loop {
        let leader_lost = call.node.faults.leader_lost();
        if last || min_bytes == 0 || may_be_ready(call, &request, &verdict) {
            let round = read(call, &request, &verdict);
            if last || round.has_error || round.len_bytes >= min_bytes {
                return reply(call, round, &verdict);
            }
        }
        // What is appended before the partitions are watched is seen by a look after that, so there is one more.
        if watch.renew(call, &request) {
            continue;
        }
        tokio::select! {
            outcome = timeout_at(deadline, watch.waiter.notified()) => last = outcome.is_err(),
            () = leader_lost => {}
        }
    }
}

/// Whether a look would find anything: data, or an error. Cheap, for the many looks that find nothing.
fn may_be_ready(call: &Call<'_>, request: &FetchRequest, verdict: &Verdict) -> bool {
    let index = call.node.catalogue.index();
    let by_id = call.version() >= BY_ID;
    request.topics.iter().any(|wanted| {
        let Ok(topic) = find_topic(&index, &wanted.topic, wanted.topic_id, by_id) else {
            return true;
        };
        wanted.partitions.iter().any(|partition| {
            let number = partition.partition;
            let leader = find_leader(call.node, topic, number, partition.current_leader_epoch);
            leader.map_or(true, |leader| {
                partition.fetch_offset != leader.reader().end_offset()
            }) || verdict.error_of(&topic.name, number).is_some()
        })
    })
}

/// Reads as much as the request allows: partitions in the request's order, and at least one batch of the first that has
/// any, however large it is.
fn read(call: &Call<'_>, request: &FetchRequest, verdict: &Verdict) -> Round {
    let index = call.node.catalogue.index();
    let by_id = call.version() >= BY_ID;
    let max_bytes = usize::try_from(request.max_bytes)
        .unwrap_or(0)
        .min(MAX_FETCH_BYTES);
    let mut round = Round {
        topics: Vec::with_capacity(request.topics.len()),
        len_bytes: 0,
        has_error: false,
    };
    for wanted in &request.topics {
        let topic = find_topic(&index, &wanted.topic, wanted.topic_id, by_id);
        let mut partitions = Vec::with_capacity(wanted.partitions.len());
        for partition in &wanted.partitions {
            let number = partition.partition;
            let partition_max = usize::try_from(partition.partition_max_bytes).unwrap_or(0);
            let limit = partition_max.min(max_bytes.saturating_sub(round.len_bytes));
            let at_least_one = round.len_bytes == 0;
            let found = topic.and_then(|topic| {
                let leader = find_leader(call.node, topic, number, partition.current_leader_epoch)?;
                verdict
                    .error_of(&topic.name, number)
                    .map_or(Ok(leader), Err)
            });
            let records = found.and_then(|leader| {
                // An end that is taken after the read may lie beyond what was read, and never before it.
                let records = leader
                    .reader()
                    .read(partition.fetch_offset, limit, at_least_one);
                records.map_err(|error: ReadError| error.code())
            });
            let mut data = PartitionData::default().with_partition_index(number);
            match found {
                Ok(leader) => {
                    let end = leader.reader().end_offset();
                    data = data
                        .with_high_watermark(end)
                        .with_last_stable_offset(end)
                        .with_log_start_offset(leader.reader().start_offset());
                }
                Err(_) => {
                    data = data
                        .with_high_watermark(-1)
                        .with_last_stable_offset(-1)
                        .with_log_start_offset(-1);
                }
            }
            data.aborted_transactions = (request.isolation_level == READ_COMMITTED).then(Vec::new);
            let records = records.unwrap_or_else(|error| {
                data.error_code = error.code();
                round.has_error = true;
                Bytes::new()
            });
            round.len_bytes += records.len();
            partitions.push((data, records));
        }
        round.topics.push(FetchedTopic {
            name: wanted.topic.clone(),
            id: wanted.topic_id,
            partitions,
        });
    }
    round
}

fn reply(call: &Call<'_>, round: Round, verdict: &Verdict) -> Result<Reply, Refused> {
    if verdict.drop_after {
        return Err(Refused::Scripted);
    }
    let assembly = Assembly::new(call.begin_reply()?, call.version());
    let parts = assembly
        .assemble(round.topics)
        .map_err(|why| call.unencodable(&why))?;
    Ok(Reply::Parts(parts))
}

/// The partitions that are to wake this request. They forget it when it is answered or given up.
#[derive(Default)]
struct Watch {
    waiter: Arc<Notify>,
    partitions: Vec<Arc<Partition>>,
    begun: bool,
}

impl Watch {
    /// Watches all partitions of the request, since a wake-up ends the watch of where it came from. Whether this was the
    /// first time.
    fn renew(&mut self, call: &Call<'_>, request: &FetchRequest) -> bool {
        if self.begun {
            for partition in &self.partitions {
                partition.watch(&self.waiter);
            }
            return false;
        }
        self.begun = true;
        let index = call.node.catalogue.index();
        let by_id = call.version() >= BY_ID;
        for wanted in &request.topics {
            let Ok(topic) = find_topic(&index, &wanted.topic, wanted.topic_id, by_id) else {
                continue;
            };
            let watched = wanted
                .partitions
                .iter()
                .filter_map(|partition| topic.partition(partition.partition));
            self.partitions.extend(watched.cloned());
        }
        for partition in &self.partitions {
            partition.watch(&self.waiter);
        }
        true
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        for partition in &self.partitions {
            partition.unwatch(&self.waiter);
        }
    }
}
