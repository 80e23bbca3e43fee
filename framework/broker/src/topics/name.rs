//! What a topic may be called, as Kafka has it.

use kafka_protocol::ResponseError;

use super::Refusal;

const MAX_CHARS: usize = 249;

/// Checks a new topic's name, but for a collision with others.
pub(super) fn check(name: &str) -> Result<(), Refusal> {
    let wrong = if name.is_empty() {
        "the empty string is not allowed".to_owned()
    } else if name == "." || name == ".." {
        format!("'{name}' is not allowed")
    } else if name.chars().count() > MAX_CHARS {
        format!("the length of '{name}' is longer than the max allowed length {MAX_CHARS}")
    } else if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    {
        format!(
            "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
        )
    } else {
        return Ok(());
    };
    Err(Refusal::new(
        ResponseError::InvalidTopicException,
        format!("Topic name is invalid: {wrong}"),
    ))
}

/// `.` and `_` are the same in the names of Kafka's metrics: two topics may not differ in these alone.
pub(super) fn collides(name: &str, other: &str) -> bool {
    let same = |byte: u8| if byte == b'.' { b'_' } else { byte };
    name != other && name.len() == other.len() && name.bytes().map(same).eq(other.bytes().map(same))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_as_kafka_takes_them() {
        for good in ["a", "A.b_c-9", "...", &"x".repeat(249), "__own"] {
            assert!(check(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".",
            "..",
            "a b",
            "a/b",
            "ä",
            "a\0",
            "a:b",
            &"x".repeat(250),
        ] {
            assert_eq!(
                check(bad).unwrap_err().code,
                ResponseError::InvalidTopicException,
                "{bad}"
            );
        }
    }

    #[test]
    fn dots_and_underscores_collide() {
        assert!(collides("a.b", "a_b"));
        assert!(collides("a_b.c", "a.b_c"));
        assert!(!collides("a.b", "a.b"));
        assert!(!collides("a.b", "a-b"));
        assert!(!collides("a.b", "a.bc"));
    }
}
