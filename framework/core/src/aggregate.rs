//! The declaration of an aggregate: what it reacts to, what it then emits, and how it undoes what it did.

use std::marker::PhantomData;
use std::panic::Location;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::barrier::MAX_STEPS;
use crate::declaration::{
    DeadlineDecl, Declaration, EffectDecl, ExhaustedDecl, ReactionDecl, RouteDecl, SnapshotDecl,
    UndoDecl,
};
use crate::description::{AcceptedFinding, Function, Kind};
use crate::effect::{Answers, Port};
use crate::emits::{Compensates, Emits, Outgoing};
use crate::event::{Event, OwnEvents, Owns};
use crate::id::CorrelationId;
use crate::key::Key;
use crate::policy::CallPolicy;
use crate::problem::InputProblem;
use crate::processor::{inspect, snapshot};
use crate::state::{Deadline, KeyOf, Received, State};
use crate::time::Timestamp;

/// The declaration of one aggregate with the state `S`.
///
/// ```text
/// Aggregate::<Stock>::new("stock")
///     .on(receive)                    // fn(&Stock, &Received<StockReceived>) -> StockAdded
///     .routed(skus, take)             // fn(&ReservationOpened) -> Vec<Sku>, fn(&Stock, &Received<..>) -> Result<..>
///     .undo(release)                  // fn(&Stock, &Received<PaymentFailed>, &StockTaken) -> StockReleased
/// ```
///
/// Reactions are plain `fn` items. Their names on the wire are made of the aggregate's name and of event names, so a
/// function may be renamed or moved at will.
#[must_use = "an aggregate does nothing until it is added to a service"]
pub struct Aggregate<S: State> {
    pub(crate) declaration: Declaration<S>,
}

/// The key type of an event that reaches the aggregate without a route: the aggregate's own.
#[diagnostic::on_unimplemented(
    message = "an event keyed by `{Self}` does not reach an aggregate keyed by `{K}` by itself",
    label = "this reaction's event is keyed by `{Self}`",
    note = "say where it goes: `.routed(keys, reaction)` instead of `.on(reaction)`, where `keys` is a plain `fn` from the event to values of `{K}`"
)]
pub trait KeyOfAggregate<K> {}

impl<K: Key> KeyOfAggregate<K> for K {}

/// Stops the build where a reaction captures variables: it would not be a function of its arguments alone.
struct PlainFn<F>(PhantomData<F>);

impl<F> PlainFn<F> {
    const CHECK: () = assert!(
        size_of::<F>() == 0,
        "a reaction must be a plain fn: this closure captures variables, so its answer would depend on more than the state and the event"
    );
}

/// [`PlainFn`]'s check where the function's type has no name.
const fn plain<F>(_: &F) {
    const { PlainFn::<F>::CHECK }
}

impl<S: State> Aggregate<S> {
    /// An aggregate of this name; with the service's name it makes the consumer group, and the names of its reactions.
    pub fn new(name: &'static str) -> Self {
        Aggregate {
            declaration: Declaration::new(name),
        }
    }

    /// Reacts to `E`, an event keyed by this aggregate's key.
    ///
    /// # Panics
    /// When the aggregate already reacts to `E`: one event type has one reaction.
    #[track_caller]
    pub fn on<E, R, F>(mut self, reaction: F) -> Self
    where
        F: Fn(&S, &Received<E>) -> R + Copy + Send + Sync + 'static,
        E: Event,
        E::Key: KeyOfAggregate<KeyOf<S>>,
        R: Emits<S::Event>,
    {
        const { PlainFn::<F>::CHECK };
        self.declaration.react(ReactionDecl {
            kind: Kind::On,
            trigger: E::TYPE,
            versions: E::VERSIONS,
            outgoing: outgoing::<R, S>(),
            function: Function::of::<F>(Location::caller()),
            pivot: false,
            blocked_by: 0,
            route: None,
            run: Box::new(move |decision| decision.decide::<E, R>(reaction)),
            saga: Box::new(saga_of::<E>),
        });
        self
    }

    /// Reacts to `E`, which is keyed by something else: `route` says which aggregates of this kind it concerns. A router
    /// forwards one copy to each, through the aggregate's inbox topic.
    ///
    /// # Panics
    /// When the aggregate already reacts to `E`: one event type has one reaction.
    #[track_caller]
    pub fn routed<E, K, R, P, F>(mut self, route: P, reaction: F) -> Self
    where
        P: Fn(&E) -> K + Copy + Send + Sync + 'static,
        K: IntoIterator<Item = KeyOf<S>>,
        F: Fn(&S, &Received<E>) -> R + Copy + Send + Sync + 'static,
        E: Event,
        R: Emits<S::Event>,
    {
        const { PlainFn::<P>::CHECK };
        const { PlainFn::<F>::CHECK };
        self.declaration.react(ReactionDecl {
            kind: Kind::Routed,
            trigger: E::TYPE,
            versions: E::VERSIONS,
            outgoing: outgoing::<R, S>(),
            function: Function::of::<F>(Location::caller()),
            pivot: false,
            blocked_by: 0,
            route: Some(RouteDecl {
                function: Function::of::<P>(Location::caller()),
                keys: Box::new(move |value, keys| {
                    let event = E::decode(value)?;
                    keys.extend(route(&event).into_iter().map(|key| key.text()));
                    Ok(())
                }),
            }),
            run: Box::new(move |decision| decision.decide::<E, R>(reaction)),
            saga: Box::new(saga_of::<E>),
        });
        self
    }

    /// Compensates: when `T` arrives, the own event `U` of the same saga is undone.
    ///
    /// The barrier covers every order of arrival: if `U` has not happened, it never will; if it has, the compensation
    /// gets it handed in; twice changes nothing. Several events `U` of one saga are undone in reverse order, each once.
    ///
    /// # Panics
    /// When the aggregate already undoes `U` on `T`.
    #[track_caller]
    pub fn undo<T, U, R, F>(mut self, compensation: F) -> Self
    where
        F: Fn(&S, &Received<T>, &U) -> R + Copy + Send + Sync + 'static,
        T: Event,
        T::Key: KeyOfAggregate<KeyOf<S>>,
        U: Event,
        S::Event: Owns<U>,
        R: Compensates<S::Event>,
    {
        const { PlainFn::<F>::CHECK };
        self.declaration.undo(UndoDecl {
            trigger: T::TYPE,
            versions: T::VERSIONS,
            undone: U::TYPE,
            step: 0,
            outgoing: outgoing::<R, S>(),
            function: Function::of::<F>(Location::caller()),
            run: Box::new(move |state, trigger, value, undone, out| {
                let received = Received::new(T::decode(value)?, trigger);
                compensation(state, &received, &U::decode(undone)?).emit(out);
                Ok(())
            }),
            check: Box::new(|value, key| {
                let event = T::decode(value)?;
                let saga = event.saga().map(|saga| CorrelationId::of_saga(&saga));
                Ok((saga, event.key().is(key)))
            }),
        });
        self
    }

    /// Declares the effect that the own event `P::Request` asks for: the port is called with it, and `then` turns the
    /// reply into the answer event.
    ///
    /// # Panics
    /// When the request already has an effect.
    #[track_caller]
    pub fn effect<P, R>(
        mut self,
        then: impl Fn(&S, &P::Request, P::Reply) -> R + Copy + Send + Sync + 'static,
    ) -> Self
    where
        P: Port,
        S::Event: Owns<P::Request>,
        R: Answers<S::Event>,
    {
        plain(&then);
        self.declaration.effect(EffectDecl::new::<P, R, _>(
            then,
            outgoing::<R, S>(),
            Location::caller(),
        ));
        self
    }

    /// Waits no longer than until a deadline: `due` tells from the state when that is, and `reaction` answers its passing.
    ///
    /// The deadline is a fold: it stands in no topic and no store, survives restarts and downtime, and is answered once
    /// for each due time. It is behind whatever was published before it passed, so that an answer that came in time
    /// counts, however late it is read. `Received::at()` is the due time; the cause is the own event that set it.
    ///
    /// ```text
    /// fn due(order: &Order) -> Option<Timestamp> { … }                         // None: nothing is waited for
    /// fn expire(_: &Order, deadline: &Received<Deadline<OrderId>>) -> OrderCancelled { … }
    ///
    /// Aggregate::<Order>::new("lifecycle").on(open).deadline(due, expire)
    /// ```
    ///
    /// After the answer, `due` should tell another time or `None`: one that was answered is not answered again.
    ///
    /// # Panics
    /// When the aggregate already has a deadline.
    #[track_caller]
    pub fn deadline<D, R, F>(mut self, due: D, reaction: F) -> Self
    where
        D: Fn(&S) -> Option<Timestamp> + Copy + Send + Sync + 'static,
        F: Fn(&S, &Received<Deadline<KeyOf<S>>>) -> R + Copy + Send + Sync + 'static,
        R: Answers<S::Event>,
    {
        const { PlainFn::<D>::CHECK };
        const { PlainFn::<F>::CHECK };
        self.declaration.deadline(DeadlineDecl {
            due: Box::new(due),
            outgoing: outgoing::<R, S>(),
            function: Function::of::<F>(Location::caller()),
            blocked_by: 0,
            run: Box::new(move |state, meta, out| {
                let key = meta.key.parse().map_err(|_| InputProblem::NoKey)?;
                reaction(state, &Received::new(Deadline { key }, meta)).emit(out);
                Ok(())
            }),
        });
        self
    }

    /// Says how the port of the effect declared last is called; [`CallPolicy::new`] unless told.
    ///
    /// ```text
    /// .effect::<Charge, _>(charged)
    /// .policy(CallPolicy::new().timeout(Duration::from_secs(5)).retries(Retries::at_most(10)))
    /// ```
    ///
    /// # Panics
    /// When no effect is declared yet.
    #[track_caller]
    pub fn policy(mut self, policy: CallPolicy) -> Self {
        self.declaration.policy(policy);
        self
    }

    /// Answers a request of the effect declared last where its port is called no more and has not replied: after a
    /// terminal error, or where the policy's bound is reached. Without it, the request's key is parked, and called again when it is redriven.
    ///
    /// The last call may have worked: answer with what is true in either case, such as an event that has somebody ask. A
    /// reply that comes after this answer is a repeat, and so is this after a reply: a request has one answer.
    ///
    /// ```text
    /// .effect::<Notify, _>(notified)       // fn(&Order, &NotifyRequested, Sent) -> CustomerNotified
    /// .policy(CallPolicy::new().retries(Retries::at_most(5)))
    /// .exhausted(not_notified)             // fn(&Order, &NotifyRequested) -> NotifyGivenUp
    /// ```
    ///
    /// # Panics
    /// When no effect is declared yet, when that declared last is requested by another event, or when it has such an
    /// answer.
    #[track_caller]
    pub fn exhausted<Q, R, F>(mut self, answer: F) -> Self
    where
        F: Fn(&S, &Q) -> R + Copy + Send + Sync + 'static,
        Q: Event,
        S::Event: Owns<Q>,
        R: Answers<S::Event>,
    {
        const { PlainFn::<F>::CHECK };
        let declared = ExhaustedDecl {
            function: Function::of::<F>(Location::caller()),
            run: Box::new(move |state, request, out| {
                answer(state, &Q::decode(request)?).emit(out);
                Ok(())
            }),
        };
        self.declaration
            .exhausted(Q::TYPE, outgoing::<R, S>(), declared);
        self
    }

    /// Marks the reaction declared last as the pivot of the saga: once it has emitted an event (other than a business
    /// failure), nothing of that saga is undone here any more.
    ///
    /// # Panics
    /// When no reaction is declared yet.
    #[track_caller]
    pub fn pivot(mut self) -> Self {
        self.declaration.pivot();
        self
    }

    /// Accepts the findings of one code about this aggregate: they are as they should be, for this reason. They are still
    /// listed, and one that is not found any more is a finding itself.
    ///
    /// ```text
    /// .accepts("refuses-after-pivot", "the warehouse answers for it: it ships from another site")
    /// ```
    ///
    /// # Panics
    /// When there is no such code, the reason is empty, or the code is accepted already.
    #[track_caller]
    pub fn accepts(mut self, code: &'static str, reason: &'static str) -> Self {
        let place = Location::caller();
        self.declaration.accepts(AcceptedFinding {
            code,
            reason,
            place,
        });
        self
    }

    /// How many answered inputs each key remembers by id, to recognise what is published twice; 128 unless told, and
    /// as many routed copies beside them.
    /// What is *read* twice is recognised by its position, without limit.
    pub fn remembers(mut self, answered_inputs: usize) -> Self {
        self.declaration.window = answered_inputs.max(1);
        self
    }

    /// Keeps snapshots: a restart then reads the tail of the stream only, and not all of it.
    ///
    /// A snapshot is a copy of what a restore gives, on the local disk, and disposable: where it does not fit, or is gone,
    /// the stream is read from its start. `version` is that of the state's type and of what is folded into it: raise it when
    /// the type changes, or when `evolve` or a deadline's `due` says something else about events that are in the stream
    /// already.
    ///
    /// The state is written field by field, without names. What serde needs names for is not readable again:
    /// `skip_serializing_if`, `untagged`, `flatten`.
    pub fn snapshots(mut self, version: u32) -> Self
    where
        S: Serialize + DeserializeOwned,
    {
        self.declaration.snapshots = Some(SnapshotDecl {
            version,
            write: snapshot::write::<S>,
            read: snapshot::read::<S>,
            json: inspect::json::<S>,
        });
        self
    }

    /// The version of this declaration, 1 unless told: raise it with a change that an older process must not undo by
    /// taking the stream back over. A lower version refuses to take over.
    pub fn version(mut self, version: u32) -> Self {
        self.declaration.version = version;
        self
    }
}

fn saga_of<E: Event>(value: &[u8]) -> Option<CorrelationId> {
    let event = E::decode(value).ok()?;
    event.saga().map(|saga| CorrelationId::of_saga(&saga))
}

fn outgoing<R: Emits<S::Event>, S: State>() -> Vec<Outgoing> {
    let mut edges = Vec::new();
    R::outgoing(&mut edges);
    edges
}

impl<S: State> std::fmt::Debug for Aggregate<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Aggregate")
            .field("name", &self.declaration.name)
            .finish_non_exhaustive()
    }
}

const _: () = assert!(MAX_STEPS == 64, "steps are kept as bits of a u64");

impl<S: State> Aggregate<S> {
    /// The stream's topic.
    #[must_use]
    pub fn stream(&self) -> &'static str {
        S::Event::STREAM
    }
}
