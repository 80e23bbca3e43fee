#[path = "../../common/mod.rs"]
mod common;

fn main() {
    let service = common::domain::service();
    assert_eq!(service.aggregates().len(), 2);
}
