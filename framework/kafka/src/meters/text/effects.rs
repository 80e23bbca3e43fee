//! What waits for a port, and how its calls go.

use std::fmt;

use prometheus_client::registry::Unit;

use crate::effects::LaneStanding;

use super::family::Family;

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge is a number that people read"
)]
pub(super) fn encode(family: &mut Family<'_, '_>, lanes: &[LaneStanding]) -> fmt::Result {
    let labels = |lane: &LaneStanding| {
        [
            ("aggregate", lane.aggregate.to_string()),
            ("request", lane.request.to_owned()),
        ]
    };
    let gauge =
        |get: fn(&LaneStanding) -> f64| lanes.iter().map(move |lane| (labels(lane), get(lane)));
    let help = "Requests that no effect has answered yet";
    family.gauges(
        "kolo_effects_pending",
        help,
        None,
        gauge(|lane| lane.pending as f64),
    )?;
    let help = "How long ago the earliest request without an answer was recorded";
    let oldest = gauge(|lane| lane.oldest.as_secs_f64());
    family.gauges("kolo_effect_oldest", help, Some(&Unit::Seconds), oldest)?;
    let help = "1 while the breaker makes no call, or one tries";
    let open = gauge(|lane| f64::from(u8::from(lane.is_open)));
    family.gauges("kolo_effect_breaker_open", help, None, open)?;
    let calls = lanes.iter().map(|lane| (labels(lane), lane.calls));
    family.counters("kolo_effect_calls", "Calls of the port", calls)?;
    let failures = lanes.iter().map(|lane| (labels(lane), lane.failures));
    family.counters(
        "kolo_effect_failures",
        "Calls of the port that failed",
        failures,
    )
}
