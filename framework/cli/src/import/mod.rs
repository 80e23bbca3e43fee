//! `kolo import`.
use crate::args::Import;
use crate::failure::Failure;
use kolo_kafka::Config;
pub(crate) fn run(_args: &Import, _config: &Config) -> Result<(), Failure> {
    Ok(())
}
