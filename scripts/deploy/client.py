"""A client of the sample's services, by HTTP and by command; and how a script that walks through them says so."""

import json
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from processes import Processes

CUPS = {"sku": "cup", "quantity": 2, "unit_price_cents": 450}

begun = time.monotonic()
script = Path(sys.argv[0]).stem


def say(text: str) -> None:
    print(f"{script}: {time.monotonic() - begun:5.1f} s  {text}", file=sys.stderr, flush=True)


def expect(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"{script}: error: {what}")


def call(processes: Processes, path: str, body: dict | None = None, headers: dict[str, str] | None = None) -> dict:
    """A request to the order's API, and the answer's JSON."""
    url = f"http://{processes.addresses['order']}:8080{path}"
    data = json.dumps(body).encode() if body else None
    request = urllib.request.Request(url, data, {"content-type": "application/json"} | (headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=40) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{script}: error: {url} answers {error.code}: {error.read().decode()}") from None


def publish(processes: Processes, event: str, **fields: object) -> None:
    processes.run("kolo", ["publish", event, json.dumps(fields), "--id", str(uuid.uuid4())])


def stock_cups(processes: Processes) -> None:
    """Goods are received, and are in stock: another topic may be read first, and an order without goods is cancelled."""
    publish(processes, "StockReceived", sku="cup", quantity=10)
    tail = ["tail", "inventory.stock", "--from", "beginning", "--type", "StockAdded", "--limit", "1", "--json"]
    expect('"cup"' in processes.run("kolo", tail), "the goods are not in stock")


def placed(processes: Processes, customer: str = "tourist", **headers: str) -> str:
    """An order over HTTP; its id."""
    body = {"customer_id": customer, "currency": "EUR", "lines": [CUPS]}
    return call(processes, "/orders", body, {"idempotency-key": str(uuid.uuid4())} | headers)["order_id"]


def expect_status(processes: Processes, order: str, status: str, wait: str) -> None:
    answer = call(processes, f"/orders/{order}?wait={wait}")
    expect(answer["status"] == status, f"order {order} should be {status}, and is: {answer}")
