//! `kolo schema`, on a copy of the sample's schemas, with the manifests of the sample's services.

mod check;
mod deployed;
mod diff;
mod pages;
mod planted;
mod publish;
mod registered;
mod show;
mod upcasts;

use std::path::{Path, PathBuf};

use kolo_core::choreography::Manifest;

use super::common::{Ran, kolo};

/// A copy of the sample's schemas, and its services' manifests as files.
struct Shop {
    folder: tempfile::TempDir,
}

const SERVICES: [&str; 3] = ["order.json", "inventory.json", "payment.json"];

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas");
        for part in ["avro", "published"] {
            let to = folder.path().join("schemas").join(part);
            copy(&sample.join(part), &to);
        }
        let shop = Shop { folder };
        for manifest in manifests() {
            shop.manifest(&format!("{}.json", manifest.service), &manifest);
        }
        shop
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn manifest(&self, name: &str, manifest: &Manifest) {
        std::fs::write(self.path(name), manifest.to_json()).unwrap();
    }

    /// Changes the text of a schema, which must have what is replaced.
    fn change(&self, event: &str, from: &str, to: &str) {
        let file = self.path(&format!("schemas/avro/{event}.avsc"));
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(from), "{from} is not in {text}");
        std::fs::write(&file, text.replace(from, to)).unwrap();
    }

    /// Adds a field, as JSON, at the end of an event whose last field is the one with this doc.
    fn add(&self, event: &str, last_doc: &str, field: &str) {
        let last = format!("{last_doc}\"}}");
        self.change(event, &last, &format!("{last},\n    {field}"));
    }

    /// `kolo schema …` in the folder, without brokers.
    fn schema(&self, args: &[&str]) -> Ran {
        let all = [&["schema"], args].concat();
        let mut command = kolo(&all);
        command.current_dir(self.folder.path());
        command.env("KOLO_BOOTSTRAP", "127.0.0.1:1");
        command.output().unwrap().into()
    }

    /// `kolo schema … order.json inventory.json payment.json`
    fn with_services(&self, args: &[&str]) -> Ran {
        self.schema(&[args, &SERVICES].concat())
    }
}

/// What the sample's services print.
fn manifests() -> [Manifest; 3] {
    [order::service(), inventory::service(), payment::service()]
        .map(|service| Manifest::from(&service))
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// All of these words are in a text.
#[track_caller]
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in: {text}");
    }
}
