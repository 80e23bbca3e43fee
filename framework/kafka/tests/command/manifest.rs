//! The declaration as JSON, which needs no broker.

use kolo_core::choreography::Manifest;

use crate::mistyped::service;
use crate::typed::{Typed, command};

pub(crate) fn it_is_the_declaration_and_needs_no_broker() {
    let nowhere = ["manifest", "--bootstrap", "127.0.0.1:1"];
    let typed = Typed::from(command("mistyped", &nowhere).output().unwrap()).ends(0);
    assert_eq!(typed.out, Manifest::from(&service()).to_json());
    assert_eq!(
        Manifest::from_json(&typed.out),
        Ok(Manifest::from(&service()))
    );
}
