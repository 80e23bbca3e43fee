//! `ApiVersions`: what is served, and in which versions.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::api_versions_response::ApiVersion;
use kafka_protocol::messages::{ApiKey, ApiVersionsRequest, ApiVersionsResponse};

use super::{Call, Refused, Reply};
use crate::faults::Verdict;

/// All that is served, in every version that Apache Kafka 4 and the message definitions have in common.
const SERVED: &[ApiKey] = &[
    ApiKey::Produce,
    ApiKey::Fetch,
    ApiKey::ListOffsets,
    ApiKey::Metadata,
    ApiKey::OffsetCommit,
    ApiKey::OffsetFetch,
    ApiKey::FindCoordinator,
    ApiKey::JoinGroup,
    ApiKey::Heartbeat,
    ApiKey::LeaveGroup,
    ApiKey::SyncGroup,
    ApiKey::DescribeGroups,
    ApiKey::ListGroups,
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::DeleteRecords,
    ApiKey::InitProducerId,
    ApiKey::OffsetForLeaderEpoch,
    ApiKey::DescribeConfigs,
    ApiKey::AlterConfigs,
    ApiKey::CreatePartitions,
    ApiKey::DeleteGroups,
    ApiKey::IncrementalAlterConfigs,
    ApiKey::OffsetDelete,
    ApiKey::DescribeCluster,
];

pub(super) fn serves(key: ApiKey, version: i16) -> bool {
    let versions = key.valid_versions();
    SERVED.contains(&key) && (versions.min..=versions.max).contains(&version)
}

fn entry(key: ApiKey) -> ApiVersion {
    let versions = key.valid_versions();
    // Clients of before Kafka 4 look for the oldest Produce to learn whether compression is there, so Kafka 4 says 0 too.
    let min = if key == ApiKey::Produce {
        0
    } else {
        versions.min
    };
    ApiVersion::default()
        .with_api_key(key as i16)
        .with_min_version(min)
        .with_max_version(versions.max)
}

pub(super) async fn answer(call: &Call<'_>) -> Result<Reply, Refused> {
    if !serves(ApiKey::ApiVersions, call.version()) {
        let response = ApiVersionsResponse::default()
            .with_error_code(ResponseError::UnsupportedVersion.code())
            .with_api_keys(vec![entry(ApiKey::ApiVersions)]);
        return call.reply_in(&response, 0, &Verdict::default());
    }
    let (_, verdict) = call.meet::<ApiVersionsRequest>().await?;
    let error_code = verdict.error().map_or(0, |error| error.code());
    let response = ApiVersionsResponse::default()
        .with_error_code(error_code)
        .with_api_keys(SERVED.iter().map(|key| entry(*key)).collect());
    call.reply(&response, &verdict)
}
