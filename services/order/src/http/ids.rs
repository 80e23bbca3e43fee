//! What the client's key makes of orders and events. The same key gives the same ids, on every instance and at any time:
//! that is what makes a request that is sent again the same request.

use axum::http::HeaderMap;
use kolo::EventId;
use shop_schemas::order::OrderId;
use uuid::Uuid;

use super::problem::Problem;

/// The namespace of order ids that are derived from a client's key.
const NAMESPACE: Uuid = Uuid::from_u128(0x7368_6f70_0000_5000_8000_006f_7264_6572);

const HEADER: &str = "idempotency-key";
/// The most characters that a key may have.
const MOST: usize = 255;

/// What a client calls its request, so that it is the same when it is sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The key of a request, if it has one. Quotes around it are no part of it: some clients write it as the draft of the
    /// standard does, others as everybody does.
    pub(super) fn of(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut given = headers.get_all(HEADER).iter();
        let Some(value) = given.next() else {
            return Ok(None);
        };
        if given.next().is_some() {
            return Err(Problem::invalid_key("there are several; send one"));
        }
        let text = value.to_str().unwrap_or_default();
        let inside = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let text = inside.unwrap_or(text);
        let is_key = (1..=MOST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if !is_key {
            return Err(Problem::invalid_key(
                "it takes 1 to 255 visible ASCII characters and no blanks; a UUID does well",
            ));
        }
        Ok(Some(IdempotencyKey(text.to_owned())))
    }
}

/// The order that a request is about; without a key, a new one each time.
pub(super) fn order_id(key: Option<&IdempotencyKey>) -> OrderId {
    OrderId(match key {
        Some(key) => Uuid::new_v5(&NAMESPACE, key.0.as_bytes()),
        None => Uuid::now_v7(),
    })
}

/// The id of the event that places an order.
pub(super) fn created(order_id: OrderId) -> EventId {
    EventId(Uuid::new_v5(&order_id.0, b"OrderCreated"))
}

/// The id of the event that asks for its end. Without a key all requests are one: nobody cancels an order twice.
pub(super) fn cancelled(order_id: OrderId, key: Option<&IdempotencyKey>) -> EventId {
    let name = match key {
        Some(key) => format!("CancelRequested {}", key.0),
        None => "CancelRequested".to_owned(),
    };
    EventId(Uuid::new_v5(&order_id.0, name.as_bytes()))
}

/// The trace that a request belongs to, if it says so as W3C has it.
pub(super) fn traceparent(headers: &HeaderMap) -> Option<&str> {
    let text = headers.get("traceparent")?.to_str().ok()?;
    let mut parts = text.split('-');
    let mut hex = |digits: usize| {
        let part = parts.next()?;
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        (part.len() == digits && part.bytes().all(is_hex)).then_some(part)
    };
    let version = hex(2)?;
    let (trace, parent, _) = (hex(32)?, hex(16)?, hex(2)?);
    let says_something = |id: &str| id.bytes().any(|byte| byte != b'0');
    let is_whole = version == "00" && parts.next().is_none();
    (is_whole && says_something(trace) && says_something(parent)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[&str]) -> Result<Option<IdempotencyKey>, Problem> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(HEADER, value.parse().unwrap());
        }
        IdempotencyKey::of(&headers)
    }

    #[test]
    fn a_key_is_what_is_in_its_quotes_and_has_its_limits() {
        let plain = key(&["k-1"]).unwrap().unwrap();
        assert_eq!(key(&["\"k-1\""]).unwrap().unwrap(), plain);
        assert_eq!(key(&[]).unwrap(), None);
        assert!(key(&[&"k".repeat(255)]).unwrap().is_some());
        for wrong in [
            &["two", "keys"][..],
            &[""],
            &["\"\""],
            &["a b"],
            &["schlüssel"],
        ] {
            assert!(key(wrong).is_err(), "{wrong:?}");
        }
        assert!(key(&[&"k".repeat(256)]).is_err());
    }

    #[test]
    fn the_same_key_gives_the_same_ids_and_no_key_a_new_order() {
        let (one, other) = (key(&["1"]).unwrap(), key(&["2"]).unwrap());
        let order = order_id(one.as_ref());
        // They are on the wire, and in clients' books: they never change.
        assert_eq!(order.to_string(), "9f247361-10af-5b63-b250-849806053127");
        assert_eq!(order_id(one.as_ref()), order);
        assert_ne!(order_id(other.as_ref()), order);
        assert_ne!(order_id(None), order_id(None));
        assert_eq!(created(order), created(order));
        let ids = [
            created(order),
            cancelled(order, None),
            cancelled(order, one.as_ref()),
            cancelled(order, other.as_ref()),
            cancelled(order_id(other.as_ref()), one.as_ref()),
        ];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{ids:?}");
        }
    }

    #[test]
    fn a_trace_is_carried_on_only_if_it_is_one() {
        let trace = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", text.parse().unwrap());
            traceparent(&headers).map(str::to_owned)
        };
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        assert_eq!(trace(good).as_deref(), Some(good));
        for bad in [
            "",
            "00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(trace(bad), None, "{bad}");
        }
    }
}
