//! From one version's bytes to another's: what a writer wrote, as the reader's own schema would have written it.
//!
//! Decoders are generated, and read the versions that were published to their build. A version that somebody else has
//! published since is known at run time only, from a schema registry. Its values are turned into values of the reader's
//! schema here, by Avro's rules of schema resolution, and the generated decoder reads those. So there is one decoder, and
//! what is read of such a version is what the next build reads of it, whose decoder is generated with it.
//!
//! - `plan`: made once for each pair of schemas; pairs that the generator refuses are refused
//! - `run`: done for each value

mod plan;
mod run;

use crate::codec::Fault;
use crate::compat::trouble;
use crate::schema::Document;
use plan::Plan;

/// Turns values of one writer's schema into values of one reader's.
#[derive(Debug)]
pub struct Transcoder(Plan);

impl Transcoder {
    /// Plans how values of `writer` become values of `reader`.
    ///
    /// # Errors
    /// Why `reader` does not read what `writer` writes, in words. The generator refuses the same, if `writer` is published
    /// beside it.
    pub fn new(reader: &Document, writer: &Document) -> Result<Self, String> {
        writer
            .check_supported()
            .map_err(|errors| errors.to_string().replace('\n', "; "))?;
        trouble(reader, writer).map_or_else(|| Plan::new(reader, writer).map(Self), Err)
    }

    /// Appends to `out` what the reader's schema would have written for the value whose body begins at the offset `body`
    /// of `value`. Texts are taken over as they are: whether they are UTF-8, or a uuid, is asked by whoever reads `out`.
    ///
    /// # Errors
    /// When the bytes are not what the writer's schema says; `out` is of no use then.
    pub fn run(&self, value: &[u8], body: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        run::run(&self.0, value, body, out)
    }
}
