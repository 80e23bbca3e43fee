//! `kolo graph`: the drawing.

use std::io::Write;

use kolo_core::choreography::{Choreography, Drawing};

use crate::args::Graph;
use crate::failure::Failure;

pub(super) fn graph(args: &Graph, choreography: &Choreography) -> Result<(), Failure> {
    let drawing = Drawing {
        format: args.format,
        all: args.all,
        saga: args.saga.clone(),
    };
    let text = choreography
        .draw(&drawing)
        .map_err(|unknown| Failure::input(unknown.to_string()))?;
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}
