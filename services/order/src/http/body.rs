//! An order as JSON. Whatever is wrong with it is told at once, field by field.

use serde_json::{Map, Value};
use shop_schemas::order::{CustomerId, OrderCreated, OrderId, OrderLine, Sku};

use super::problem::FieldError;

/// The most lines that an order may have.
const LINES: usize = 100;
/// The most pieces of one line.
const PIECES: i64 = 1_000_000;
/// The most characters of a name.
const CHARACTERS: usize = 128;
/// The longest that an order may wait for its answer: thirty days.
const WAIT_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The order in a body.
pub(super) fn order(body: &Value, order_id: OrderId) -> Result<OrderCreated, Vec<FieldError>> {
    let mut errors = Errors::default();
    let Some(fields) = body.as_object() else {
        errors.add("", "an order is a JSON object");
        return Err(errors.0);
    };
    errors.unknown(
        "",
        fields,
        &[
            "customer_id",
            "lines",
            "currency",
            "total_cents",
            "answer_within_seconds",
        ],
    );
    let customer_id = errors.name("/customer_id", fields.get("customer_id"));
    let currency = errors.currency(fields.get("currency"));
    let lines = errors.lines(fields.get("lines"));
    let total_cents = errors.total(fields.get("total_cents"), lines.as_deref());
    let within = "/answer_within_seconds";
    let answer_within_seconds = fields
        .get("answer_within_seconds")
        .filter(|value| !value.is_null())
        .and_then(|value| errors.whole(within, Some(value), 1, WAIT_SECONDS))
        .and_then(|seconds| i32::try_from(seconds).ok());
    match (customer_id, currency, lines, total_cents) {
        (Some(customer_id), Some(currency), Some(lines), Some(total_cents))
            if errors.0.is_empty() =>
        {
            Ok(OrderCreated {
                order_id,
                customer_id: CustomerId(customer_id),
                lines,
                currency,
                total_cents,
                answer_within_seconds,
            })
        }
        _ => Err(errors.0),
    }
}

#[derive(Default)]
struct Errors(Vec<FieldError>);

impl Errors {
    fn add(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError {
            pointer: pointer.into(),
            detail: detail.into(),
        });
    }

    fn unknown(&mut self, inside: &str, fields: &Map<String, Value>, known: &[&str]) {
        for name in fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let pointer = format!("{inside}/{}", name.replace('~', "~0").replace('/', "~1"));
            let detail = match name.as_str() {
                "order_id" => {
                    "an order's id is not chosen: it follows from the header Idempotency-Key"
                        .to_owned()
                }
                _ => format!("there is no such field; there are {}", known.join(", ")),
            };
            self.add(pointer, detail);
        }
    }

    /// A text that names something.
    fn name(&mut self, pointer: &str, value: Option<&Value>) -> Option<String> {
        let detail = match value {
            None => "this field is missing".to_owned(),
            Some(Value::String(text)) => {
                let count = text.chars().count();
                if text.trim().is_empty() {
                    "it is empty".to_owned()
                } else if count > CHARACTERS {
                    format!("it has {count} characters, and may have {CHARACTERS}")
                } else if text.chars().any(char::is_control) {
                    "it has control characters".to_owned()
                } else {
                    return Some(text.clone());
                }
            }
            Some(other) => format!("expected a text, and it is {}", kind(other)),
        };
        self.add(pointer, detail);
        None
    }

    fn currency(&mut self, value: Option<&Value>) -> Option<String> {
        let text = self.name("/currency", value)?;
        if text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Some(text);
        }
        self.add(
            "/currency",
            "expected an ISO 4217 code of three capital letters, such as `EUR`",
        );
        None
    }

    fn whole(
        &mut self,
        pointer: &str,
        value: Option<&Value>,
        least: i64,
        most: i64,
    ) -> Option<i64> {
        let detail = match value {
            None => "this field is missing".to_owned(),
            Some(value @ Value::Number(_)) => match value.as_i64() {
                Some(number) if (least..=most).contains(&number) => return Some(number),
                Some(_) => format!("expected a number from {least} to {most}"),
                None => format!("expected a whole number from {least} to {most}"),
            },
            Some(other) => format!("expected a whole number, and it is {}", kind(other)),
        };
        self.add(pointer, detail);
        None
    }

    fn lines(&mut self, value: Option<&Value>) -> Option<Vec<OrderLine>> {
        let lines = match value {
            None => {
                self.add("/lines", "this field is missing");
                return None;
            }
            Some(Value::Array(lines)) => lines,
            Some(other) => {
                let detail = format!("expected a list of lines, and it is {}", kind(other));
                self.add("/lines", detail);
                return None;
            }
        };
        if lines.is_empty() || lines.len() > LINES {
            let detail = format!("an order has 1 to {LINES} lines, and this {}", lines.len());
            self.add("/lines", detail);
            return None;
        }
        let read = (0..).zip(lines).map(|(at, line)| self.line(at, line));
        // All of them, so that every field that is wrong is told.
        let read: Vec<Option<OrderLine>> = read.collect();
        read.into_iter().collect()
    }

    fn line(&mut self, at: usize, line: &Value) -> Option<OrderLine> {
        let here = format!("/lines/{at}");
        let Some(fields) = line.as_object() else {
            let detail = format!("expected an object, and it is {}", kind(line));
            self.add(here, detail);
            return None;
        };
        self.unknown(&here, fields, &["sku", "quantity", "unit_price_cents"]);
        let sku = self.name(&format!("{here}/sku"), fields.get("sku"));
        let pointer = format!("{here}/quantity");
        let quantity = self.whole(&pointer, fields.get("quantity"), 1, PIECES);
        let pointer = format!("{here}/unit_price_cents");
        let price = self.whole(&pointer, fields.get("unit_price_cents"), 0, i64::MAX);
        Some(OrderLine {
            sku: Sku(sku?),
            quantity: i32::try_from(quantity?).ok()?,
            unit_price_cents: price?,
        })
    }

    /// The total: what the lines come to, which a client may say too.
    fn total(&mut self, said: Option<&Value>, lines: Option<&[OrderLine]>) -> Option<i64> {
        let pointer = "/total_cents";
        let said = match said.filter(|value| !value.is_null()) {
            None => None,
            Some(value) => Some(self.whole(pointer, Some(value), 1, i64::MAX)?),
        };
        let sum = lines?.iter().try_fold(0i64, |sum, line| {
            sum.checked_add(i64::from(line.quantity).checked_mul(line.unit_price_cents)?)
        });
        let detail = match (sum, said) {
            (None, _) => "the lines come to more than can be counted".to_owned(),
            (Some(0), _) => "the lines come to nothing, and there is nothing to pay".to_owned(),
            (Some(sum), Some(said)) if sum != said => format!("the lines come to {sum}"),
            (Some(sum), _) => return Some(sum),
        };
        self.add(pointer, detail);
        None
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use uuid::Uuid;

    const ID: OrderId = OrderId(Uuid::from_u128(1));

    fn good() -> Value {
        json!({
            "customer_id": "c-1",
            "currency": "EUR",
            "lines": [
                {"sku": "cup", "quantity": 2, "unit_price_cents": 450},
                {"sku": "pot", "quantity": 1, "unit_price_cents": 2500},
            ],
        })
    }

    fn errors(body: &Value) -> Vec<(String, String)> {
        let errors = order(body, ID).expect_err("something is wrong");
        let pairs = errors.into_iter();
        pairs.map(|error| (error.pointer, error.detail)).collect()
    }

    fn pointers(body: &Value) -> Vec<String> {
        errors(body)
            .into_iter()
            .map(|(pointer, _)| pointer)
            .collect()
    }

    #[test]
    fn the_total_is_what_the_lines_come_to() {
        let read = order(&good(), ID).unwrap();
        assert_eq!(
            (read.total_cents, read.answer_within_seconds),
            (3_400, None)
        );
        let mut said = good();
        said["total_cents"] = 3_400.into();
        said["answer_within_seconds"] = 60.into();
        assert_eq!(order(&said, ID).unwrap().answer_within_seconds, Some(60));
        said["total_cents"] = 3_401.into();
        assert_eq!(
            errors(&said),
            [("/total_cents".into(), "the lines come to 3400".into())]
        );
    }

    #[test]
    fn every_field_that_is_wrong_is_told() {
        let body = json!({
            "customer": "c-1",
            "order_id": "x",
            "currency": "euro",
            "total_cents": 1.5,
            "answer_within_seconds": 0,
            "lines": [
                {"sku": "", "quantity": 0, "unit_price_cents": -1},
                {"sku": 7, "quantity": "2", "unit_price_cents": 1, "a/b~": null},
                [],
                {},
            ],
        });
        let mut found = pointers(&body);
        found.sort();
        assert_eq!(
            found,
            [
                "/answer_within_seconds",
                "/currency",
                "/customer",
                "/customer_id",
                "/lines/0/quantity",
                "/lines/0/sku",
                "/lines/0/unit_price_cents",
                "/lines/1/a~1b~0",
                "/lines/1/quantity",
                "/lines/1/sku",
                "/lines/2",
                "/lines/3/quantity",
                "/lines/3/sku",
                "/lines/3/unit_price_cents",
                "/order_id",
                "/total_cents",
            ]
        );
    }

    #[test]
    fn what_is_no_order_at_all_and_what_is_too_much_is_told() {
        assert_eq!(pointers(&json!([])), [""]);
        let line = json!({"sku": "cup", "quantity": 1_000_000, "unit_price_cents": i64::MAX});
        let mut body = good();
        body["lines"] = json!([line]);
        assert_eq!(pointers(&body), ["/total_cents"]);
        body["lines"] = vec![line; 101].into();
        assert_eq!(pointers(&body), ["/lines"]);
        body["lines"] = json!([]);
        assert_eq!(pointers(&body), ["/lines"]);
        body = good();
        body["lines"] = json!([{"sku": "gift", "quantity": 1, "unit_price_cents": 0}]);
        assert_eq!(
            pointers(&body),
            ["/total_cents"],
            "inventory would reject it"
        );
        body = good();
        body["customer_id"] = "c".repeat(129).into();
        assert_eq!(pointers(&body), ["/customer_id"]);
        body["customer_id"] = "c\n1".into();
        assert_eq!(pointers(&body), ["/customer_id"]);
    }
}
