//! The specifications of a reservation and of a stock, reaction by reaction.

mod events;
mod reservation;
mod stock;
