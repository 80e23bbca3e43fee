//! The README shows this service whole, as it is.

#[test]
fn the_readme_shows_the_service_as_it_is() {
    let readme = include_str!("../../../README.md");
    let service = include_str!("../src/lib.rs");
    assert!(
        readme.contains(&format!("```rust\n{service}```")),
        "copy services/order/src/lib.rs into README.md's chapter \"A whole service\""
    );
}
