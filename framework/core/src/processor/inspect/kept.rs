//! A state as it can be shown and compared: by the serde that its snapshots need.

use serde::Serialize;
use serde_json::Value;

use crate::declaration::SnapshotDecl;
use crate::processor::snapshot::is_in_another_order;

/// How often a state is read and written again before its order is believed to be its own: two entries of a hash map come
/// in the same order every second time.
const TRIES: usize = 32;

/// A state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct InspectedState {
    /// The state as JSON in lines, its fields in their declared order; the reason where it has no such form, as with a map
    /// whose keys are no text.
    pub json: Result<String, String>,
    /// As a snapshot writes it.
    bytes: Vec<u8>,
    /// Whether it writes itself in another order each time it is read: there is a hash map or a hash set in it.
    is_unordered: bool,
}

/// A state as JSON.
pub(crate) fn json<S: Serialize>(state: &S) -> Result<String, String> {
    serde_json::to_string_pretty(state).map_err(|error| error.to_string())
}

impl InspectedState {
    pub(super) fn of<S>(decl: &SnapshotDecl<S>, state: &S) -> Self {
        let mut bytes = Vec::new();
        let is_written = (decl.write)(state, &mut bytes).is_ok();
        let is_unordered = is_written && (0..TRIES).any(|_| comes_otherwise(decl, &bytes));
        InspectedState {
            json: (decl.json)(state),
            bytes,
            is_unordered,
        }
    }

    /// Whether it says the same. The order of a map's entries says nothing; nor does that of a list, where the state has
    /// an order of its own each time: it may be a set.
    #[must_use]
    pub fn is_same(&self, other: &InspectedState) -> bool {
        if self.bytes == other.bytes {
            return true;
        }
        let parse = |state: &InspectedState| -> Option<Value> {
            serde_json::from_str(state.json.as_deref().ok()?).ok()
        };
        let is_unordered = self.is_unordered || other.is_unordered;
        match (parse(self), parse(other)) {
            (Some(one), Some(other)) if one == other => true,
            (Some(one), Some(other)) => is_unordered && sorted(one) == sorted(other),
            _ => is_unordered && is_in_another_order(&self.bytes, &other.bytes),
        }
    }
}

fn comes_otherwise<S>(decl: &SnapshotDecl<S>, bytes: &[u8]) -> bool {
    let mut again = Vec::with_capacity(bytes.len());
    let read = (decl.read)(bytes).and_then(|state| (decl.write)(&state, &mut again));
    read.is_ok() && again != bytes
}

/// The value with all lists in one order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let mut list: Vec<Value> = list.into_iter().map(sorted).collect();
            list.sort_by_cached_key(Value::to_string);
            Value::Array(list)
        }
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(fields.map(|(name, value)| (name, sorted(value))).collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashMap, HashSet};

    use serde::de::DeserializeOwned;

    use super::*;
    use crate::processor::snapshot;

    fn of<S: Serialize + DeserializeOwned>(state: &S) -> InspectedState {
        let decl = SnapshotDecl {
            version: 1,
            write: snapshot::write::<S>,
            read: snapshot::read::<S>,
            json: json::<S>,
        };
        InspectedState::of(&decl, state)
    }

    fn same<S: Serialize + DeserializeOwned>(one: &S, other: &S) -> bool {
        of(one).is_same(&of(other))
    }

    #[test]
    fn the_order_of_a_map_or_a_set_says_nothing_and_that_of_a_list_does() {
        // Maps of their own seeds: of a hundred pairs, hardly any come in the same order.
        let map = || {
            HashMap::from([
                ("a".to_owned(), 1_u8),
                ("b".to_owned(), 2),
                ("c".to_owned(), 3),
            ])
        };
        let set = || HashSet::from(["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        // Its keys are no text, so that it has no JSON.
        let pairs = || HashMap::from([((1_u8, 2_u8), 3_u8), ((4, 5), 6), ((7, 8), 9)]);
        for _ in 0..100 {
            assert!(same(&map(), &map()));
            assert!(same(&set(), &set()));
            assert!(same(&pairs(), &pairs()));
        }
        assert!(of(&pairs()).json.is_err());
        assert!(!same(&vec![1_u8, 2], &vec![2_u8, 1]));
        assert!(!same(&(1_u8, 2_u8), &(2, 1)));
        assert!(!same(
            &map(),
            &HashMap::from([("a".to_owned(), 1), ("b".to_owned(), 2)])
        ));
        let swapped = HashMap::from([
            ("a".to_owned(), 2_u8),
            ("b".to_owned(), 1),
            ("c".to_owned(), 3),
        ]);
        assert!(!same(&map(), &swapped));
        assert!(!same(
            &BTreeMap::from([((1_u8, 2_u8), 3_u8)]),
            &BTreeMap::from([((1, 3), 2)])
        ));
    }

    #[test]
    fn fields_are_shown_in_their_declared_order() {
        #[derive(Serialize, serde::Deserialize)]
        struct State {
            second: u8,
            first: Option<u8>,
        }
        let state = State {
            second: 2,
            first: None,
        };
        let text = "{\n  \"second\": 2,\n  \"first\": null\n}";
        assert_eq!(of(&state).json.as_deref(), Ok(text));
    }
}
