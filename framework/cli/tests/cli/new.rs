//! `kolo new`: what is written, what is refused, and the tutorial that quotes it. That a project compiles, passes its
//! tests and runs is for `scripts/new-project`, since it has to be built.

use std::fs;
use std::path::Path;

use super::common::{Ran, kolo};

/// Runs `kolo new` in this folder.
fn new_in(folder: &Path, args: &[&str]) -> Ran {
    let mut command = kolo(&[&["new"], args].concat());
    command.current_dir(folder).output().unwrap().into()
}

fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

#[test]
fn a_project_is_made_and_the_next_steps_are_told() {
    let folder = tempfile::tempdir().unwrap();
    let ran = new_in(folder.path(), &["my-shop"]).done();
    for step in ["  cd my-shop\n", "  cargo test ", "  cargo run -p my-shop "] {
        assert!(ran.out.contains(step), "{step} is missing in {}", ran.out);
    }
    assert_eq!(entries(folder.path()), ["my-shop"], "and nothing beside it");
    let project = folder.path().join("my-shop");
    assert!(read(&project.join("README.md")).starts_with("# my-shop\n"));
    assert!(read(&project.join("together/Cargo.toml")).contains("name = \"my-shop\"\n"));
    assert!(project.join(".gitignore").is_file());
    assert!(project.join(".github/workflows/ci.yml").is_file());

    // Unless told, it depends on the clone that the command was built from, and says who else cannot build it.
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let clone = clone.canonicalize().unwrap();
    let place = serde_json::to_string(&clone.join("framework/kolo")).unwrap();
    let manifest = read(&project.join("Cargo.toml"));
    assert!(
        manifest.contains(&format!("kolo = {{ path = {place} }}\n")),
        "{manifest}"
    );
    assert!(ran.err.contains("no other machine has"), "{}", ran.err);
}

#[test]
fn json_lists_every_file_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let url = "https://example.org/kolo";
    let args = ["my-shop", "--kolo-git", url, "--rev", "0123abc", "--json"];
    let made = new_in(folder.path(), &args).done().json();
    assert_eq!(made["name"], "my-shop");
    assert_eq!(
        made["kolo"],
        serde_json::json!({ "git": url, "rev": "0123abc" })
    );
    let project = Path::new(made["project"].as_str().unwrap());
    assert_eq!(project, folder.path().join("my-shop"));
    let files = made["files"].as_array().unwrap().iter();
    let files: Vec<&str> = files.map(|file| file.as_str().unwrap()).collect();
    for file in &files {
        assert!(project.join(file).is_file(), "{file}");
    }
    for wanted in [
        "Cargo.toml",
        "flight/src/lib.rs",
        "schemas/avro/hotel/RoomBooked.avsc",
        "schemas/published/hotel/RoomBooked/1.avsc",
        "schemas/published/hotel/RoomBooked/1.bin",
    ] {
        assert!(files.contains(&wanted), "{wanted} is missing in {files:?}");
    }
    let manifest = read(&project.join("Cargo.toml"));
    let dependency = format!("kolo-core = {{ git = \"{url}\", rev = \"0123abc\" }}\n");
    assert!(manifest.contains(&dependency), "{manifest}");
}

#[test]
fn the_directory_may_be_another_and_may_be_there_if_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("empty")).unwrap();
    new_in(folder.path(), &["my-shop", "--dir", "empty"]).done();
    let ran = new_in(folder.path(), &["my-shop", "--dir", "deep/er/it's"]).done();
    assert!(
        ran.out.contains("cd -- 'deep/er/it'\\''s'\n"),
        "{}",
        ran.out
    );
    for made in ["empty", "deep/er/it's"] {
        let readme = read(&folder.path().join(made).join("README.md"));
        assert!(readme.starts_with("# my-shop\n"), "{made}");
    }
}

#[test]
fn nothing_is_written_where_something_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("my-shop")).unwrap();
    fs::write(path.join("my-shop/notes"), "mine").unwrap();
    new_in(path, &["my-shop"]).fails(2, &["my-shop exists", "it holds \"notes\"", "--dir"]);
    for file in ["my-shop/notes", "my-shop/notes/deeper"] {
        new_in(path, &["shop", "--dir", file]).fails(2, &[file, "is a file", "--dir"]);
    }
    fs::create_dir(path.join("here")).unwrap();
    new_in(&path.join("here"), &["shop", "--dir", "."]).fails(2, &["is the current directory"]);
    assert_eq!(entries(path), ["here", "my-shop"]);
    assert_eq!(entries(&path.join("my-shop")), ["notes"]);
}

#[test]
fn a_name_that_is_no_crate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, words) in [
        ("my shop", "it has ' '"),
        ("../shop", "begin with a letter"),
        ("match", "keyword of Rust"),
        ("core", "comes with Rust"),
        ("hotel", "another crate of this name"),
    ] {
        let ran = new_in(folder.path(), &[name]);
        ran.fails(
            2,
            &[&format!("`{name}` cannot be"), words, "such as my-shop"],
        );
    }
    assert_eq!(entries(folder.path()), Vec::<String>::new());
}

#[test]
fn kolo_is_asked_for_where_it_cannot_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    fs::create_dir(path.join("other")).unwrap();
    for place in ["other", "nowhere"] {
        new_in(path, &["shop", "--kolo-path", place])
            .fails(2, &[place, "no clone of kolo", "framework/kolo/Cargo.toml"]);
    }
    for url in ["", "kolo", "git@example.org:me/kolo"] {
        new_in(path, &["shop", "--kolo-git", url]).fails(2, &["--kolo-git", "https://host/"]);
    }
    let usage = |args: &[&str], word: &str| {
        let ran = new_in(path, args);
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert!(ran.err.contains(word), "{word} is missing in {}", ran.err);
    };
    usage(&["shop", "--rev", "abc"], "--kolo-git");
    let both = ["shop", "--kolo-path", ".", "--kolo-git", "https://x/y"];
    usage(&both, "cannot be used with");
    assert_eq!(entries(path), ["other"]);
}

/// The parts of a page in fences of this language.
fn quoted<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    let parts = page.split(&fence).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap())
        .collect()
}

#[test]
fn the_tutorial_quotes_the_project_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let made = new_in(folder.path(), &["my-shop", "--json"]).done().json();
    let project = Path::new(made["project"].as_str().unwrap());
    let files = made["files"].as_array().unwrap().iter();
    let files = files.map(|file| file.as_str().unwrap());
    let sources: Vec<String> = files
        .filter(|file| !file.ends_with(".bin"))
        .map(|file| read(&project.join(file)))
        .collect();
    let page = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md"));
    let (mut code, mut taken_out) = (0, 0);
    for language in ["rust", "json", "toml"] {
        for part in quoted(&page, language) {
            code += 1;
            assert!(
                sources.iter().any(|source| source.contains(part)),
                "docs/tutorial.md quotes what is in no file of framework/cli/template:\n{part}"
            );
        }
    }
    // What the checks and the simulation say is compared by scripts/new-project, which has them say it.
    let found = |line: &&str| line.starts_with("error[") || line.starts_with("  ");
    let printed = quoted(&page, "text").into_iter();
    let printed = printed.filter(|part| !part.contains("KOLO_SIMULATION="));
    let printed = printed.flat_map(str::lines);
    for line in printed.filter(|line| !line.is_empty() && !found(line)) {
        code += 1;
        assert!(
            sources.iter().any(|source| source.contains(line)),
            "docs/tutorial.md shows what no test of framework/cli/template expects: {line}"
        );
    }
    for part in quoted(&page, "diff") {
        for line in part.lines().filter_map(|line| line.strip_prefix('-')) {
            taken_out += 1;
            let line = format!("{line}\n");
            assert!(
                sources.iter().any(|source| source.contains(&line)),
                "docs/tutorial.md takes out a line that is in no file of framework/cli/template: {line}"
            );
        }
    }
    assert!(code > 10 && taken_out >= 1, "{code} {taken_out}");
}
