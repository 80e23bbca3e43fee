//! What is nobody's to see who reads a log: values that `Debug` does not print.

use std::cell::Cell;
use std::fmt;

thread_local! {
    static REVEALED: Cell<bool> = const { Cell::new(false) };
}

/// A value that `Debug` prints as `(hidden)`, but within [`revealed`]. Generated events wrap the fields so that their schemas
/// mark as `"sensitive"`; a `Debug` of your own can do the same.
///
/// ```
/// use kolo_core::{Hidden, revealed};
///
/// assert_eq!(format!("{:?}", Hidden(&"ada@example.com")), "(hidden)");
/// assert_eq!(revealed(|| format!("{:?}", Hidden(&7))), "7");
/// ```
pub struct Hidden<'a, T: ?Sized>(pub &'a T);

impl<T: fmt::Debug + ?Sized> fmt::Debug for Hidden<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if REVEALED.get() {
            self.0.fmt(f)
        } else {
            f.write_str("(hidden)")
        }
    }
}

/// Runs `print`; what it prints on this thread shows what is [`Hidden`]. For who asked to see it, and for tests, whose values
/// are nobody's.
pub fn revealed<R>(print: impl FnOnce() -> R) -> R {
    /// Also where `print` panics.
    struct Back(bool);
    impl Drop for Back {
        fn drop(&mut self) {
            REVEALED.set(self.0);
        }
    }
    let _back = Back(REVEALED.replace(true));
    print()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_revealed_is_hidden_again_also_after_a_panic() {
        let shown = || format!("{:?}", Hidden("ada"));
        assert_eq!(shown(), "(hidden)");
        assert_eq!(revealed(|| revealed(shown) + &shown()), "\"ada\"\"ada\"");
        let panicked =
            std::panic::catch_unwind(|| revealed(|| std::panic::resume_unwind(Box::new(()))));
        assert!(panicked.is_err());
        assert_eq!(shown(), "(hidden)");
    }
}
