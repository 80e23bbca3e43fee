//! `docs/choreography.md` is what the declarations say.

use std::path::Path;

use kolo_avro::compat::reads;

use crate::choreography;

const HEAD: &str = "\
# The choreography of the sample

This page is made from the services' declarations by `scripts/choreography`; a test fails when it is stale.
[choreography-checks.md](choreography-checks.md) says what is checked.

";

#[test]
fn the_page_is_what_the_declarations_say() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/choreography.md");
    let choreography = choreography();
    let text = format!(
        "{HEAD}{}",
        choreography.page(&choreography.check_with(&reads))
    );
    if std::env::var_os("KOLO_WRITE_DOCS").is_some() {
        std::fs::write(&page, text).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert_eq!(
        written, text,
        "docs/choreography.md is stale: run scripts/choreography"
    );
}
