//! Which traces are told, as the environment of all OpenTelemetry says: `OTEL_TRACES_SAMPLER` and its `_ARG`.

use super::context::{Context, halves, mixed};

/// Which traces are told. All services say the same of a trace if they are set up alike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sampler {
    /// Whether a `traceparent` decides where there is one.
    by_parent: bool,
    /// How many of the others, from 0 to 1.
    ratio: f64,
}

impl Sampler {
    /// What the environment says, or why it says nothing.
    pub(super) fn from_env() -> Result<Self, String> {
        let text = |name: &str| std::env::var(name).unwrap_or_default();
        Sampler::read(
            &text("OTEL_TRACES_SAMPLER"),
            &text("OTEL_TRACES_SAMPLER_ARG"),
        )
    }

    pub(super) const ALL: Sampler = Sampler {
        by_parent: true,
        ratio: 1.0,
    };

    fn read(name: &str, ratio: &str) -> Result<Self, String> {
        let (by_parent, root) = match name.strip_prefix("parentbased_") {
            Some(root) => (true, root),
            None => (name.is_empty(), name),
        };
        let ratio = match root {
            "" | "always_on" => 1.0,
            "always_off" => 0.0,
            "traceidratio" if ratio.is_empty() => 1.0,
            "traceidratio" => {
                let known = ratio
                    .parse()
                    .ok()
                    .filter(|ratio| (0.0..=1.0).contains(ratio));
                known.ok_or_else(|| {
                    format!("OTEL_TRACES_SAMPLER_ARG={ratio} is no share from 0 to 1")
                })?
            }
            _ => {
                return Err(format!(
                    "OTEL_TRACES_SAMPLER={name} is not known: always_on, always_off and traceidratio are, each also behind `parentbased_`"
                ));
            }
        };
        Ok(Sampler { by_parent, ratio })
    }

    pub(super) fn samples(&self, context: &Context) -> bool {
        if let Some(parent) = context.parent.filter(|_| self.by_parent) {
            return parent.is_sampled;
        }
        let [first, last] = halves(&context.trace.to_bytes());
        let number = match context.parent {
            // As every other sampler of this kind.
            Some(_) => last,
            // A saga's id has bits that are the same in all, or tell the time.
            None => mixed(first ^ last),
        };
        #[expect(
            clippy::cast_precision_loss,
            reason = "a share of all traces is not exact anyway"
        )]
        let share = (number >> 1) as f64 / (1u64 << 63) as f64;
        share < self.ratio
    }
}

#[cfg(test)]
mod tests {
    use kolo_core::CorrelationId;

    use super::*;

    fn told(sampler: &str, ratio: &str, traceparent: impl Fn(u32) -> Option<String>) -> u32 {
        let sampler = Sampler::read(sampler, ratio).unwrap();
        let contexts = (0..1_000).map(|number| {
            let saga = CorrelationId::of_saga(&number.to_string());
            Context::of(saga, traceparent(number).as_deref())
        });
        let told = contexts.filter(|context| sampler.samples(context));
        u32::try_from(told.count()).unwrap()
    }

    fn flagged(flags: &'static str) -> impl Fn(u32) -> Option<String> {
        move |number| {
            let last = mixed(u64::from(number) + 1);
            Some(format!(
                "00-00000000000000aa{last:016x}-00f067aa0ba902b7-{flags}"
            ))
        }
    }

    #[test]
    fn a_share_of_the_traces_is_told_whichever_ids_they_have() {
        for traceparent in [|_| None, |number| flagged("00")(number)] {
            assert_eq!(told("always_on", "", traceparent), 1_000);
            assert_eq!(told("always_off", "", traceparent), 0);
            assert_eq!(told("traceidratio", "0", traceparent), 0);
            let some = told("traceidratio", "0.25", traceparent);
            assert!((200..300).contains(&some), "{some}");
        }
    }

    #[test]
    fn a_traceparent_decides_unless_it_is_not_to() {
        assert_eq!(told("", "", flagged("00")), 0);
        assert_eq!(told("parentbased_always_off", "", flagged("01")), 1_000);
        assert_eq!(told("parentbased_always_off", "", |_| None), 0);
        assert_eq!(
            told("parentbased_traceidratio", "0.1", flagged("01")),
            1_000
        );
    }

    #[test]
    fn what_is_no_sampler_is_named() {
        assert_eq!(Sampler::read("", ""), Ok(Sampler::ALL));
        assert!(
            Sampler::read("jaeger_remote", "")
                .unwrap_err()
                .contains("jaeger_remote")
        );
        assert!(
            Sampler::read("traceidratio", "2")
                .unwrap_err()
                .contains("_ARG=2")
        );
    }
}
