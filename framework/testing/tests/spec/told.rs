//! What a failing specification tells: its message, and the line that it points at.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Where the panic is, while one is expected here.
    static EXPECTED: Cell<Option<(String, u32)>> = const { Cell::new(None) };
}

/// The message with which it fails. It must point at this file and line.
#[track_caller]
pub(crate) fn told(fails: impl FnOnce()) -> (String, u32) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            match (EXPECTED.take(), panic.location()) {
                (Some(_), Some(at)) => EXPECTED.set(Some((at.file().to_owned(), at.line()))),
                _ => usual(panic),
            }
        }));
    });
    EXPECTED.set(Some((String::new(), 0)));
    let panic = catch_unwind(AssertUnwindSafe(fails));
    let (file, line) = EXPECTED.take().unwrap_or_default();
    let Err(panic) = panic else {
        panic!("it does not fail")
    };
    assert!(
        file.contains("testing/tests/spec/"),
        "it points at {file}:{line}, and not at the test"
    );
    let message = panic.downcast_ref::<String>().cloned();
    (message.unwrap_or_default(), line)
}

/// The message with which it fails.
#[track_caller]
pub(crate) fn message(fails: impl FnOnce()) -> String {
    told(fails).0
}

/// All of these stand in the message, in this order.
#[track_caller]
pub(crate) fn assert_tells(message: &str, parts: &[&str]) {
    let mut rest = message;
    for part in parts {
        let Some((_, behind)) = rest.split_once(part) else {
            panic!("`{part}` is not told, or not there:\n{message}")
        };
        rest = behind;
    }
}
