//! What a reaction may return: its type is the outgoing edge of the graph.

use std::convert::Infallible;

use crate::event::{EventType, OwnEvents};

/// How often, and in which case, a reaction emits an event type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outgoing {
    /// The event type that leaves.
    pub event: &'static EventType,
    /// Whether it is the business failure (`Err`) of a `Result`.
    pub failure: bool,
    /// Whether it may also not be emitted.
    pub optional: bool,
}

/// A reaction's return type: own events of the stream `O`.
///
/// Implemented for each generated event, and for `()`, `Option`, `Result` (an `Err` is a business failure, and an event),
/// `Vec`, arrays and tuples of them.
#[diagnostic::on_unimplemented(
    message = "a reaction cannot return `{Self}`",
    label = "not an own event of this stream, nor an Option, Result, Vec or tuple of them",
    note = "a reaction is synchronous and pure; to call the outside world, emit a request event and declare an `.effect` that answers it"
)]
pub trait Emits<O: OwnEvents> {
    /// Appends the events, in order.
    fn emit(self, out: &mut Vec<O>);

    /// Appends the event types that may leave here.
    fn outgoing(out: &mut Vec<Outgoing>);
}

/// What a compensation may return: like [`Emits`], but without a way to refuse.
#[diagnostic::on_unimplemented(
    message = "a compensation cannot return `{Self}`: it has no way to refuse",
    label = "expected the undoing event, or an Option, Vec or tuple of own events",
    note = "what was done is done: emit the event that undoes it; if the outside world may fail, request an effect and let its answer settle the undo"
)]
pub trait Compensates<O: OwnEvents>: Emits<O> {}

impl<O: OwnEvents> Emits<O> for () {
    fn emit(self, _: &mut Vec<O>) {}
    fn outgoing(_: &mut Vec<Outgoing>) {}
}

impl<O: OwnEvents> Emits<O> for Infallible {
    fn emit(self, _: &mut Vec<O>) {
        match self {}
    }
    fn outgoing(_: &mut Vec<Outgoing>) {}
}

impl<O: OwnEvents, T: Emits<O>> Emits<O> for Option<T> {
    fn emit(self, out: &mut Vec<O>) {
        if let Some(inner) = self {
            inner.emit(out);
        }
    }
    fn outgoing(out: &mut Vec<Outgoing>) {
        edit(out, T::outgoing, |edge| edge.optional = true);
    }
}

impl<O: OwnEvents, T: Emits<O>> Emits<O> for Vec<T> {
    fn emit(self, out: &mut Vec<O>) {
        for inner in self {
            inner.emit(out);
        }
    }
    fn outgoing(out: &mut Vec<Outgoing>) {
        edit(out, T::outgoing, |edge| edge.optional = true);
    }
}

impl<O: OwnEvents, T: Emits<O>, const N: usize> Emits<O> for [T; N] {
    fn emit(self, out: &mut Vec<O>) {
        for inner in self {
            inner.emit(out);
        }
    }
    fn outgoing(out: &mut Vec<Outgoing>) {
        T::outgoing(out);
    }
}

impl<O: OwnEvents, T: Emits<O>, F: Emits<O>> Emits<O> for Result<T, F> {
    fn emit(self, out: &mut Vec<O>) {
        match self {
            Ok(inner) => inner.emit(out),
            Err(refused) => refused.emit(out),
        }
    }
    fn outgoing(out: &mut Vec<Outgoing>) {
        edit(out, T::outgoing, |edge| edge.optional = true);
        edit(out, F::outgoing, |edge| {
            edge.optional = true;
            edge.failure = true;
        });
    }
}

/// Runs `list` and changes only what it appended.
fn edit(out: &mut Vec<Outgoing>, list: fn(&mut Vec<Outgoing>), change: fn(&mut Outgoing)) {
    let from = out.len();
    list(out);
    out[from..].iter_mut().for_each(change);
}

impl<O: OwnEvents> Compensates<O> for () {}
impl<O: OwnEvents, T: Compensates<O>> Compensates<O> for Option<T> {}
impl<O: OwnEvents, T: Compensates<O>> Compensates<O> for Vec<T> {}
impl<O: OwnEvents, T: Compensates<O>, const N: usize> Compensates<O> for [T; N] {}

macro_rules! tuples {
    ($(($($part:ident)+))+) => {$(
        impl<O: OwnEvents, $($part: Emits<O>),+> Emits<O> for ($($part,)+) {
            fn emit(self, out: &mut Vec<O>) {
                #[allow(non_snake_case)]
                let ($($part,)+) = self;
                $($part.emit(out);)+
            }
            fn outgoing(out: &mut Vec<Outgoing>) {
                $($part::outgoing(out);)+
            }
        }
        impl<O: OwnEvents, $($part: Compensates<O>),+> Compensates<O> for ($($part,)+) {}
    )+};
}
tuples! { (A B) (A B C) (A B C D) }

/// Implements [`Emits`], [`Compensates`] and [`Answers`](crate::Answers) for one event type; generated code calls it once an event.
///
/// One impl an event, not a blanket one: so that the compiler's complaint names the event, not a whole `Result<..>`.
#[macro_export]
macro_rules! emits {
    ($event:ty) => {
        impl<O: $crate::Owns<$event>> $crate::Emits<O> for $event {
            fn emit(self, out: &mut ::std::vec::Vec<O>) {
                out.push(O::from(self));
            }
            fn outgoing(out: &mut ::std::vec::Vec<$crate::Outgoing>) {
                out.push($crate::Outgoing {
                    event: <$event as $crate::Event>::TYPE,
                    failure: false,
                    optional: false,
                });
            }
        }
        impl<O: $crate::Owns<$event>> $crate::Compensates<O> for $event {}
        impl<O: $crate::Owns<$event>> $crate::Answers<O> for $event {}
    };
}
