//! The requests that are served, one file an API or a family of them.
//!
//! # Layout
//! - this file: from a request to its answer
//! - `request`: what a frame holds; `guard`, `produce_shape`: decoding what may be hostile
//! - `served`: what faults need to know of each request
//! - the others: one API each

mod api_versions;
mod cluster;
mod configs;
mod coordinator;
mod fetch;
mod fetch_wire;
mod groups;
mod guard;
mod metadata;
mod offsets;
mod produce;
mod produce_shape;
mod records;
mod request;
mod served;
mod synonyms;
mod topics;

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    AlterConfigsRequest, ApiKey, CreatePartitionsRequest, CreateTopicsRequest, DeleteGroupsRequest,
    DeleteRecordsRequest, DeleteTopicsRequest, DescribeClusterRequest, DescribeConfigsRequest,
    DescribeGroupsRequest, FindCoordinatorRequest, HeartbeatRequest,
    IncrementalAlterConfigsRequest, InitProducerIdRequest, JoinGroupRequest, LeaveGroupRequest,
    ListGroupsRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest,
    OffsetDeleteRequest, OffsetFetchRequest, OffsetForLeaderEpochRequest, SyncGroupRequest,
};
use kafka_protocol::protocol::{Encodable, StrBytes};
use uuid::Uuid;

pub(crate) use request::{Request, decode_frame};
use served::Served;

use crate::faults::Verdict;
use crate::net::Client;
use crate::node::Node;
use crate::partition::Partition;
use crate::topics::{Index, Refusal, Topic};

/// What goes back to the client.
pub(crate) enum Reply {
    /// An answer with its length in front, in parts that are written one after the other.
    Parts(Vec<Bytes>),
    /// The client asked for no answer.
    Nothing,
}

/// The connection is to be closed, and why.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error("a request of {0} bytes is too short to have a header")]
    Headless(usize),
    #[error("API {key} in version {version} is not served")]
    Unserved { key: i16, version: i16 },
    #[error("a {key:?} request in version {version} cannot be decoded: {why}")]
    Malformed {
        key: ApiKey,
        version: i16,
        why: String,
    },
    #[error("an answer to {key:?} in version {version} cannot be encoded: {why}")]
    Unencodable {
        key: ApiKey,
        version: i16,
        why: String,
    },
    #[error("a fault was asked for")]
    Scripted,
    #[error("an append that wants no acknowledgement failed: {0}")]
    Unacknowledged(ResponseError),
}

/// One request under way.
struct Call<'a> {
    node: &'a Arc<Node>,
    client: &'a Client,
    request: &'a Request,
}

impl Request {
    /// Handles the request.
    pub(crate) async fn answer(&self, node: &Arc<Node>, client: &Client) -> Result<Reply, Refused> {
        let call = Call {
            node,
            client,
            request: self,
        };
        macro_rules! answer {
            ($request:ty, $answer:path) => {{
                let (request, verdict) = call.meet::<$request>().await?;
                let response = match verdict.error() {
                    Some(error) => request.refuse(error),
                    None => $answer(&call, request).await,
                };
                call.reply(&response, &verdict)
            }};
        }
        match self.key {
            ApiKey::Produce => produce::answer(&call).await,
            ApiKey::Fetch => fetch::answer(&call).await,
            ApiKey::ApiVersions => api_versions::answer(&call).await,
            ApiKey::Metadata => answer!(MetadataRequest, metadata::answer),
            ApiKey::ListOffsets => answer!(ListOffsetsRequest, offsets::list),
            ApiKey::OffsetForLeaderEpoch => {
                answer!(OffsetForLeaderEpochRequest, offsets::for_leader_epoch)
            }
            ApiKey::FindCoordinator => answer!(FindCoordinatorRequest, coordinator::find),
            ApiKey::InitProducerId => answer!(InitProducerIdRequest, coordinator::init_producer_id),
            ApiKey::JoinGroup => answer!(JoinGroupRequest, groups::join),
            ApiKey::SyncGroup => answer!(SyncGroupRequest, groups::sync),
            ApiKey::Heartbeat => answer!(HeartbeatRequest, groups::heartbeat),
            ApiKey::LeaveGroup => answer!(LeaveGroupRequest, groups::leave),
            ApiKey::OffsetCommit => answer!(OffsetCommitRequest, groups::commit),
            ApiKey::OffsetFetch => answer!(OffsetFetchRequest, groups::fetch_offsets),
            ApiKey::OffsetDelete => answer!(OffsetDeleteRequest, groups::delete_offsets),
            ApiKey::DescribeGroups => answer!(DescribeGroupsRequest, groups::describe),
            ApiKey::ListGroups => answer!(ListGroupsRequest, groups::list),
            ApiKey::DeleteGroups => answer!(DeleteGroupsRequest, groups::delete),
            ApiKey::CreateTopics => answer!(CreateTopicsRequest, topics::create),
            ApiKey::DeleteTopics => answer!(DeleteTopicsRequest, topics::delete),
            ApiKey::CreatePartitions => answer!(CreatePartitionsRequest, topics::grow),
            ApiKey::DeleteRecords => answer!(DeleteRecordsRequest, records::delete),
            ApiKey::DescribeConfigs => answer!(DescribeConfigsRequest, configs::describe),
            ApiKey::AlterConfigs => answer!(AlterConfigsRequest, configs::alter),
            ApiKey::IncrementalAlterConfigs => {
                answer!(IncrementalAlterConfigsRequest, configs::alter_some)
            }
            ApiKey::DescribeCluster => answer!(DescribeClusterRequest, cluster::describe),
            key => Err(Refused::Unserved {
                key: key as i16,
                version: self.version,
            }),
        }
    }
}

impl Call<'_> {
    fn version(&self) -> i16 {
        self.request.version
    }

    /// Decodes the request and lets it meet the faults that were asked for, but for errors and lost answers.
    async fn meet<R: Served>(&self) -> Result<(R, Verdict), Refused> {
        let request: R = self.request.decode()?;
        let faults = &self.node.faults;
        if !faults.armed() {
            return Ok((request, Verdict::default()));
        }
        let touched = request.touched(&self.node.catalogue.index());
        let verdict = faults.meet(self.request.key, &self.request.client_id, &touched);
        if !verdict.delay.is_zero() {
            tokio::time::sleep(verdict.delay).await;
        }
        for (group, member) in &verdict.expire {
            self.node.groups().expire_member(group, member).await;
        }
        if verdict.drop_before {
            Err(Refused::Scripted)
        } else {
            Ok((request, verdict))
        }
    }

    fn reply(&self, response: &impl Encodable, verdict: &Verdict) -> Result<Reply, Refused> {
        self.reply_in(response, self.version(), verdict)
    }

    fn reply_in(
        &self,
        response: &impl Encodable,
        version: i16,
        verdict: &Verdict,
    ) -> Result<Reply, Refused> {
        if verdict.drop_after {
            return Err(Refused::Scripted);
        }
        let mut encoded = self.begin_reply()?;
        response
            .encode(&mut encoded, version)
            .map_err(|why| self.unencodable(&why))?;
        let length = u32::try_from(encoded.len() - 4).map_err(|why| self.unencodable(&why))?;
        encoded[..4].copy_from_slice(&length.to_be_bytes());
        Ok(Reply::Parts(vec![encoded.freeze()]))
    }

    /// Room for the length, and the header.
    fn begin_reply(&self) -> Result<BytesMut, Refused> {
        let mut encoded = BytesMut::with_capacity(256);
        encoded.put_u32(0);
        self.request
            .answer_header()
            .encode(&mut encoded, self.request.answer_header_version())
            .map_err(|why| self.unencodable(&why))?;
        Ok(encoded)
    }

    fn unencodable(&self, why: &impl ToString) -> Refused {
        Refused::Unencodable {
            key: self.request.key,
            version: self.version(),
            why: why.to_string(),
        }
    }
}

/// The topic that a request names in the way of its version: by name, or by id.
fn find_topic<'a>(
    index: &'a Index,
    name: &str,
    id: Uuid,
    by_id: bool,
) -> Result<&'a Arc<Topic>, ResponseError> {
    if by_id {
        index.by_id(&id).ok_or(ResponseError::UnknownTopicId)
    } else {
        index
            .by_name(name)
            .ok_or(ResponseError::UnknownTopicOrPartition)
    }
}

/// The partition that a request names, if it has a leader, and in the epoch that the client believes in.
fn find_leader<'a>(
    node: &Node,
    topic: &'a Topic,
    partition: i32,
    epoch: i32,
) -> Result<&'a Arc<Partition>, ResponseError> {
    let found = topic
        .partition(partition)
        .ok_or(ResponseError::UnknownTopicOrPartition)?;
    if node.faults.is_leaderless(&topic.name, partition) {
        return Err(ResponseError::NotLeaderOrFollower);
    }
    if epoch > crate::node::LEADER_EPOCH {
        return Err(ResponseError::UnknownLeaderEpoch);
    }
    Ok(found)
}

/// An error code and a message, as most answers carry them.
fn refusal(refusal: Refusal) -> (i16, Option<StrBytes>) {
    (
        refusal.code.code(),
        Some(StrBytes::from_string(refusal.message)),
    )
}
