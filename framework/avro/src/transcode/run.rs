//! The steps, done with the bytes of a value.

use super::plan::{Fields, Part, Plan, Step};
use crate::codec::{Fault, Reader, write};

pub(super) fn run(plan: &Plan, value: &[u8], body: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    let mut reader = Reader::new(value, body);
    plan.step(&plan.root, &mut reader, out)?;
    reader.finish()
}

impl Plan {
    fn step(&self, step: &Step, r: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        match step {
            Step::Null => {}
            Step::Boolean => write::boolean(out, r.boolean()?),
            Step::Int => write::int(out, r.int()?),
            Step::Long => write::long(out, r.long()?),
            Step::Float(size) | Step::Fixed(size) => out.extend_from_slice(r.take(*size)?),
            Step::Slice => write::bytes(out, r.slice()?),
            // Avro promotes to the nearest float, as the generated code does.
            Step::IntAsFloat => write::float(out, r.int()? as f32),
            Step::IntAsDouble => write::double(out, f64::from(r.int()?)),
            Step::LongAsFloat => write::float(out, r.long()? as f32),
            Step::LongAsDouble => write::double(out, r.long()? as f64),
            Step::FloatAsDouble => write::double(out, f64::from(r.float()?)),
            Step::Enum(indexes) => write::count(out, indexes[r.index(indexes.len())?]),
            Step::Array { min_bytes, items } => {
                r.blocks(*min_bytes, |r, count| {
                    if count > 0 {
                        write::count(out, count);
                    }
                    (0..count).try_for_each(|_| self.step(items, r, out))
                })?;
                out.push(0);
            }
            Step::Map(values) => {
                r.blocks(1, |r, count| {
                    if count > 0 {
                        write::count(out, count);
                    }
                    (0..count).try_for_each(|_| {
                        write::bytes(out, r.slice()?);
                        self.step(values, r, out)
                    })
                })?;
                out.push(0);
            }
            Step::Nullable {
                null,
                as_null,
                inner,
            } => {
                if r.index(2)? == *null {
                    write::count(out, *as_null);
                } else {
                    write::count(out, 1 - as_null);
                    self.step(inner, r, out)?;
                }
            }
            Step::Branch { branch, inner } => {
                write::count(out, *branch);
                self.step(inner, r, out)?;
            }
            Step::Record(number) => self.record(&self.records[*number], r, out)?,
        }
        Ok(())
    }

    /// The writer's fields in its order, then the reader's in its own.
    fn record(&self, fields: &Fields, r: &mut Reader<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let start = out.len();
        let mut ends = Vec::with_capacity(fields.written.len());
        for written in &fields.written {
            let before = out.len();
            self.step(&written.step, r, out)
                .map_err(|fault| fault.within(written.name.clone()))?;
            if written.kept {
                ends.push(out.len() - start);
            } else {
                out.truncate(before);
            }
        }
        if fields
            .parts
            .iter()
            .enumerate()
            .all(|(at, part)| matches!(part, Part::Kept(kept) if *kept == at))
        {
            return Ok(());
        }
        let kept = out.split_off(start);
        for part in &fields.parts {
            match part {
                Part::Kept(number) => {
                    let begin = number.checked_sub(1).map_or(0, |before| ends[before]);
                    out.extend_from_slice(&kept[begin..ends[*number]]);
                }
                Part::Default(bytes) => out.extend_from_slice(bytes),
            }
        }
        Ok(())
    }
}
