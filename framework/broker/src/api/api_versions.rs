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

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of `docs/broker.md`.
    fn table() -> String {
        let mut keys = SERVED.to_vec();
        keys.sort_by_key(|key| *key as i16);
        let rows = keys.into_iter().map(|key| {
            let versions = key.valid_versions();
            let (number, min, max) = (key as i16, versions.min, versions.max);
            format!("| {number} | {key:?} | {min} to {max} |\n")
        });
        "| Key | API | Versions |\n|---|---|---|\n".to_owned() + &rows.collect::<String>()
    }

    #[test]
    fn the_page_tells_what_is_served() {
        let page = include_str!("../../../../docs/broker.md");
        let told = page
            .split_once("<!-- served: begin")
            .and_then(|(_, rest)| rest.split_once("-->\n"))
            .and_then(|(_, rest)| rest.split_once("<!-- served: end -->"))
            .map(|(told, _)| told);
        let table = table();
        assert_eq!(
            told,
            Some(&*table),
            "put this between the markers of docs/broker.md:\n{table}"
        );
    }
}
