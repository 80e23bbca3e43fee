//! The gateway's ledger, as the audit reads it: over HTTP, or from the file that the gateway left.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, bail};
use serde::Deserialize;

/// One movement of money.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Movement {
    /// The key under which the gateway was called.
    pub idempotency_key: String,
    /// The order.
    pub order_id: String,
    /// How much.
    pub amount_cents: i64,
    /// In which currency.
    pub currency: String,
}

/// What the gateway took and gave back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Ledger {
    /// Money taken.
    pub charges: Vec<Movement>,
    /// Money given back.
    pub refunds: Vec<Movement>,
}

/// A line of the ledger's file.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Charge(Movement),
    Refund(Movement),
    Decline(serde::de::IgnoredAny),
}

impl Ledger {
    /// Asks a gateway that runs.
    ///
    /// # Errors
    /// When it does not answer, or not with a ledger.
    pub fn ask(url: &str) -> anyhow::Result<Ledger> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .context("no tokio runtime")?;
        let address = format!("{}/ledger", url.trim_end_matches('/'));
        let ledger = runtime.block_on(async {
            let client = reqwest::Client::builder()
                .timeout(Duration::from_secs(30))
                .build()?;
            client
                .get(&address)
                .send()
                .await?
                .error_for_status()?
                .json()
                .await
        });
        ledger.map_err(anyhow::Error::new).with_context(|| {
            format!("the gateway's ledger cannot be read from {address}; is it running? Its file can be read with --ledger")
        })
    }

    /// Reads the file that a gateway keeps. A last line without an end never counted.
    ///
    /// # Errors
    /// When there is none, or it is no ledger.
    pub fn read(path: &Path) -> anyhow::Result<Ledger> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("the ledger {} cannot be read", path.display()))?;
        let mut ledger = Ledger::default();
        for (number, line) in text
            .split_inclusive('\n')
            .enumerate()
            .filter(|(_, line)| line.ends_with('\n'))
        {
            match serde_json::from_str(line) {
                Ok(Line::Charge(charge)) => ledger.charges.push(charge),
                Ok(Line::Refund(refund)) => ledger.refunds.push(refund),
                Ok(Line::Decline(_)) => {}
                Err(error) => bail!(
                    "the ledger {}, line {}: {error}",
                    path.display(),
                    number + 1
                ),
            }
        }
        Ok(ledger)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_a_gateway_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.jsonl");
        let movement = r#"{"idempotency_key":"k","order_id":"o","customer_id":"c","amount_cents":5,"currency":"EUR","authorization_id":"a","refund_id":"r","reason":"n"}"#;
        let text = format!(
            "{{\"charge\":{movement}}}\n{{\"decline\":{movement}}}\n{{\"refund\":{movement}}}\n{{\"char"
        );
        std::fs::write(&path, text).unwrap();
        let movement: Movement = serde_json::from_str(movement).unwrap();
        assert_eq!(
            Ledger::read(&path).unwrap(),
            Ledger {
                charges: vec![movement.clone()],
                refunds: vec![movement]
            }
        );

        std::fs::write(&path, "{}\n").unwrap();
        let error = Ledger::read(&path).unwrap_err().to_string();
        assert!(error.contains("ledger.jsonl, line 1"), "{error}");
    }
}
