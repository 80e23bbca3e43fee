//! What the coordinator wants stored, as batches of its log and back.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use kafka_protocol::records::{
    Compression, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_SEQUENCE, Record,
    RecordBatchEncoder, RecordEncodeOptions, TimestampType,
};

use super::RestoreError;
use crate::batch::Batch;
use crate::group::Entry;
use crate::partition::Partition;

/// So much of the log is read at a time when groups are restored.
const RESTORE_BYTES: usize = 1024 * 1024;

pub(super) fn to_batches(entries: &[Entry]) -> Result<Vec<Batch>, String> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let timestamp = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
    let records: Vec<Record> = entries
        .iter()
        .zip(0..)
        .map(|(entry, offset)| Record {
            transactional: false,
            control: false,
            delete_horizon: false,
            partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            timestamp_type: TimestampType::Creation,
            offset,
            // The encoder puts those into one batch whose numbers go on.
            sequence: NO_SEQUENCE.wrapping_add(i32::try_from(offset).unwrap_or_default()),
            timestamp,
            key: Some(entry.key.clone()),
            value: entry.value.clone(),
            headers: Default::default(),
        })
        .collect();
    let mut encoded = BytesMut::new();
    let options = RecordEncodeOptions {
        version: 2,
        compression: Compression::None,
    };
    RecordBatchEncoder::encode(&mut encoded, &records, &options)
        .map_err(|error| error.to_string())?;
    Batch::parse_all(encoded.freeze()).map_err(|error| error.to_string())
}

pub(super) fn read_entries(log: &Partition) -> Result<Vec<Entry>, RestoreError> {
    let reader = log.reader();
    let mut entries = Vec::new();
    let mut offset = reader.start_offset();
    while offset < reader.end_offset() {
        let mut bytes: Bytes = reader
            .read(offset, RESTORE_BYTES, true)
            .map_err(|error| RestoreError(error.to_string()))?;
        if bytes.is_empty() {
            break;
        }
        while !bytes.is_empty() {
            let batch =
                Batch::split_from(&mut bytes).map_err(|error| RestoreError(error.to_string()))?;
            offset = batch.last_offset() + 1;
            let records = batch
                .records()
                .map_err(|error| RestoreError(error.to_string()))?;
            let keyed = records.into_iter().filter_map(|record| {
                Some(Entry {
                    key: record.key?,
                    value: record.value,
                })
            });
            entries.extend(keyed);
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::LogConfig;

    #[tokio::test]
    async fn entries_are_read_back_as_they_were_stored() {
        let log = Partition::open("groups".into(), None, LogConfig::default()).unwrap();
        let entries = [
            Entry {
                key: Bytes::from_static(b"one"),
                value: Some(Bytes::from_static(b"1")),
            },
            Entry {
                key: Bytes::from_static(b"two"),
                value: None,
            },
        ];
        for _ in 0..3 {
            log.append(to_batches(&entries).unwrap())
                .await
                .unwrap()
                .unwrap();
        }
        assert_eq!(
            read_entries(&log).unwrap(),
            entries.iter().cycle().take(6).cloned().collect::<Vec<_>>()
        );
    }
}
