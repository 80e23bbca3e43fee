//! All meters as Prometheus reads them, in the `OpenMetrics` text format.
//!
//! | file | idea |
//! |---|---|
//! | `family.rs` | a family of metrics: one name, and samples with labels |
//! | `work.rs` | what an aggregate has done |
//! | `partitions.rs` | how its partitions stand |
//! | `lags.rs` | how far its inputs are read, and its routes |
//! | `effects.rs` | what waits for a port |

mod effects;
mod family;
mod lags;
mod partitions;
mod work;

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text::encode};
use prometheus_client::registry::Registry;

use super::{AggregateMeters, LifeMeters, Meters, Standing};

use family::Family;

/// The text of a scrape.
///
/// # Errors
/// None that a text in memory could have.
pub(crate) fn text(meters: &Arc<Meters>) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape(Arc::clone(meters))));
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

struct Scrape(Arc<Meters>);

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrape")
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let meters = &*self.0;
        let mut family = Family {
            encoder: &mut encoder,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        let service = meters.service.to_owned();
        let build = [([("service", service), ("kolo", version)], 1.0)];
        family.gauges("kolo_build", "1, with what runs here", None, build)?;
        work::encode(&mut family, &meters.aggregates)?;
        let standings = standings(&meters.aggregates);
        partitions::encode(&mut family, &meters.aggregates, &standings)?;
        lags::encode(&mut family, &meters.aggregates, &standings)?;
        effects::encode(&mut family, &meters.pool.lanes())?;
        let Some(traces) = &meters.traces else {
            return Ok(());
        };
        let help = "Spans that nobody was told of, since too many waited, or the collector did not take them";
        let dropped = [([("service", meters.service.to_owned())], traces.dropped())];
        family.counters("kolo_spans_dropped", help, dropped)
    }
}

/// An owned partition, with the aggregate that it is of.
type Owned<'a> = (&'a AggregateMeters, Standing);

/// All that are owned here.
fn standings(all: &[Arc<AggregateMeters>]) -> Vec<Owned<'_>> {
    let of = |meters: &AggregateMeters| -> Vec<Standing> {
        let workers = meters.workers.iter().filter_map(LifeMeters::session);
        workers.flat_map(|(_, owned)| owned.to_vec()).collect()
    };
    let owned = |meters| of(meters).into_iter().map(move |owned| (meters, owned));
    all.iter().map(|meters| &**meters).flat_map(owned).collect()
}

fn aggregate(meters: &AggregateMeters) -> (&'static str, String) {
    ("aggregate", meters.name.clone())
}
