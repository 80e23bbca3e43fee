//! What a frame holds: a header that says what the rest is.

use bytes::{Buf, Bytes};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, StrBytes};

use super::{Refused, api_versions, guard, produce_shape};

/// One request, its body not decoded yet.
pub(crate) struct Request {
    pub(super) key: ApiKey,
    pub(super) version: i16,
    pub(super) client_id: StrBytes,
    correlation_id: i32,
    body: Bytes,
}

impl Request {
    /// Reads the header. Whatever is not served ends here, but for versions of `ApiVersions` that are not known: a client
    /// learns from the answer which are.
    pub(crate) fn open(frame: Bytes) -> Result<Request, Refused> {
        let mut start = frame.clone();
        if start.len() < 8 {
            return Err(Refused::Headless(frame.len()));
        }
        let (key, version, correlation_id) = (start.get_i16(), start.get_i16(), start.get_i32());
        let unserved = Refused::Unserved { key, version };
        let Ok(key) = ApiKey::try_from(key) else {
            return Err(unserved);
        };
        if !api_versions::serves(key, version) {
            if key == ApiKey::ApiVersions {
                let client_id = StrBytes::default();
                return Ok(Request {
                    key,
                    version,
                    client_id,
                    correlation_id,
                    body: Bytes::new(),
                });
            }
            return Err(unserved);
        }
        let header_version = key.request_header_version(version);
        let mut body = frame;
        let header = guard::decode_header(&mut body, header_version)
            .map_err(|why| Refused::Malformed { key, version, why })?;
        let client_id = header.client_id.unwrap_or_default();
        Ok(Request {
            key,
            version,
            client_id,
            correlation_id,
            body,
        })
    }

    /// Whether the answer may wait for what other clients do.
    pub(crate) fn waits(&self) -> bool {
        matches!(
            self.key,
            ApiKey::Fetch | ApiKey::JoinGroup | ApiKey::SyncGroup
        )
    }

    pub(super) fn decode<R: Decodable>(&self) -> Result<R, Refused> {
        let version = self.version;
        let decoded = if self.key == ApiKey::Produce {
            produce_shape::check(&self.body, version).and_then(|()| {
                R::decode(&mut self.body.clone(), version).map_err(|why| why.to_string())
            })
        } else {
            let flexible = self.key.request_header_version(version) >= 2;
            guard::decode(&self.body, version, flexible)
        };
        decoded.map_err(|why| Refused::Malformed {
            key: self.key,
            version,
            why,
        })
    }

    pub(super) fn answer_header(&self) -> ResponseHeader {
        ResponseHeader::default().with_correlation_id(self.correlation_id)
    }

    pub(super) fn answer_header_version(&self) -> i16 {
        self.key.response_header_version(self.version)
    }
}

/// Decodes a frame as its request would be, and does nothing with it; for fuzzing.
pub(crate) fn decode_frame(frame: Bytes) {
    let Ok(request) = Request::open(frame) else {
        return;
    };
    macro_rules! decode {
        ($($key:ident: $request:ty,)*) => {
            match request.key {
                $(ApiKey::$key => drop(request.decode::<$request>()),)*
                key => unreachable!("{key:?} is served, and not decoded here"),
            }
        };
    }
    decode! {
        Produce: ProduceRequest,
        Fetch: FetchRequest,
        ListOffsets: ListOffsetsRequest,
        Metadata: MetadataRequest,
        OffsetCommit: OffsetCommitRequest,
        OffsetFetch: OffsetFetchRequest,
        FindCoordinator: FindCoordinatorRequest,
        JoinGroup: JoinGroupRequest,
        Heartbeat: HeartbeatRequest,
        LeaveGroup: LeaveGroupRequest,
        SyncGroup: SyncGroupRequest,
        DescribeGroups: DescribeGroupsRequest,
        ListGroups: ListGroupsRequest,
        ApiVersions: ApiVersionsRequest,
        CreateTopics: CreateTopicsRequest,
        DeleteTopics: DeleteTopicsRequest,
        DeleteRecords: DeleteRecordsRequest,
        InitProducerId: InitProducerIdRequest,
        OffsetForLeaderEpoch: OffsetForLeaderEpochRequest,
        DescribeConfigs: DescribeConfigsRequest,
        AlterConfigs: AlterConfigsRequest,
        CreatePartitions: CreatePartitionsRequest,
        DeleteGroups: DeleteGroupsRequest,
        IncrementalAlterConfigs: IncrementalAlterConfigsRequest,
        OffsetDelete: OffsetDeleteRequest,
        DescribeCluster: DescribeClusterRequest,
    }
}
