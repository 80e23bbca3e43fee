//! `?wait=2s`: the answer waits for the outcome, and is what is known when the time is over.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::Query;
use axum::http::Uri;
use shop_schemas::order::OrderId;
use tokio::sync::SemaphorePermit;
use tokio::time::Instant;

use super::Api;
use super::problem::Problem;
use super::view::Known;

/// The longest that a request waits, whatever it asks for: less than what is between it and its client may allow.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a request wants to wait.
pub(super) fn of(uri: &Uri) -> Result<Option<Duration>, Problem> {
    let query = Query::<BTreeMap<String, String>>::try_from_uri(uri);
    let Query(query) = query.map_err(|error| Problem::invalid_query(error.to_string()))?;
    if let Some(other) = query.keys().find(|name| *name != "wait") {
        let detail = format!("there is no parameter `{other}`; there is `wait`, as in `?wait=2s`");
        return Err(Problem::invalid_query(detail));
    }
    query.get("wait").map(|text| duration(text)).transpose()
}

fn duration(text: &str) -> Result<Duration, Problem> {
    let millis = text.strip_suffix("ms");
    let (digits, unit) = match (millis, text.strip_suffix('s')) {
        (Some(millis), _) => (millis, 1),
        (None, Some(seconds)) => (seconds, 1_000),
        (None, None) => ("", 0),
    };
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number {
        let detail = format!("`wait={text}` is no time: give `2s` or `500ms`, up to 30s");
        return Err(Problem::invalid_query(detail));
    }
    // A number with more digits than can be counted is longer than any that is allowed.
    let millis = digits
        .parse::<u64>()
        .unwrap_or(u64::MAX)
        .saturating_mul(unit);
    Ok(Duration::from_millis(millis).min(LONGEST))
}

/// The leave to wait.
pub(super) struct Leave<'a> {
    _place: SemaphorePermit<'a>,
    until: Instant,
}

/// The leave to wait so long; none where as many wait as may.
pub(super) fn leave(api: &Api, wait: Duration) -> Option<Leave<'_>> {
    Some(Leave {
        _place: api.waiting.try_acquire().ok()?,
        until: Instant::now() + wait,
    })
}

impl Leave<'_> {
    /// Waits until the order has ended, the time is over, or the process stops; and says what is known then.
    pub(super) async fn outcome(self, api: &Api, order_id: OrderId) -> Option<Known> {
        let watch = api.view.watch(order_id);
        loop {
            let changed = watch.changed.notified();
            tokio::pin!(changed);
            // Before it is looked, so that no change is missed in between.
            changed.as_mut().enable();
            let known = api.view.get(order_id);
            if known
                .as_ref()
                .is_some_and(|known| known.outcome.is_some() || known.is_unreadable)
            {
                return known;
            }
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(self.until) => return api.view.get(order_id),
                () = api.beside.stopping() => return api.view.get(order_id),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(query: &str) -> Result<Option<Duration>, Problem> {
        of(&format!("/orders/1{query}").parse().unwrap())
    }

    #[test]
    fn a_time_has_a_unit_and_a_limit() {
        let seconds = |count| Some(Duration::from_secs(count));
        assert_eq!(wait("").unwrap(), None);
        assert_eq!(wait("?wait=2s").unwrap(), seconds(2));
        assert_eq!(
            wait("?wait=500ms").unwrap(),
            Some(Duration::from_millis(500))
        );
        assert_eq!(wait("?wait=0s").unwrap(), seconds(0));
        assert_eq!(wait("?wait=31s").unwrap(), seconds(30));
        assert_eq!(wait("?wait=99999999999999999999s").unwrap(), seconds(30));
        for wrong in [
            "?wait",
            "?wait=",
            "?wait=2",
            "?wait=s",
            "?wait=-1s",
            "?wait=1.5s",
            "?weit=2s",
        ] {
            assert!(wait(wrong).is_err(), "{wrong}");
        }
    }
}
