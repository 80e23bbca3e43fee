//! The schemas against their published versions, with those who read each event, as one line of a test.

use std::path::Path;

use kolo_avro::schema::Tree;
use kolo_avro::schema::published::Published;
use kolo_avro::versions::{Mode, State, check, state};
use kolo_core::Service;
use kolo_core::choreography::Manifest;

/// Checks that each schema of a folder, the one that holds `avro` and `published`, is published as it stands, and that any two
/// of its versions read each other. A finding names the file, the field, the rule, and every service that reads the event,
/// with file and line.
///
/// The build of the schemas refuses the same, as far as its generator is told to; but it knows no service.
///
/// ```
/// # use kolo_core::{Aggregate, Received, Service, State, Timestamp};
/// # use shop_schemas::inventory::{StockAdded, StockEvent, StockReceived};
/// # #[derive(Default)]
/// # struct Stock;
/// # impl State for Stock {
/// #     type Event = StockEvent;
/// #     fn evolve(&mut self, _: &StockEvent, _: Timestamp) {}
/// # }
/// # fn receive(_: &Stock, goods: &Received<StockReceived>) -> StockAdded {
/// #     StockAdded { sku: goods.sku.clone(), quantity: goods.quantity }
/// # }
/// # fn service() -> Service {
/// #     Service::new("inventory").aggregate(Aggregate::<Stock>::new("stock").on(receive))
/// # }
/// kolo_testing::check_schemas([service()], concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas"));
/// ```
///
/// # Panics
/// With all findings, where there is one; and where the folder holds no schemas that can be read.
#[track_caller]
pub fn check_schemas(services: impl IntoIterator<Item = Service>, folder: impl AsRef<Path>) {
    let builds: Vec<Manifest> = services
        .into_iter()
        .map(|one| Manifest::from(&one))
        .collect();
    let found = match findings(&builds, folder.as_ref()) {
        Ok(found) => found,
        Err(problem) => panic!("the schemas cannot be read\n\n{problem}\n"),
    };
    assert!(
        found.is_empty(),
        "the schemas have findings; docs/schemas.md says what may change and how\n\n{}\n",
        found.join("\n\n")
    );
}

fn findings(builds: &[Manifest], folder: &Path) -> Result<Vec<String>, String> {
    let tree = Tree::load(&folder.join("avro")).map_err(|errors| errors.to_string())?;
    let published =
        Published::load(&folder.join("published")).map_err(|errors| errors.to_string())?;
    let broken = check(&tree, &published, Mode::Full, true);
    let mut found: Vec<String> = broken
        .iter()
        .map(|broken| format!("{}{}", broken.error, read_by(builds, &broken.event)))
        .collect();
    for event in tree.events() {
        let (name, file) = (&event.record.name, event.file.display());
        let is_broken = broken.iter().any(|broken| broken.event == *name);
        if !is_broken && !matches!(state(&tree, &published, name), State::Published { .. }) {
            let readers = read_by(builds, name);
            found.push(format!(
                "{file}: `{name}` is not published as it stands: publish it before records are written with it{readers}\n  next: kolo schema publish {name}"
            ));
        }
    }
    Ok(found)
}

/// A line for each place that answers an event.
fn read_by(builds: &[Manifest], event: &str) -> String {
    let readers = builds.iter().flat_map(|build| build.readers(event));
    readers
        .map(|reader| format!("\n  read by {reader}"))
        .collect()
}
