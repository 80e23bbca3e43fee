//! All services together: every order of arrival of one order, and many orders through crashes.

mod many_orders;
mod one_order;
mod shop;
