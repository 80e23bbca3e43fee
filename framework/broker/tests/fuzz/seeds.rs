//! What the corpus begins with: sound inputs of every kind.

use std::fs;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::join_group_request::JoinGroupRequestProtocol;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::offset_commit_request::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Encodable, Message, Request, StrBytes};
use kafka_protocol::records::{
    Compression, Record, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};
use kolo_broker::batch::Batch;
use kolo_broker::fuzzing;
use kolo_broker::log::{LogConfig, LogWriter};

/// Target, file name, content.
pub(crate) fn all() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut all = requests();
    for (name, data) in batches() {
        all.push(("records", name.clone(), fuzzing::as_is(&data)));
        all.push(("recovery", name.clone(), fuzzing::as_is(&data)));
        // The same, with every checksum put right after a mutation.
        all.push(("records", format!("{name}-sealed"), fuzzing::sealed(&data)));
        all.push(("recovery", format!("{name}-sealed"), fuzzing::sealed(&data)));
    }
    all.extend(directories());
    all
}

/// Every request that there is as it is by default, and those with lists in them filled.
fn requests() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut out = Vec::new();
    fn each<R: Request + Message>(
        out: &mut Vec<(&'static str, String, Vec<u8>)>,
        name: &str,
        request: &R,
    ) {
        for version in R::VERSIONS.min..=R::VERSIONS.max {
            let header = RequestHeader::default()
                .with_request_api_key(R::KEY)
                .with_request_api_version(version)
                .with_correlation_id(1)
                .with_client_id(Some(text("c")));
            let mut frame = BytesMut::new();
            let encoded = header
                .encode(&mut frame, R::header_version(version))
                .and_then(|()| request.encode(&mut frame, version));
            // Not every version has all the fields.
            if encoded.is_ok() {
                out.push(("request", format!("{name}-{version}"), frame.to_vec()));
            }
        }
    }
    macro_rules! by_default {
        ($($request:ident),* $(,)?) => {
            $(each(&mut out, stringify!($request), &$request::default());)*
        };
    }
    by_default!(
        AlterConfigsRequest,
        ApiVersionsRequest,
        CreatePartitionsRequest,
        DeleteGroupsRequest,
        DeleteRecordsRequest,
        DeleteTopicsRequest,
        DescribeClusterRequest,
        DescribeConfigsRequest,
        DescribeGroupsRequest,
        FindCoordinatorRequest,
        HeartbeatRequest,
        IncrementalAlterConfigsRequest,
        InitProducerIdRequest,
        LeaveGroupRequest,
        ListGroupsRequest,
        OffsetDeleteRequest,
        OffsetFetchRequest,
        OffsetForLeaderEpochRequest,
        SyncGroupRequest,
    );
    let (_, records) = batches().swap_remove(0);
    let partition = PartitionProduceData::default().with_records(Some(records.into()));
    let topic = TopicProduceData::default()
        .with_name(name("t"))
        .with_partition_data(vec![partition.clone(), partition]);
    let produce = ProduceRequest::default().with_acks(-1);
    // By name, and by id.
    each(
        &mut out,
        "produce",
        &produce
            .clone()
            .with_topic_data(vec![topic.clone(), topic.clone()]),
    );
    let topic = topic
        .with_name(name(""))
        .with_topic_id(uuid::Uuid::from_u128(7));
    each(
        &mut out,
        "produce-by-id",
        &produce.with_topic_data(vec![topic]),
    );
    let topic = FetchTopic::default()
        .with_topic(name("t"))
        .with_partitions(vec![FetchPartition::default()]);
    each(
        &mut out,
        "fetch",
        &FetchRequest::default().with_topics(vec![topic]),
    );
    let topic = MetadataRequestTopic::default().with_name(Some(name("t")));
    each(
        &mut out,
        "metadata",
        &MetadataRequest::default().with_topics(Some(vec![topic])),
    );
    let config = CreatableTopicConfig::default()
        .with_name(text("retention.ms"))
        .with_value(Some(text("1")));
    let topic = CreatableTopic::default()
        .with_name(name("t"))
        .with_configs(vec![config]);
    each(
        &mut out,
        "create-topics",
        &CreateTopicsRequest::default().with_topics(vec![topic]),
    );
    let protocol = JoinGroupRequestProtocol::default()
        .with_name(text("range"))
        .with_metadata(Bytes::from_static(b"m"));
    each(
        &mut out,
        "join-group",
        &JoinGroupRequest::default().with_protocols(vec![protocol]),
    );
    let topic = OffsetCommitRequestTopic::default()
        .with_name(name("t"))
        .with_partitions(vec![OffsetCommitRequestPartition::default()]);
    each(
        &mut out,
        "offset-commit",
        &OffsetCommitRequest::default().with_topics(vec![topic]),
    );
    let topic = ListOffsetsTopic::default()
        .with_name(name("t"))
        .with_partitions(vec![ListOffsetsPartition::default()]);
    each(
        &mut out,
        "list-offsets",
        &ListOffsetsRequest::default().with_topics(vec![topic]),
    );
    out
}

fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

fn name(name: &str) -> TopicName {
    TopicName(text(name))
}

/// Logs of three batches, by how they are compressed.
fn batches() -> Vec<(String, Vec<u8>)> {
    let codecs = [
        ("plain", Compression::None),
        ("gzip", Compression::Gzip),
        ("snappy", Compression::Snappy),
        ("lz4", Compression::Lz4),
        ("zstd", Compression::Zstd),
    ];
    let logs = codecs.into_iter().map(|(name, compression)| {
        let mut log = Vec::new();
        for first in [0, 2, 4] {
            let records = [record(first, first), record(first, first + 1)];
            let mut encoded = BytesMut::new();
            let options = RecordEncodeOptions {
                version: 2,
                compression,
            };
            RecordBatchEncoder::encode(&mut encoded, &records, &options).unwrap();
            log.extend_from_slice(&encoded);
        }
        (name.to_owned(), log)
    });
    logs.collect()
}

fn record(first: i64, offset: i64) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: 0,
        producer_id: 7,
        producer_epoch: 0,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: offset as i32,
        timestamp: 1_000 + first,
        key: Some(Bytes::from_static(b"key")),
        value: (offset != 3).then(|| Bytes::from_static(b"value")),
        headers: [(text("h"), Some(Bytes::from_static(b"1")))].into(),
    }
}

/// Directories of a log as a close leaves them, and as a kill does.
fn directories() -> Vec<(&'static str, String, Vec<u8>)> {
    let mut out = Vec::new();
    for (name, log) in batches() {
        let dir = tempfile::tempdir().unwrap();
        let mut writer = LogWriter::open(Some(dir.path()), LogConfig::default()).unwrap();
        for batch in Batch::parse_all(log.into()).unwrap() {
            writer
                .append(vec![batch], std::time::SystemTime::now())
                .unwrap();
        }
        writer.close().unwrap();
        let file = |extension: &str| {
            fs::read(dir.path().join(format!("{:020}.0.{extension}", 0))).unwrap()
        };
        let checkpoint = fs::read(dir.path().join("checkpoint")).unwrap();
        let closed = fuzzing::files(&checkpoint, &file("index"), &file("log"));
        out.push(("directory", name.clone(), closed.clone()));
        out.push((
            "directory",
            format!("{name}-killed"),
            fuzzing::files(b"", b"", &file("log")),
        ));
        let mut sealed = closed;
        sealed[0] = 1;
        out.push(("directory", format!("{name}-sealed"), sealed));
    }
    out
}
