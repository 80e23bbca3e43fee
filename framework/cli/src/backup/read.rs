//! Reading the records of a segment.

use std::fs::File;
use std::io::{BufReader, Read, Take};
use std::path::{Path, PathBuf};

use apache_avro::Reader;
use apache_avro::reader::ReaderDeser;

use super::files::cannot;
use super::record::{Record, SCHEMA};
use crate::failure::Failure;

/// A segment, or the durable part of an open one, to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) path: PathBuf,
    pub(crate) partition: i32,
    pub(crate) first: i64,
    pub(crate) last: i64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
}

/// The records of one part, in the order of their offsets, which is checked.
pub(crate) struct Records {
    part: Part,
    inner: ReaderDeser<'static, Take<BufReader<File>>, Record>,
    last: i64,
    read: u64,
}

/// Opens a part.
pub(crate) fn read(part: &Part) -> Result<Records, Failure> {
    let file = File::open(&part.path).map_err(|error| cannot("read", &part.path, &error))?;
    let reader = Reader::new(BufReader::with_capacity(1 << 18, file).take(part.bytes))
        .map_err(|error| undecoded(&part.path, &error))?;
    if *reader.writer_schema() != *SCHEMA {
        return Err(Failure::run(format!(
            "{} has records of another schema than this version of the format: `kolo export` did not write it.",
            part.path.display()
        )));
    }
    Ok(Records {
        part: part.clone(),
        inner: reader.into_deser_iter(),
        last: -1,
        read: 0,
    })
}

impl Records {
    fn accept(&mut self, record: &Record) -> Result<(), Failure> {
        let Part {
            path,
            partition,
            first,
            ..
        } = &self.part;
        let path = path.display();
        if record.partition != *partition {
            return Err(Failure::run(format!(
                "{path}, which holds partition {partition}, has a record of partition {} at offset {}.",
                record.partition, record.offset
            )));
        }
        if record.offset <= self.last || record.offset < *first {
            return Err(Failure::run(format!(
                "{path}: offset {} stands behind offset {}, though offsets increase.",
                record.offset,
                self.last.max(*first)
            )));
        }
        self.last = record.offset;
        self.read += 1;
        Ok(())
    }

    /// At the end: whether it was all that there should be.
    fn agrees(&self) -> Result<(), Failure> {
        let Part {
            path,
            last,
            records,
            ..
        } = &self.part;
        if (self.last, self.read) == (*last, *records) {
            return Ok(());
        }
        Err(Failure::run(format!(
            "{} ends at offset {} with {} records, and should end at offset {last} with {records}.",
            path.display(),
            self.last,
            self.read
        )))
    }
}

impl Iterator for Records {
    type Item = Result<Record, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.inner.next() {
            None => self.agrees().err().map(Err),
            Some(Ok(record)) => Some(self.accept(&record).map(|()| record)),
            Some(Err(error)) => Some(Err(undecoded(&self.part.path, &error))),
        }
    }
}

fn undecoded(path: &Path, error: &apache_avro::Error) -> Failure {
    Failure::run(format!(
        "{} is damaged: {error}. Take it from another copy of this backup.",
        path.display()
    ))
}
