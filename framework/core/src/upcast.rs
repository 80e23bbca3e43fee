//! Upcasts: what Avro's rules cannot say about an old version of an event, said by a function.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::event::DecodeError;
use crate::panic::message_of;

/// Turns an old version of an event into the next one that Avro's rules do not lead to.
///
/// The schema names the last version of each stretch, `"upcasts": [2]`, and the generator then makes a type of that version: a
/// record of `OrderCreated` that was written with version 2 or an older one is read as `order_created_v2::OrderCreated`, and is
/// turned by this function into what the next stretch ends with: the type of its last version, or the working one. So
/// upcasts are chained by their types, and whoever changes the working schema is told by the compiler what is missing here.
///
/// It is called wherever such a record is read: on arrival, in a redrive of what was parked, when a state is restored and
/// when it is decided again in a replay. So it is pure, as decisions are: the same record is the same event for ever, and what it
/// gives for records that were decided already is not changed. Key and saga stay what they are.
///
/// ```
/// use kolo_core::Upcast;
///
/// # struct V1 { name: String }
/// # struct Customer { first_name: String, last_name: String }
/// impl Upcast<Customer> for V1 { // generated: `customer_v1::Customer`
///     fn upcast(self) -> Customer {
///         let (first, last) = self.name.rsplit_once(' ').unwrap_or(("", &self.name));
///         Customer { first_name: first.into(), last_name: last.into() }
///     }
/// }
/// # assert_eq!(V1 { name: "Ada Lovelace".into() }.upcast().last_name, "Lovelace");
/// ```
///
/// # Panics
/// It gives an event for every record that there is. If it panics all the same, the record is treated as one that cannot
/// be decoded ([`DecodeError::Upcast`]).
#[diagnostic::on_unimplemented(
    message = "no upcast turns `{Self}` into `{New}`",
    label = "`Upcast<{New}>` is missing",
    note = "the schema's \"upcasts\" ends a stretch of versions here: write `impl kolo_core::Upcast<{New}> for {Self}` beside `include_events!`"
)]
pub trait Upcast<New> {
    /// The same fact, as the next stretch of versions tells it.
    #[must_use]
    fn upcast(self) -> New;
}

/// Runs an upcast, for generated code: what must not change (key and saga, by name) is told of both by closures.
#[doc(hidden)]
pub fn upcast<Old: Upcast<New>, New, const N: usize>(
    event: &'static str,
    version: u32,
    old: Old,
    place_of_old: impl Fn(&Old) -> [(&'static str, String); N],
    place_of_new: impl Fn(&New) -> [(&'static str, String); N],
) -> Result<New, DecodeError> {
    let failed = |problem| DecodeError::Upcast {
        event,
        version,
        problem,
    };
    let before = place_of_old(&old);
    let new = catch_unwind(AssertUnwindSafe(|| old.upcast()))
        .map_err(|panic| failed(format!("panicked: {}", message_of(panic.as_ref()))))?;
    for ((what, old), (_, new)) in before.iter().zip(place_of_new(&new)) {
        if *old != new {
            return Err(failed(format!(
                "changes the {what} from `{old}` to `{new}`"
            )));
        }
    }
    Ok(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq)]
    struct New(&'static str);

    enum Old {
        Kept,
        Moved,
        Panics,
    }

    impl Upcast<New> for Old {
        fn upcast(self) -> New {
            match self {
                Old::Kept => New("o-1"),
                Old::Moved => New("o-2"),
                Old::Panics => panic!("no such currency"),
            }
        }
    }

    fn run(old: Old) -> Result<New, String> {
        let key = |text: &str| [("key", text.to_owned())];
        upcast("shop.X", 2, old, |_| key("o-1"), |new| key(new.0))
            .map_err(|error| error.to_string())
    }

    #[test]
    fn what_it_must_not_do_is_told_with_event_and_version() {
        assert_eq!(run(Old::Kept), Ok(New("o-1")));
        assert_eq!(
            run(Old::Moved).unwrap_err(),
            "shop.X: the upcast of version 2 changes the key from `o-1` to `o-2`; mend it and build again"
        );
        assert_eq!(
            run(Old::Panics).unwrap_err(),
            "shop.X: the upcast of version 2 panicked: no such currency; mend it and build again"
        );
    }
}
