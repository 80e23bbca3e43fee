//! One run of the shop: the name that all its orders, articles and customers carry, so that runs on one broker do not
//! meet.

use std::fmt;
use std::str::FromStr;

use shop_schemas::{CustomerId, OrderId, Sku};
use uuid::Uuid;

/// The name of a run: eight hex digits, with which the keys of all its records start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RunId(u32);

/// What the ids of customers end in whose payments the sandbox gateway declines.
pub const NO_FUNDS: &str = "-no-funds";

/// The text is not the name of a run.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{0}` is not the name of a run: expected eight hex digits, such as 3f2a91bc (the start of its order ids)"
)]
pub struct NoRun(String);

impl RunId {
    /// A name that no other run has, as far as chance goes.
    #[must_use]
    pub fn fresh() -> Self {
        RunId(Uuid::new_v4().as_fields().0)
    }

    /// The id of the run's order with this number: a uuid of version 8 (own layout) that starts with the run's name.
    #[must_use]
    pub fn order(self, number: u64) -> OrderId {
        let layout =
            u128::from(self.0) << 96 | 0x8000_8000 << 48 | u128::from(number & 0xffff_ffff_ffff);
        OrderId(Uuid::from_u128(layout))
    }

    /// One of the run's articles.
    #[must_use]
    pub fn sku(self, name: &str) -> Sku {
        Sku(format!("{self}-sku-{name}"))
    }

    /// One of the run's customers; the gateway declines those who have no funds.
    #[must_use]
    pub fn customer(self, number: u64, has_funds: bool) -> CustomerId {
        CustomerId(format!(
            "{self}-customer-{number:03}{}",
            if has_funds { "" } else { NO_FUNDS }
        ))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl FromStr for RunId {
    type Err = NoRun;

    fn from_str(text: &str) -> Result<Self, NoRun> {
        let digits = text.len() == 8
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = u32::from_str_radix(text, 16).ok().filter(|_| digits);
        number.map(RunId).ok_or_else(|| NoRun(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_run_start_with_its_name() {
        let run: RunId = "00ff91bc".parse().unwrap();
        assert_eq!(run.to_string(), "00ff91bc");
        assert_eq!(
            run.order(0).to_string(),
            "00ff91bc-0000-8000-8000-000000000000"
        );
        assert_eq!(
            run.order(0xabc).to_string(),
            "00ff91bc-0000-8000-8000-000000000abc"
        );
        assert_eq!(run.order(1).0.get_version_num(), 8);
        assert_eq!(run.sku("07").to_string(), "00ff91bc-sku-07");
        assert_eq!(
            run.customer(3, false).to_string(),
            "00ff91bc-customer-003-no-funds"
        );
    }

    #[test]
    fn what_is_no_run_is_refused() {
        for bad in [
            "",
            "1234567",
            "123456789",
            "0000000G",
            "ABCDEF01",
            "+1234567",
        ] {
            let error = bad.parse::<RunId>().expect_err(bad).to_string();
            assert!(
                error.contains(bad) && error.contains("eight hex digits"),
                "{error}"
            );
        }
    }
}
