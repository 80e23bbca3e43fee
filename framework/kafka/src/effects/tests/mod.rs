//! The pool on a clock that runs only while everybody waits.

mod bench;
mod bounds;
mod breaker;
mod limits;
mod order;
mod ownership;
mod random;
