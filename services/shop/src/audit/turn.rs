//! Which records of a stream are valid, told from their headers alone.
//!
//! This is the audit's own reading of the protocol, and shares no code with the framework on purpose: a mistake there
//! must not hide itself here.

use uuid::Uuid;

/// The type of the record with which an owner opens its epoch.
pub(super) const FENCE: &str = "kolo.fence";

/// What the `kolo` header claims: `1 <correlation> <causation> <epoch>.<nonce>.<number> <source> <index>/<count>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    pub(super) causation: Option<Uuid>,
    /// Offset of the writer's fence; `None` on the fence itself.
    epoch: Option<i64>,
    nonce: &'a str,
    number: u64,
}

impl<'a> Claim<'a> {
    /// Reads a header; `None` if it is not one, or names no writer.
    pub(super) fn read(header: &'a str) -> Option<Self> {
        let mut fields = header.split(' ');
        if fields.next()? != "1" {
            return None;
        }
        let causation = fields.nth(1)?;
        let causation = if causation == "-" {
            None
        } else {
            Some(uuid(causation)?)
        };
        let mut writer = fields.next()?.split('.');
        let epoch = match writer.next()? {
            "-" => None,
            epoch => Some(epoch.parse().ok()?),
        };
        Some(Claim {
            causation,
            epoch,
            nonce: writer.next()?,
            number: writer.next()?.parse().ok()?,
        })
    }
}

/// A uuid as 22 digits of base64url, the most significant first.
fn uuid(text: &str) -> Option<Uuid> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut number: u128 = 0;
    for digit in text.chars() {
        number = number.checked_mul(64)? + DIGITS.find(digit)? as u128;
    }
    (text.len() == 22).then(|| Uuid::from_u128(number))
}

/// Whose turn it is in one partition of a stream.
#[derive(Debug, Clone, Default)]
pub(super) struct Turn {
    epoch: Option<i64>,
    nonce: String,
    /// Of the last valid record; the fence is 0.
    number: u64,
}

impl Turn {
    /// Whether the next record is valid: the latest fence itself, or the next one under exactly that fence.
    pub(super) fn is_valid(
        &mut self,
        offset: i64,
        event_type: Option<&str>,
        claim: Option<&Claim<'_>>,
    ) -> bool {
        let Some(claim) = claim else { return false };
        if claim.epoch.is_none() && event_type == Some(FENCE) {
            *self = Turn {
                epoch: Some(offset),
                nonce: claim.nonce.to_owned(),
                number: 0,
            };
            return true;
        }
        let follows = self.epoch.is_some()
            && claim.epoch == self.epoch
            && claim.nonce == self.nonce
            && claim.number == self.number + 1;
        self.number += u64::from(follows);
        follows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges records in log order; each is its type and header.
    fn judge(records: &[(&str, &str)]) -> Vec<bool> {
        let mut turn = Turn::default();
        (0..)
            .zip(records)
            .map(|(at, (kind, header))| turn.is_valid(at, Some(kind), Claim::read(header).as_ref()))
            .collect()
    }

    #[test]
    fn a_record_is_valid_in_its_turn_under_the_latest_fence() {
        let records = [
            ("E", "1 - - 0.AAAAAAAAAAA.1 - 1/1"), // before any fence
            (FENCE, "1 - - -.AAAAAAAAAAA.0 - 1/1"),
            ("E", "1 - - 1.AAAAAAAAAAA.1 - 1/1"),
            ("E", "1 - - 1.AAAAAAAAAAA.1 - 1/1"), // resent
            ("E", "1 - - 1.AAAAAAAAAAA.3 - 1/1"), // behind a hole
            ("E", "1 - - 1.BBBBBBBBBBB.2 - 1/1"), // another nonce
            ("E", "1 - - 1.AAAAAAAAAAA.2 - 1/1"),
            ("E", ""), // foreign
            (FENCE, "1 - - -.CCCCCCCCCCC.0 - 1/1"),
            ("E", "1 - - 1.AAAAAAAAAAA.3 - 1/1"), // a zombie
            ("E", "1 - - 8.CCCCCCCCCCC.1 - 1/1"),
            ("E", "1 - - -.CCCCCCCCCCC.2 - 1/1"), // no fence, and no epoch
        ];
        let valid = [
            false, true, true, false, false, false, true, false, true, false, true, false,
        ];
        assert_eq!(judge(&records), valid);
    }

    #[test]
    fn ids_are_read_as_the_protocol_writes_them() {
        let header = "1 AAAAAAAAAAAAAAAAAAAAAA D_____________________ 5.AAAAAAAAAAA.1 0:2:17 1/2";
        let claim = Claim::read(header).unwrap();
        assert_eq!(claim.causation, Some(Uuid::max()));
        assert_eq!(
            (claim.epoch, claim.nonce, claim.number),
            (Some(5), "AAAAAAAAAAA", 1)
        );
        assert_eq!(uuid("AAAAAAAAAAAAAAAAAAAABA"), Some(Uuid::from_u128(64)));
        for bad in [
            "",
            "AAAA",
            "AAAAAAAAAAAAAAAAAAAAA*",
            "ZAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(uuid(bad), None, "{bad}");
        }
        assert_eq!(
            Claim::read("1 - - - r1/AAAAAAAAAAAAAAAAAAAAAA:0:0.0 1/1"),
            None,
            "a routed copy has no writer"
        );
    }
}
