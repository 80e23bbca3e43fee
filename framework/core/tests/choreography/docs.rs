//! The list of codes in the docs is the one that the checks use.

use kolo_core::choreography::Code;

#[test]
fn the_docs_list_the_codes() {
    let page =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/choreography-checks.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (begin, end) = ("<!-- codes -->\n", "<!-- end of codes -->");
    let (head, rest) = text.split_once(begin).unwrap();
    let (listed, tail) = rest.split_once(end).unwrap();
    let list = format!("\n{}", Code::list());
    if std::env::var_os("KOLO_WRITE_DOCS").is_some() {
        std::fs::write(&page, format!("{head}{begin}{list}{end}{tail}")).unwrap();
    } else {
        assert_eq!(listed, list, "stale: run scripts/choreography");
    }
}

#[test]
fn slugs_are_found_and_differ() {
    for code in Code::ALL {
        assert_eq!(Code::find(code.slug()), Some(code));
    }
    assert_eq!(Code::find("never-heard"), None);
}
