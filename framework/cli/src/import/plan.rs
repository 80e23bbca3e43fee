//! What a backup holds, found out before anything is sent: a topic without fences, or a stream, and whose.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use kolo_core::stream::{StreamReader, Verdict, Void};
use kolo_core::wire::{FENCE, Fence, Source};

use super::rewrite::Union;
use crate::backup::{Manifest, Record};
use crate::failure::Failure;

/// One partition of the backup.
#[derive(Debug)]
pub(super) struct PartitionPlan {
    reader: StreamReader,
    pub(super) records: u64,
    pub(super) valid: u64,
    pub(super) void: u64,
    /// Records of nobody before the first fence: they count for no reader of a stream.
    pub(super) unfenced: u64,
    pub(super) fences: u64,
    /// The import's own fence: the first one's owner, the highest version, the origins of all.
    pub(super) fence: Option<Fence>,
    pub(super) union: Union,
    /// How many inputs each key has answered, by a hash of the key.
    answers: HashMap<u64, u64>,
    /// Time of the last fence.
    pub(super) fenced_at: Option<i64>,
    /// The first record that names an owner before any fence.
    orphan: Option<i64>,
    /// The first record that cannot be judged, and why.
    unreadable: Option<(i64, String)>,
}

/// What all records of a topic have shown.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) partitions: Vec<PartitionPlan>,
    /// Records without an id of their own.
    pub(super) without_id: u64,
    /// Records at the first millisecond of 1970.
    pub(super) at_zero: u64,
}

impl Plan {
    pub(super) fn new(manifest: &Manifest) -> Self {
        let partition = |_| PartitionPlan {
            reader: StreamReader::from_start(),
            records: 0,
            valid: 0,
            void: 0,
            unfenced: 0,
            fences: 0,
            fence: None,
            union: Union::default(),
            answers: HashMap::new(),
            fenced_at: None,
            orphan: None,
            unreadable: None,
        };
        Plan {
            partitions: manifest.partitions.iter().map(partition).collect(),
            without_id: 0,
            at_zero: 0,
        }
    }

    /// Takes up the next record of the backup.
    pub(super) fn take(&mut self, record: &Record) {
        let headers = record.kolo_headers();
        self.without_id += u64::from(headers.id.is_none());
        self.at_zero += u64::from(record.timestamp == Some(0));
        let at = usize::try_from(record.partition).unwrap_or_default();
        self.partitions[at].take(record);
    }

    pub(super) fn is_stream(&self) -> bool {
        self.partitions.iter().any(|part| part.fences > 0)
    }

    /// `service.aggregate`, which is also the name of its group.
    pub(super) fn owner(&self) -> Option<String> {
        let fence = self.partitions.iter().find_map(|part| part.fence.as_ref());
        fence.map(|fence| format!("{}.{}", fence.service, fence.aggregate))
    }

    /// The most inputs that one key has answered.
    pub(super) fn most_answers(&self) -> u64 {
        let answers = self
            .partitions
            .iter()
            .flat_map(|part| part.answers.values());
        answers.copied().max().unwrap_or(0)
    }

    /// Whether what it holds can be told from the backup alone.
    pub(super) fn check(&self, manifest: &Manifest) -> Result<(), Failure> {
        let topic = &manifest.topic;
        if !self.is_stream() && self.partitions.iter().all(|part| part.orphan.is_none()) {
            return Ok(());
        }
        if let Some(hole) = manifest.holes.first() {
            return Err(Failure::input(format!(
                "the backup of the stream `{topic}` has a hole: offsets {} to {} of partition {} were gone before they were exported. What is valid behind it cannot be told, and the state would be another one.",
                hole.from,
                hole.until - 1,
                hole.partition
            )));
        }
        for ((partition, reach), part) in manifest.reaches().zip(&self.partitions) {
            if let Some((offset, problem)) = &part.unreadable {
                return Err(Failure::input(format!(
                    "the record at offset {offset} of partition {partition} of the stream `{topic}` cannot be judged: {problem}. A newer kolo may have written it: import it with that one."
                )));
            }
            // Where the log begins at 0, nothing was lost, and what stands before the first fence is void.
            let lost = part.orphan.filter(|_| reach.first > 0 || part.fences == 0);
            if let Some(offset) = lost {
                return Err(Failure::input(format!(
                    "the backup of the stream `{topic}` begins in partition {partition} at offset {}, behind the fence that the record at offset {offset} names: which records are valid cannot be told without it.",
                    reach.first
                )));
            }
        }
        Ok(())
    }
}

impl PartitionPlan {
    fn take(&mut self, record: &Record) {
        let headers = record.kolo_headers();
        self.records += 1;
        let problem = match self.reader.read(record.offset, &headers) {
            Ok(Verdict::Fence(_)) => self.fence(record).err(),
            Ok(Verdict::Valid(stamp)) => {
                self.valid += 1;
                if stamp.index == 1 && stamp.source != Source::None {
                    let mut hasher = DefaultHasher::new();
                    record.key.hash(&mut hasher);
                    *self.answers.entry(hasher.finish()).or_default() += 1;
                }
                None
            }
            Ok(Verdict::Unfenced(_)) => {
                self.unfenced += 1;
                None
            }
            Ok(Verdict::Void(why)) => {
                self.void += 1;
                if self.fences == 0 && why == Void::Replaced {
                    self.orphan.get_or_insert(record.offset);
                }
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(problem) = problem {
            self.unreadable.get_or_insert((record.offset, problem));
        }
    }

    fn fence(&mut self, record: &Record) -> Result<(), String> {
        let value = record.value.as_deref().unwrap_or_default();
        let found: Fence =
            serde_json::from_slice(value).map_err(|error| format!("its {FENCE}: {error}"))?;
        self.fences += 1;
        self.fenced_at = record.timestamp;
        self.union.take(&found);
        // The first fence tells whose stream it is; one of a process that was set up wrongly has no say in the version.
        let own = self.fence.get_or_insert_with(|| found.clone());
        let same = own.service == found.service
            && own.aggregate == found.aggregate
            && own.partitions == found.partitions;
        if same {
            own.version = own.version.max(found.version);
        }
        own.origins = self.union.origins().to_vec();
        Ok(())
    }
}
