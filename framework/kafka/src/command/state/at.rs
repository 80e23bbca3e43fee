//! Up to where a stream is folded: its end, a place, or a time.

use kolo_core::Timestamp;
use kolo_core::wire::Record;

use super::super::terminal::{moment, time};

/// How a place is typed.
const OFFSET: &str = "offset:";

/// Up to where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum At {
    /// To the end.
    #[default]
    Now,
    /// With this offset as the last one.
    Offset(i64),
    /// With the last record of the key before one that was written later than this.
    Time(Timestamp),
}

impl At {
    pub(super) fn typed(text: &str) -> Result<At, String> {
        let place = text.strip_prefix(OFFSET).map(str::parse);
        match (place, moment(text)) {
            (Some(Ok(offset @ 0..)), _) => Ok(At::Offset(offset)),
            (Some(_), _) => Err(format!("expected a number of 0 or more behind `{OFFSET}`")),
            (None, Some(at)) => Ok(At::Time(at)),
            (None, None) => Err(format!(
                "expected a time such as 2026-11-23T08:00:00Z, how long ago, such as 10m or 2h, or {OFFSET}123"
            )),
        }
    }

    /// Whether the record stood there by then.
    pub(super) fn covers(self, record: &Record<'_>) -> bool {
        match self {
            At::Now => true,
            At::Offset(last) => record.offset <= last,
            At::Time(at) => record.timestamp <= at,
        }
    }
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            At::Now => f.write_str("now"),
            At::Offset(offset) => write!(f, "right behind offset {offset}"),
            At::Time(at) => f.write_str(&time(*at)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_a_while_ago_and_an_offset_can_be_typed_and_nothing_else() {
        let at = Timestamp::from_millis(1_795_420_800_000);
        assert_eq!(At::typed("2026-11-23T08:00:00Z"), Ok(At::Time(at)));
        assert_eq!(At::typed("offset:0"), Ok(At::Offset(0)));
        assert!(matches!(At::typed("2h"), Ok(At::Time(_))));
        for bad in [
            "",
            "12",
            "yesterday",
            "offset:",
            "offset:-1",
            "offset:x",
            "offset",
        ] {
            let error = At::typed(bad).unwrap_err();
            assert!(error.contains("offset:"), "{bad}: {error}");
        }
    }
}
