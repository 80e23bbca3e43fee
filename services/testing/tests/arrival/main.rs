//! All services together: every order of arrival of one order, and many orders through crashes.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod many_orders;
mod one_order;
mod shop;
