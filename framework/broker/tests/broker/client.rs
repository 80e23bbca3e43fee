//! A client that hides nothing: one connection, one request after the other, and bytes if one wants.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::*;
use kafka_protocol::protocol::{Decodable, Encodable, HeaderVersion, Request, StrBytes};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchDecoder, RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client {
    pub(crate) socket: TcpStream,
    client_id: String,
    correlation: i32,
}

pub(crate) fn text(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(crate) fn name(name: &str) -> TopicName {
    TopicName(text(name))
}

impl Client {
    pub(crate) fn connect(bootstrap: &str, client_id: &str) -> Client {
        Client::try_connect(bootstrap, client_id).unwrap()
    }

    pub(crate) fn try_connect(bootstrap: &str, client_id: &str) -> io::Result<Client> {
        let socket = TcpStream::connect(bootstrap)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(Client {
            socket,
            client_id: client_id.to_owned(),
            correlation: 0,
        })
    }

    pub(crate) fn frame<R: Request>(&mut self, request: &R, version: i16) -> Bytes {
        self.correlation += 1;
        let header = RequestHeader::default()
            .with_request_api_key(R::KEY)
            .with_request_api_version(version)
            .with_correlation_id(self.correlation)
            .with_client_id(Some(text(&self.client_id)));
        let mut frame = BytesMut::new();
        frame.put_u32(0);
        header
            .encode(&mut frame, R::header_version(version))
            .unwrap();
        request.encode(&mut frame, version).unwrap();
        let length = u32::try_from(frame.len() - 4).unwrap();
        frame[..4].copy_from_slice(&length.to_be_bytes());
        frame.freeze()
    }

    pub(crate) fn send<R: Request>(&mut self, request: &R, version: i16) {
        let frame = self.frame(request, version);
        self.socket.write_all(&frame).unwrap();
    }

    /// The next answer; an error if the connection ends instead.
    pub(crate) fn receive<R: Request>(&mut self, version: i16) -> io::Result<R::Response> {
        let mut body = self.receive_bytes()?;
        let header =
            ResponseHeader::decode(&mut body, R::Response::header_version(version)).unwrap();
        assert!(header.correlation_id <= self.correlation);
        let response = R::Response::decode(&mut body, version).unwrap();
        assert!(!body.has_remaining(), "{} bytes too many", body.len());
        Ok(response)
    }

    pub(crate) fn receive_bytes(&mut self) -> io::Result<Bytes> {
        let mut length = [0; 4];
        self.socket.read_exact(&mut length)?;
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        self.socket.read_exact(&mut body)?;
        Ok(Bytes::from(body))
    }

    pub(crate) fn try_call<R: Request>(
        &mut self,
        request: &R,
        version: i16,
    ) -> io::Result<R::Response> {
        let frame = self.frame(request, version);
        self.socket.write_all(&frame)?;
        self.receive::<R>(version)
    }

    pub(crate) fn call<R: Request>(&mut self, request: &R, version: i16) -> R::Response {
        self.try_call(request, version).unwrap()
    }

    /// Whether the broker closes the connection, and sends nothing before.
    pub(crate) fn is_closed(&mut self) -> bool {
        match self.socket.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == io::ErrorKind::ConnectionReset,
        }
    }

    pub(crate) fn create(&mut self, topic: &str, partitions: i32, configs: &[(&str, &str)]) -> i16 {
        let configs = configs.iter();
        let configs = configs.map(|(name, value)| {
            CreatableTopicConfig::default()
                .with_name(text(name))
                .with_value(Some(text(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(name(topic))
            .with_num_partitions(partitions)
            .with_replication_factor(1)
            .with_configs(configs.collect());
        self.call(&CreateTopicsRequest::default().with_topics(vec![topic]), 7)
            .topics[0]
            .error_code
    }

    /// The error code and the first offset.
    pub(crate) fn produce(&mut self, topic: &str, partition: i32, values: &[&str]) -> (i16, i64) {
        let response = self.call(&produce_request(topic, partition, values), 9);
        let partition = &response.responses[0].partition_responses[0];
        (partition.error_code, partition.base_offset)
    }

    /// The error code and the values from an offset on.
    pub(crate) fn fetch(&mut self, topic: &str, partition: i32, offset: i64) -> (i16, Vec<String>) {
        values(&self.call(&fetch_request(topic, partition, offset), 12))
    }

    pub(crate) fn end_offset(&mut self, topic: &str, partition: i32) -> i64 {
        let wanted = ListOffsetsPartition::default()
            .with_partition_index(partition)
            .with_timestamp(-1);
        let wanted = ListOffsetsTopic::default()
            .with_name(name(topic))
            .with_partitions(vec![wanted]);
        let request = ListOffsetsRequest::default()
            .with_replica_id(BrokerId(-1))
            .with_topics(vec![wanted]);
        self.call(&request, 7).topics[0].partitions[0].offset
    }
}

pub(crate) fn record(offset: i64, value: &str) -> Record {
    Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: NO_PRODUCER_ID,
        producer_epoch: NO_PRODUCER_EPOCH,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: NO_SEQUENCE + i32::try_from(offset).unwrap(),
        timestamp: 1_700_000_000_000,
        key: Some(Bytes::from_static(b"key")),
        value: Some(Bytes::copy_from_slice(value.as_bytes())),
        headers: Default::default(),
    }
}

pub(crate) fn batch(values: &[&str]) -> Bytes {
    let records: Vec<Record> = values
        .iter()
        .zip(0..)
        .map(|(value, offset)| record(offset, value))
        .collect();
    let mut encoded = BytesMut::new();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    RecordBatchEncoder::encode(&mut encoded, &records, &options).unwrap();
    encoded.freeze()
}

pub(crate) fn produce_request(topic: &str, partition: i32, values: &[&str]) -> ProduceRequest {
    let data = PartitionProduceData::default()
        .with_index(partition)
        .with_records(Some(batch(values)));
    let topic = TopicProduceData::default()
        .with_name(name(topic))
        .with_partition_data(vec![data]);
    ProduceRequest::default()
        .with_acks(-1)
        .with_timeout_ms(5000)
        .with_topic_data(vec![topic])
}

/// Waits for up to ten seconds for one byte.
pub(crate) fn fetch_request(topic: &str, partition: i32, offset: i64) -> FetchRequest {
    let wanted = FetchPartition::default()
        .with_partition(partition)
        .with_current_leader_epoch(-1)
        .with_fetch_offset(offset)
        .with_partition_max_bytes(1 << 20);
    let topic = FetchTopic::default()
        .with_topic(name(topic))
        .with_partitions(vec![wanted]);
    FetchRequest::default()
        .with_replica_id(BrokerId(-1))
        .with_max_wait_ms(10_000)
        .with_min_bytes(1)
        .with_max_bytes(50 << 20)
        .with_session_epoch(-1)
        .with_topics(vec![topic])
}

pub(crate) fn values(response: &FetchResponse) -> (i16, Vec<String>) {
    let partition = &response.responses[0].partitions[0];
    let mut records = partition.records.clone().unwrap_or_default();
    let mut values = Vec::new();
    while records.has_remaining() {
        let set = RecordBatchDecoder::decode(&mut records).unwrap();
        for record in set.records {
            values.push(String::from_utf8(record.value.unwrap().to_vec()).unwrap());
        }
    }
    (partition.error_code, values)
}
