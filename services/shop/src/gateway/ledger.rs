//! The sandbox's books: what was charged, refunded and declined, each once an idempotency key.

use std::collections::{BTreeMap, HashMap};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

/// One charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// The key that the caller sent along.
    pub idempotency_key: String,
    /// The order that is paid.
    pub order_id: String,
    /// Who pays.
    pub customer_id: String,
    /// In minor units of the currency.
    pub amount_cents: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// What the gateway calls the charge.
    pub authorization_id: String,
}

/// One refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The key that the caller sent along.
    pub idempotency_key: String,
    /// The order that was paid.
    pub order_id: String,
    /// The charge that is given back.
    pub authorization_id: String,
    /// In minor units of the currency.
    pub amount_cents: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// What the gateway calls the refund.
    pub refund_id: String,
}

/// A charge that was refused for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    /// The key that the caller sent along.
    pub idempotency_key: String,
    /// The order that would have been paid.
    pub order_id: String,
    /// Who has no funds.
    pub customer_id: String,
    /// In minor units of the currency.
    pub amount_cents: i64,
    /// ISO 4217 code.
    pub currency: String,
    /// Why.
    pub reason: String,
}

/// What is recorded under one idempotency key; a line of the ledger's file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// Money taken.
    Charge(Charge),
    /// Money given back.
    Refund(Refund),
    /// Nothing taken.
    Decline(Decline),
}

impl Entry {
    fn key(&self) -> &str {
        match self {
            Entry::Charge(charge) => &charge.idempotency_key,
            Entry::Refund(refund) => &refund.idempotency_key,
            Entry::Decline(decline) => &decline.idempotency_key,
        }
    }
}

/// What `GET /ledger` answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// All charges, in the order in which they were made.
    pub charges: Vec<Charge>,
    /// All refunds, in the order in which they were made.
    pub refunds: Vec<Refund>,
    /// All declined charges, in the order in which they were declined.
    pub declines: Vec<Decline>,
    /// How often each idempotency key was sent since this gateway was started; repeats were answered from the books.
    pub calls: BTreeMap<String, u64>,
}

/// The books. Entries are only ever added; with a file, each is written there before it counts.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    entries: Vec<Entry>,
    by_key: HashMap<String, usize>,
    by_authorization: HashMap<String, usize>,
    calls: BTreeMap<String, u64>,
    file: Option<File>,
}

impl Ledger {
    /// Opens the books in a file, and takes up what an earlier gateway wrote there.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        let mut ledger = Ledger::default();
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path);
        let file = file.with_context(|| {
            format!("the ledger {} cannot be opened for writing", path.display())
        })?;
        let (entries, whole_bytes) = read(&file, path)?;
        file.set_len(whole_bytes)
            .with_context(|| format!("the ledger {} cannot be mended", path.display()))?;
        for entry in entries {
            ledger.take(entry);
        }
        ledger.file = Some(file);
        Ok(ledger)
    }

    /// Counts a call, and returns what is recorded under its key already.
    pub(super) fn call(&mut self, key: &str) -> Option<&Entry> {
        *self.calls.entry(key.to_owned()).or_default() += 1;
        self.by_key.get(key).map(|&at| &self.entries[at])
    }

    /// The number of entries, from which the ids of the next ones are made.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The charge of this name.
    pub(super) fn charge(&self, authorization_id: &str) -> Option<&Charge> {
        match self
            .by_authorization
            .get(authorization_id)
            .map(|&at| &self.entries[at])
        {
            Some(Entry::Charge(charge)) => Some(charge),
            _ => None,
        }
    }

    /// Records an entry under a key that has none.
    pub(super) fn record(&mut self, entry: Entry) -> std::io::Result<()> {
        if let Some(file) = &mut self.file {
            let mut line = serde_json::to_vec(&entry)?;
            line.push(b'\n');
            file.write_all(&line)?;
        }
        self.take(entry);
        Ok(())
    }

    fn take(&mut self, entry: Entry) {
        if let Entry::Charge(charge) = &entry {
            self.by_authorization
                .insert(charge.authorization_id.clone(), self.entries.len());
        }
        self.by_key
            .insert(entry.key().to_owned(), self.entries.len());
        self.entries.push(entry);
    }

    pub(super) fn statement(&self) -> Statement {
        let mut statement = Statement {
            calls: self.calls.clone(),
            ..Statement::default()
        };
        for entry in &self.entries {
            match entry.clone() {
                Entry::Charge(charge) => statement.charges.push(charge),
                Entry::Refund(refund) => statement.refunds.push(refund),
                Entry::Decline(decline) => statement.declines.push(decline),
            }
        }
        statement
    }
}

/// Reads a ledger's file, and how many bytes of it are whole lines: a last line without its end is what a killed
/// gateway left unfinished, before it counted.
fn read(file: &File, path: &Path) -> anyhow::Result<(Vec<Entry>, u64)> {
    let mut lines = BufReader::new(file);
    let (mut entries, mut whole_bytes) = (Vec::new(), 0);
    let mut line = String::new();
    loop {
        line.clear();
        let bytes = lines
            .read_line(&mut line)
            .with_context(|| format!("the ledger {} cannot be read", path.display()))?;
        if !line.ends_with('\n') {
            return Ok((entries, whole_bytes));
        }
        whole_bytes += bytes as u64;
        match serde_json::from_str(&line) {
            Ok(entry) => entries.push(entry),
            Err(error) => {
                let line = entries.len() + 1;
                bail!(
                    "the ledger {}, line {line}: {error}; move the file away to start anew",
                    path.display()
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn charge(key: &str) -> Entry {
        Entry::Charge(Charge {
            idempotency_key: key.into(),
            order_id: "o".into(),
            customer_id: "c".into(),
            amount_cents: 5,
            currency: "EUR".into(),
            authorization_id: format!("a-{key}"),
        })
    }

    #[test]
    fn a_gateway_that_comes_back_knows_what_it_did() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.call("k1"), None);
        ledger.record(charge("k1")).unwrap();
        drop(ledger);
        // Killed in the middle of its next line.
        OpenOptions::new()
            .append(true)
            .open(&path)
            .unwrap()
            .write_all(b"{\"charge\":{\"idemp")
            .unwrap();

        let mut ledger = Ledger::open(&path).unwrap();
        assert_eq!(ledger.call("k1"), Some(&charge("k1")));
        assert_eq!(ledger.call("k2"), None);
        ledger.record(charge("k2")).unwrap();
        assert_eq!(ledger.statement().charges.len(), 2);
        let (entries, bytes) = read(&File::open(&path).unwrap(), &path).unwrap();
        assert_eq!(entries, [charge("k1"), charge("k2")]);
        assert_eq!(bytes, std::fs::metadata(&path).unwrap().len());
        assert!(ledger.charge("a-k2").is_some() && ledger.charge("a-k3").is_none());
    }

    #[test]
    fn a_file_that_is_no_ledger_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        std::fs::write(&path, "hello\n").unwrap();
        let error = Ledger::open(&path).unwrap_err().to_string();
        assert!(error.contains("ledger.jsonl, line 1"), "{error}");
    }
}
