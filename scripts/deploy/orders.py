"""The order's HTTP API as a client uses it: who is told to come again later does so, under the same key."""

import json
import time
import urllib.error
import urllib.request
import uuid

CUPS = {"sku": "cup", "quantity": 2, "unit_price_cents": 450}
# In seconds: how long it comes again.
PATIENCE = 60


class Refused(SystemExit):
    """An answer that is not the one that was asked for; where nobody takes it, the script ends with it."""


def ask(url: str, body: dict | None = None, **headers: str) -> dict:
    """A request that may be sent again, and the answer's JSON."""
    data = json.dumps(body).encode() if body else None
    until = time.monotonic() + PATIENCE
    while True:
        request = urllib.request.Request(url, data, {"content-type": "application/json"} | headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            later = error.headers["Retry-After"]
            if error.code != 503 or later is None or time.monotonic() > until:
                raise Refused(f"error: {url} answers {error.code}: {error.read().decode()}") from None
            time.sleep(float(later))


def place(api: str, customer: str, **headers: str) -> str:
    """An order of two cups; its id."""
    body = {"customer_id": customer, "currency": "EUR", "lines": [CUPS]}
    return ask(f"{api}/orders", body, **({"idempotency-key": str(uuid.uuid4())} | headers))["order_id"]
