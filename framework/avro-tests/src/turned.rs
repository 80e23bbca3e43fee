//! The upcasts of [`Delivery`](crate::upcasts::Delivery).

use kolo_core::Upcast;

use crate::upcasts::{Address, Delivery, Progress};
use crate::{delivery_v2, delivery_v3};

/// A weight in kilograms was a text, an address was one line, and what was under way was called sent.
impl Upcast<delivery_v3::Delivery> for delivery_v2::Delivery {
    fn upcast(self) -> delivery_v3::Delivery {
        let kilograms = self.weight_kg.parse().unwrap_or(0.0_f64);
        let (street, city) = self.to.split_once(", ").unwrap_or((&self.to, ""));
        delivery_v3::Delivery {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "nothing that is delivered weighs more"
            )]
            grams: (kilograms * 1000.0).round() as i64,
            to: delivery_v3::Address {
                street: street.to_owned(),
                city: city.to_owned(),
            },
            status: match self.status {
                delivery_v2::Progress::Sent => Progress::UnderWay,
                delivery_v2::Progress::Lost => Progress::Lost,
            },
            id: self.id,
            order_id: self.order_id,
            size: self.size,
            note: self.note,
            price_euros: None,
        }
    }
}

/// A price was a number with a point.
impl Upcast<Delivery> for delivery_v3::Delivery {
    fn upcast(self) -> Delivery {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a cast saturates, and no delivery is as dear"
        )]
        let cents = |euros: f64| (euros * 100.0).round() as i64;
        Delivery {
            id: self.id,
            order_id: self.order_id,
            grams: self.grams,
            to: Address {
                street: self.to.street,
                city: self.to.city,
                country: "DE".to_owned(),
            },
            status: self.status,
            size: self.size,
            note: self.note,
            price_cents: self.price_euros.map(cents),
        }
    }
}
