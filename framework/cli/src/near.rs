//! Names near a mistyped one.

/// The names that `wanted` may have been meant to be, the nearest first, three at most.
pub(crate) fn near<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wanted = wanted.to_lowercase();
    let mut scored: Vec<(f64, &str)> = names
        .into_iter()
        .map(|name| {
            let short = name.rsplit('.').next().unwrap_or(name).to_lowercase();
            let score = strsim::jaro_winkler(&wanted, &short)
                .max(strsim::jaro_winkler(&wanted, &name.to_lowercase()));
            (score, name)
        })
        .filter(|(score, _)| *score > 0.8)
        .collect();
    scored.sort_by(|one, other| other.0.total_cmp(&one.0).then(one.1.cmp(other.1)));
    scored.truncate(3);
    scored.into_iter().map(|(_, name)| name).collect()
}

/// `near` as part of a sentence, or else all names; empty if there are none.
pub(crate) fn suggestion(wanted: &str, what: &str, names: &[&str]) -> String {
    let near = near(wanted, names.iter().copied());
    match (near.as_slice(), names) {
        (_, []) => String::new(),
        ([], all) => format!(" The {what} are: {}.", all.join(", ")),
        (near, _) => format!(" Did you mean {}?", near.join(" or ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_mistake_finds_its_name_and_nonsense_finds_none() {
        let names = [
            "shop.order.OrderCreated",
            "shop.order.OrderCancelled",
            "shop.payment.PaymentFailed",
        ];
        assert_eq!(near("OrderCraeted", names)[0], "shop.order.OrderCreated");
        assert_eq!(
            near("shop.order.OrderCreate", names)[0],
            "shop.order.OrderCreated"
        );
        assert!(near("zzz", names).is_empty());
        assert!(
            suggestion("zzz", "events", &names).contains("shop.payment.PaymentFailed"),
            "all are listed then"
        );
    }
}
