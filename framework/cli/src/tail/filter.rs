//! Which records are shown.

use kolo_core::CorrelationId;
use kolo_core::wire::is_own_record;

use super::row::Row;
use crate::args::Tail;
use crate::failure::Failure;
use crate::schemas::Schemas;

/// What `--type`, `--key` and `--correlation` ask for; void records are let through like valid ones.
#[derive(Debug)]
pub(super) struct Filter {
    types: Vec<String>,
    key: Option<String>,
    /// A uuid may be a correlation id, or the value of the saga's field.
    sagas: Vec<CorrelationId>,
}

impl Filter {
    pub(super) fn new(args: &Tail, schemas: Option<&Schemas>) -> Result<Self, Failure> {
        let types = args.types.iter().map(|name| match schemas {
            Some(schemas) if !is_own_record(name) => Ok(schemas.event(name)?.name().to_owned()),
            _ => Ok(name.clone()),
        });
        let sagas = args.correlation.iter().flat_map(|text| {
            text.parse()
                .ok()
                .into_iter()
                .chain([CorrelationId::of_saga(text)])
        });
        Ok(Filter {
            types: types.collect::<Result<_, Failure>>()?,
            key: args.key.clone(),
            sagas: sagas.collect(),
        })
    }

    pub(super) fn lets_through(&self, row: &Row) -> bool {
        let is_type = |event: &str| {
            let short = event.rsplit('.').next().unwrap_or(event);
            self.types
                .iter()
                .any(|wanted| wanted == event || wanted == short)
        };
        (self.types.is_empty() || row.event.as_deref().is_some_and(is_type))
            && (self.key.is_none() || row.key == self.key)
            && (self.sagas.is_empty()
                || row
                    .correlation
                    .is_some_and(|saga| self.sagas.contains(&saga)))
    }
}
