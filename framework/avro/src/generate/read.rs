//! Expressions that read a value of the schema in use; each is a `Result<T, Fault>` over a reader called `r`.

use super::model::Model;
use crate::schema::{Kind, Logical, Named, Schema, Types, min_bytes};

pub(super) fn expression(model: &Model<'_>, schema: &Schema, from: &str) -> String {
    if let Some((null, inner)) = schema.nullable() {
        return format!("r.nullable({null}, |r| {})", expression(model, inner, from));
    }
    let raw = match (&schema.kind, schema.logical) {
        (Kind::Array(items), _) => {
            let least = min_bytes(items, model.types());
            return format!("r.array({least}, |r| {})", expression(model, items, from));
        }
        (Kind::Map(values), _) => return format!("r.map(|r| {})", expression(model, values, from)),
        (Kind::Named(name), logical) => {
            return match (model.types().get(name), logical) {
                (Some(Named::Fixed(fixed)), Logical::Decimal { precision, scale }) => {
                    format!("r.decimal_fixed::<{precision}, {scale}>({})", fixed.size)
                }
                (Some(Named::Fixed(fixed)), _) => format!("r.fixed::<{}>()", fixed.size),
                _ => format!("{}::avro_read(r)", Model::path(name, from)),
            };
        }
        (_, Logical::Uuid) => "r.uuid()".to_owned(),
        (_, Logical::Decimal { precision, scale }) => {
            format!("r.decimal::<{precision}, {scale}>()")
        }
        (Kind::Null | Kind::Union(_), _) => "Ok(())".to_owned(),
        (kind, _) => format!("r.{}()", kind.primitive().unwrap_or_default()),
    };
    wrap(schema, &raw)
}

/// Wraps what a primitive read gives into the Rust type of `schema`.
pub(super) fn wrap(schema: &Schema, raw: &str) -> String {
    let logical = match schema.logical {
        Logical::Date => ".map(avro::Date)",
        Logical::TimestampMillis => ".map(avro::TimestampMillis)",
        Logical::TimestampMicros => ".map(avro::TimestampMicros)",
        Logical::None | Logical::Uuid | Logical::Decimal { .. } => "",
    };
    match &schema.newtype {
        Some(newtype) => format!("{raw}{logical}.map(super::{newtype})"),
        None => format!("{raw}{logical}"),
    }
}

/// An expression that steps over a value; a record is left to `record`, which gives the call of a function.
pub(super) fn skip(
    schema: &Schema,
    types: &Types,
    record: &mut impl FnMut(&str) -> String,
) -> String {
    match &schema.kind {
        Kind::Null => "Ok(())".to_owned(),
        Kind::Boolean => "r.skip(1)".to_owned(),
        Kind::Int | Kind::Long => "r.skip_long()".to_owned(),
        Kind::Float => "r.skip(4)".to_owned(),
        Kind::Double => "r.skip(8)".to_owned(),
        Kind::Bytes | Kind::String => "r.skip_slice()".to_owned(),
        Kind::Array(items) => {
            format!(
                "r.skip_array({}, |r| {})",
                min_bytes(items, types),
                skip(items, types, record)
            )
        }
        Kind::Map(values) => format!("r.skip_map(|r| {})", skip(values, types, record)),
        Kind::Union(_) => match schema.nullable() {
            Some((null, inner)) => format!(
                "r.skip_nullable({null}, |r| {})",
                skip(inner, types, record)
            ),
            None => "Ok(())".to_owned(),
        },
        Kind::Named(name) => match types.get(name) {
            Some(Named::Record(_)) => record(name),
            Some(Named::Fixed(fixed)) => format!("r.skip({})", fixed.size),
            Some(Named::Enum(of)) => format!("r.index({}).map(drop)", of.symbols.len()),
            None => "Ok(())".to_owned(),
        },
    }
}
