//! `kolo check --explain`: what a code means.

use std::io::Write;

use kolo_core::choreography::Code;

use crate::failure::Failure;
use crate::near::suggestion;
use crate::terminal::{EVENT, paint};

pub(super) fn explain(code: &str) -> Result<(), Failure> {
    let Some(known) = Code::find(code) else {
        let slugs = Code::ALL.map(Code::slug);
        let guess = suggestion(code, "codes", &slugs);
        return Err(Failure::input(format!("there is no code `{code}`.{guess}")));
    };
    let mut out = anstream::stdout().lock();
    let name = paint(EVENT, known.slug());
    writeln!(out, "{name} ({})", known.severity())?;
    writeln!(out, "\n{}\n\n{}", known.title(), known.explanation())?;
    writeln!(
        out,
        "\nAs it should be? `.accepts(\"{}\", \"why\")` on the aggregate that it is about.",
        known.slug()
    )?;
    Ok(())
}
